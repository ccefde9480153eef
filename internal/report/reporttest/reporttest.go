// Package reporttest gives the tests of all sinks the same findings: an
// ordinary set for golden files, and hostile ones for what an adversary writes
// into a log, a file name or a key's alias.
//
// Its secrets do not exist: findings have none, which is the point.
package reporttest

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"sluice/internal/record"
	"sluice/internal/report"
)

var update = flag.Bool("update", false, "write the golden files anew")

// at is when everything happens.
var at = time.Date(2026, 1, 21, 9, 14, 3, 120_000_000, time.UTC)

// Run is a complete run over Deliveries.
func Run() *report.Run {
	return &report.Run{
		Version: "1.2.3", Complete: true, Started: at, Ended: at.Add(2 * time.Second),
		Sources: 4, Records: 5120, Bytes: 1_572_864,
	}
}

// Rules are those of Deliveries but one, so that an undeclared rule is tried.
func Rules() []report.Rule {
	return []report.Rule{
		{ID: "litellm-virtual-key", Name: "LiteLLM virtual key", Severity: record.SeverityCritical,
			Description: "A virtual key of a LiteLLM gateway.", Help: "Delete the key.", HelpMarkdown: "Delete the **key**.",
			HelpURI: "https://docs.litellm.ai/docs/proxy/virtual_keys", Tags: []string{"litellm"}, Precision: "very-high"},
		{ID: "anthropic-api-key", Description: "An API key of Anthropic.", Severity: record.SeverityHigh,
			Help: "Delete the key in the Anthropic console and create a new one."},
		{ID: "generic-api-key", Description: "Something that looks like a key.", Severity: record.SeverityMedium, Precision: "low"},
	}
}

// Deliveries are findings of every kind: files, an archive's member, a
// container, a topic, standard input; live, unknown and partial keys; known
// ones; one without any position.
func Deliveries() []record.Delivery {
	yes := true
	team := &record.KeyInfo{Gateway: "http://gw:4000", Alias: "team-a-ci", Name: "sk-...7-kQ", TeamID: "t1",
		TeamAlias: "Billing", UserID: "u1", State: record.KeyLive, Expires: at.AddDate(1, 0, 0)}
	file := record.Origin{Kind: "file", Name: "logs/gateway one.log"}
	docker := record.Origin{Kind: "docker", Name: "litellm-gateway-1", Stream: "stderr"}
	member := record.Origin{Kind: "archive", Name: "old/logs.tar.gz!var/log/gw.log"}
	kafka := record.Origin{Kind: "kafka", Name: "gateway-logs", Stream: "3"}
	return []record.Delivery{
		{Origin: file, Bytes: 900, Findings: []record.Finding{
			finding(file, 1, "litellm-virtual-key", record.SeverityCritical, func(f *record.Finding) { f.Key, f.LiveAtTime, f.Time = team, &yes, at }),
			finding(file, 2, "anthropic-api-key", record.SeverityHigh, nil),
			finding(file, 3, "generic-api-key", record.SeverityMedium, func(f *record.Finding) { f.Known, f.KnownBy = true, "baseline" }),
		}},
		{Origin: docker, Bytes: 500, Findings: []record.Finding{
			finding(docker, 1, "litellm-virtual-key", record.SeverityCritical, func(f *record.Finding) { f.Key, f.Pos.Line = team, 0 }),
			finding(docker, 4, "litellm-virtual-key-partial", record.SeverityCritical, func(f *record.Finding) {
				f.Whole, f.Shown, f.BitsLeft, f.Length, f.Key = false, 17, 6, 20, team
			}),
		}},
		{Origin: member, Bytes: 10, Findings: []record.Finding{
			finding(member, 5, "known-secret", record.SeverityCritical, func(f *record.Finding) { f.Name = "OPENAI_API_KEY" }),
		}},
		{Origin: kafka, Findings: []record.Finding{
			finding(kafka, 6, "generic-api-key", record.SeverityLow, func(f *record.Finding) {
				f.Pos = record.Position{Offset: -1, Length: 25}
				f.Known, f.KnownBy = true, "ignore .sluiceignore:4"
			}),
		}},
		{Origin: record.Origin{Kind: "stdin", Name: "-"}, Findings: []record.Finding{
			finding(record.Origin{Kind: "stdin", Name: "-"}, 7, "litellm-virtual-key", record.SeverityHigh, func(f *record.Finding) {
				f.Key, f.Update = &record.KeyInfo{Name: "sk-...AAAA", State: record.KeyUnknown}, true
			}),
		}},
	}
}

// finding makes the nth secret's finding.
func finding(o record.Origin, n byte, rule string, s record.Severity, change func(*record.Finding)) record.Finding {
	f := record.Finding{
		Origin: o, Rule: rule, Severity: s, Encoding: record.Plain, Whole: true,
		Print: [8]byte{0x9f, 0x2c, n}, Fingerprint: [16]byte{0xfe, 0xd0, n},
		Pos: record.Position{Line: 812, Column: 41, Offset: 93120, Length: 25,
			ColumnRunes: 40, EndColumnRunes: 65, EndLine: 812},
		Preview: "sk-…", Length: 25,
		Context: "… 'authorization': 'Bearer [sluice:" + rule + ":" + hex2(n) + "]' …",
	}
	if change != nil {
		change(&f)
	}
	return f
}

func hex2(n byte) string {
	return report.Print(&record.Finding{Print: [8]byte{0x9f, 0x2c, n}})
}

// hostile are strings that break a format which does not escape them.
var hostile = []string{
	"plain",
	"\x00\x01\x07\b\t\n\v\f\r\x1b[31m\x1b]0;title\a\x7f",
	"\u0080\u009b31m\u0085 \u202egnp.exe\u2066\u200b\u200d\ufeff\u2028\u2029\U000e0041",
	"]]><![CDATA[ <!-- --> &amp; &#0; <a b='c' d=\"e\">",
	"</script><script>alert(1)</script><img src=x onerror=alert(1)>",
	"::error::x\n::set-output name=a::b\r\n##[command]x ##vso[task.complete result=Succeeded;]y,a:b;c]%25%0A%AZP25",
	"\xff\xfe\xc3(",
	"\ufffe\uffff\U0001f600é中",
	`\ " ' {0} {{1}} [text](https://evil.example) %s %!d(string=x) $(id) ` + "`id`",
	"../../etc/passwd", "/etc/passwd", "a:b//c?d#e%2F", "C:\\x", "//host/share", " ",
	strings.Repeat("é\x1b", 5_000),
	"",
}

// Hostile is one delivery per string with that string in every field that
// holds text, and findings with every number out of range.
func Hostile() [][]record.Delivery {
	var all [][]record.Delivery
	for _, s := range hostile {
		for _, kind := range []string{"file", "docker", s} {
			o := record.Origin{Kind: kind, Name: s, Stream: s}
			f := finding(o, 1, s, record.SeverityCritical, func(f *record.Finding) {
				f.Name, f.Preview, f.Context, f.KnownBy, f.BaselineID = s, s, s, s, s
				f.Encoding = record.Encoding(s)
				f.Key = &record.KeyInfo{Gateway: s, Alias: s, Name: s, TeamID: s, TeamAlias: s, UserID: s,
					State: record.KeyState(s), Created: at, Expires: at, Deleted: at}
			})
			odd := f
			odd.Pos = record.Position{Line: -1, Column: -5, Offset: -1, Length: -3, ColumnRunes: 9, EndColumnRunes: 2, EndLine: -7}
			odd.Severity, odd.Whole, odd.Shown, odd.BitsLeft, odd.Length = 200, false, -1, 1<<40, -1
			odd.Key, odd.Rule, odd.Known = nil, "generic-api-key", true
			all = append(all, []record.Delivery{{Origin: o, Findings: []record.Finding{f, odd}, Unread: s}})
		}
	}
	return all
}

// HostileText is a run and a rule made of a hostile string each.
func HostileText() (runs []*report.Run, rules []report.Rule) {
	for _, s := range hostile {
		runs = append(runs, &report.Run{Version: s, Errors: []string{s, s}, Notes: []string{s}, Withheld: -1})
		rules = append(rules, report.Rule{ID: s, Name: s, Description: s, Help: s, HelpMarkdown: s,
			HelpURI: s, Tags: []string{s, s}, Precision: s})
	}
	return runs, rules
}

// CheckVisible fails if text is not UTF-8 or holds a character, other than a
// line end, that a terminal acts on or does not show.
func CheckVisible(t *testing.T, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Error("output is not UTF-8")
	}
	for i, r := range text {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("raw %U at byte %d", r, i)
		}
	}
}

// Golden compares got with a file, or writes the file under -update.
func Golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (run with -update to accept):\n%s", path, got)
	}
}

// OnlyFile fails unless name is all there is in dir: no temporary file stays.
func OnlyFile(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, "\n") != strings.Join(names, "\n") {
		t.Errorf("folder holds %q, want %q", got, names)
	}
}
