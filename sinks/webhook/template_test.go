package webhook

import (
	"encoding/json"
	"strings"
	"testing"

	"sluice/internal/report/reporttest"
)

const userText = `{"text": "{{len .Alerts}} leaks, {{.Total}} times", "id": {{json .ID}}, "alerts": [
{{- range $i, $a := .Alerts}}{{if $i}}, {{end}}{"where": {{json $a.Where}}, "line": "{{$a.Context}}", "owner": "{{slack $a.Owner}}", "first": "{{$a.First.Format "2006-01-02"}}"}{{end}}]}`

func withTemplate(text, contentType string) func(*Config) {
	return func(c *Config) { c.Template, c.ContentType = text, contentType }
}

func TestTemplateBody(t *testing.T) {
	r := testRenderer(t, FormatTemplate, withTemplate(userText, ""))
	body := renderBody(t, r, ordinary(t, r.spec.batch)[0])
	reporttest.Golden(t, "testdata/template.json", append(body, '\n'))
}

// A template whose author forgot to escape makes JSON all the same, and what
// stands in a string stays in it.
func TestTemplateEscapesByItself(t *testing.T) {
	r := testRenderer(t, FormatTemplate, withTemplate(`{"line": "{{(index .Alerts 0).Context}}"}`, "application/vnd.x+json"))
	const text = `", "admin": true, "x": "\`
	var got map[string]any
	if err := json.Unmarshal(renderBody(t, r, []leak{hostileLeak(t, text)}), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || !strings.Contains(got["line"].(string), `"admin"`) {
		t.Errorf("%v", got)
	}
}

// A template that can't be carried out is refused at the start, not at the
// first leak.
func TestTemplateIsTriedAtTheStart(t *testing.T) {
	for _, bad := range []string{"", "{{", "{{.Nothing}}", `{"a": {{.Total}}`, "{{range .Alerts}}{{.Nope}}{{end}}", `{{template "none"}}`} {
		cfg := &Config{Format: FormatTemplate, Template: bad}
		cfg.defaults()
		if _, err := newRenderer(cfg); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	r := testRenderer(t, FormatTemplate, withTemplate("{{(index .Alerts 0).Where}}: {{.Total}}\n", "text/plain; charset=utf-8"))
	contentType, body, err := r.render(&message{id: "msg_1", at: packed}, []leak{hostileLeak(t, "a\x1b[31m\nb")})
	if err != nil || contentType != "text/plain; charset=utf-8" || strings.Count(string(body), "\n") != 1 {
		t.Errorf("%s: %q, %v", contentType, body, err)
	}
	reporttest.CheckVisible(t, string(body))
}
