// Package known finds secrets that were told by value: the master key, provider
// keys, the values of an env file, and virtual keys that were seen alive.
//
// The promise: a told secret that stands in a batch is found wherever it stands
// and however it is written: raw, escaped as in JSON or Python once or twice,
// percent-encoded, in base64 of either alphabet and any alignment, in hex, over
// a line break or a frame, and in part, twelve bytes or more of what follows its
// public prefix. The spans are exactly the raw bytes that hold it. The cost of a
// batch does not depend on how many secrets were told.
//
// The limits: escapes are undone by internal/view, which has to run first.
// Values that are ordinary words, numbers, paths or hosts are not looked for,
// since they would blank ordinary text; New names them, with the reason. A
// secret that is used is exact: it is found inside longer words too, so that a
// told value of eight bytes which by chance is part of another word goes there
// as well. Parts are reported of secrets with 16 bytes and 3 bits a byte or
// more only. Hex of both cases mixed, and all base64 and hex of a secret that
// was told by Add, is found where internal/view undoes it: from nine bytes of
// text in a row on (base64), or sixteen (hex). Over line breaks, a stretch of
// twelve bytes of the secret (of shorter secrets: all of it) has at most one
// break in it: one character a line is not found. Escapes beside a raw line
// break are undone on their own line only.
package known

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"sluice/internal/record"
)

// Told is a secret by value.
type Told struct {
	Name  string // "OPENAI_API_KEY": shown in findings; never a value
	Rule  string // "": RuleSecret
	Value record.Secret
	// Asked says that the user named this one himself, so that its value counts
	// even if it looks like words. Without it the name decides ("…_PASSWORD").
	Asked bool
	// Gateway says that it is a key of the gateway: matches have its SHA-256.
	Gateway bool
}

// Skipped is a told value that is not looked for. It holds no part of it.
type Skipped struct{ Name, Reason string }

// secret is one value that is looked for.
type secret struct {
	name, rule string
	value      []byte // never changed: matches alias it
	body       int    // bytes of public prefix before what is secret
	parts      bool   // a part of it is reported
	words      []bool // bytes that are words; nil: none that make a part
	hash       [32]byte
}

// Detector finds told secrets. It is safe for concurrent use, Add included.
type Detector struct {
	index atomic.Pointer[index]

	mu     sync.RWMutex        // guards what follows, and writing to index
	known  map[string]struct{} // values told
	starts *starts
}

// New takes secrets in the order in which they give their name to a value that
// was told twice, except that a rule of its own wins over RuleSecret. It lists
// by name the values that it does not look for.
func New(told []Told) (*Detector, []Skipped) {
	d := &Detector{known: map[string]struct{}{}, starts: newStarts()}
	d.index.Store(newIndex())
	var skipped []Skipped
	for _, own := range []bool{true, false} {
		for _, t := range told {
			if hasRule := t.Rule != "" && t.Rule != RuleSecret; hasRule != own {
				continue
			}
			if reason := d.add(t, everyForm); reason != "" {
				skipped = append(skipped, Skipped{t.Name, reason})
			}
		}
	}
	return d, skipped
}

// Add tells secrets to a detector in use: batches that begin after it returns
// are searched for them. It lists what it does not look for.
func (d *Detector) Add(told ...Told) []Skipped {
	var skipped []Skipped
	for _, t := range told {
		if reason := d.add(t, plainForm); reason != "" {
			skipped = append(skipped, Skipped{t.Name, reason})
		}
	}
	return skipped
}

// add takes the secrets that a value holds, and says why if it holds none.
func (d *Detector) add(t Told, forms formSet) (reason string) {
	values, reason := secretsOf(t)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range values {
		if _, ok := d.known[v.text]; ok {
			continue
		}
		d.known[v.text] = struct{}{}
		s := newSecret(t, v)
		all := formsOf(s, forms)
		d.index.Store(d.index.Load().with(all))
		for i := range all {
			d.starts.add(&all[i])
		}
	}
	return reason
}

func newSecret(t Told, v value) *secret {
	s := &secret{name: t.Name, rule: t.Rule, value: []byte(v.text), body: v.public, parts: hasParts(v)}
	if s.rule == "" {
		s.rule = RuleSecret
	}
	if t.Gateway {
		s.hash = sha256.Sum256(s.value)
	}
	if s.parts {
		s.words = wordBytes(v.text)
	}
	return s
}

// Detect appends what it finds in b's text and views, ascending. Of several
// matches that stand in the same bytes it reports the whole one, the longest,
// the plainest.
func (d *Detector) Detect(dst []record.Match, b *record.Batch) []record.Match {
	ix := d.index.Load()
	if len(ix.forms) == 0 {
		return dst
	}
	s := search{index: ix, batch: b}
	for _, part := range messages(b) {
		s.text(b.Text[part.Start:part.End], part.Start, nil)
	}
	for i := range b.Views {
		s.text(b.Views[i].Text, 0, &b.Views[i])
	}
	return choose(dst, s.found)
}

// Format hides what was told from every verb.
func (d *Detector) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "known[secret]") }

// LogValue hides what was told from loggers.
func (d *Detector) LogValue() slog.Value { return slog.StringValue("known[secret]") }

// messages are the stretches of a batch that no match crosses: one, except
// where records are different messages, or different parts of one.
func messages(b *record.Batch) []record.Span {
	out := []record.Span{{Start: 0, End: len(b.Text)}}
	for i := 1; i < len(b.Records); i++ {
		if r, before := &b.Records[i], &b.Records[i-1]; r.Msg != before.Msg || r.Part != before.Part {
			at := min(max(r.Start, 0), len(b.Text))
			out[len(out)-1].End = at
			out = append(out, record.Span{Start: at, End: len(b.Text)})
		}
	}
	return out
}
