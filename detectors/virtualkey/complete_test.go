package virtualkey

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/record"
)

// cut is the only match in a text.
func cut(t *testing.T, d *Detector, text string) *record.Match {
	t.Helper()
	ms := d.Detect(nil, batch(text))
	if len(ms) != 1 || ms[0].Rule != RulePartial {
		t.Fatalf("%q: %v, want one cut key", text, hits(ms))
	}
	return &ms[0]
}

func TestCompleteThroughMaskedNames(t *testing.T) {
	keys, _ := many(300)
	r := rand.New(rand.NewPCG(3, 4))
	key := defaultKey(r)
	keys.add(key, record.KeyInfo{Alias: "team-a-ci"})
	d := newDetector(t, keys)
	for _, c := range []struct {
		head, tail int
		bits       int // left, with the masked name
	}{
		{21, 0, 0}, {20, 0, 0}, {19, 0, 0}, {18, 0, 0}, {17, 0, 6}, {16, 0, 12},
		{17, 2, 6}, {15, 4, 18}, {14, 4, 24}, {16, 5, 6}, {10, 11, 6}, {8, 12, 12}, {17, 1, 6}, {20, 1, 0},
	} {
		text := key[:3+c.head] + "..." + key[len(key)-c.tail:]
		if c.tail == 0 {
			text = key[:3+c.head] + "..."
		}
		m := cut(t, d, text+"\n")
		completer := NewCompleter(CompleterOptions{})
		if !completer.Complete(t.Context(), m, d) {
			t.Errorf("head of %d, tail of %d: no owner (%d skipped)", c.head, c.tail, completer.Skipped())
			continue
		}
		if m.Hash != sha256.Sum256([]byte(key)) || m.BitsLeft != c.bits || m.Severity != record.SeverityCritical {
			t.Errorf("head of %d, tail of %d: %d bits left, severity %v", c.head, c.tail, m.BitsLeft, m.Severity)
		}
	}
}

func TestCompleteHiddenNames(t *testing.T) {
	keys, named := many(10)
	r, hidden := rand.New(rand.NewPCG(3, 4)), ""
	c := NewCompleter(CompleterOptions{})
	d := newDetector(t, keys)
	for i := range 6 {
		hidden = defaultKey(r)
		keys.hide(hidden)
		d = newDetector(t, keys)
		m := cut(t, d, hidden[:3+18]+"...")
		if !c.Complete(t.Context(), m, d) || m.BitsLeft != 20 || m.Hash != sha256.Sum256([]byte(hidden)) {
			t.Errorf("hidden name %d, head of 18: %d bits left", i, m.BitsLeft)
		}
	}
	if m := cut(t, d, named[:3+17]+"..."); !c.Complete(t.Context(), m, d) || m.BitsLeft != 6 {
		t.Errorf("masked name, head of 17: %d bits left", m.BitsLeft)
	}
	if c.Skipped() != 0 {
		t.Errorf("%d skipped", c.Skipped())
	}
	if m := cut(t, d, hidden[:3+17]+"..."); c.Complete(t.Context(), m, d) || c.Skipped() != 1 {
		t.Errorf("hidden name, head of 17: 2^26 completions tried, %d skipped", c.Skipped())
	}
}

func TestCompleteNobodysKey(t *testing.T) {
	keys, _ := many(100)
	d := newDetector(t, keys)
	c := NewCompleter(CompleterOptions{})
	stranger := defaultKey(rand.New(rand.NewPCG(5, 6)))
	for _, text := range []string{stranger[:20] + "...", stranger[:18] + "..." + stranger[21:], stranger[:9] + "***"} {
		m := cut(t, d, text)
		before := *m
		if c.Complete(t.Context(), m, d) || m.BitsLeft != before.BitsLeft || m.Hash != before.Hash || m.Severity != before.Severity {
			t.Errorf("%q: completed", text)
		}
	}
	if c.Skipped() != 1 { // the head of six
		t.Errorf("%d skipped, want 1", c.Skipped())
	}
	for _, m := range []record.Match{{}, {Rule: RulePartial}, {Rule: RulePartial, Secret: []byte("sk-"), Shown: 9}, {Rule: RuleVirtual, Secret: []byte(stranger)}} {
		if c.Complete(t.Context(), &m, d) {
			t.Error("completed what is no cut key")
		}
	}
}

// TestCompleterRemembers: a fragment is worked on once for each snapshot, and
// what is remembered is bounded.
func TestCompleterRemembers(t *testing.T) {
	keys, last := many(50)
	d := newDetector(t, keys)
	// A burst for three fragments of 50 names and one missing character.
	c := NewCompleter(CompleterOptions{Budget: 1 << 12, Burst: 3 * 50 << 6, PerSecond: 1})
	m := cut(t, d, last[:20]+"...")
	for range 10 {
		if !c.Complete(t.Context(), m, d) {
			t.Fatal("not completed")
		}
	}
	if !c.Complete(t.Context(), m, newDetector(t, keys)) || !c.Complete(t.Context(), m, d) {
		t.Error("not tried again for another snapshot")
	}
	if c.Complete(t.Context(), m, newDetector(t, keys)) {
		t.Error("completed beyond the burst")
	}
	r := random()
	for range 2 * maxTried {
		m := record.Match{Rule: RulePartial, Secret: []byte(defaultKey(r)[:24]), Shown: 21}
		c.Complete(t.Context(), &m, newestEmpty(d))
	}
	if len(c.tried) > maxTried {
		t.Errorf("%d fragments remembered", len(c.tried))
	}
}

// newestEmpty is d without names, for which nothing is to be hashed.
func newestEmpty(d *Detector) *Detector { return &Detector{keys: d.keys, prefixes: d.prefixes} }

func TestCompleterRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, last := many(50)
		d := newDetector(t, keys)
		const work = 50 << 6
		c := NewCompleter(CompleterOptions{Budget: work, Burst: work, PerSecond: work / 10})
		stranger := defaultKey(rand.New(rand.NewPCG(5, 6)))
		if c.Complete(t.Context(), cut(t, d, stranger[:20]+"..."), d) {
			t.Fatal("a stranger's key was completed")
		}
		time.Sleep(9 * time.Second)
		if m := cut(t, d, last[:20]+"..."); c.Complete(t.Context(), m, d) || c.Skipped() != 1 {
			t.Fatalf("nine tenths of the burst were enough, %d skipped", c.Skipped())
		}
		time.Sleep(time.Second)
		if m := cut(t, d, last[:20]+"..."); !c.Complete(t.Context(), m, d) {
			t.Error("what was skipped was not tried again")
		}
	})
}

func TestCompleteStopsWithItsContext(t *testing.T) {
	keys, last := many(50)
	d := newDetector(t, keys)
	c := NewCompleter(CompleterOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m := cut(t, d, last[:20]+"...")
	if c.Complete(ctx, m, d) || c.Skipped() != 1 {
		t.Errorf("completed after its end, %d skipped", c.Skipped())
	}
	if !c.Complete(t.Context(), m, d) {
		t.Error("what was broken off was remembered as a failure")
	}
}

// TestReportThatStartedIt: the gate report prints 17 of the 22 characters of a
// key. With 100,000 live keys its owner is named, and 6 bits are left.
func TestReportThatStartedIt(t *testing.T) {
	dir := os.Getenv("SLUICE_SHARED")
	if dir == "" {
		t.Skip("SLUICE_SHARED is not set: the folder with gate7-report.txt")
	}
	text, err := os.ReadFile(filepath.Join(dir, "gate7-report.txt"))
	if err != nil {
		t.Fatal(err)
	}
	keys, _ := many(100_000)
	key := "sk-mxf5vupvaQ0sFsvRt" + defaultKey(random())[20:]
	keys.add(key, record.KeyInfo{Alias: "gate-7", State: record.KeyLive})
	d := newDetector(t, keys)
	ms := d.Detect(nil, batch(string(text)))
	if len(ms) != 1 || string(ms[0].Secret) != key[:20] {
		t.Fatalf("%v: want the cut key alone", hits(ms))
	}
	m := &ms[0]
	if m.Shown != 17 || m.BitsLeft != 26 || m.Severity != record.SeverityCritical {
		t.Errorf("shown %d, %d bits left, severity %v", m.Shown, m.BitsLeft, m.Severity)
	}
	if !NewCompleter(CompleterOptions{}).Complete(t.Context(), m, d) {
		t.Fatal("no owner")
	}
	if info, ok := keys.Lookup(m.Hash); !ok || info.Alias != "gate-7" || m.BitsLeft != 6 {
		t.Errorf("owner %v, %d bits left", info, m.BitsLeft)
	}
}

func BenchmarkComplete(b *testing.B) {
	for _, n := range []int{10, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			keys, _ := many(n)
			d := newDetector(b, keys)
			stranger := defaultKey(rand.New(rand.NewPCG(5, 6)))
			m := &d.Detect(nil, batch(stranger[:20]+"..."))[0]
			b.ReportAllocs()
			for b.Loop() { // the worst case: no key agrees
				c := NewCompleter(CompleterOptions{})
				if c.Complete(b.Context(), m, d) || c.Skipped() > 0 {
					b.Fatal("not tried to the end")
				}
			}
		})
	}
}
