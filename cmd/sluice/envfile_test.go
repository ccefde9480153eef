package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseEnv(t *testing.T) {
	text := "\ufeff# comment\r\nA=plain\r\nexport B = 'single $x \\n'\nC=\"two\nlines\\n\\\"q\\\"\" # after\n" +
		"EMPTY=\nE=''\nF=url://user:p#w@host # note\n\n  G=\"x\""
	got, _, err := parseEnv(text)
	if err != nil {
		t.Fatal(err)
	}
	var flat []string
	for _, s := range got {
		flat = append(flat, s.name+"="+s.value.Reveal())
	}
	want := []string{"A=plain", "B=single $x \\n", "C=two\nlines\n\"q\"", "F=url://user:p#w@host", "G=x"}
	if diff := cmp.Diff(want, flat); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
}

func TestParseEnvErrorsNameTheLineAndNoValue(t *testing.T) {
	for text, want := range map[string]int{
		"A=1\nsk-secret-alone\n":            2,
		"A=\"x\ny\"\nB='never ends hunter2": 3,
	} {
		_, line, err := parseEnv(text)
		if err == nil || line != want {
			t.Errorf("%q: line %d, error %v, want line %d", text, line, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("the error shows a value: %v", err)
		}
	}
}

func TestParseEnvReadsWhatIsQuoted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOfN(rapid.RuneFrom([]rune("ab \"'\\#$=\n")), 1, 20, -1).Draw(t, "value")
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(value)
		got, _, err := parseEnv("X=1\nNAME=\"" + quoted + "\"\nY=2\n")
		if err != nil || len(got) != 3 || got[1].value.Reveal() != value {
			t.Fatalf("got %d secrets, error %v", len(got), err)
		}
	})
}
