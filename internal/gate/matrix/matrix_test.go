package matrix

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"sluice/internal/gate"
	"sluice/internal/gate/checks"
	"sluice/internal/record"
	"sluice/internal/report/reporttest"
)

// sample is a run in which every verdict occurs.
func sample() *gate.Report {
	day := time.Date(2026, 1, 21, 5, 11, 0, 0, time.UTC)
	r := &gate.Report{
		Plan: gate.Plan{Run: "abcdefgh", Gateway: "http://localhost:8080", Replicas: []string{"http://localhost:4000", "http://localhost:4001"},
			Model: "claude-3-haiku", Other: "gpt-mock", Logs: []string{"docker://litellm-gateway-*"}, MaxRevocation: 5 * time.Second},
		Version: "1.0.0", Started: day, Took: 83 * time.Second, Requests: 612,
		Info: gate.GatewayInfo{Version: "1.81.0", Versions: []string{"1.81.0", "1.81.0"}, Database: "connected"},
	}
	special := map[string]gate.Result{
		"2b": {Verdict: gate.Pass, Evidence: "The gateway accepted the key; its provider then failed", Provider: "401 from the provider: litellm.AuthenticationError: x"},
		"3b": {Verdict: gate.Inconclusive, Evidence: "The provider fails, so nothing is spent", Provider: "401 from the provider: litellm.AuthenticationError: x"},
		"3e": gate.Failed("limit 2 a minute: 4 served"),
		"4h": gate.Failed("served: 200"), "4i": gate.Failed("served: 200"),
		"2k": gate.Skip("needs the built-in provider"),
		"7a": gate.Failed("replica 2 after 60.3 s (limit 5s)"),
	}
	for _, c := range checks.All(2) {
		o := gate.Outcome{Check: c, Result: gate.Passed("As promised"), Took: 120 * time.Millisecond}
		if s, ok := special[c.ID]; ok {
			o.Result = s
		}
		switch c.ID {
		case "4h":
			o.Verdict, o.Waiver = gate.Waived, &gate.Waiver{Check: "4h", Reason: "known to upstream", Owner: "platform", Until: "2026-06-30"}
		case "7a":
			o.Waiver = &gate.Waiver{Check: "7a", Reason: "Redis is coming", Owner: "platform", Until: "2025-12-31"}
		}
		r.Outcomes = append(r.Outcomes, o)
	}
	r.Compare("earlier1", map[string]gate.Verdict{"4h": gate.Pass, "1a": gate.Pass})
	r.Changes = r.Changes[:2]
	return r
}

func render(t testing.TB, format string, r *gate.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, r, &gate.Scrubber{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	for format, file := range map[string]string{"text": "gate.txt", "json": "gate.json", "junit": "gate.xml"} {
		reporttest.Golden(t, "testdata/"+file, render(t, format, sample()))
	}
}

// The parts of the report that this project started from, in its order.
func TestFormOfTheOriginalReport(t *testing.T) {
	for _, format := range []string{"text", "markdown", "html"} {
		text := string(render(t, format, sample()))
		at := 0
		for _, part := range []string{"VALIDATION REPORT", "Test Date:", "Environment:", "Replicas:", "Total Tests: 17", "Passed: ", "Failed: ", "Success Rate:",
			"Executive Summary", "VERDICT:", "PASS/FAIL MATRIX", "1. Master Key Enforcement", "1a. No auth header", "Details:", "Analysis:", "2. Virtual Keys",
			"3. Budgets", "4. Team Isolation", "5. Log Redaction", "6. HA Consistency", "EXACT CURL COMMANDS", "SECURITY FINDINGS", "Verified Controls",
			"Coverage Summary", "CONCLUSION", "Security Score:", "Operational Score:", "Test Execution:", "Report Generated:"} {
			i := strings.Index(text[at:], part)
			if i < 0 {
				t.Fatalf("%s: no %q behind byte %d", format, part, at)
			}
			at += i
		}
	}
}

// The seventeen of the original report are all there, and only they are core.
func TestTheSeventeen(t *testing.T) {
	var core []string
	for _, c := range checks.All(3) {
		if c.Core {
			core = append(core, c.ID)
		}
	}
	if got, want := strings.Join(core, " "), "1a 1b 1c 2a 2b 3a 3b 3c 4a 4b 4c 4d 4e 5 6a 6b 6c"; got != want {
		t.Errorf("core: %s, want %s", got, want)
	}
	if totals(sample(), true).Total != 17 {
		t.Errorf("%d counted", totals(sample(), true).Total)
	}
}

// No system is green that has a failed or an inconclusive check.
func TestNoFalseGreen(t *testing.T) {
	r := sample()
	for i := range r.Outcomes {
		for _, v := range []gate.Verdict{gate.Fail, gate.Inconclusive, gate.Waived} {
			was := r.Outcomes[i].Verdict
			r.Outcomes[i].Verdict = v
			for _, s := range bySystem(r) {
				if s.ID == r.Outcomes[i].System && strings.HasPrefix(s.mark(), "✅") {
					t.Errorf("%s with %s %s is green", s.Title, r.Outcomes[i].ID, v)
				}
			}
			r.Outcomes[i].Verdict = was
		}
	}
}

// hostile is a gateway that answers to break reports.
func hostile() *gate.Report {
	r := sample()
	evil := "\x1b[2J\x1b]0;x\x07 <script>alert(1)</script> | `code` **bold** [link](javascript:x) ]]> \u202e\u0000 ``` \r\n# heading {0} \xff"
	r.Info.Version, r.Info.Versions, r.Notes, r.Leftovers = evil, []string{evil, evil}, []string{evil}, []string{evil}
	for i := range r.Outcomes {
		r.Outcomes[i].Evidence, r.Outcomes[i].Provider = evil, evil
	}
	return r
}

func TestHostileTextStaysInItsPlace(t *testing.T) {
	for _, format := range Formats() {
		text := render(t, format, hostile())
		for _, b := range text {
			if b < ' ' && b != '\n' || b == 0x7f {
				t.Errorf("%s: byte %#x", format, b)
				break
			}
		}
		if bytes.Contains(text, []byte("\u202e")) {
			t.Errorf("%s: a directional override", format)
		}
	}
	page := string(render(t, "html", hostile()))
	if strings.Contains(page, "<script") || strings.Contains(page, "<strong>bold") {
		t.Error("html: marks of the gateway became marks of the page")
	}
	if md := string(render(t, "markdown", hostile())); strings.Contains(md, "<script") || strings.Contains(md, "[link](") || regexp.MustCompile(`(?m)^# heading`).MatchString(md) {
		t.Error("markdown: marks of the gateway became marks of the document")
	}
}

func TestMachinesCanReadIt(t *testing.T) {
	for name, r := range map[string]*gate.Report{"sample": sample(), "hostile": hostile(), "empty": {}} {
		if text := render(t, "json", r); !json.Valid(text) {
			t.Errorf("%s: not JSON", name)
		}
		dec := xml.NewDecoder(bytes.NewReader(render(t, "junit", r)))
		for {
			_, err := dec.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Errorf("%s: not XML: %v", name, err)
				break
			}
		}
		log, err := sarif.FromBytes(render(t, "sarif", r), sarif.WithStrictValidation())
		if err == nil {
			err = log.Validate()
		}
		if err != nil {
			t.Errorf("%s: not SARIF: %v", name, err)
		}
	}
}

// The contract of the json report.
func TestJSONContract(t *testing.T) {
	var doc struct {
		Run      string
		Complete *bool
		Checks   []struct {
			ID, System, Title, Verdict, Evidence string
			TookMS                               *int64 `json:"took_ms"`
		}
	}
	if err := json.Unmarshal(render(t, "json", sample()), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Run != "abcdefgh" || doc.Complete == nil || *doc.Complete || len(doc.Checks) != len(checks.All(2)) {
		t.Errorf("%+v", doc)
	}
	verdicts := regexp.MustCompile(`^(pass|fail|inconclusive|skipped|waived)$`)
	for _, c := range doc.Checks {
		if c.ID == "" || c.System == "" || c.Title == "" || c.Evidence == "" || c.TookMS == nil || !verdicts.MatchString(c.Verdict) {
			t.Errorf("%+v", c)
		}
	}
	if doc.Checks[0].ID != "1a" || doc.Checks[0].System != "master-key" {
		t.Errorf("first: %+v", doc.Checks[0])
	}
	run, before, err := ReadVerdicts(bytes.NewReader(render(t, "json", sample())))
	if err != nil || run != "abcdefgh" || before["4h"] != gate.Waived {
		t.Errorf("read back: %q, %v, %v", run, before["4h"], err)
	}
	for _, bad := range []string{"", "{}", "[]", `{"run":"x"}`, "<html>"} {
		if _, _, err := ReadVerdicts(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is read as a report", bad)
		}
	}
}

// What the scrubber knows stands in no format.
func TestEveryFormatIsScrubbed(t *testing.T) {
	key := "sk-" + gate.Random(22)
	scrub := &gate.Scrubber{}
	scrub.Add(key)
	r := sample()
	r.Outcomes[0].Evidence, r.Notes = "got "+key, []string{key}
	r.Model = "model-" + key
	for _, format := range Formats() {
		var b bytes.Buffer
		if err := Write(&b, format, r, scrub); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), key[5:]) {
			t.Errorf("%s shows the key", format)
		}
	}
	if err := Write(io.Discard, "yaml", r, scrub); err == nil {
		t.Error("an unknown format is written")
	}
}

// Every check says what reports need of it.
func TestChecksAreWhole(t *testing.T) {
	systems := map[string]bool{}
	for _, s := range gate.Systems() {
		systems[s.ID] = true
	}
	last := ""
	for _, c := range checks.All(3) {
		if c.ID <= last {
			t.Errorf("%s stands behind %s", c.ID, last)
		}
		last = c.ID
		if !systems[c.System] || c.Title == "" || c.Control == "" || c.Verified == "" || c.Remedy == "" || c.Aspect == "" ||
			c.Severity < record.SeverityLow || len(c.Sends) == 0 || c.Curl == nil || c.Run == nil {
			t.Errorf("%s lacks something: %+v", c.ID, c)
		}
	}
}

// A comparison of a run of some checks with one of all names the others once.
func TestComparedWithMoreChecks(t *testing.T) {
	r := sample()
	r.Changes = nil
	r.Compare("earlier1", map[string]gate.Verdict{"9y": gate.Pass, "9z": gate.Fail})
	text := string(render(t, "text", r))
	if want := "Not among the checks of this run: 9y, 9z.\n"; !strings.Contains(text, want) || strings.Contains(text, "| 9y") {
		t.Errorf("the report lacks %q", want)
	}
}

// Every form is text: a header that a curl sends as bytes stood in it raw.
func TestFormsAreUTF8(t *testing.T) {
	for _, format := range Formats() {
		if text := render(t, format, sample()); !utf8.Valid(text) {
			t.Errorf("%s is not UTF-8", format)
		}
	}
}
