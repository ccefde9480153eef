package logtime

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for line, want := range map[string]string{
		"2026-01-21T09:14:03.120Z stderr F INFO":                                       "2026-01-21T09:14:03.12Z",
		"2026-01-21 09:14:03,120 ERROR":                                                "2026-01-21T09:14:03.12Z",
		`{"message": "x", "level": "INFO", "timestamp": "2026-01-21T09:14:03.120456"}`: "2026-01-21T09:14:03.120456Z",
		`127.0.0.1 - - [21/Jan/2026:09:14:03 +0200] "GET / HTTP/1.1"`:                  "2026-01-21T07:14:03Z",
		"2026-01-21T09:14:03+05:30 x":                                                  "2026-01-21T03:44:03Z",
		"2026-01-21T09:14:03-0800":                                                     "2026-01-21T17:14:03Z",
		"\x1b[92m09:14:03 - LiteLLM Proxy:ERROR\x1b[0m":                                "",
		"claude-3-haiku-20240307 2026-13-41T09:14:03Z 2026-01-21T25:14:03Z":            "",
		"": "",
	} {
		got, ok := Parse([]byte(line))
		if s := got.Format(time.RFC3339Nano); ok != (want != "") || (ok && s != want) {
			t.Errorf("%s: %s %v, want %q", line, s, ok, want)
		}
	}
}

func TestParseReadsWhatIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(2e5, 4e9).Draw(t, "at"), 0).In(time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600))
		layout := rapid.SampledFrom([]string{time.RFC3339, "02/Jan/2006:15:04:05 -0700", "2006-01-02 15:04:05-07:00"}).Draw(t, "layout")
		before := rapid.SampledFrom([]string{"", "[", `{"ts":"`, "x 7 "}).Draw(t, "before")
		got, ok := Parse([]byte(before + at.Format(layout) + `"]`))
		if !ok || !got.Equal(at) {
			t.Fatalf("%v %v, want %v", got, ok, at)
		}
	})
}

// byEach is Parse by its definition: what may begin at each byte, in order.
func byEach(line []byte) (time.Time, bool) {
	head := line[:min(len(line), window)]
	for i := range head {
		if t, ok := iso(begins(head, i)); ok {
			return t, true
		}
		if t, ok := access(begins(head, i)); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

// The first time is found, whatever stands before it or looks like one.
func TestParseFindsTheFirst(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"2026-01-21T09:14:03", "2026-01-21 09:14:03,120Z", "21/Jan/2026:09:14:03 +0200", "2026-01-21T09:14:99", "21/Jan/2026:99:14:03",
		"1", "09:14:03", "2026", "-01-21", ":", "::", "T", " ", "x", "1/Jan/2026:", strings.Repeat("word ", 30), "\"",
	})
	rapid.Check(t, func(t *rapid.T) {
		line := []byte(strings.Join(rapid.SliceOfN(piece, 0, 10).Draw(t, "pieces"), ""))
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			if len(line) > 0 {
				line[rapid.IntRange(0, len(line)-1).Draw(t, "at")] = rapid.SampledFrom([]byte("0129:/-T x")).Draw(t, "byte")
			}
		}
		got, ok := Parse(line)
		if want, found := byEach(line); ok != found || !got.Equal(want) {
			t.Fatalf("%q: %v %v, want %v %v", line, got, ok, want, found)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("2026-01-21T09:14:03.1"))
	f.Add([]byte("21/Jan/2026:09:14:03 +"))
	f.Fuzz(func(t *testing.T, line []byte) { Parse(line) })
}
