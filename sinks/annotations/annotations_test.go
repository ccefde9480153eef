package annotations

import (
	"bytes"
	"regexp"
	"strings"
	"sync"
	"testing"

	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/internal/report/reporttest"
)

func write(t *testing.T, o Options, ds ...[]record.Delivery) string {
	t.Helper()
	var out bytes.Buffer
	s := New(&out, o)
	var wg sync.WaitGroup
	for _, d := range ds {
		wg.Go(func() {
			if err := s.Write(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestGolden(t *testing.T) {
	run := reporttest.Run()
	run.Complete, run.Errors = false, []string{"read b.log: 100% denied"}
	for _, kind := range []Kind{GitHub, Azure} {
		text := write(t, Options{Kind: kind, Root: "/src", Run: run}, reporttest.Deliveries())
		reporttest.Golden(t, "testdata/"+string(kind)+".txt", []byte(text))
	}
	for _, kind := range []Kind{None, GitLab} {
		if text := write(t, Options{Kind: kind, Run: run}, reporttest.Deliveries()); text != "" {
			t.Errorf("%q: %s", kind, text)
		}
	}
	if text := write(t, Options{Kind: GitHub, Run: reporttest.Run()}); text != "" {
		t.Errorf("a clean run: %s", text)
	}
}

// What the servers' own parsers take from a line: one command, with known
// parameters whose values end where we end them.
var forms = map[Kind]*regexp.Regexp{
	GitHub: regexp.MustCompile(`^::(error|warning|notice) (file=[^,:]*,)?(line=\d+,)?(col=\d+,)?title=[^,:]*::[^\r\n]*$`),
	Azure:  regexp.MustCompile(`^##vso\[task\.logissue type=(error|warning);(sourcepath=[^;\]]*;)?(linenumber=\d+;)?(columnnumber=\d+;)?code=[^;\]]*;\][^\r\n]*$`),
}

func TestHostile(t *testing.T) {
	runs, _ := reporttest.HostileText()
	for i, ds := range reporttest.Hostile() {
		for kind, form := range forms {
			text := write(t, Options{Kind: kind, Root: "/src", Run: runs[i%len(runs)]}, ds)
			reporttest.CheckVisible(t, text)
			for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
				if !form.MatchString(line) {
					t.Errorf("%s: %.300q", kind, line)
				}
				if strings.LastIndex(line, "##vso[") > 0 || strings.Contains(line, "##[") {
					t.Errorf("%s: a second command in %.300q", kind, line)
				}
			}
		}
	}
}

// A step shows ten of a level: each secret comes once before any comes twice,
// and the last annotation counts what is missing.
func TestLimit(t *testing.T) {
	base := reporttest.Deliveries()[:1]
	var ds [][]record.Delivery
	for i := range 40 {
		f := base[0].Findings[1]
		f.Pos.Line = int64(i + 1)
		if i >= 34 {
			f.Print, f.Rule = [8]byte{byte(i)}, "rare"
		}
		ds = append(ds, []record.Delivery{{Origin: f.Origin, Findings: []record.Finding{f}}})
	}
	text := write(t, Options{Kind: GitHub}, ds...)
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) != perLevel || !strings.HasSuffix(lines[perLevel-1], "::31 more findings are in the report.") {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	if n := strings.Count(text, "Secret%3A rare"); n < 5 {
		t.Errorf("%d of the rare ones", n)
	}
	run := &report.Run{Errors: []string{"stopped"}}
	if text := write(t, Options{Kind: Azure, Run: run}, ds...); strings.Count(text, "\n") != perLevel || !strings.Contains(text, "]stopped\n") {
		t.Errorf("%s", text)
	}
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want Kind
	}{
		{nil, None},
		{map[string]string{"CI": "true"}, None},
		{map[string]string{"GITHUB_ACTIONS": "true", "CI": "true"}, GitHub},
		{map[string]string{"GITHUB_ACTIONS": "false"}, None},
		{map[string]string{"TF_BUILD": "True"}, Azure},
		{map[string]string{"GITLAB_CI": "true"}, GitLab},
	} {
		got := Detect(func(name string) (string, bool) { v, ok := c.env[name]; return v, ok })
		if got != c.want {
			t.Errorf("%v: %q, want %q", c.env, got, c.want)
		}
	}
}
