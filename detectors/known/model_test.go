package known_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sluice/detectors/known"
	"sluice/internal/record"
)

// small is an alphabet in which random text holds random secrets, parts of them
// and near misses all the time.
func small(t *rapid.T, name string, n int) string {
	b := make([]byte, n)
	letters := rapid.SampledFrom([]string{"q7Rw2", "q7Rw2zX9kB4mT1"}).Draw(t, "letters of "+name)
	for i := range b {
		b[i] = letters[rapid.IntRange(0, len(letters)-1).Draw(t, name)]
	}
	return string(b)
}

// TestOracle compares with a search by brute force on text made of pieces of
// the secrets: the same bytes are found.
func TestOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var values []string
		for i := range rapid.IntRange(1, 4).Draw(t, "secrets") {
			values = append(values, small(t, fmt.Sprint("secret ", i), rapid.IntRange(8, 40).Draw(t, "size")))
		}
		d, skipped := known.New(told(values...))
		var text []byte
		for range rapid.IntRange(1, 12).Draw(t, "pieces") {
			v := values[rapid.IntRange(0, len(values)-1).Draw(t, "of")]
			from := rapid.IntRange(0, len(v)-1).Draw(t, "from")
			text = append(text, v[from:rapid.IntRange(from, len(v)).Draw(t, "to")]...)
			text = append(text, rapid.SampledFrom([]string{"", "", "a", " ", "#"}).Draw(t, "between")...)
		}
		isSkipped := func(i int) bool {
			return slices.ContainsFunc(skipped, func(s known.Skipped) bool { return s.Name == fmt.Sprint("SECRET_", i) })
		}
		want, got := make([]bool, len(text)), make([]bool, len(text))
		for i, v := range values {
			if !isSkipped(i) {
				bruteForce(want, text, v)
			}
		}
		b := record.Batch{Text: text}
		for _, m := range d.Detect(nil, &b) {
			for _, s := range m.Spans {
				for i := s.Start; i < s.End; i++ {
					got[i] = true
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q in %q:\n got %v\nwant %v", values, text, got, want)
		}
	})
}

// bruteForce marks the whole occurrences of v in text, and its parts if it is
// one of those that have some.
func bruteForce(mark []bool, text []byte, v string) {
	least := len(v)
	if known.HasParts(v) {
		least = 12
	}
	for at := range text {
		for from := range v {
			n := 0
			for from+n < len(v) && at+n < len(text) && text[at+n] == v[from+n] {
				n++
			}
			for i := at; n >= least && i < at+n; i++ {
				mark[i] = true
			}
		}
	}
}

// TestHold: whatever of a secret stands before a cut at a line break, with more
// than its first three bytes, is held back, and with it the secret is found.
func TestHold(t *testing.T) {
	d, _ := known.New(told(secrets...))
	public := []int{3, 4, 0, 0, 0, 0, 0}
	for i, s := range secrets {
		for cut := public[i] + 3; cut < len(s); cut++ {
			for _, b := range breaks {
				text := "a line\nand " + s[:cut] + b
				end := bytes.LastIndexByte([]byte(text), '\n') + 1
				if got, want := d.Hold([]byte(text[:end])), end-len("a line\nand "); got != want {
					t.Errorf("secret %d cut at %d by %q: %d held, want %d", i, cut, b, got, want)
				}
			}
			if got := d.Hold([]byte(s[:cut/2] + "\n" + s[cut/2:cut] + "\n")); cut > public[i]+3 && got != cut+2 {
				t.Errorf("secret %d cut twice, at %d: %d held", i, cut, got)
			}
		}
	}
	for _, text := range []string{"", "\n", "an ordinary line\n", "sk-", "sk-\n", secrets[0], secrets[0] + "\n", "'\n", "\\\n"} {
		if got := d.Hold([]byte(text)); got != 0 {
			t.Errorf("%q: %d held", text, got)
		}
	}
}

// TestAddWhileDetecting adds keys while texts are searched; what was added
// before a search began is found by it.
func TestAddWhileDetecting(t *testing.T) {
	d, _ := known.New(told(secrets...))
	const writers, keys = 2, 400
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 7))
			for i := range keys {
				v := random(r, "sk-", 22)
				if skipped := d.Add(known.Told{Name: "key", Value: record.NewSecret(v), Gateway: true}); len(skipped) > 0 {
					t.Errorf("key %d: %v", i, skipped)
				}
				b := record.Batch{Text: []byte("user " + v + "\n" + v[:20] + "\n")}
				if got := d.Detect(nil, &b); len(got) != 2 || !got[0].Whole || got[1].Whole {
					t.Errorf("key %d of writer %d: %d matches", i, w, len(got))
				}
				d.Hold(b.Text)
			}
		})
	}
	wg.Wait()
}

// FuzzDetect: no panic, spans in bounds and ascending, and each holds a part of
// a secret that was told.
func FuzzDetect(f *testing.F) {
	for i, s := range secrets {
		for _, w := range writings(s) {
			text, _ := build(w, contexts[i%len(contexts)], 0, "")
			f.Add([]byte(text), 3)
		}
		for _, b := range breaks {
			f.Add([]byte("x"+s[:5]+b+s[5:]), 0)
		}
	}
	// The second half of a secret before the first, at another alignment of base64.
	f.Add([]byte("00ZC00CX00CX1ZHN2RFF1YzhkV3J"), 3)
	d, _ := known.New(told(secrets...))
	f.Fuzz(func(t *testing.T, text []byte, lead int) {
		b := record.Batch{Text: text, Lead: min(max(lead, 0), len(text))}
		for _, m := range detect(d, &b) {
			at := 0
			for _, s := range m.Spans {
				if s.Start < at || s.End <= s.Start || s.End > len(text) {
					t.Fatalf("%s: spans %v of %d bytes", m.Encoding, m.Spans, len(text))
				}
				at = s.End
			}
			if len(m.Spans) == 0 || at <= b.Lead {
				t.Fatalf("spans %v end in the lead of %d", m.Spans, b.Lead)
			}
			if !slices.ContainsFunc(secrets, func(s string) bool { return bytes.Contains([]byte(s), m.Secret) }) || len(m.Secret) < 8 {
				t.Fatalf("%s: what was found is no part of a secret", m.Encoding)
			}
			if m.Encoding == record.Plain && !bytes.Equal(text[m.Spans[0].Start:m.Spans[0].End], m.Secret) {
				t.Fatalf("the span is not what was found")
			}
		}
		if h := d.Hold(text); h < 0 || h > len(text) {
			t.Fatalf("%d of %d bytes held", h, len(text))
		}
	})
}
