package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
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
	learnt    *known.Detector // live keys that were seen whole, secrets of containers; outlives reloads
	late      *late           // nil: what is read is examined once
	completer *virtualkey.Completer
	ask       *gateway.Resolver // nil: no gateway to ask for single keys
	asked     asked
	redactor  *redact.Redactor
	rules     []report.Rule
}

// detectorSet is one set that belongs together.
type detectorSet struct {
	list   []pipeline.Detector // by precedence
	told   *known.Detector     // by the user
	live   *virtualkey.Detector
	shape  *pattern.Detector
	canary *known.Detector // nil: none is sent
	keys   *gateway.Snapshot
	rules  map[string]redact.Rule
	known  *knownFindings // never nil
	notes  []string       // what was not used and why, by name
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
	table := ruleTable(c.rules)
	d := &detection{
		completer: virtualkey.NewCompleter(virtualkey.CompleterOptions{}),
		rules:     reportRules(table), prefixes: c.keyPrefixes,
	}
	d.learnt, _ = known.New(nil)
	if err := d.load(c, table); err != nil {
		return nil, err
	}
	given := c.printKey != nil
	if !given {
		c.printKey = make([]byte, 32)
		if _, err := rand.Read(c.printKey); err != nil {
			return nil, fmt.Errorf("make a print key: %w", err)
		}
	}
	cfg := redact.Config{
		PrintKey: c.printKey, KeyGiven: given,
		Rules:  func(id string) (redact.Rule, bool) { r, ok := d.current.Load().rules[id]; return r, ok },
		Keys:   d.owner,
		Prefix: known.PublicPrefix,
		Time:   logtime.Parse,
		LiveAt: gateway.LiveAt,
		Ignore: func(f *record.Finding) (string, bool) { return d.current.Load().known.match(f) },
	}
	if c.known != nil && c.known.baseline != nil {
		cfg.Baseline = currentBaseline{d}
	}
	d.redactor = redact.New(cfg)
	return d, nil
}

// ruleTable is the rules of all detectors, and those of what Sluice says itself.
// It takes a few milliseconds: how strong a form is, its expression says.
func ruleTable(set *rules.Set) []detectors.Rule {
	return append(detectors.Rules(set), noticeRules()...)
}

// load puts a whole set in the place of the current one, if there is one; keys of
// nil keep the current ones; table is that of c.rules. After an error all is as
// before.
func (d *detection) load(c detectionConfig, table []detectors.Rule) error {
	shape, err := pattern.New(c.rules, pattern.Options{HonorAllowComments: c.honorAllow, RequiredMet: c.requiredMet})
	if err != nil {
		return err
	}
	told, skipped := toldSecrets(c)
	next := &detectorSet{told: told, shape: shape, keys: c.keys, rules: redactRules(table), known: c.known}
	if next.known == nil {
		next.known = &knownFindings{}
	}
	next.notes = append(next.notes, c.rules.Warnings...)
	for _, s := range skipped {
		next.notes = append(next.notes, fmt.Sprintf("%s is not looked for: %s", s.Name, s.Reason))
	}
	err = d.change(func(now *detectorSet) *detectorSet {
		if now != nil && c.keys == nil {
			next.keys, next.canary = now.keys, now.canary
		}
		return next
	})
	if err != nil {
		return usageError(err, "")
	}
	return nil
}

// change swaps the set for what edit makes of it. Batches that are being
// examined keep theirs.
func (d *detection) change(edit func(now *detectorSet) *detectorSet) error {
	d.swap.Lock()
	defer d.swap.Unlock()
	next := edit(d.current.Load())
	var keys virtualkey.Keys // nil where there are none: nothing is looked up then, which is half of the work
	if next.keys.Len() > 0 {
		keys = next.keys
	}
	live, err := virtualkey.New(keys, virtualkey.Options{Prefixes: d.prefixes})
	if err != nil {
		return err
	}
	next.live = live
	next.list = detectors.InOrder(next.told, learner{live, d}, d.learnt, next.shape)
	if next.canary != nil {
		next.list = append([]pipeline.Detector{next.canary}, next.list...)
	}
	if d.late != nil {
		next.list = append(next.list, d.late)
	}
	d.current.Store(next)
	return nil
}

// examineLate has what may be a key examined again once there are newer keys.
func (d *detection) examineLate(log *slog.Logger) error {
	d.late = newLate(d, log)
	return d.change(func(now *detectorSet) *detectorSet {
		next := *now
		return &next
	})
}

// setKeys swaps the live keys, after a refresh.
func (d *detection) setKeys(keys *gateway.Snapshot) error {
	return d.change(func(now *detectorSet) *detectorSet {
		next := *now
		next.keys = keys
		return &next
	})
}

// setCanaries swaps the false keys that are looked for.
func (d *detection) setCanaries(canary *known.Detector) error {
	return d.change(func(now *detectorSet) *detectorSet {
		next := *now
		next.canary = canary
		return &next
	})
}

// toldSecrets makes the detector of told secrets and says what it does not look for.
func toldSecrets(c detectionConfig) (*known.Detector, []known.Skipped) {
	var told []known.Told
	if !c.master.Empty() {
		told = append(told, known.Told{Name: masterVariable, Rule: known.RuleMaster, Value: c.master, Asked: true, Gateway: true})
	}
	for _, s := range c.told {
		told = append(told, known.Told{Name: s.name, Value: s.value, Asked: s.asked})
	}
	return known.New(told)
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

// put keeps an answer that came by itself, within the same bound.
func (a *asked) put(hash [32]byte, key *record.KeyInfo) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys == nil || len(a.keys) >= maxAsked {
		a.keys = map[[32]byte]*record.KeyInfo{} // the next snapshot has them all
	}
	a.keys[hash] = key
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
func (d *detection) hold(text []byte) int {
	now := d.current.Load()
	return max(now.told.Hold(text), now.live.Hold(text), d.learnt.Hold(text))
}

// pipeline is the part of a pipeline's configuration that detection decides.
func (d *detection) pipeline() pipeline.Config {
	return pipeline.Config{
		Detectors: d.detectors, Views: view.Lend, Resolve: d.resolve, Redactor: d.redactor,
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
