package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// holder has a secret where fmt can't call its methods.
type holder struct {
	Name   string
	secret Secret
	list   []Secret
}

func TestNoVerbShowsASecret(t *testing.T) {
	const value = "kJ8sH2dL5qW9xZ3c"
	s := NewSecret(value)
	m := Match{Rule: "r", Secret: []byte(value)}
	h := holder{Name: "n", secret: s, list: []Secret{s}}
	var out bytes.Buffer
	for _, v := range []any{s, &s, m, &m, h, &h, []Secret{s}, map[string]Secret{"k": s}, struct{ S Secret }{s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			t.Fatal(err)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
	}
	for _, form := range []string{value, fmt.Sprintf("%x", value), fmt.Sprintf("%X", value), fmt.Sprint([]byte(value)), "a0o4c0gy"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("a secret shows as %s", form)
		}
	}
	if s.Reveal() != value || s.Empty() || !(Secret{}).Empty() {
		t.Error("the value itself is lost")
	}
}

func TestSeverityNames(t *testing.T) {
	for s := SeverityNone; s <= SeverityCritical; s++ {
		if got, err := ParseSeverity(s.String()); err != nil || got != s {
			t.Errorf("%v reads back as %v, %v", s, got, err)
		}
	}
	if _, err := ParseSeverity("severe"); err == nil {
		t.Error("an unknown name is accepted")
	}
}
