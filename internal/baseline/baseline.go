// Package baseline remembers findings that are known, so that a run fails for
// new ones only, and reads what users wrote down to be ignored.
//
// The promise: a baseline file can be committed. It holds no secret, and helps
// nobody to guess one: under a salt of its own, secrets of forms with 80 bits
// or more are HMACs, and each guess at a weaker one costs a scrypt. An entry
// is rule, source and secret, not a position: it holds when lines move, and
// does not hold for another secret in the same place. gitleaks' reports serve
// as baselines as they are, with and without --redact.
//
// The limits: a run computes scrypt for at most maxStretched different
// secrets; further weak ones count as not known, which Skipped tells. A name
// that is not UTF-8 is listed with U+FFFD for its bad bytes; it is matched
// exactly.
package baseline

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync/atomic"

	"sluice/internal/report"
)

// The bounds of what is read.
const (
	maxFile    = 256 << 20 // bytes; a gitleaks report repeats whole lines of logs
	maxEntries = 1_000_000
	version    = 1
	saltLen    = 32
)

// Entry is a known finding: ID binds rule, source and secret under the file's
// salt; Rule and Source are there for people who review the file.
type Entry struct {
	ID     string `json:"id"`
	Rule   string `json:"rule"`
	Source string `json:"source"`
}

// document is the file.
type document struct {
	Version int     `json:"sluice_baseline"`
	Salt    []byte  `json:"salt"`
	Scrypt  cost    `json:"scrypt"`
	Entries []Entry `json:"entries"`
}

// File is a baseline in memory. Its methods are safe for concurrent use.
type File struct {
	recording bool // ID makes identities of findings that are not known
	id        identity
	entries   []Entry
	byID      map[string]int // index in entries
	weak      map[scope]bool // where entries that need scrypt stand
	used      []atomic.Bool
	gitleaks  *gitleaks // nil for a file of ours
}

// scope is a rule in a source, as an entry lists it.
type scope struct{ rule, source string }

func scopeOf(rule, source string) scope {
	return scope{strings.ToValidUTF8(rule, "\ufffd"), strings.ToValidUTF8(source, "\ufffd")}
}

// New is an empty baseline with a fresh salt, to be filled and written.
func New() (*File, error) {
	salt := make([]byte, saltLen)
	if _, err := rand.Read(salt); err != nil {
		return nil, fmt.Errorf("make baseline salt: %w", err)
	}
	f := newFile(document{Version: version, Salt: salt, Scrypt: defaultCost})
	f.recording = true
	return f, nil
}

// Load reads a baseline, ours or a gitleaks report in JSON. It only answers
// Has; ID stays empty, as it costs a scrypt for each weak secret.
func Load(path string) (*File, error) {
	text, err := read(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	f, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("baseline %s: %w", path, err)
	}
	return f, nil
}

// Open is Load for a file to be written again, under the same salt: ID names
// every finding. Where there is no file it is New, and a gitleaks report gets
// a salt with which it can be written in our form.
func Open(path string) (*File, error) {
	f, err := Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return New()
	}
	if err != nil {
		return nil, err
	}
	f.recording = true
	return f, nil
}

func newFile(d document) *File {
	f := &File{
		id:      identity{salt: d.Salt, cost: d.Scrypt},
		entries: d.Entries,
		byID:    make(map[string]int, len(d.Entries)),
		weak:    map[scope]bool{},
		used:    make([]atomic.Bool, len(d.Entries)),
	}
	for i, e := range d.Entries {
		f.byID[e.ID] = i
		if strings.HasPrefix(e.ID, weakPrefix) {
			f.weak[scope{e.Rule, e.Source}] = true
		}
	}
	return f
}

// read reads a whole file of at most limit bytes.
func read(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s: larger than %s", path, report.Size(limit))
	}
	return text, err
}

// parse tells the two forms apart by their first character.
func parse(text []byte) (*File, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	if len(text) > 0 && text[0] == '[' {
		g, err := parseGitleaks(text)
		if err != nil {
			return nil, err
		}
		f, err := New()
		if err != nil {
			return nil, err
		}
		f.recording, f.gitleaks = false, g
		return f, nil
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, fmt.Errorf("not a baseline: %w", plainError(err))
	}
	switch {
	case d.Version != version:
		return nil, fmt.Errorf("not a baseline of version %d; write it anew", version)
	case len(d.Salt) < 16:
		return nil, errors.New("has no salt; write it anew")
	case len(d.Entries) > maxEntries:
		return nil, fmt.Errorf("more than %s entries", report.Count(maxEntries))
	}
	return newFile(d), d.Scrypt.check()
}

// plainError says where JSON is wrong without quoting it: a gitleaks report
// holds secrets.
func plainError(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("JSON breaks off")
	case errors.As(err, &syntax):
		return fmt.Errorf("JSON breaks off or is wrong at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("a field at byte %d has the wrong type", kind.Offset)
	}
	return errors.New("JSON can't be read")
}

// Has says whether the secret is known in that source under that rule. strong
// means that its form has 80 bits or more. The secret is only read.
func (f *File) Has(rule, source string, secret []byte, strong bool) bool {
	if f.gitleaks != nil {
		return f.gitleaks.has(rule, source, secret)
	}
	// An entry that needs scrypt must stand at this place before one is spent.
	if !strong && !f.weak[scopeOf(rule, source)] {
		return false
	}
	i, ok := f.byID[f.id.of(rule, source, secret, strong)]
	if ok {
		f.used[i].Store(true)
	}
	return ok
}

// ID is what a baseline file stores of a finding; empty if the file was opened
// by Load, or if too many weak secrets came before this one.
func (f *File) ID(rule, source string, secret []byte, strong bool) string {
	if !f.recording {
		return ""
	}
	return f.id.of(rule, source, secret, strong)
}

// Skipped is how many lookups of weak secrets were not made because the run
// had spent its scrypts: those findings count as not known, and were not named.
func (f *File) Skipped() int64 { return f.id.skipped.Load() }

// Entries are the entries as read; none of a gitleaks report, which can't be
// written again without its secrets.
func (f *File) Entries() []Entry { return slices.Clone(f.entries) }

// Unused describes the entries that no finding matched: what was cleaned up
// can leave the file. It means something only after a complete run over the
// same sources.
func (f *File) Unused() []string {
	if f.gitleaks != nil {
		return f.gitleaks.unused()
	}
	var list []string
	for i, e := range f.entries {
		if !f.used[i].Load() {
			list = append(list, e.Rule+" in "+e.Source)
		}
	}
	return list
}

// Write writes a baseline of these entries, each once, under the file's salt.
// Entries without an ID are left out.
func (f *File) Write(path string, entries []Entry) error {
	d := document{Version: version, Salt: f.id.salt, Scrypt: f.id.cost, Entries: slices.Clone(entries)}
	d.Entries = slices.DeleteFunc(d.Entries, func(e Entry) bool { return e.ID == "" })
	slices.SortFunc(d.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.ID, b.ID))
	})
	d.Entries = slices.CompactFunc(d.Entries, func(a, b Entry) bool { return a.ID == b.ID })
	return report.WriteFile(path, func(w *bufio.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(d)
	})
}
