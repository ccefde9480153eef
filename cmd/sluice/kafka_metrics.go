package main

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/internal/pipeline"
	"sluice/sources/kafka"
)

// kafkaCollector shows what topics have to tell, asked at each scrape. Topics
// are names that the cluster's owner gave, not text of a log.
//
//	sluice_kafka_lag{topic,partition}     messages of our partitions that are not committed
//	sluice_kafka_messages_total           read
//	sluice_kafka_binary_total             of them with a value that is not text
//	sluice_kafka_lost_total               deleted by the broker before they were read
//	sluice_kafka_rebalances_total         times the group gave us partitions
//	sluice_kafka_stalls_total             readers that got nothing in spite of lag, restarted
//	sluice_kafka_refused_commits_total    commits refused or without an answer
type kafkaCollector struct{ sources []pipeline.Source }

var kafkaLagDesc = prometheus.NewDesc("sluice_kafka_lag", "Messages of our partitions that are not committed.", []string{"topic", "partition"}, nil)

var kafkaCounters = []struct {
	desc *prometheus.Desc
	read func(kafka.Counts) int64
}{
	{kafkaDesc("messages", "Messages read."), func(c kafka.Counts) int64 { return c.Messages }},
	{kafkaDesc("binary", "Messages with a value that is not text."), func(c kafka.Counts) int64 { return c.Binary }},
	{kafkaDesc("lost", "Messages deleted by the broker before they were read."), func(c kafka.Counts) int64 { return c.Lost }},
	{kafkaDesc("rebalances", "Times the group gave us partitions."), func(c kafka.Counts) int64 { return c.Rebalances }},
	{kafkaDesc("stalls", "Readers restarted because they got nothing in spite of lag."), func(c kafka.Counts) int64 { return c.Stalls }},
	{kafkaDesc("refused_commits", "Commits refused or without an answer."), func(c kafka.Counts) int64 { return c.RefusedCommits }},
}

func kafkaDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("sluice_kafka_"+name+"_total", help, nil, nil)
}

// Describe names all metrics.
func (k kafkaCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- kafkaLagDesc
	for _, c := range kafkaCounters {
		ch <- c.desc
	}
}

// Collect sums over the sources that are topics; without one there is nothing.
func (k kafkaCollector) Collect(ch chan<- prometheus.Metric) {
	var all []kafka.Counts
	for _, s := range k.sources {
		src, ok := s.(*kafka.Source)
		if !ok {
			continue
		}
		all = append(all, src.Counts())
		for _, l := range src.Lag() {
			ch <- prometheus.MustNewConstMetric(kafkaLagDesc, prometheus.GaugeValue, float64(l.Messages()), l.Topic, strconv.Itoa(l.Partition))
		}
	}
	if len(all) == 0 {
		return
	}
	for _, c := range kafkaCounters {
		sum := int64(0)
		for _, counts := range all {
			sum += c.read(counts)
		}
		ch <- prometheus.MustNewConstMetric(c.desc, prometheus.CounterValue, float64(sum))
	}
}
