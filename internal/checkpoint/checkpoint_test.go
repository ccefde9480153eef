package checkpoint

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/internal/record"
)

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// numbered is a document that can be told from others.
func numbered(n int64) Document {
	name := "/var/log/a\xff.log"
	return Document{
		Sources: map[string]Source{
			"file": {
				Marks: map[string]record.Mark{
					"/var/log/b.log": {Stream: "/var/log/b.log", Epoch: -7, Offset: n, Sub: 3},
					name:             {Stream: name, Epoch: n, Offset: 1 << 62},
				},
				State: json.RawMessage(`{"chains":[1,2,3]}`),
			},
			"docker": {Marks: map[string]record.Mark{}},
		},
		Output: &Output{Path: "/var/log/clean.log", Length: n, HeadLen: 8, Head: "00ff"},
	}
}

func number(d Document) int64 {
	if d.Output == nil {
		return 0
	}
	return d.Output.Length
}

func TestWhatIsSavedIsLoaded(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a", "b"))
	doc, warnings, err := s.Load()
	if err != nil || len(warnings) > 0 || doc.Output != nil || doc.Sources != nil {
		t.Fatalf("an empty folder gives %+v, %v, %v", doc, warnings, err)
	}
	for n := range int64(3) {
		want := numbered(n + 1)
		if err := s.Save(want); err != nil {
			t.Fatal(err)
		}
		got, warnings, err := s.Load()
		if err != nil || len(warnings) > 0 {
			t.Fatal(warnings, err)
		}
		want.Saved = got.Saved
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	}
}

// Any documents survive, whatever bytes names have.
func TestDocumentsComeBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 8), func(b []byte) string { return string(b) }))
		marks := map[string]record.Mark{}
		for range rapid.IntRange(0, 4).Draw(t, "marks") {
			m := record.Mark{Stream: name.Draw(t, "stream"), Epoch: rapid.Int64().Draw(t, "epoch"), Offset: rapid.Int64().Draw(t, "offset"), Sub: rapid.Int64().Draw(t, "sub")}
			marks[m.Stream] = m
		}
		want := Document{Sources: map[string]Source{"s": {Marks: marks}}}
		text, err := encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

// damaged loads with the current document in a bad state.
func damaged(t *testing.T, dir string, s *Store, text []byte, want int64) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, current), text, 0o600); err != nil {
		t.Fatal(err)
	}
	doc, warnings, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	if number(doc) != want || len(warnings) != 1 {
		t.Fatalf("document %d, want %d; warnings %q", number(doc), want, warnings)
	}
}

// Whatever byte it is cut at or changed, the older document is used.
func TestDamageAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for n := range int64(2) {
		if err := s.Save(numbered(n + 1)); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, current))
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		damaged(t, dir, s, text[:i], 1)
		for bit := range 8 {
			changed := append([]byte(nil), text...)
			changed[i] ^= 1 << bit
			damaged(t, dir, s, changed, 1)
		}
	}
	damaged(t, dir, s, append(text, '\n'), 1)
	damaged(t, dir, s, []byte(`{"positions":{"/var/log/a.log":17}}`), 1)
	if err := os.WriteFile(filepath.Join(dir, current), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if doc, warnings, err := s.Load(); err != nil || len(warnings) > 0 || number(doc) != 2 {
		t.Fatal(number(doc), warnings, err)
	}
}

func TestNothingUsableIsSaid(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for _, name := range []string{current, previous} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("\x00\x00\x00"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	doc, warnings, err := s.Load()
	if err != nil || doc.Output != nil || len(warnings) != 2 || !strings.Contains(warnings[1], "everything is read again") {
		t.Fatal(doc, warnings, err)
	}
}

func TestAnotherVersionIsNamed(t *testing.T) {
	body := []byte("{}\n")
	text := fmt.Appendf(nil, headFormat, 2, sum(2, body), len(body))
	_, err := decode(append(text, body...))
	if err == nil || !strings.Contains(err.Error(), "format 2") {
		t.Fatal(err)
	}
}

func FuzzDecode(f *testing.F) {
	text, err := encode(numbered(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("sluice checkpoint 1 00000000 0\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if doc, err := decode(text); err == nil {
			if _, err := encode(doc); err != nil {
				t.Fatal(err)
			}
		}
	})
}
