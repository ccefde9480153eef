package pattern

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/internal/view"
	"sluice/rules"
)

const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// secretLine is a line with a made secret of some kind in some form.
func secretLine(r *rand.Rand) string {
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	secret := []string{
		"sk-ant-api03-" + word(93) + "AA", "ghp_" + word(36), "hf_" + word(34), "AKIA" + strings.ToUpper(word(16)),
		"gsk_" + word(52), "sk-" + word(22), "sk-proj-" + word(74) + "T3BlbkFJ" + word(74), word(40),
	}[r.IntN(8)]
	form := []string{
		"INFO: token='%s'\n", "{\"api_key\": \"%s\", \"n\": 1}\n", "Authorization: Bearer %s\n", "secret:\n  %s\n",
		"password = \"%s\"\n", "curl -H 'Authorization: Bearer %s' https://x\n", "%s\n", "{\"a\": \"key\\n%s\\n\"}\n",
	}[r.IntN(8)]
	return fmt.Sprintf(form, secret)
}

// report names a finding wherever the batches were cut.
func report(ms []record.Match, at int) []string {
	var out []string
	for _, m := range ms {
		s := m.Spans[0]
		out = append(out, fmt.Sprintf("%s %d-%d %v", m.Rule, at+s.Start, at+m.Spans[len(m.Spans)-1].End, m.Withhold))
	}
	return out
}

// TestAnySplitFindsTheSame: a stream cut between any lines, with up to 4 KiB of
// what went before as lead, gives what one batch gives.
func TestAnySplitFindsTheSame(t *testing.T) {
	d := detectors(t)["default"]
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		var text []byte
		plain := strings.SplitAfter(gatewayLog(4<<10), "\n")
		for range rapid.IntRange(1, 30).Draw(rt, "lines") {
			if r.IntN(2) == 0 {
				text = append(text, plain[r.IntN(len(plain))]...)
			} else {
				text = append(text, secretLine(r)...)
			}
		}
		whole := batchOf(text, 0)
		view.Expand(whole)
		want := report(d.Detect(nil, whole), 0)
		var got []string
		for at := 0; at < len(text); {
			end := at
			for n := rapid.IntRange(1, 8).Draw(rt, "take"); n > 0 && end < len(text); n-- {
				end += bytes.IndexByte(text[end:], '\n') + 1
			}
			lead := min(at, rapid.SampledFrom([]int{4 << 10, 4 << 10, 1000}).Draw(rt, "lead"))
			b := batchOf(text[at-lead:end:end], lead)
			view.Expand(b)
			got = append(got, report(d.Detect(nil, b), at-lead)...)
			at = end
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			rt.Fatalf("whole: %q\nsplit: %q\ntext: %q", want, got, text)
		}
	})
}

// TestMessagesStayApart: no match goes from one message of a batch to another,
// in text or view.
func TestMessagesStayApart(t *testing.T) {
	d := gitleaksDetector(t, Options{})
	text := []byte(`token = 'Zx9mQ2vR7tYpLk3WsDf8Hq5'`)
	for cut := 1; cut < len(text); cut++ {
		b := batchOf(text, 0)
		b.Records = []record.Record{{Span: record.Span{Start: 0, End: cut}, Msg: 0}, {Span: record.Span{Start: cut, End: len(text)}, Msg: 1}}
		b.Views = []record.View{{Kind: record.JSON, Text: text, Map: []record.Seg{record.Verbatim(0, len(text), 0)}}}
		for _, m := range d.Detect(nil, b) {
			if s := m.Line; s.Start < cut && s.End > cut {
				t.Errorf("cut at %d: a match of %s goes across", cut, m.Rule)
			}
		}
	}
	if len(d.Detect(nil, batchOf(text, 0))) == 0 {
		t.Error("in one message it is not found")
	}
}

// TestViewsShowEachSecretOnce: what text and views both show is one finding,
// and what only a view shows is reported at its raw bytes.
func TestViewsShowEachSecretOnce(t *testing.T) {
	d := gitleaksDetector(t, Options{})
	token := "ghp_" + strings.Repeat("aB3dE5gH7", 4)
	escaped := `{"log": "x\u0067hp_` + strings.Repeat("aB3dE5gH7", 4) + `\n and ` + token + ` \n"}` + "\n"
	b := batchOf([]byte(escaped), 0)
	view.Expand(b)
	found := map[int]int{}
	for _, m := range d.Detect(nil, b) {
		if m.Rule == "github-pat" {
			if string(m.Secret) != token {
				t.Errorf("the secret is not what was written")
			}
			found[m.Spans[0].Start]++
		}
	}
	want := map[int]int{strings.Index(escaped, `\u0067`): 1, strings.Index(escaped, token): 1}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("found at %v, want %v", found, want)
	}
}

// TestConcurrentUse: one detector, many goroutines, the same answers. It is for
// the race detector.
func TestConcurrentUse(t *testing.T) {
	d := detectors(t)["default"]
	r := rand.New(rand.NewPCG(3, 4))
	var lists [][]*record.Batch
	var want [][]string
	for range 4 {
		text := gatewayLog(20 << 10)
		for range 50 {
			text += secretLine(r)
		}
		list := batches(text)
		lists = append(lists, list)
		want = append(want, report(detectAll(d, nil, list), 0))
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i, list := range lists {
				if got := report(detectAll(d, nil, list), 0); !slices.Equal(got, want[i]) {
					t.Errorf("text %d: %d findings, alone %d", i, len(got), len(want[i]))
				}
			}
		})
	}
	wg.Wait()
}

// TestTwoSetsAtOnce: a reload makes a second detector while the first one works.
func TestTwoSetsAtOnce(t *testing.T) {
	line := batchOf([]byte("x = custom-12345 key = 'Zx9mQ2vR7tYpLk3WsDf8Hq5'\n"), 0)
	own := &rules.Set{Rules: []rules.Rule{{ID: "custom", Pattern: `custom-\d{5}`, Keywords: []string{"custom-"}}}}
	a, err := New(own, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := gitleaksDetector(t, Options{})
	for range 3 {
		if got := a.Detect(nil, line); len(got) != 1 || got[0].Rule != "custom" {
			t.Errorf("own rules: %d findings", len(got))
		}
		if got := b.Detect(nil, line); len(got) != 1 || got[0].Rule != "generic-api-key" {
			t.Errorf("gitleaks' rules: %d findings", len(got))
		}
	}
}
