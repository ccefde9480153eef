package baseline

import (
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// cheap makes scrypt fast enough for tests of everything but scrypt.
var cheap = cost{N: 2, R: 8, P: 1}

// known is a finding as the redactor asks for it.
type known struct {
	rule, source, secret string
	strong               bool
}

func (k known) id(f *File) string { return f.ID(k.rule, k.source, []byte(k.secret), k.strong) }
func (k known) in(f *File) bool   { return f.Has(k.rule, k.source, []byte(k.secret), k.strong) }

func entriesOf(f *File, list ...known) []Entry {
	var out []Entry
	for _, k := range list {
		out = append(out, Entry{k.id(f), k.rule, k.source})
	}
	return out
}

func newFor(t *testing.T, c cost) *File {
	t.Helper()
	f, err := New()
	if err != nil {
		t.Fatal(err)
	}
	f.id.cost = c
	return f
}

// written is the file of a list.
func written(t *testing.T, list ...known) string {
	t.Helper()
	f := newFor(t, cost{N: 1 << 14, R: 8, P: 1})
	path := filepath.Join(t.TempDir(), "baseline.json")
	if err := f.Write(path, entriesOf(f, list...)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRoundTrip(t *testing.T) {
	strong := known{"anthropic-api-key", "logs/a.log", "made-up-key-0123456789abcdefghij", true}
	weak := known{"password", "logs/a.log", "hunter2hunter2", false}
	odd := known{"generic-api-key", "logs/\xff\n\"x.log", "another made-up value", true}
	path := written(t, strong, strong, weak, odd)
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if strong.id(f) != "" {
		t.Error("a loaded file makes identities")
	}
	if n := len(f.Entries()); n != 3 {
		t.Errorf("%d entries, want each once", n)
	}
	if !strong.in(f) || !weak.in(f) {
		t.Error("a known finding is new")
	}
	if unused := f.Unused(); len(unused) != 1 || !strings.HasPrefix(unused[0], "generic-api-key in ") {
		t.Errorf("unused %q", unused)
	}
	if !odd.in(f) || len(f.Unused()) != 0 {
		t.Error("a name that is not UTF-8 does not match")
	}
	for _, other := range []known{
		{strong.rule, "logs/b.log", strong.secret, true},
		{"other-rule", strong.source, strong.secret, true},
		{strong.rule, strong.source, strong.secret + "x", true},
		{strong.rule, strong.source, strong.secret, false},
		{weak.rule, weak.source, "hunter3hunter3", false},
		{strong.rule + "logs", "/a.log", strong.secret, true},
	} {
		if other.in(f) {
			t.Errorf("another finding is known: %s in %s", other.rule, other.source)
		}
	}
	again, err := Open(path)
	if err != nil || again.ID(weak.rule, weak.source, []byte(weak.secret), false) != entryID(f, weak.rule) {
		t.Errorf("opened again, the identity is another: %v", err)
	}
}

func entryID(f *File, rule string) string {
	for _, e := range f.Entries() {
		if e.Rule == rule {
			return e.ID
		}
	}
	return "none"
}

// The file holds no secret in any usual encoding; a weak one can't be tried
// with the salt alone; and two files of the same findings have nothing in
// common.
func TestFileHelpsNobody(t *testing.T) {
	weak := known{"password", "logs/a.log", "hunter2hunter2", false}
	path := written(t, weak)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{weak.secret, hex.EncodeToString([]byte(weak.secret)),
		base64.RawStdEncoding.EncodeToString([]byte(weak.secret))[:16]} {
		if strings.Contains(string(text), form) {
			t.Error("the file holds the secret")
		}
	}
	f, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	key := mac(f.id.salt, []byte(weak.secret))
	fast := mac(key[:], []byte(weak.rule), []byte(weak.source))
	if strings.Contains(string(text), hex.EncodeToString(fast[:])) {
		t.Error("a weak secret can be guessed at the price of a hash")
	}
	other, err := os.ReadFile(written(t, weak))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(other), entryID(f, "password")) {
		t.Error("two files have the same identity for a secret")
	}
}

// Identities are equal for equal findings and only for those, whoever asks
// and in whatever order.
func TestIdentities(t *testing.T) {
	f := newFor(t, cheap)
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringMatching(`[ab:]{0,3}`)
		make := func(label string) known {
			return known{part.Draw(t, label+" rule"), part.Draw(t, label+" source"), part.Draw(t, label+" secret"), rapid.Bool().Draw(t, label+" strong")}
		}
		a, b := make("a"), make("b")
		if (a == b) != (a.id(f) == b.id(f)) {
			t.Fatalf("%+v and %+v", a, b)
		}
	})
}

// Beyond the bound a weak secret is not known, not named and counted; those
// computed before and strong ones still are.
func TestStretchIsBounded(t *testing.T) {
	f := newFor(t, cheap)
	first := known{"password", "a", "secret number 0", false}
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range maxStretched / 4 {
				known{"password", "a", "secret number " + string(rune('0'+w*maxStretched+i)), false}.id(f)
			}
		})
	}
	wg.Wait()
	late := known{"password", "a", "one too many", false}
	if late.id(f) != "" || f.Skipped() != 1 {
		t.Errorf("id %q, %d skipped", late.id(f), f.Skipped())
	}
	if first.id(f) == "" || (known{"key", "a", "one too many", true}).id(f) == "" {
		t.Error("a cached or a strong secret has no identity")
	}
	path := filepath.Join(t.TempDir(), "b.json")
	if err := f.Write(path, entriesOf(f, late, first)); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(path); strings.Count(string(text), `"id"`) != 1 {
		t.Errorf("an entry without identity was written:\n%s", text)
	}
}

// A place without entries of its kind costs no scrypt: a flood of weak
// findings elsewhere can't spend the bound.
func TestOtherPlacesCostNothing(t *testing.T) {
	f, err := Load(written(t, known{"password", "logs/a.log", "hunter2hunter2", false}))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * maxStretched {
		if (known{"password", "logs/b.log", "x", false}).in(f) || (known{"generic", "logs/a.log", "x", false}).in(f) {
			t.Fatal("known")
		}
	}
	if len(f.id.stretched) != 0 || f.Skipped() != 0 {
		t.Errorf("%d scrypts spent", len(f.id.stretched))
	}
}

func TestBadFiles(t *testing.T) {
	salt := `"salt":"AAAAAAAAAAAAAAAAAAAAAA=="`
	for _, c := range []struct{ text, want string }{
		{``, "byte 0"},
		{`{}`, "not a baseline of version 1"},
		{`{"sluice_baseline":1}`, "no salt"},
		{`{"sluice_baseline":1,` + salt + `,"scrypt":{"n":1073741824,"r":8,"p":1}}`, "not one that Sluice writes"},
		{`{"sluice_baseline":1,` + salt + `,"scrypt":{"n":2,"r":8,"p":1}}`, "not one that Sluice writes"},
		{`[{"RuleID":"a","Secret":"sk-canary`, "breaks off"},
		{`[{"Secret":"sk-canary"}]`, "no RuleID"},
		{`[{"RuleID":"a","StartLine":"sk-canary"}]`, "wrong type"},
		{`["sk-canary"]`, "wrong type"},
	} {
		path := filepath.Join(t.TempDir(), "b.json")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.text, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("the error quotes the file: %v", err)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("no error for no file")
	}
	if f, err := Open(filepath.Join(t.TempDir(), "none.json")); err != nil || f.ID("r", "s", []byte("x"), true) == "" {
		t.Errorf("open makes no new one: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(`{"sluice_baseline":1,"salt":"AAAAAAAAAAAAAAAAAAAAAA==","scrypt":{"n":16384,"r":8,"p":1},"entries":[{"id":"h:00","rule":"a","source":"b"}]}`))
	f.Add([]byte(`[{"RuleID":"a","File":"b","StartLine":1,"EndLine":1,"StartColumn":1,"EndColumn":9,"Secret":"REDACTED"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := parse(text)
		if err != nil {
			return
		}
		file.Has("a", "b", []byte("c"), true)
		if n, m := len(file.Unused()), len(file.Entries()); file.gitleaks == nil && n > m {
			t.Errorf("%d of %d unused", n, m)
		}
	})
}
