package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"sluice/internal/gateway"
	"sluice/internal/pipeline"
	"sluice/internal/record"
)

// metrics is what /metrics shows. Names follow Prometheus' conventions; no label
// has a value from a log: rules and severities are ours.
//
//	sluice_bytes_total                    examined, as read
//	sluice_records_total                  lines, or parts of messages, delivered
//	sluice_records_withheld_total         not passed on, because they were not examined whole
//	sluice_findings_total{rule,severity}  that are not known
//	sluice_detector_panics_total          each cost a record, not the process
//	sluice_streams_total                  opened
//	sluice_last_delivery_timestamp_seconds
//	sluice_keys                           known, of all states
//	sluice_keys_age_seconds               since the oldest gateway was read; absent before the first time
//	sluice_reloads_total{result}          done or failed, after SIGHUP
//	sluice_build_info{version}
//	go_…, process_…                       goroutines, memory, descriptors: the usual ones
type metrics struct {
	registry *prometheus.Registry
	findings *prometheus.CounterVec
	last     prometheus.Gauge
	reloads  *prometheus.CounterVec
}

func newMetrics(stats *pipeline.Stats, store *gateway.Store) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_findings_total", Help: "Findings that are not known."}, []string{"rule", "severity"}),
		reloads:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_reloads_total", Help: "Reloads after SIGHUP."}, []string{"result"}),
		last:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_last_delivery_timestamp_seconds", Help: "When something was delivered last."}),
	}
	m.registry.MustRegister(m.findings, m.last, m.reloads, keyCollector{store})
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.counter("sluice_bytes_total", "Bytes examined, as read.", stats.Bytes.Load)
	m.counter("sluice_records_total", "Records delivered.", stats.Records.Load)
	m.counter("sluice_records_withheld_total", "Records not passed on, because they were not examined whole.", stats.Withheld.Load)
	m.counter("sluice_detector_panics_total", "Panics of detectors; each cost a record.", stats.Panics.Load)
	m.counter("sluice_streams_total", "Streams opened.", stats.Streams.Load)
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "sluice_build_info", Help: "The version that runs.", ConstLabels: prometheus.Labels{"version": version()}})
	info.Set(1)
	m.registry.MustRegister(info)
	return m
}

func (m *metrics) counter(name, help string, read func() int64) {
	m.registry.MustRegister(counterFunc(prometheus.Opts{Name: name, Help: help}, func() float64 { return float64(read()) }))
}

func (m *metrics) gauge(name, help string, read func() int64) {
	m.registry.MustRegister(gaugeFunc(prometheus.Opts{Name: name, Help: help}, func() float64 { return float64(read()) }))
}

// gaps counts what was gone before a kind of source read it.
func (m *metrics) gaps(source string, read func() int64) {
	o := prometheus.Opts{Name: "sluice_gaps_total", Help: "Times that lines were gone before they were read.", ConstLabels: prometheus.Labels{"source": source}}
	m.registry.MustRegister(counterFunc(o, func() float64 { return float64(read()) }))
}

// Write counts findings on their way to the sinks.
func (m *metrics) Write(_ context.Context, ds []record.Delivery) error {
	m.last.Set(float64(time.Now().UnixMilli()) / 1000)
	for i := range ds {
		for j := range ds[i].Findings {
			if f := &ds[i].Findings[j]; !f.Known && !f.Update {
				m.findings.WithLabelValues(f.Rule, f.Severity.String()).Inc()
			}
		}
	}
	return nil
}

// Close keeps what was counted: the last scrape may come later.
func (m *metrics) Close(context.Context) error { return nil }

// keyCollector reads the store when it is asked. Age is absent until every
// gateway was read once, so that an alert on its absence works.
type keyCollector struct{ store *gateway.Store }

var (
	keysDesc = prometheus.NewDesc("sluice_keys", "Keys of gateways that are known, of all states.", nil, nil)
	ageDesc  = prometheus.NewDesc("sluice_keys_age_seconds", "Time since the gateway that was read longest ago was read.", nil, nil)
)

func (c keyCollector) Describe(ch chan<- *prometheus.Desc) { ch <- keysDesc; ch <- ageDesc }

func (c keyCollector) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(keysDesc, prometheus.GaugeValue, float64(c.store.Snapshot().Len()))
	if age, known := c.store.Age(time.Now()); known {
		ch <- prometheus.MustNewConstMetric(ageDesc, prometheus.GaugeValue, age.Seconds())
	}
}
