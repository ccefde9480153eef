package pattern

import (
	"errors"
	"runtime"
	"slices"
	"strings"

	"sluice/internal/record"
	"sluice/rules"
)

// Options are what the wiring decides about all rules.
type Options struct {
	// HonorAllowComments lets a comment gitleaks:allow on a line hide what is
	// found there. For files whose writer is trusted only.
	HonorAllowComments bool
	// RequiredMet takes the rules that another rule requires as met: when
	// secrets are taken out, half a pair is no reason to leave it in.
	RequiredMet bool
}

// Detector runs a set of rules. It implements pipeline.Detector.
type Detector struct {
	options    Options
	rules      []*rule
	ofFiles    []*rule // those that have a path and no expression
	global     []*allowlist
	allowlists int  // of rules and global ones
	required   bool // some rule requires another
	wideWords  bool // some keyword is not ASCII
	engine     *engine
	logs       *[maxQuick]float64
	kinds      kinds
	idle       chan *machine // machines that nobody uses; put and taken without waiting
}

// New makes the rules ready. It keeps the set, which must not change.
func New(set *rules.Set, o Options) (*Detector, error) {
	if set == nil {
		return nil, errors.New("pattern: no rules given")
	}
	d := &Detector{options: o, logs: newLogs(), idle: make(chan *machine, runtime.GOMAXPROCS(0))}
	d.rules, d.global, d.allowlists = newRules(set)
	for _, r := range d.rules {
		if r.pattern() == "" && r.Path != nil {
			d.ofFiles = append(d.ofFiles, r)
		}
	}
	d.required = slices.ContainsFunc(d.rules, func(r *rule) bool { return len(r.required) > 0 })
	d.wideWords = slices.ContainsFunc(d.rules, func(r *rule) bool {
		return !isASCII(strings.Join(r.Keywords, ""))
	})
	var err error
	if d.engine, err = newEngine(d.rules); err != nil {
		return nil, err
	}
	return d, nil
}

// Detect appends what the rules find in b's text and views.
func (d *Detector) Detect(dst []record.Match, b *record.Batch) []record.Match {
	m := d.take()
	m.setPath(pathOf(b.Origin))
	if !m.covered {
		dst = m.detect(dst, b)
	}
	d.give(m)
	return dst
}

func (d *Detector) take() *machine {
	select {
	case m := <-d.idle:
		return m
	default:
		return newMachine(d)
	}
}

func (d *Detector) give(m *machine) {
	select {
	case d.idle <- m:
	default:
	}
}
