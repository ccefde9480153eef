package virtualkey

import (
	"strings"
	"testing"

	"sluice/internal/record"
)

// A key that a line end divides is found whole, wherever, in a log's own lines
// and in those that a string in it has.
func TestBrokenKey(t *testing.T) {
	key := defaultKey(random())
	named, hiding := newFakeKeys(key), newFakeKeys()
	hiding.hide(key)
	for _, keys := range []*fakeKeys{named, hiding} {
		d := newDetector(t, keys)
		for cut := len(DefaultPrefix); cut < len(key); cut++ {
			for _, end := range []string{"\n", "\r\n", "\n    "} {
				text := "a key: " + key[:cut] + end + key[cut:] + " was pasted"
				raw := batch(text)
				wantBroken(t, d.Detect(nil, raw), key, raw.Text)
				inside := expanded(`{"content": ` + quoted(text) + `}`)
				wantBroken(t, d.Detect(nil, inside), key, inside.Text)
			}
		}
	}
}

// wantBroken wants the key as one whole match, in two pieces.
func wantBroken(t *testing.T, ms []record.Match, key string, text []byte) {
	t.Helper()
	for i := range ms {
		m := &ms[i]
		if m.Rule != RuleVirtual || !m.Whole || string(m.Secret) != key || m.Encoding != record.Split || len(m.Spans) != 2 {
			continue
		}
		var shown strings.Builder
		for _, s := range m.Spans {
			shown.Write(text[s.Start:s.End])
		}
		if shown.String() != key {
			t.Errorf("%q stands for the key in %q", shown.String(), text)
		}
		return
	}
	t.Errorf("not found in %q: %v", text, hits(ms))
}

// Its head may have been delivered: the rest is found from the lead.
func TestBrokenKeyOverTheLead(t *testing.T) {
	key := defaultKey(random())
	d := newDetector(t, newFakeKeys(key))
	b := batch(key[:9] + "\n" + key[9:] + "\n")
	b.Lead = 10
	if got := hits(d.Detect(nil, b)); len(got) != 1 || got[0].end != len(key)+1 {
		t.Errorf("%v", got)
	}
	b.Lead = len(b.Text) - 1
	if got := hits(d.Detect(nil, b)); len(got) != 0 {
		t.Errorf("%v behind the lead", got)
	}
}

// Of a key that is not whole in the next line, of two line breaks, and of
// strangers nothing is put together.
func TestBrokenKeyIsExact(t *testing.T) {
	r := random()
	key, other := defaultKey(r), defaultKey(r)
	d := newDetector(t, newFakeKeys(key))
	for _, text := range []string{
		key[:9] + "\n" + key[9:20], key[:9] + "\n\n" + key[9:], key[:9] + "\nx" + key[9:], other[:9] + "\n" + other[9:], key[:9] + "\n",
	} {
		for _, m := range d.Detect(nil, batch(text)) {
			if m.Whole {
				t.Errorf("found in %q", text)
			}
		}
	}
}

// A line that ends in the head of a key waits for the next one.
func TestHold(t *testing.T) {
	key := defaultKey(random())
	d := newDetector(t, newFakeKeys(key))
	for text, want := range map[string]int{
		"x " + key[:9] + "\n": 10, "x " + key[:9] + "\r\n": 11, key[:3] + "\n": 4, "x " + key[:24] + "\n": 25,
		"x " + key + "\n": 0, "x " + key[:9]: 0, "risk-averse\n": 0, "nothing\n": 0, "\n": 0, "": 0,
	} {
		if got := d.Hold([]byte(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if n := newDetector(t, newFakeKeys()).Hold([]byte("x " + key[:9] + "\n")); n != 0 {
		t.Errorf("%d held without a key to find", n)
	}
}
