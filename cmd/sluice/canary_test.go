package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/rules"
)

// kept is a sink that keeps findings.
type kept struct {
	mu       sync.Mutex
	findings []record.Finding
}

func (k *kept) Write(_ context.Context, ds []record.Delivery) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range ds {
		k.findings = append(k.findings, ds[i].Findings...)
	}
	return nil
}

func (k *kept) Close(context.Context) error { return nil }

func (k *kept) all() []record.Finding {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]record.Finding(nil), k.findings...)
}

func testDetection(t *testing.T) *detection {
	t.Helper()
	set, err := rules.Load(nil, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDetection(detectionConfig{rules: set, printKey: []byte("0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// examine is what a worker does with one line of a log, without the pipeline.
func examine(t *testing.T, d *detection, resolve func(context.Context, []record.Match), to pipeline.Sink, line string) {
	t.Helper()
	cfg := d.pipeline()
	b := record.Batch{Origin: record.Origin{Kind: "file", Name: "gateway.log"}, Text: []byte(line),
		Records: []record.Record{{Span: record.Span{End: len(line)}, Line: 1}}}
	cfg.Views(&b)
	var ms []record.Match
	for _, det := range cfg.Detectors() {
		ms = det.Detect(ms, &b)
	}
	if resolve != nil {
		resolve(t.Context(), ms)
	}
	if err := to.Write(t.Context(), []record.Delivery{cfg.Redactor.Apply(&b, ms)}); err != nil {
		t.Error(err)
	}
}

// printing is a gateway that prints the query of each request, or is broken.
type printing struct {
	print func(line string)
	mu    sync.Mutex
	down  error // of the request
	mute  bool  // nothing is printed
	sent  int
}

func (p *printing) Base() string { return "http://gateway.test" }

func (p *printing) Canary(_ context.Context, value string) error {
	p.mu.Lock()
	p.sent++
	down, mute := p.down, p.mute
	p.mu.Unlock()
	if down != nil || mute {
		return down
	}
	p.print(`INFO: 127.0.0.1:39176 - "GET /v1/models?sluice_canary=` + value + ` HTTP/1.1" 401 Unauthorized` + "\n")
	return nil
}

func (p *printing) set(down error, mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down, p.mute = down, mute
}

// A canary that comes back is nobody's finding; one that does not turns the
// sidecar red and is told once, until one comes back again.
func TestCanaryProvesTheLogPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every = 5 * time.Minute
		d, sink := testDetection(t), &kept{}
		g := &printing{}
		c := newCanaryControl(sink, d, every, []canaryGateway{g}, slog.New(slog.DiscardHandler))
		g.print = func(line string) { examine(t, d, nil, c, line) }
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { c.run(ctx) })
		defer run.Wait()
		defer cancel()

		time.Sleep(canaryFirst + 2*every + time.Second)
		if why := c.unready(); g.sent != 3 || len(why) > 0 || len(sink.all()) > 0 {
			t.Fatalf("%d canaries are back: unready %q, findings %v", g.sent, why, sink.all())
		}
		if age := c.ages(time.Now())["http://gateway.test"]; age != time.Second {
			t.Errorf("age %v, want a second", age)
		}
		g.set(nil, true)
		time.Sleep(every + canaryWait)
		if why := c.unready(); len(why) != 1 {
			t.Fatalf("a mute log leaves the sidecar ready: %q", why)
		}
		time.Sleep(3 * every)
		alerts := sink.all()
		if len(alerts) != 1 || alerts[0].Rule != ruleCanaryMissing || alerts[0].Severity != record.SeverityHigh {
			t.Fatalf("an outage of three canaries is told as %v", alerts)
		}
		g.set(errors.New("connection refused"), false)
		time.Sleep(every)
		if why := c.unready(); len(why) != 1 {
			t.Fatalf("a gateway that is down: %q", why)
		}
		g.set(nil, false)
		time.Sleep(every)
		if why := c.unready(); len(why) > 0 {
			t.Fatalf("after the log is back: %q", why)
		}
		g.set(nil, true)
		time.Sleep(2 * every)
		if alerts := sink.all(); len(alerts) != 2 {
			t.Errorf("the second outage: %d alerts in all", len(alerts))
		}
	})
}
