package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sluice/internal/gateway"
	"sluice/internal/gateway/fake"
	"sluice/internal/record"
)

// madeKey is a key of its user's own making: nothing but the gateway knows it.
const madeKey = "sk-team-a-of-2026"

// lateTest is a detection that follows a gateway it has not read yet.
type lateTest struct {
	*testing.T
	gateway *fake.Gateway
	client  *gateway.Client
	d       *detection
	sink    *kept
}

func newLateTest(t *testing.T) *lateTest {
	g, client := gatewayInProcess(t)
	l := &lateTest{T: t, gateway: g, client: client, d: testDetection(t), sink: &kept{}}
	if err := l.d.examineLate(slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	return l
}

// make has the gateway know a key of somebody's own making.
func (l *lateTest) make(key string) {
	sum := sha256.Sum256([]byte(key))
	l.gateway.AddKey(fake.Key{Token: hex.EncodeToString(sum[:]), Name: "sk-..." + key[len(key)-4:], Alias: "made"})
}

func (l *lateTest) reads(lines ...string) {
	l.Helper()
	for _, line := range lines {
		examine(l.T, l.d, nil, l.sink, line)
	}
}

// refresh reads the gateway's keys, which were asked for at a moment.
func (l *lateTest) refresh(asked time.Time) []record.Finding {
	l.Helper()
	keys, err := l.client.Fetch(l.Context())
	if err == nil {
		err = l.d.setKeys(keys)
	}
	if err != nil {
		l.Fatal(err)
	}
	var out []record.Finding
	for _, d := range l.d.late.refreshed(asked) {
		out = append(out, d.Findings...)
	}
	return out
}

// A key without the default form that was printed before the gateway's keys were
// known is found once they are, wherever it stands in its line, once for each
// word and place, as it would have been.
func TestKeysAreLookedForAgain(t *testing.T) {
	lines := map[string]string{
		"plain":     "key " + madeKey + " was refused\n",
		"at an end": "key=" + madeKey + ".\n",
		"list":      "keys sk-other," + madeKey + "\n",
		"escaped":   `{"message":"he said \"` + madeKey + `\"\n` + madeKey + `"}` + "\n",
		"json-file": `{"log":"key ` + madeKey + ` was refused\n","stream":"stdout","time":"2026-01-02T03:04:05Z"}` + "\n",
		"base64":    "Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+madeKey)) + "\n",
		"url":       "GET /docs/" + strings.ReplaceAll(madeKey, "-", "%2D") + " HTTP/1.1\n",
	}
	for name, line := range lines {
		t.Run(name, func(t *testing.T) {
			l := newLateTest(t)
			l.make(madeKey)
			l.reads("nothing here\n", line, line, "task-17 and sk-learn\n")
			if got := l.sink.all(); len(got) > 0 {
				t.Fatalf("found before the keys were known: %+v", got)
			}
			got := l.refresh(time.Now())
			l.reads(line)
			want := l.sink.all()
			if len(got) == 0 || len(got) != len(want) {
				t.Fatalf("%d findings, want %d", len(got), len(want))
			}
			for i := range got {
				g, w := got[i], want[i]
				if g.Key == nil || g.Key.Alias != "made" || g.Update || g.Severity != record.SeverityCritical {
					t.Errorf("finding %+v of %+v", g, g.Key)
				}
				if g.Fingerprint != w.Fingerprint || g.Print != w.Print || g.Pos != w.Pos || g.Context != w.Context {
					t.Errorf("%+v, want %+v", g, w)
				}
				if strings.Contains(g.Context, madeKey) {
					t.Errorf("the context shows the key: %q", g.Context)
				}
			}
			if again := l.refresh(time.Now()); len(again) > 0 {
				t.Errorf("told again: %+v", again)
			}
		})
	}
}

// A key that was made and printed while the gateway answered, or while another
// gateway did not, is in the next answer: its line waits for that.
func TestLinesWaitForALaterSnapshot(t *testing.T) {
	for name, asked := range map[string]time.Time{"asked before": time.Now().Add(-time.Minute), "one is down": {}} {
		t.Run(name, func(t *testing.T) {
			l := newLateTest(t)
			l.reads("key " + madeKey + " was refused\n")
			if got := l.refresh(asked); len(got) > 0 {
				t.Fatalf("found %+v", got)
			}
			l.make(madeKey)
			if got := l.refresh(time.Now()); len(got) != 1 {
				t.Fatalf("%d findings, want one", len(got))
			}
			if n := l.d.late.waiting(); n > 0 {
				t.Errorf("%d lines wait", n)
			}
		})
	}
}

// What waits is bounded, whoever writes the log: the newest lines stay, what went
// is counted, and what was asked for is let go.
func TestLinesThatWaitAreBounded(t *testing.T) {
	l := newLateTest(t)
	wide := strings.Repeat(" word", 20_000)
	for i := range 2 * maxLate / len(wide) {
		l.reads(fmt.Sprintf("key sk-nobody-%d%s\n", i, wide))
	}
	l.reads(strings.Repeat("sk-", 100_000)+"\n", "key "+madeKey+"\n")
	if late := l.d.late; late.bytes > maxLate || late.dropped == 0 || len(late.met) > maxLateWords*len(late.lines) {
		t.Errorf("%d bytes wait in %d lines with %d words, %d were dropped", late.bytes, len(late.lines), len(late.met), late.dropped)
	}
	l.make(madeKey)
	if got := l.refresh(time.Now()); len(got) != 1 {
		t.Errorf("%d findings, want the newest", len(got))
	}
	if late := l.d.late; late.bytes != 0 || len(late.lines) != 0 || len(late.met) != 0 {
		t.Errorf("%d bytes in %d lines with %d words are left", late.bytes, len(late.lines), len(late.met))
	}
}

// A key that nobody knew but that has the form is the owners' to name: it is not
// told twice.
func TestStrangersAreNotExaminedAgain(t *testing.T) {
	l := newLateTest(t)
	key := l.gateway.AddKey(fake.Key{Alias: "formed"})
	o := newOwners(l.sink, l.d, slog.New(slog.DiscardHandler))
	examine(t, l.d, o.resolve, o, "key "+key+" was refused\n")
	late := l.refresh(time.Now())
	o.refreshed(l.d.current.Load().keys)
	if got := l.sink.all(); len(late) > 0 || len(got) != 2 || !got[1].Update {
		t.Errorf("late %+v, findings %+v", late, got)
	}
}

// What is discovered late counts like any finding, and what becomes known of one
// as what it became: --fail-on rests on it.
func TestLateFindingsCount(t *testing.T) {
	l := newLateTest(t)
	o := newOwners(l.sink, l.d, slog.New(slog.DiscardHandler))
	o.stats.BySeverity[record.SeverityHigh].Add(1) // by the pipeline
	_ = o.update(&record.Finding{Rule: "litellm-virtual-key", Whole: true, Severity: record.SeverityHigh}, &record.KeyInfo{State: record.KeyLive})
	if o.stats.Worst() != record.SeverityCritical || o.stats.BySeverity[record.SeverityHigh].Load() != 0 {
		t.Error("a stranger that turned out to be alive counts as it was")
	}
	o.discovered([]record.Delivery{{Findings: []record.Finding{{Severity: record.SeverityCritical}, {Severity: record.SeverityHigh, Known: true}}}})
	if n := o.stats.BySeverity[record.SeverityCritical].Load(); n != 2 || len(l.sink.all()) != 2 || o.stats.Findings.Load() != 2 {
		t.Errorf("%d count as critical, %d were delivered", n, len(l.sink.all()))
	}
}
