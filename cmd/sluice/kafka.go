package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"sluice/internal/kafkaclient"
	"sluice/internal/pipeline"
	kafkasink "sluice/sinks/kafka"
	"sluice/sources/kafka"
)

// maxKafkaFile bounds a certificate, key or password file.
const maxKafkaFile = 1 << 20

// kafkaFlags are what redact has for topics.
type kafkaFlags struct {
	to     string
	follow bool
	listen string
}

func (f *kafkaFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.to, "to", "", "write to a topic, `kafka://HOST:PORT/TOPIC[?dead-letter=TOPIC]`: messages keep their partition, key, headers and time")
	flags.BoolVar(&f.follow, "follow", false, "with --to: go on for ever; the topic's group=NAME remembers where")
	registerListen(flags, &f.listen, "")
}

// isKafka says that a SOURCE or sink names topics.
func isKafka(uri string) bool { return strings.HasPrefix(uri, kafkaclient.Kind+"://") }

// kafkaEnv is where a kafka:// URI's parameters find what they name.
func kafkaEnv(a *app) kafkaclient.Env {
	return kafkaclient.Env{
		Lookup:   a.lookupEnv,
		ReadFile: func(path string) ([]byte, error) { return readSmall(path, maxKafkaFile) },
	}
}

// checkKafka refuses a group whose members would not print alike: their findings
// meet in one place.
func (f *detectFlags) checkKafka(a *app, args []string) error {
	for _, arg := range args {
		if !isKafka(arg) {
			continue
		}
		t, err := kafkaclient.Parse(arg)
		if err != nil {
			return usageError(err, "")
		}
		if key, err := f.printKey(a); t.Take("group") != "" && (key == nil || err != nil) {
			return usageError(errors.Join(errors.New("group= shares a topic among instances, which have to print alike: give each the same --print-key-file"), err),
				"make one: head -c 32 /dev/urandom | base64 > print.key")
		}
	}
	return nil
}

// checkCopy refuses what cannot be a copy of topics. ours says that --to, and not
// another sink, takes the clean bytes.
func (f *kafkaFlags) checkCopy(a *app, d *detectFlags, args []string, output string) (ours bool, err error) {
	if err := d.checkKafka(a, args); err != nil {
		return false, err
	}
	topics := 0
	for _, arg := range args {
		if isKafka(arg) {
			topics++
		}
	}
	switch {
	case f.to == "" && topics > 0:
		return false, usageError(errors.New("redact kafka://… has to be told where to: --to kafka://HOST:PORT/TOPIC"), "")
	case f.follow && (f.to == "" || topics < len(args)):
		return false, usageError(errors.New("--follow takes kafka:// sources and --to kafka://…"), "")
	case f.to == "":
		return false, nil
	case output != "":
		return false, usageError(errors.New("--to and -o name two places for the same bytes"), "")
	case !isKafka(f.to):
		return false, usageError(errors.New("--to: want kafka://HOST:PORT/TOPIC"), "")
	}
	for _, arg := range args {
		if err := f.checkSource(a, arg); err != nil {
			return false, usageError(err, "")
		}
	}
	return true, nil
}

// checkSource refuses to copy a topic into itself, and to follow one without
// remembering where.
func (f *kafkaFlags) checkSource(a *app, arg string) error {
	if !isKafka(arg) {
		return nil
	}
	t, err := kafkaclient.Parse(arg)
	if err != nil {
		return err
	}
	if f.follow && t.Take("group") == "" {
		return errors.New("--follow needs group=NAME in the source: without it each start would copy everything again")
	}
	to, err := kafkasink.Parse(f.to, kafkaEnv(a))
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	for _, topic := range []string{to.Topic, to.DeadLetter} {
		if topic != "" && kafka.Matches(t.Topic, topic) && sameCluster(t.Brokers, to.Client.Brokers) {
			return fmt.Errorf("topic %s would be copied into itself", topic)
		}
	}
	return nil
}

func sameCluster(a, b []string) bool {
	for _, addr := range a {
		for _, other := range b {
			if addr == other {
				return true
			}
		}
	}
	return false
}

// copies makes the sink of --to.
func (f *kafkaFlags) copies(ctx context.Context, a *app) (pipeline.Sink, error) {
	cfg, err := kafkasink.Parse(f.to, kafkaEnv(a))
	if err != nil {
		return nil, usageError(fmt.Errorf("--to: %w", err), "")
	}
	cfg.Follow, cfg.Log = f.follow, a.log
	sink, err := kafkasink.NewCopies(ctx, cfg)
	if err != nil {
		return nil, sinkError(err)
	}
	return sink, nil
}

// sinkError tells a place that cannot be reached from wrong use.
func sinkError(err error) error {
	if errors.As(err, new(*kafkaclient.Error)) {
		return incompleteError(err, "")
	}
	return usageError(err, "")
}
