package gate

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"path"
	"sort"
	"strings"
	"time"

	"sluice/internal/record"
)

// Config says what to test and how hard.
type Config struct {
	Gateway    string   // URL as users reach it
	Replicas   []string // URL of each replica, in order
	Master     record.Secret
	Model      string // "": the first that the gateway lists
	Checks     []Check
	Blueprints map[string]Blueprint
	Only, Skip []string // ids, systems, or globs of ids
	Safe       bool
	Thorough   bool

	MaxRevocation time.Duration
	SpendDeadline time.Duration
	Timeout       time.Duration // of the whole run, clean-up included
	Patience      time.Duration // with the answer to one request
	Jobs          int
	Rate          float64 // requests a second
	MaxRequests   int

	Logs            LogProbe
	LogSources      []string // as the user named them
	Provider        ProviderProbe
	ProviderAddress string // where that listens
	Waivers         []Waiver
	Scrub           *Scrubber
	TLS             *tls.Config
	RunID           string
	Version         string        // of sluice
	Progress        func(Outcome) // called as each check ends, from several goroutines
	Sent            func(Request) // tests: every request as sent
	Dial            DialFunc      // tests: nil connects by TCP
}

// DialFunc connects to an address, as net.Dialer.DialContext does.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Defaults that cmd offers as flags.
const (
	DefaultTimeout = 5 * time.Minute
	// DefaultPatience is what a healthy gateway needs by far; LiteLLM's own
	// provider timeout is set lower by most.
	DefaultPatience      = 20 * time.Second
	DefaultMaxRevocation = 5 * time.Second
	// DefaultSpendDeadline: LiteLLM writes spend in batches, every 10 to 60 s
	// (proxy_batch_write_at).
	DefaultSpendDeadline = time.Minute
	DefaultJobs          = 4
	DefaultRate          = 25
	DefaultMaxRequests   = 3000
)

func (c *Config) fill() {
	c.Gateway = strings.TrimRight(c.Gateway, "/")
	replicas := make([]string, len(c.Replicas))
	for i, r := range c.Replicas {
		replicas[i] = strings.TrimRight(r, "/")
	}
	c.Replicas = replicas
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Patience <= 0 {
		c.Patience = DefaultPatience
	}
	if c.MaxRevocation <= 0 {
		c.MaxRevocation = DefaultMaxRevocation
	}
	if c.SpendDeadline <= 0 {
		c.SpendDeadline = DefaultSpendDeadline
	}
	if c.Jobs <= 0 {
		c.Jobs = DefaultJobs
	}
	if c.MaxRequests <= 0 {
		c.MaxRequests = DefaultMaxRequests
	}
	if c.RunID == "" {
		c.RunID = NewRunID()
	}
	if c.Scrub == nil {
		c.Scrub = &Scrubber{}
	}
}

// plan is the run as it is known before the gateway was asked.
func (c *Config) plan() Plan {
	return Plan{Run: c.RunID, Gateway: c.Gateway, Replicas: c.Replicas, Model: c.Model,
		Logs: c.LogSources, ProviderAddress: c.ProviderAddress, Thorough: c.Thorough, Safe: c.Safe, Only: c.Only, Skip: c.Skip, Timeout: c.Timeout, MaxRevocation: c.MaxRevocation, SpendDeadline: c.SpendDeadline}
}

// Select is the checks that a run reports, and for those that it will not run
// the reason.
func (c *Config) Select() (checks []Check, skipped map[string]string, err error) {
	for _, pattern := range append(append([]string(nil), c.Only...), c.Skip...) {
		if !anyMatches(pattern, c.Checks) {
			return nil, nil, fmt.Errorf("no check is called %q", pattern)
		}
	}
	skipped = map[string]string{}
	for _, check := range c.Checks {
		if len(c.Only) > 0 && !matches(check, c.Only) {
			continue
		}
		switch {
		case matches(check, c.Skip):
			skipped[check.ID] = "left out by --skip"
		case c.Safe && !check.Safe:
			skipped[check.ID] = "left out by --safe: it creates, changes or costs something"
		case check.Thorough && !c.Thorough && len(c.Only) == 0:
			skipped[check.ID] = "only with --thorough"
		}
		checks = append(checks, check)
	}
	return checks, skipped, nil
}

func anyMatches(pattern string, checks []Check) bool {
	for _, check := range checks {
		if matches(check, []string{pattern}) {
			return true
		}
	}
	return false
}

// matches says whether a pattern is the check's id, its system, or a glob of ids.
func matches(check Check, patterns []string) bool {
	for _, p := range patterns {
		if p == check.ID || p == check.System {
			return true
		}
		if ok, err := path.Match(p, check.ID); err == nil && ok {
			return true
		}
	}
	return false
}

func sortChanges(changes []Change) {
	sort.Slice(changes, func(i, j int) bool { return changes[i].ID < changes[j].ID })
}
