package virtualkey

import (
	"bytes"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"sluice/internal/record"
)

func withheld(ms []record.Match) (spans []record.Span) {
	for _, m := range ms {
		if m.Withhold {
			spans = append(spans, m.Spans...)
		}
	}
	return spans
}

// TestBudgetWithholds: of keys whose names are hidden in too many candidates,
// each one is reported or withheld, and the next window has a budget of its own.
func TestBudgetWithholds(t *testing.T) {
	r := random()
	keys, text, first := newFakeKeys(), new(strings.Builder), ""
	var places []int
	for text.Len() < windowSize {
		key := defaultKey(r)
		if first == "" {
			first = key
			keys.hide(key)
		}
		places = append(places, text.Len())
		text.WriteString(key + strings.Repeat("x", 100) + "\n")
	}
	full := text.Len()
	text.WriteString(strings.Repeat(".", 2*windowSize-full) + first + "\n")
	d := newDetector(t, keys)
	ms := d.Detect(nil, batch(text.String()))
	spans := withheld(ms)
	for _, span := range spans {
		if span.Start >= full || span.Len() < 4 {
			t.Errorf("withheld %v", span)
		}
	}
	at := 2 * windowSize
	want := []hit{{RuleVirtual, 0, len(first)}, {RuleVirtual, at, at + len(first)}}
	if got := hits(liveOnly(keys, ms)); !gocmp.Equal(got, want, compareHits) {
		t.Errorf("%v: want the first and the one in a window of its own", got)
	}
	// Each costs a hash a length, the first one those beyond its end.
	lengths := len(first) + 100 - len(DefaultPrefix)
	for i, at := range places {
		if examined := i < hashesPerWindow/lengths; covers(spans, at) == examined {
			t.Fatalf("candidate %d at %d: withheld %t", i, at, !examined)
		}
	}
}

func covers(spans []record.Span, at int) bool {
	for _, s := range spans {
		if s.Start <= at && at < s.End {
			return true
		}
	}
	return false
}

// TestRepeatsAreFree: a log that says the same keys over and over is examined
// whole though every length of each has to be hashed.
func TestRepeatsAreFree(t *testing.T) {
	r := random()
	keys := newFakeKeys()
	var line strings.Builder
	for range 20 {
		key := defaultKey(r)
		keys.hide(key)
		line.WriteString(`INFO: "GET /v1/models?key=` + key + ` HTTP/1.1" 401 ` + defaultKey(r)[:20] + " ")
	}
	b := batch(strings.Repeat(line.String()+"\n", 500))
	d := newDetector(t, keys)
	for range 2 {
		ms := d.Detect(nil, b)
		if w := withheld(ms); len(w) > 0 {
			t.Fatalf("%d spans withheld", len(w))
		}
		if got := len(liveOnly(keys, ms)); got != 20*500 {
			t.Fatalf("%d keys found, want %d", got, 20*500)
		}
	}
}

// TestAdversaryIsWithheld: no text, however made, gets live keys past an
// exhausted budget.
func TestAdversaryIsWithheld(t *testing.T) {
	keys, last := many(1000)
	keys.hide(defaultKey(random()) + "!")
	d := newDetector(t, keys)
	for name, noise := range map[string]string{
		"prefixes": "sk-", "key characters": "a", "suffixes": last[len(last)-4:], "prefix and suffix": "sk-" + last[len(last)-4:],
	} {
		text := "sk-" + strings.Repeat(noise, windowSize/len(noise)) + last + strings.Repeat(noise, 100)
		at := strings.Index(text, last)
		ms := d.Detect(nil, batch(text))
		found := false
		for _, m := range ms {
			found = found || !m.Withhold && bytes.Equal(m.Secret, []byte(last))
		}
		if !found && !covers(withheld(ms), at) {
			t.Errorf("%s: key neither found nor withheld", name)
		}
	}
}

func TestDetectDoesNotAllocate(t *testing.T) {
	keys, _ := many(1000)
	keys.hide("sk-hidden-one")
	text := strings.Repeat(`INFO: 127.0.0.1 "GET /v1/models?key=sk-... HTTP/1.1" task-notification sk-learn sk-`+"\n", 50)
	d := newDetector(t, keys)
	b := batch(text)
	dst := make([]record.Match, 0, 4)
	if n := testing.AllocsPerRun(100, func() { dst = d.Detect(dst[:0], b) }); n > 0 {
		t.Errorf("%v allocations for nothing found", n)
	}
}
