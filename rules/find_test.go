package rules

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	with := write(t, map[string]string{".gitleaks.toml": rule("mine", `regex = '''mine'''`)})
	without := t.TempDir()
	for _, c := range []struct {
		dir  string
		env  map[string]string
		want string // base name of what is found
	}{
		{with, nil, ".gitleaks.toml"},
		{without, nil, ""},
		{filepath.Join(with, ".gitleaks.toml"), nil, ""},
		{filepath.Join(without, "none"), nil, ""},
		{"", nil, ""},
		{with, map[string]string{"GITLEAKS_CONFIG": "/x/other.toml", "GITLEAKS_CONFIG_TOML": "text"}, "other.toml"},
		{with, map[string]string{"GITLEAKS_CONFIG_TOML": "title = 'x'"}, "GITLEAKS_CONFIG_TOML"},
	} {
		got, err := Find(c.dir, func(name string) string { return c.env[name] })
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		name := ""
		if got != nil {
			name = filepath.Base(got.Name)
		}
		if name != c.want {
			t.Errorf("%+v: found %q", c, name)
		}
	}
}

// What lies under a file depends on how it was given; ours stay under a file
// that stands in for gitleaks' defaults.
func TestLayers(t *testing.T) {
	dir := write(t, map[string]string{
		"plain.toml":   rule("mine", `regex = '''mine'''`),
		"extends.toml": "[extend]\nuseDefault = true\ndisabledRules = [\"jwt\", \"groq-api-key\"]\n" + rule("mine", `regex = '''mine'''`),
		"second.toml":  "[extend]\nuseDefault = true\n" + rule("second", `regex = '''second'''`),
	})
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, c := range map[string]struct {
		files    []string
		o        Options
		has, not string
	}{
		"defaults":                 {nil, Options{}, "jwt groq-api-key stripe-access-token", "mine"},
		"added":                    {[]string{at("plain.toml")}, Options{}, "mine jwt groq-api-key", ""},
		"added, with a rule taken": {[]string{at("extends.toml")}, Options{}, "mine stripe-access-token openai-api-key", "jwt groq-api-key"},
		"alone":                    {[]string{at("plain.toml")}, Options{NoDefaults: true}, "mine", "jwt groq-api-key"},
		"alone but for gitleaks":   {[]string{at("extends.toml")}, Options{NoDefaults: true}, "mine stripe-access-token", "jwt groq-api-key langfuse-secret-key"},
		"in place of gitleaks":     {nil, Options{Gitleaks: &File{Name: at("plain.toml")}}, "mine groq-api-key", "stripe-access-token"},
		"in place, extending":      {nil, Options{Gitleaks: &File{Name: at("second.toml")}}, "second groq-api-key stripe-access-token", ""},
		"in place, and one more":   {[]string{at("second.toml")}, Options{Gitleaks: &File{Name: at("plain.toml")}}, "mine second stripe-access-token", ""},
		"from the environment":     {nil, Options{Gitleaks: &File{Name: "GITLEAKS_CONFIG_TOML", Text: rule("env", `regex = '''e'''`)}}, "env groq-api-key", "stripe-access-token"},
		"two":                      {[]string{at("plain.toml"), at("second.toml")}, Options{}, "mine second jwt", ""},
	} {
		set, err := Load(c.files, c.o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, id := range strings.Fields(c.has) {
			if set.ByID(id) == nil {
				t.Errorf("%s: %s is missing", name, id)
			}
		}
		for _, id := range strings.Fields(c.not) {
			if set.ByID(id) != nil {
				t.Errorf("%s: %s is there", name, id)
			}
		}
		if last := set.Rules[len(set.Rules)-1].ID; set.ByID("generic-api-key") != nil && last != "generic-api-key" {
			t.Errorf("%s: the last rule is %s", name, last)
		}
	}
}

// A default is under a file once, whoever asked for it: lists do not grow.
func TestDefaultOnce(t *testing.T) {
	dir := write(t, map[string]string{"a.toml": "[extend]\nuseDefault = true\n"})
	name := filepath.Join(dir, "a.toml")
	want := defaults(t)
	got, err := Load([]string{name, name}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Rules {
		a, b := want.Rules[i], got.ByID(want.Rules[i].ID)
		if b == nil || !slices.Equal(a.Keywords, b.Keywords) || len(a.Allowlists) != len(b.Allowlists) {
			t.Errorf("%s differs", a.ID)
		}
	}
}
