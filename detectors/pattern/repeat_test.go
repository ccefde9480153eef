package pattern

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// partsOfLogs are what a text is put together of that says most things again:
// names and values that many rules look at, and where one ends the next begins.
var partsOfLogs = []string{
	"INFO:     10.0.0.25:53741 - \"GET /key/info?key=",
	"{\"message\": \"POST Request Sent from LiteLLM\", \"level\": \"DEBUG\", \"user_api_key_hash\": \"",
	"\", \"key_alias\": \"team-14-ci\", \"note\": \"api_key=", "\", \"tokens\": 2005, \"cost\": 0.009160}\n",
	"3efe24fd1eb97400979967ef611d532a1cad22b41ac3929526ba5806af47ede5", "a4a5ca03-4be2-424c-a250-273a23b9d9d7",
	"os.environ/OPENAI_API_KEY", "Received API Key = sk-...4HTd, Key Hash (Token) =", "sk-ant-api03-****AA", "sk-aBcD...WxYz12",
	"curl -X POST \\\nhttps://api.example.com/v1 \\\n-H 'Authorization: Bearer ", "' \\\n-d '{\"model\": \"claude\"}'\n", "curl -u \"user:", "\"\n",
	"sk-Zx9QmW3pL0vBnT7yRd5Kg", "ghp_0123456789aBcDeFgHiJkLmNoPqRsTuVwXyZ", "AKIAQ3EGRSTUVWXYZ234", "Tk9vZ2xlIHF1aXogdGhlIGZpcnN0",
	"password: ", "token = '", "secretaccesskey", "aws_secret_access_key=", "dXNlcjpwYXNzd29yZA", " ", "\n", "é", "\xff", "key", "-", "=", "\"",
	"postgres://llm:hunter2hunter@db:5432/litellm", "'x-api-key': b'", "facebook ", "ſk-", "the quick brown fox jumps over the lazy dog again ",
}

// TestRepeatsAreSearchedAsIfNew: what is taken over from where a text said the same
// is what a search that takes nothing over finds.
func TestRepeatsAreSearchedAsIfNew(t *testing.T) {
	part := rapid.SampledFrom(partsOfLogs)
	for set, d := range detectors(t) {
		taken := 0
		rapid.Check(t, func(t *rapid.T) {
			text := repetitive(t, part)
			m, alone := untaught(d), untaught(d)
			for range 2 { // the second time all automata are made
				want := listed(alone.search(&fragment{text: text}))
				got := listed(m.search(&fragment{text: text, keep: true}))
				if !slices.Equal(got, want) {
					t.Fatalf("%s: in %q found %q, without repeats %q", set, text, got, want)
				}
				taken += usedInside(m)
			}
		})
		if taken == 0 {
			t.Errorf("%s: nothing was taken over", set)
		}
	}
}

// repetitive is a text of a few parts, of which it says many again.
func repetitive(t *rapid.T, part *rapid.Generator[string]) []byte {
	lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 3, 12).Draw(t, "line"), "")
	}), 1, 4).Draw(t, "lines")
	var text []byte
	for range rapid.IntRange(2, 12).Draw(t, "times") {
		line := rapid.SampledFrom(lines).Draw(t, "which")
		from := rapid.IntRange(0, len(line)/2).Draw(t, "from")
		text = append(text, line[from:]...)
		text = append(text, part.Draw(t, "between")...)
	}
	return text
}

// What find returns are repeats, in order, none over another, and it finds a line
// that is said again.
func TestRepeatsAreTheSameBytes(t *testing.T) {
	var r repeats
	part := rapid.SampledFrom(partsOfLogs)
	rapid.Check(t, func(t *rapid.T) {
		text := repetitive(t, part)
		done := 0
		for _, s := range r.find(nil, text, []span{{0, len(text)}}) {
			if s.at < done || s.from >= s.at || s.n < leastRepeat || !bytes.Equal(text[s.at:s.at+s.n], text[s.from:s.from+s.n]) {
				t.Fatalf("%+v behind %d in %q", s, done, text)
			}
			done = s.at + s.n
		}
	})
	log := gatewayLog(1 << 16)
	covered := 0
	for _, s := range r.find(nil, []byte(log+log), []span{{0, 2 * len(log)}}) {
		covered += s.n
	}
	if covered < len(log) {
		t.Errorf("%d bytes of a log of %d that is said twice are repeats", covered, len(log))
	}
}

// What is remembered of a text is bounded, and behind it all is searched.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	d := detectors(t)["default"]
	secret := "api_key=Zx9QmW3pL0vBnT7yRd5KgAbC\n"
	for _, text := range []string{
		strings.Repeat("api_key: ", 1<<16) + secret,
		strings.Repeat("token='Zx9mQ2vR7tYpLk3WsDf8' ", 1<<15) + secret,
		strings.Repeat("\u017fecret_\u017fecret_key: x ", 1<<15) + secret,
	} {
		m, alone := untaught(d), untaught(d)
		want := listed(alone.search(&fragment{text: []byte(text)}))
		got := listed(m.search(&fragment{text: []byte(text), keep: true}))
		if !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%.20q…: %d findings, without repeats %d", text, len(got), len(want))
		}
		if p := &m.past; !p.full || len(p.tries) > mostTries || len(p.noted) > mostNoted || len(p.verdicts) > mostNoted {
			t.Errorf("%.20q…: %d tries, %d places and %d verdicts are remembered, full: %v", text, len(p.tries), len(p.noted), len(p.verdicts), p.full)
		}
	}
}

// A text that was not searched whole is not repeated: what was left out there would
// be left out here, and not be told.
func TestNothingIsTakenOverFromWhatWasWithheld(t *testing.T) {
	d := detectors(t)["default"]
	line := strings.Repeat("x", 40) + " api_key=Zx9QmW3pL0vBnT7yRd5KgAbC \n"
	m := untaught(d)
	text := []byte(strings.Repeat(line, 64))
	want := len(m.search(&fragment{text: text, keep: true}))
	m.reset()
	m.past.begin()
	m.stretches(&fragment{text: text, keep: true})
	if want == 0 || len(m.same) == 0 {
		t.Fatalf("%d findings, %d repeats", want, len(m.same))
	}
	m.withheld = append(m.withheld, span{0, len(line)})
	m.walk(&fragment{text: text, keep: true})
	n := 0
	for _, r := range m.ruled {
		for _, p := range m.places[r] {
			if n++; p.of > 0 {
				t.Fatalf("the place at %d was taken over", p.at)
			}
		}
	}
	if n < 64 {
		t.Errorf("%d places in 64 lines", n)
	}
}
