package report_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"sluice/internal/record"
	"sluice/internal/report"
)

func TestVisible(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain ## text", "plain ## text"},
		{"é中 …", "é中 …"},
		{"a\tb\n\x00\x7f\x1b[31m", `a\tb\n\x00\u007f\x1b[31m`},
		{"\u0085\u202e\u200b\ufeff", `\u0085\u202e\u200b\ufeff`},
		{"\xff\xc3(", `\xff\xc3(`},
		{"\U000e0041", `\U000e0041`},
		{"##vso[x] ##VSO[y] ##[z] #[", `#\x23vso[x] #\x23VSO[y] #\x23[z] #[`},
		{"###[x", `##\x23[x`},
	} {
		got := report.Visible(c.in)
		if got != strings.ReplaceAll(c.want, `\u007f`, `\x7f`) {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
		if report.Visible(got) != got {
			t.Errorf("%q is not visible for good", got)
		}
	}
}

// Whatever goes in: what comes out prints, stays so, and holds no command to a
// build agent; as JSON it means what went in.
func FuzzVisible(f *testing.F) {
	for _, s := range []string{"", "a\x1b[0m", "##vso[", "###[", "\xff", "\u202e", "]]>", strings.Repeat("é", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v := report.Visible(s)
		check(t, v)
		if report.Visible(v) != v {
			t.Errorf("%q changes again", v)
		}
		check(t, report.Short(s))
		if n := len(report.Short(s)); n > 256 {
			t.Errorf("%d bytes", n)
		}
		c := report.Context(&record.Finding{Context: s, Print: [8]byte{1}}, 64)
		check(t, c)
		if len(c) > 80 {
			t.Errorf("context of %d bytes", len(c))
		}
		line, err := report.AppendJSON(nil, map[string]string{"s": s})
		if err != nil {
			t.Fatal(err)
		}
		check(t, string(line))
		var back map[string]string
		if err := json.Unmarshal(line, &back); err != nil || back["s"] != string([]rune(s)) {
			t.Errorf("%q became %q, %v", s, back["s"], err)
		}
	})
}

func check(t *testing.T, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%q is not UTF-8", s)
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			t.Errorf("%U in %q", r, s)
		}
	}
	low := strings.ToLower(s)
	if strings.Contains(low, "##[") || strings.Contains(low, "##vso[") {
		t.Errorf("a command in %q", s)
	}
}

func TestContextKeepsThePlaceholder(t *testing.T) {
	f := &record.Finding{Print: [8]byte{0x9f, 0x2c}}
	mark := "[sluice:litellm-virtual-key:" + report.Print(f) + "]"
	for _, c := range []string{
		mark,
		mark + strings.Repeat("a", 500),
		strings.Repeat("a", 500) + mark,
		strings.Repeat("é", 500) + "[sluice:x:0000000000000000]" + mark + strings.Repeat("é", 500),
	} {
		f.Context = c
		if got := report.Context(f, 120); !strings.Contains(got, mark) || len(got) > 126 {
			t.Errorf("%d bytes: %s", len(got), got)
		}
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000", -999: "-999"} {
		if got := report.Count(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for n, want := range map[int64]string{1: "1 byte", 1023: "1,023 bytes", 1536: "1.5 KiB", 5 << 30: "5.0 GiB", 1 << 60: "1048576.0 TiB"} {
		if got := report.Size(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}
