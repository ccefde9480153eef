package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"sluice/detectors/known"
	"sluice/internal/pipeline"
	"sluice/internal/record"
)

const (
	// canaryWait is how long a false key may take to come back.
	canaryWait = 30 * time.Second
	// canaryFirst is when the first one flies: one that were printed before the
	// sources look for the first time would be a part of what was there before.
	canaryFirst = 5 * time.Second
	// canaryKept is how many of a gateway's last false keys are recognised.
	canaryKept = 3
	// minCanary keeps canaries from overtaking one another.
	minCanary = time.Minute
	// canaryPrefix is what no rule takes for a key.
	canaryPrefix = "sluice-canary-"
)

// canaryGateway sends a value where the gateway prints it; *gateway.Client is one.
type canaryGateway interface {
	Base() string
	Canary(ctx context.Context, value string) error
}

// canaryControl proves that what gateways print still reaches the detectors: each
// sends a harmless value through a gateway's log and wants it back as a finding.
// Findings of these values end here.
type canaryControl struct {
	pipeline.Sink // what all other findings go to
	detection     *detection
	every         time.Duration
	log           *slog.Logger

	mu    sync.Mutex
	birds []*canary
}

// canary is the state of one gateway.
type canary struct {
	gateway canaryGateway
	sent    []*flight // the last canaryKept
	back    time.Time // when one came back last; zero: never
	missing string    // why the last one did not; "": it did, or it is on its way
	told    bool      // an alert was delivered for missing
}

// flight is one value on its way.
type flight struct {
	name  string // of the told value; names it in findings
	value string
	back  chan struct{} // closed when it is found
	found bool
}

func newCanaryControl(to pipeline.Sink, d *detection, every time.Duration, gateways []canaryGateway, log *slog.Logger) *canaryControl {
	c := &canaryControl{Sink: to, detection: d, every: every, log: log}
	for _, g := range gateways {
		c.birds = append(c.birds, &canary{gateway: g})
	}
	return c
}

// run sends until ctx ends.
func (c *canaryControl) run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, b := range c.birds {
		wg.Go(func() {
			next := time.NewTimer(canaryFirst)
			defer next.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-next.C:
				}
				next.Reset(c.every)
				c.fly(ctx, b)
			}
		})
	}
	wg.Wait()
}

// fly sends one value and waits for it.
func (c *canaryControl) fly(ctx context.Context, b *canary) {
	f, err := c.release(b)
	if err == nil {
		err = b.gateway.Canary(ctx, f.value)
	}
	if err != nil {
		c.judge(ctx, b, "the canary could not be sent: "+err.Error())
		return
	}
	timer := time.NewTimer(canaryWait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-f.back:
		c.judge(ctx, b, "")
	case <-timer.C:
		c.judge(ctx, b, fmt.Sprintf("a canary sent %v ago did not come back from any log that is followed", canaryWait))
	}
}

// release makes a value that is looked for from now on.
func (c *canaryControl) release(b *canary) (*flight, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	value := canaryPrefix + hex.EncodeToString(random)
	f := &flight{name: value[:len(canaryPrefix)+8], value: value, back: make(chan struct{})}
	c.mu.Lock()
	b.sent = append(b.sent, f)
	b.sent = b.sent[max(0, len(b.sent)-canaryKept):]
	var told []known.Told
	for _, b := range c.birds {
		for _, f := range b.sent {
			told = append(told, known.Told{Name: f.name, Rule: ruleCanary, Value: record.NewSecret(f.value), Asked: true})
		}
	}
	c.mu.Unlock()
	d, _ := known.New(told)
	return f, c.detection.setCanaries(d)
}

// judge keeps the outcome of a flight and alerts once an outage.
func (c *canaryControl) judge(ctx context.Context, b *canary, missing string) {
	if ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	was := b.missing
	b.missing = missing
	if missing == "" {
		b.back, b.told = time.Now(), false
	}
	alert := missing != "" && !b.told
	c.mu.Unlock()
	switch {
	case alert:
		c.log.Error("the log path is not proven", "gateway", b.gateway.Base(), "reason", missing)
		if err := c.detection.tell(ctx, c.Sink, c.detection.notice(ruleCanaryMissing, b.gateway.Base(), missing, time.Now())); err == nil {
			c.mu.Lock()
			b.told = true
			c.mu.Unlock()
		}
	case was != "" && missing == "":
		c.log.Info("the canary is back", "gateway", b.gateway.Base())
	case missing == "":
		c.log.Debug("the canary is back", "gateway", b.gateway.Base())
	}
}

// Write takes the canaries out of the findings.
func (c *canaryControl) Write(ctx context.Context, ds []record.Delivery) error {
	for i := range ds {
		ds[i].Findings = c.without(ds[i].Findings)
	}
	return c.Sink.Write(ctx, ds)
}

func (c *canaryControl) without(fs []record.Finding) []record.Finding {
	kept := fs[:0]
	for i := range fs {
		if fs[i].Rule != ruleCanary {
			kept = append(kept, fs[i])
			continue
		}
		c.seen(fs[i].Name)
	}
	return kept
}

func (c *canaryControl) seen(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.birds {
		for _, f := range b.sent {
			if f.name == name && !f.found {
				f.found = true
				close(f.back)
			}
		}
	}
}

// unready says which gateways' canaries are missing.
func (c *canaryControl) unready() (reasons []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range c.birds {
		if b.missing != "" {
			reasons = append(reasons, b.gateway.Base()+": "+b.missing)
		}
	}
	return reasons
}

// ages is since when each gateway's canary was last back; gateways whose canary
// never was are not in it.
func (c *canaryControl) ages(now time.Time) map[string]time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]time.Duration{}
	for _, b := range c.birds {
		if !b.back.IsZero() {
			out[b.gateway.Base()] = now.Sub(b.back)
		}
	}
	return out
}
