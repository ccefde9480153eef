package main

import (
	"context"
	"log/slog"
	"sync"

	"sluice/detectors/virtualkey"
	"sluice/internal/gateway"
	"sluice/internal/pipeline"
	"sluice/internal/record"
)

// The bounds of what owners remembers: hashes of keys that nobody knew, and
// findings of each. Others stay as they were reported, without an owner.
const (
	maxStrangers        = 4096
	maxStrangerFindings = 64
)

// owners names the keys whose owner was not known when they were found: made
// since the last refresh, or found before the gateway answered at all. An
// answer is a second delivery of the finding, with the same fingerprint and
// update set. It never holds up what is being read.
type owners struct {
	pipeline.Sink // what deliveries go to
	detection     *detection
	ask           *gateway.Resolver // nil: no gateway
	log           *slog.Logger
	stats         *pipeline.Stats // counts what no batch brings

	mu        sync.Mutex
	strangers map[[32]byte]*stranger // by hash
	prints    map[[8]byte]*stranger  // the same ones
}

// stranger is a key that no snapshot knew.
type stranger struct {
	hash     [32]byte
	print    [8]byte
	findings []record.Finding // one of each fingerprint
	known    *record.KeyInfo  // the answer came before its finding was delivered
}

func newOwners(to pipeline.Sink, d *detection, log *slog.Logger) *owners {
	return &owners{Sink: to, detection: d, log: log, stats: &pipeline.Stats{}, strangers: map[[32]byte]*stranger{}, prints: map[[8]byte]*stranger{}}
}

// resolve is the pipeline's: it completes cut keys and notes who is not known.
func (o *owners) resolve(ctx context.Context, ms []record.Match) {
	now := o.detection.current.Load()
	for i := range ms {
		m := &ms[i]
		switch {
		case m.Rule == virtualkey.RulePartial:
			o.detection.completer.Complete(ctx, m, now.live)
		case m.Rule == virtualkey.RuleVirtual && m.Whole && o.detection.owner(m.Hash) == nil:
			o.note(m)
		}
	}
}

// note remembers a key and asks for it.
func (o *owners) note(m *record.Match) {
	o.mu.Lock()
	if _, met := o.strangers[m.Hash]; !met {
		if len(o.strangers) >= maxStrangers { // a flood: the newest are the ones that may be named
			clear(o.strangers)
			clear(o.prints)
		}
		s := &stranger{hash: m.Hash, print: o.detection.redactor.Print(m.Secret)}
		o.strangers[m.Hash], o.prints[s.print] = s, s
	}
	o.mu.Unlock()
	if o.ask != nil {
		o.ask.Ask(m.Hash) // one that is dropped is asked for again at its next finding
	}
}

// Write passes deliveries on and keeps the findings that may be named later.
func (o *owners) Write(ctx context.Context, ds []record.Delivery) error {
	if err := o.Sink.Write(ctx, ds); err != nil {
		return err
	}
	var late []record.Delivery
	o.mu.Lock()
	for i := range ds {
		for j := range ds[i].Findings {
			if u, ok := o.keep(&ds[i].Findings[j]); ok {
				late = append(late, u)
			}
		}
	}
	o.mu.Unlock()
	if len(late) == 0 {
		return nil
	}
	return o.Sink.Write(ctx, late)
}

// keep wants o.mu held. It gives the update of a finding whose answer is here.
func (o *owners) keep(f *record.Finding) (record.Delivery, bool) {
	if f.Rule != virtualkey.RuleVirtual || !f.Whole || f.Update || f.Key == nil || f.Key.State != record.KeyUnknown {
		return record.Delivery{}, false
	}
	s := o.prints[f.Print]
	if s == nil || len(s.findings) >= maxStrangerFindings {
		return record.Delivery{}, false
	}
	for i := range s.findings {
		if s.findings[i].Fingerprint == f.Fingerprint {
			return record.Delivery{}, false
		}
	}
	s.findings = append(s.findings, *f)
	if s.known == nil {
		return record.Delivery{}, false
	}
	return o.update(f, s.known), true
}

func (o *owners) update(f *record.Finding, key *record.KeyInfo) record.Delivery {
	owned := o.detection.redactor.Owned(*f, key)
	if !f.Known { // it was counted as what it seemed to be
		o.stats.BySeverity[f.Severity].Add(-1)
		o.stats.BySeverity[owned.Severity].Add(1)
	}
	return record.Delivery{Origin: f.Origin, Findings: []record.Finding{owned}}
}

// answer is the resolver's: the gateway knows the key.
func (o *owners) answer(hash [32]byte, key *record.KeyInfo) {
	o.detection.asked.put(hash, key)
	o.deliver(func(s *stranger) *record.KeyInfo {
		if s.hash == hash {
			return key
		}
		return nil
	})
}

// refreshed is the store's: keys that were found before they were known are
// looked up in the new snapshot.
func (o *owners) refreshed(keys *gateway.Snapshot) {
	o.deliver(func(s *stranger) *record.KeyInfo {
		if k, ok := keys.Lookup(s.hash); ok {
			return k
		}
		return nil
	})
}

// deliver tells of the strangers that who knows.
func (o *owners) deliver(who func(*stranger) *record.KeyInfo) {
	var out []record.Delivery
	o.mu.Lock()
	for _, s := range o.strangers {
		if s.known != nil {
			continue
		}
		if s.known = who(s); s.known == nil {
			continue
		}
		for i := range s.findings {
			out = append(out, o.update(&s.findings[i], s.known))
		}
	}
	o.mu.Unlock()
	o.tell(out)
}

// tell delivers findings that no batch brings.
func (o *owners) tell(out []record.Delivery) {
	if len(out) == 0 {
		return
	}
	if err := o.Sink.Write(context.Background(), out); err != nil {
		o.log.Error("deliver what became known of a key", "err", err)
	}
}

// discovered delivers findings that were none when their lines were read.
func (o *owners) discovered(out []record.Delivery) {
	for i := range out {
		o.stats.Findings.Add(int64(len(out[i].Findings)))
		for j := range out[i].Findings {
			if f := &out[i].Findings[j]; !f.Known {
				o.stats.BySeverity[f.Severity].Add(1)
			}
		}
	}
	o.tell(out)
}
