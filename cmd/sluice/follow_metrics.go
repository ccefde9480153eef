package main

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/internal/pipeline"
	"sluice/sinks/webhook"
	"sluice/sources/docker"
	"sluice/sources/file"
	"sluice/sources/kafka"
)

// watchSources registers what sources count, and takes stalls into /readyz.
//
//	sluice_files, sluice_files_open, sluice_files_rotations_total
//	sluice_files_behind_bytes         there at the last look and not read
//	sluice_containers, sluice_docker_stalls_total, sluice_docker_again_total
//	sluice_gaps_total{source}         times that lines were gone before they were read
//	sluice_lag_seconds                how long the oldest of what is there waits to be delivered
//	sluice_kafka_…                    see kafkaCollector
func (w *following) watchSources(sources []pipeline.Source) {
	var behind []func() int64
	var streams []func() []progress
	var containers []*docker.Stats
	topics := false
	for _, src := range sources {
		switch src := src.(type) {
		case *file.Source:
			n := src.Stats()
			behind = append(behind, n.Behind.Load)
			streams = append(streams, func() []progress { return fileProgress(src) })
			w.metrics.gauge("sluice_files", "Logs that are there.", n.Files.Load)
			w.metrics.gauge("sluice_files_open", "Descriptors of logs.", n.Open.Load)
			w.metrics.gauge("sluice_files_behind_bytes", "Bytes that were there at the last look and not read.", n.Behind.Load)
			w.metrics.counter("sluice_files_rotations_total", "Rotations followed.", n.Rotations.Load)
			w.metrics.gaps("file", n.Gaps.Load)
		case *docker.Source:
			containers = append(containers, src.Stats())
		case *kafka.Source:
			topics = true
			behind = append(behind, func() int64 {
				sum := int64(0)
				for _, l := range src.Lag() {
					sum += l.Messages()
				}
				return sum
			})
			streams = append(streams, func() []progress { return topicProgress(src) })
		}
	}
	if len(containers) > 0 {
		w.metrics.docker(containers)
	}
	if topics {
		w.metrics.registry.MustRegister(kafkaCollector{sources})
	}
	w.stall = &stall{behind: behind, stats: w.stats}
	w.lag = &lag{most: w.maxLag, read: streams}
	w.ready = append(w.ready, w.stall.unready, w.lag.unready)
	if len(streams) > 0 {
		w.metrics.registry.MustRegister(gaugeFunc(prometheus.Opts{Name: "sluice_lag_seconds", Help: "How long the oldest of what is there waits to be delivered."},
			func() float64 { return w.lag.worst(time.Now()).age.Seconds() }))
	}
}

// watchSinks registers what sinks count, and takes an open breaker into /readyz.
func (w *following) watchSinks(sinks []pipeline.Sink) {
	n := 0
	for _, s := range sinks {
		hook, ok := s.(*webhook.Sink)
		if !ok {
			continue
		}
		name := fmt.Sprint(n) // a URL may be the credential
		n++
		w.metrics.webhook(name, hook.Stats)
		w.ready = append(w.ready, func() []string {
			if st := hook.Stats(); st.Down {
				return []string{fmt.Sprintf("the receiver of webhook %s is down, %d findings wait", name, st.Waiting)}
			}
			return nil
		})
	}
}

// docker registers the sums over all sources that are containers.
func (m *metrics) docker(all []*docker.Stats) {
	sum := func(read func(*docker.Stats) int64) func() int64 {
		return func() (n int64) {
			for _, s := range all {
				n += read(s)
			}
			return n
		}
	}
	m.gauge("sluice_containers", "Containers that are read.", sum(func(s *docker.Stats) int64 { return s.Containers.Load() }))
	m.counter("sluice_docker_stalls_total", "Connections that had gone silent and were made anew.", sum(func(s *docker.Stats) int64 { return s.Stalls.Load() }))
	m.counter("sluice_docker_again_total", "Messages that came again and were dropped.", sum(func(s *docker.Stats) int64 { return s.Again.Load() }))
	m.gaps("docker", sum(func(s *docker.Stats) int64 { return s.Gaps.Load() }))
}

func (m *metrics) webhook(name string, stats func() webhook.Stats) {
	label := prometheus.Labels{"webhook": name}
	add := func(kind func(prometheus.Opts, func() float64) prometheus.Collector, name, help string, read func(webhook.Stats) int64) {
		m.registry.MustRegister(kind(prometheus.Opts{Name: name, Help: help, ConstLabels: label}, func() float64 { return float64(read(stats())) }))
	}
	add(counterFunc, "sluice_webhook_delivered_total", "Findings that the receiver took.", func(s webhook.Stats) int64 { return s.Delivered })
	add(counterFunc, "sluice_webhook_refused_total", "Findings that the receiver refused for good.", func(s webhook.Stats) int64 { return s.Refused })
	add(counterFunc, "sluice_webhook_dropped_total", "Findings for which the spool had no room.", func(s webhook.Stats) int64 { return s.Dropped })
	add(counterFunc, "sluice_webhook_damaged_total", "Findings that the disk of the spool gave back damaged.", func(s webhook.Stats) int64 { return s.Damaged })
	add(counterFunc, "sluice_webhook_failed_requests_total", "Requests that failed.", func(s webhook.Stats) int64 { return s.Failed })
	add(gaugeFunc, "sluice_webhook_waiting", "Findings that wait.", func(s webhook.Stats) int64 { return s.Waiting })
	add(gaugeFunc, "sluice_webhook_spool_bytes", "Bytes in the spool.", func(s webhook.Stats) int64 { return s.Bytes })
	add(gaugeFunc, "sluice_webhook_down", "1 while the receiver is given a rest.", func(s webhook.Stats) int64 {
		if s.Down {
			return 1
		}
		return 0
	})
}

func counterFunc(o prometheus.Opts, f func() float64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts(o), f)
}

func gaugeFunc(o prometheus.Opts, f func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts(o), f)
}

// canaryCollector shows how long each gateway's canary has been away.
type canaryCollector struct{ control *canaryControl }

var canaryDesc = prometheus.NewDesc("sluice_canary_age_seconds", "Time since a false key came back as a finding; absent before the first one did.", []string{"gateway"}, nil)

func (c canaryCollector) Describe(ch chan<- *prometheus.Desc) { ch <- canaryDesc }

func (c canaryCollector) Collect(ch chan<- prometheus.Metric) {
	for gateway, age := range c.control.ages(time.Now()) {
		ch <- prometheus.MustNewConstMetric(canaryDesc, prometheus.GaugeValue, age.Seconds(), gateway)
	}
}
