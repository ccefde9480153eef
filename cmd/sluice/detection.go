package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"

	"sluice/detectors"
	"sluice/detectors/known"
	"sluice/detectors/pattern"
	"sluice/detectors/virtualkey"
	"sluice/internal/gateway"
	"sluice/internal/logtime"
	"sluice/internal/pipeline"
	"sluice/internal/reassemble"
	"sluice/internal/record"
	"sluice/internal/redact"
	"sluice/internal/report"
	"sluice/internal/view"
	"sluice/rules"
)

// detection is what examines and redacts, the same for every command: told
// secrets, live keys and rules, behind one atomic pointer, so that a refresh of
// keys or a reload of rules swaps all of them between two batches.
type detection struct {
	current   atomic.Pointer[detectorSet]
	prefixes  []string        // of virtual keys
	swap      sync.Mutex      // one change of current at a time
	told      *known.Detector // by the user
	learnt    *known.Detector // live keys that were seen whole; outlives reloads
	completer *virtualkey.Completer
	ask       *gateway.Resolver // nil: no gateway to ask for single keys
	asked     asked
	redactor  *redact.Redactor
	rules     []report.Rule
	known     *knownFindings
	notes     []string // what was not used and why, by name
}

// detectorSet is one set that belongs together.
type detectorSet struct {
	list  []pipeline.Detector // by precedence
	live  *virtualkey.Detector
	shape *pattern.Detector
	keys  *gateway.Snapshot
}

// detectionConfig is what a detection is made of.
type detectionConfig struct {
	rules       *rules.Set
	told        []namedSecret
	master      record.Secret
	keys        *gateway.Snapshot // may be nil
	keyPrefixes []string          // nil: "sk-"
	printKey    []byte            // nil: random for this run
	honorAllow  bool
	requiredMet bool
	known       *knownFindings // may be nil
}

func newDetection(c detectionConfig) (*detection, error) {
	d := &detection{
		completer: virtualkey.NewCompleter(virtualkey.CompleterOptions{}),
		rules:     reportRules(detectors.Rules(c.rules)), known: c.known, prefixes: c.keyPrefixes,
		notes: append([]string(nil), c.rules.Warnings...),
	}
	d.tell(c)
	shape, err := pattern.New(c.rules, pattern.Options{HonorAllowComments: c.honorAllow, RequiredMet: c.requiredMet})
	if err != nil {
		return nil, err
	}
	if err := d.set(c.keys, shape); err != nil {
		return nil, usageError(err, "")
	}
	given := c.printKey != nil
	if !given {
		c.printKey = make([]byte, 32)
		if _, err := rand.Read(c.printKey); err != nil {
			return nil, fmt.Errorf("make a print key: %w", err)
		}
	}
	table := redactRules(detectors.Rules(c.rules))
	cfg := redact.Config{
		PrintKey: c.printKey, KeyGiven: given,
		Rules:  func(id string) (redact.Rule, bool) { r, ok := table[id]; return r, ok },
		Keys:   d.owner,
		Prefix: known.PublicPrefix,
		Time:   logtime.Parse,
		LiveAt: gateway.LiveAt,
	}
	if c.known != nil {
		cfg.Ignore = c.known.match
		if c.known.baseline != nil {
			cfg.Baseline = c.known.baseline
		}
	}
	d.redactor = redact.New(cfg)
	return d, nil
}

// set puts a set of detectors in the place of the current one. Batches that are
// being examined keep theirs.
func (d *detection) set(keys *gateway.Snapshot, shape *pattern.Detector) error {
	live, err := virtualkey.New(keys, virtualkey.Options{Prefixes: d.prefixes})
	if err != nil {
		return err
	}
	d.current.Store(&detectorSet{
		list: detectors.InOrder(d.told, learner{live, d}, d.learnt, shape), live: live, shape: shape, keys: keys,
	})
	return nil
}

// setKeys swaps the live keys, after a refresh.
func (d *detection) setKeys(keys *gateway.Snapshot) error {
	d.swap.Lock()
	defer d.swap.Unlock()
	return d.set(keys, d.current.Load().shape)
}

// tell makes the detector of told secrets and notes what it does not look for.
func (d *detection) tell(c detectionConfig) {
	var told []known.Told
	if !c.master.Empty() {
		told = append(told, known.Told{Name: "LITELLM_MASTER_KEY", Rule: known.RuleMaster, Value: c.master, Asked: true, Gateway: true})
	}
	for _, s := range c.told {
		told = append(told, known.Told{Name: s.name, Value: s.value, Asked: s.asked})
	}
	var skipped []known.Skipped
	d.told, skipped = known.New(told)
	d.learnt, _ = known.New(nil)
	for _, s := range skipped {
		d.notes = append(d.notes, fmt.Sprintf("%s is not looked for: %s", s.Name, s.Reason))
	}
}

// learner tells a known detector of its own of live keys that were seen whole: from then
// on they are found in every encoding and in part. They stay in memory.
type learner struct {
	*virtualkey.Detector
	d *detection
}

func (l learner) Detect(dst []record.Match, b *record.Batch) []record.Match {
	from := len(dst)
	dst = l.Detector.Detect(dst, b)
	for i := from; i < len(dst); i++ {
		m := &dst[i]
		if m.Rule != virtualkey.RuleVirtual || !m.Whole || m.Withhold {
			continue
		}
		if _, alive := l.d.current.Load().keys.Lookup(m.Hash); alive {
			l.d.learnt.Add(known.Told{Rule: virtualkey.RuleVirtual, Value: record.NewSecret(string(m.Secret)), Asked: true, Gateway: true})
		}
	}
	return dst
}

func (d *detection) detectors() []pipeline.Detector { return d.current.Load().list }

// owner says whose a key is.
func (d *detection) owner(hash [32]byte) *record.KeyInfo {
	if k, ok := d.current.Load().keys.Lookup(hash); ok {
		return k
	}
	return d.asked.get(hash)
}

// maxAsked bounds the requests of one pass for keys that no snapshot knew.
const maxAsked = 200

// asked remembers what the gateway said of single keys.
type asked struct {
	mu   sync.Mutex
	keys map[[32]byte]*record.KeyInfo // nil: nobody knows it
	over bool                         // the gateway has failed: it is not asked again
}

func (a *asked) get(hash [32]byte) *record.KeyInfo {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.keys[hash]
}

// look asks for a key once, as long as there are requests left.
func (a *asked) look(hash [32]byte, ask func() (*record.KeyInfo, error)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, done := a.keys[hash]; done || a.over || len(a.keys) >= maxAsked {
		return
	}
	if a.keys == nil {
		a.keys = map[[32]byte]*record.KeyInfo{}
	}
	k, err := ask()
	a.keys[hash], a.over = k, err != nil
}

// resolve names owners that the snapshot alone does not: of cut keys, where what
// is missing can be found, and of keys made since it was taken. One pass waits
// for the answers, since its report is to be whole; both are bounded.
func (d *detection) resolve(ctx context.Context, ms []record.Match) {
	now := d.current.Load()
	for i := range ms {
		m := &ms[i]
		switch m.Rule {
		case virtualkey.RulePartial:
			d.completer.Complete(ctx, m, now.live)
		case virtualkey.RuleVirtual:
			if _, ok := now.keys.Lookup(m.Hash); ok || d.ask == nil || !m.Whole {
				continue
			}
			d.asked.look(m.Hash, func() (*record.KeyInfo, error) {
				k, _, err := d.ask.Resolve(ctx, m.Hash)
				return k, err
			})
		}
	}
}

// hold is how much of a line end could begin a secret that goes on behind it.
func (d *detection) hold(text []byte) int { return max(d.told.Hold(text), d.learnt.Hold(text)) }

// pipeline is the part of a pipeline's configuration that detection decides.
func (d *detection) pipeline() pipeline.Config {
	return pipeline.Config{
		Detectors: d.detectors, Views: view.Expand, Resolve: d.resolve, Redactor: d.redactor,
		Hold: func() reassemble.Hold { return d.hold },
	}
}

// redactRules is what the redactor knows of rules, by id and by the name that
// placeholders show.
func redactRules(all []detectors.Rule) map[string]redact.Rule {
	table := map[string]redact.Rule{}
	for _, r := range all {
		known := redact.Rule{Severity: r.Severity, Strong: r.Strong}
		table[r.ID], table[redact.RuleName(r.ID)] = known, known
	}
	return table
}

// reportRules is what reports say of rules.
func reportRules(all []detectors.Rule) []report.Rule {
	out := make([]report.Rule, 0, len(all))
	for _, r := range all {
		shown := report.Rule{ID: r.ID, Description: r.Description, Help: r.Help, Severity: r.Severity, Tags: r.Tags}
		if r.Exact {
			shown.Precision = "very-high"
		}
		out = append(out, shown)
	}
	return out
}
