package kafka

import (
	"fmt"
	"regexp"
	"time"

	"sluice/internal/kafkaclient"
	"sluice/internal/record"
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

// Matches says whether a Config.Topic means a topic of this name; one that New
// would refuse means none.
func Matches(wanted, name string) bool {
	if kafkaclient.IsTopic(wanted) {
		return wanted == name
	}
	match, err := pattern(wanted)
	return err == nil && match.MatchString(name)
}

// pattern is a Config.Topic that is no name, for whole names.
func pattern(wanted string) (*regexp.Regexp, error) {
	match, err := regexp.Compile("^(?:" + wanted + ")$")
	if err != nil {
		return nil, fmt.Errorf("topic %s is neither a name nor a regular expression: %w", record.Printable(wanted), err)
	}
	return match, nil
}
