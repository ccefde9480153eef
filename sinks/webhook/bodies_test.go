package webhook

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sluice/internal/record"
	"sluice/internal/report/reporttest"
)

// formats are all but the template, whose body is its author's.
var formats = []Format{FormatJSON, FormatSlack, FormatTeams, FormatDiscord, FormatPagerDuty, FormatAlertmanager}

// packed is when the messages of these tests were put together.
var packed = time.Date(2026, 1, 21, 9, 20, 0, 0, time.UTC)

// testRenderer is the renderer of a sink with rules for reporttest's findings.
func testRenderer(t *testing.T, f Format, change func(*Config)) *renderer {
	t.Helper()
	cfg := &Config{Format: f, Rules: reporttest.Rules(), RoutingKey: Value{Literal: record.NewSecret("routing-key-of-a-test")}, Now: func() time.Time { return packed }}
	if change != nil {
		change(cfg)
	}
	cfg.defaults()
	r, err := newRenderer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ordinary are leaks of every kind, in messages as large as a format takes;
// the first was seen a thousand times.
func ordinary(t *testing.T, batch int) (messages [][]leak) {
	t.Helper()
	leaks := group(reporttest.Deliveries(), func(f *record.Finding) bool { return !f.Known }, packed)
	leaks[0].add(999, leaks[0].first, packed)
	for len(leaks) > 0 {
		n := min(batch, len(leaks))
		messages = append(messages, leaks[:n])
		leaks = leaks[n:]
	}
	return messages
}

func renderBody(t *testing.T, r *renderer, leaks []leak) []byte {
	t.Helper()
	_, body, err := r.render(&message{id: "msg_1", at: packed}, leaks)
	if err != nil {
		t.Fatal(err)
	}
	reporttest.CheckVisible(t, string(body))
	for path, list := range texts(t, body) {
		for _, s := range list {
			if !strings.HasSuffix(path, "/source/name") { // a file is found by its very name
				reporttest.CheckVisible(t, s)
			}
		}
	}
	return body
}

func TestBodies(t *testing.T) {
	for _, f := range formats {
		r := testRenderer(t, f, nil)
		var text bytes.Buffer
		for _, leaks := range ordinary(t, r.spec.batch) {
			if err := json.Indent(&text, renderBody(t, r, leaks), "", " "); err != nil {
				t.Fatal(err)
			}
			text.WriteByte('\n')
		}
		reporttest.Golden(t, "testdata/"+string(f)+".json", text.Bytes())
	}
}

// The same message has the same body each time: its id stands for it.
func TestBodiesStayTheSame(t *testing.T) {
	for _, f := range formats {
		leaks := ordinary(t, testRenderer(t, f, nil).spec.batch)[0]
		first := renderBody(t, testRenderer(t, f, nil), leaks)
		later := renderBody(t, testRenderer(t, f, func(c *Config) { c.Now = func() time.Time { return packed.Add(time.Hour) } }), leaks)
		if !bytes.Equal(first, later) {
			t.Errorf("%s: a later try has another body", f)
		}
	}
}

// texts are all strings of a JSON document with the path of each; a list's
// index is not told.
func texts(t *testing.T, body []byte) map[string][]string {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case string:
			all[path] = append(all[path], v)
		case []any:
			for _, e := range v {
				walk(path, e)
			}
		case map[string]any:
			for k, e := range v {
				walk(path+"/"+k, e)
			}
		}
	}
	walk("", v)
	return all
}

// stored is a leak as the outbox gives it back: its texts are bounded there.
func stored(t *testing.T, l leak) leak {
	t.Helper()
	b, err := encode(l.finding)
	if err != nil {
		t.Fatal(err)
	}
	if l.finding, err = decode(b); err != nil {
		t.Fatal(err)
	}
	return l
}

// hostileLeak has what a log's author can choose in every text of a finding.
func hostileLeak(t *testing.T, text string) leak {
	t.Helper()
	f := &record.Finding{
		Origin: record.Origin{Kind: "docker", Name: text, Stream: text}, Rule: "litellm-virtual-key", Name: text,
		Severity: record.SeverityCritical, Whole: true, Context: text, Preview: text, Pos: record.Position{Line: 1, Offset: -1},
		Key: &record.KeyInfo{Gateway: text, Alias: text, Name: text, TeamID: text, TeamAlias: text, UserID: text, State: record.KeyLive},
	}
	return stored(t, leak{key: keyOf(f), count: 1, first: packed, last: packed, finding: f})
}

// charms are what chats act on.
var charms = []string{"<!channel>", "<@U123>", "<http://evil.test|x>", "@everyone", "@here", "<@&1>", "[x](http://evil.test)", "http://evil.test",
	"`", "*x*", "_x_", "~x~", "||x||", "{{DATE(2017-02-14T06:08:39Z)}}", "${x}", "@{x}", "<at>x</at>", "<script>", "\u202e", "\x1b[31m", "\n"}

// Nothing that a log's author writes can act in a chat: no markup, mention,
// link, function or control character.
func TestLogTextActsNowhere(t *testing.T) {
	l := hostileLeak(t, strings.Join(charms, " "))
	for _, f := range formats {
		for path, list := range texts(t, renderBody(t, testRenderer(t, f, nil), []leak{l})) {
			for _, s := range list {
				switch f {
				case FormatSlack:
					// Outside "text" elements, which Slack never parses, nothing is the log's.
					if path != "/blocks/elements/elements/text" && strings.Contains(s, "evil") {
						t.Errorf("slack %s: %q", path, s)
					}
				case FormatTeams:
					for _, bad := range []string{"{{", "${", "@{", "<", "://"} {
						if path != "/attachments/content/$schema" && strings.Contains(s, bad) {
							t.Errorf("teams %s: %q in %q", path, bad, s)
						}
					}
				case FormatDiscord:
					inner, ok := strings.CutPrefix(s, "`")
					inner, end := strings.CutSuffix(inner, "`")
					if strings.Contains(s, "evil") && (!ok || !end || strings.Contains(inner, "`")) {
						t.Errorf("discord %s: %q", path, s)
					}
				}
			}
		}
	}
	kinds := texts(t, renderBody(t, testRenderer(t, FormatSlack, nil), []leak{l}))["/blocks/elements/elements/type"]
	for _, kind := range kinds {
		if kind != "text" {
			t.Errorf("slack: an element is %s", kind)
		}
	}
}

// What reporttest knows to break formats breaks none of ours.
func TestBodiesBearAnything(t *testing.T) {
	for _, f := range formats {
		r := testRenderer(t, f, nil)
		for _, ds := range reporttest.Hostile() {
			for _, l := range group(ds, func(*record.Finding) bool { return true }, packed) {
				renderBody(t, r, []leak{stored(t, l)})
			}
		}
	}
}

// A message full of the longest leaks is within what each target takes, as
// its documentation says.
func TestLongestMessages(t *testing.T) {
	for _, f := range formats {
		r := testRenderer(t, f, nil)
		var leaks []leak
		for range r.spec.batch {
			leaks = append(leaks, hostileLeak(t, strings.Repeat("<`é&\"", 1000)))
		}
		body := renderBody(t, r, leaks)
		all := texts(t, body)
		longest := func(path string, limit int) {
			for _, s := range all[path] {
				if n := len([]rune(s)); n > limit {
					t.Errorf("%s %s: %d characters, it takes %d", f, path, n, limit)
				}
			}
		}
		switch f {
		case FormatJSON, FormatAlertmanager:
			longest("", 0)
		case FormatSlack:
			longest("/text", 4000)
			longest("/blocks/elements/elements/text", 3000)
			checkCount(t, f, all["/blocks/type"], 50)
		case FormatTeams:
			if len(body) > 28_000 {
				t.Errorf("teams: %d bytes", len(body))
			}
		case FormatDiscord:
			longest("/content", 2000)
			longest("/embeds/title", 256)
			longest("/embeds/fields/name", 256)
			longest("/embeds/fields/value", 1024)
			sum := 0
			for _, path := range []string{"/embeds/title", "/embeds/fields/name", "/embeds/fields/value"} {
				sum += len([]rune(strings.Join(all[path], "")))
			}
			if sum > 6000 {
				t.Errorf("discord: %d characters in all embeds", sum)
			}
			checkCount(t, f, all["/embeds/title"], 10)
		case FormatPagerDuty:
			longest("/payload/summary", 1024)
			if len(body) > 512<<10 {
				t.Errorf("pagerduty: %d bytes", len(body))
			}
		}
	}
}

func checkCount(t *testing.T, f Format, list []string, limit int) {
	t.Helper()
	if len(list) == 0 || len(list) > limit {
		t.Errorf("%s: %d parts, it takes %d", f, len(list), limit)
	}
}
