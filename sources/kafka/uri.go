package kafka

import (
	"fmt"
	"time"

	"sluice/internal/kafkaclient"
)

// Parse reads kafka://HOST:PORT[,HOST:PORT…]/TOPIC?… with these parameters, and
// those of kafkaclient.Target.Options:
//
//	group=NAME                   share the partitions with the group's other members
//	start=first|last|committed|TIME
//	binary=pass|withhold
//
// The rest of the Config is the caller's to set.
func Parse(uri string, env kafkaclient.Env, now time.Time) (Config, error) {
	t, err := kafkaclient.Parse(uri)
	if err != nil {
		return Config{}, err
	}
	cfg := Config{Topic: t.Topic, Group: t.Take("group")}
	if cfg.Client, err = t.Options(env); err != nil {
		return Config{}, err
	}
	if cfg.Start, err = ParseStart(t.Take("start"), now); err != nil {
		return Config{}, err
	}
	switch b := t.Take("binary"); b {
	case "", "pass":
	case "withhold":
		cfg.Binary = BinaryWithhold
	default:
		return Config{}, fmt.Errorf("binary=%q: want pass or withhold", b)
	}
	return cfg, t.Rest()
}

// Open makes the source that a URI names, as Parse reads it; base has the rest
// of the Config.
func Open(uri string, env kafkaclient.Env, base Config) (*Source, error) {
	cfg, err := Parse(uri, env, time.Now())
	if err != nil {
		return nil, err
	}
	cfg.Follow, cfg.Since, cfg.Until, cfg.Log = base.Follow, base.Since, base.Until, base.Log
	return New(cfg)
}
