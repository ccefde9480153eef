package baseline

import (
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"

	"sluice/internal/record"
	"sluice/internal/report"
)

// The bounds of an ignore file: each finding is held against each pattern.
const (
	maxIgnoreFile    = 16 << 20 // bytes
	maxIgnoreEntries = 100_000
	maxPatterns      = 1000 // entries that are not looked up but tried
)

// Ignore is what users wrote down to be ignored. Where several entries match,
// the last one decides. Its methods are safe for concurrent use.
type Ignore struct {
	path    string
	entries []ignoreEntry
	prints  map[[16]byte]int // fingerprint -> last entry
	places  map[string]int   // FILE:RULE:LINE -> last entry
	tried   []int            // entries with patterns, in order
	used    []atomic.Bool
}

// ignoreEntry is one line.
type ignoreEntry struct {
	text  string
	line  int
	keep  bool // begins with !: not to be ignored
	file  *glob
	rule  *glob
	place int64 // line of the finding; 0: any
}

// LoadIgnore reads an ignore file. Its lines are
//
//	# a comment
//	logs/old/**                   sources, as .gitignore names files
//	rule:generic-*                rules
//	logs/*.log:generic-*:*        rules in sources; a number for one line
//	0123456789abcdef…             a finding's fingerprint, 32 hex digits
//	!logs/old/new.log             not to be ignored after all
//
// A file called .gitleaksignore is read as gitleaks reads it: its lines are
// FILE:RULE:LINE or COMMIT:FILE:RULE:LINE, to the letter. An entry for a
// commit matches nothing, as logs have none.
func LoadIgnore(name string) (*Ignore, error) {
	text, err := read(name, maxIgnoreFile)
	if err != nil {
		return nil, fmt.Errorf("read ignore file: %w", err)
	}
	g := &Ignore{path: name, prints: map[[16]byte]int{}, places: map[string]int{}}
	literal := filepath.Base(name) == ".gitleaksignore"
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		if len(g.entries) == maxIgnoreEntries {
			return nil, fmt.Errorf("ignore file %s:%d: more than %s entries", name, n, report.Count(maxIgnoreEntries))
		}
		e := ignoreEntry{text: line, line: n}
		if literal {
			g.addPlace(e, line)
		} else if err := g.add(e); err != nil {
			return nil, fmt.Errorf("ignore file %s:%d: %w", name, n, err)
		}
	}
	g.used = make([]atomic.Bool, len(g.entries))
	return g, nil
}

// addPlace adds a line of gitleaks' form, whatever it is: an entry that can't
// match is told by Unused.
func (g *Ignore) addPlace(e ignoreEntry, line string) {
	parts := strings.Split(line, ":")
	if len(parts) == 3 {
		parts[0] = gitleaksPath(parts[0])
		g.places[strings.Join(parts, ":")] = len(g.entries)
	}
	g.entries = append(g.entries, e)
}

// add adds a line of our form.
func (g *Ignore) add(e ignoreEntry) error {
	pattern, keep := strings.CutPrefix(e.text, "!")
	e.keep = keep
	if sum, err := hex.DecodeString(pattern); err == nil && len(sum) == 16 {
		g.prints[[16]byte(sum)] = len(g.entries)
		g.entries = append(g.entries, e)
		return nil
	}
	file, rule, place, err := split(pattern)
	if err != nil {
		return err
	}
	if place > 0 && !strings.ContainsAny(file+rule, `*?[\`) {
		g.places[gitleaksPath(file)+":"+rule+":"+strconv.FormatInt(place, 10)] = len(g.entries)
		g.entries = append(g.entries, e)
		return nil
	}
	e.place = place
	if len(g.tried) == maxPatterns {
		return fmt.Errorf("more than %s patterns; name fingerprints, or join patterns", report.Count(maxPatterns))
	}
	for _, p := range []struct {
		pattern string
		to      **glob
	}{{file, &e.file}, {rule, &e.rule}} {
		if p.pattern == "" {
			continue
		}
		made, err := newGlob(p.pattern)
		if err != nil {
			return err
		}
		*p.to = &made
	}
	g.tried = append(g.tried, len(g.entries))
	g.entries = append(g.entries, e)
	return nil
}

// split takes FILE:RULE:LINE, rule:RULE or FILE apart. A name may hold colons,
// so the last two parts count, and only if the last is a line.
func split(pattern string) (file, rule string, place int64, err error) {
	if rule, ok := strings.CutPrefix(pattern, "rule:"); ok && !strings.Contains(rule, ":") {
		if rule == "" {
			return "", "", 0, fmt.Errorf("rule: names no rule")
		}
		return "", rule, 0, nil
	}
	if i := strings.LastIndexByte(pattern, ':'); i > 0 {
		j := strings.LastIndexByte(pattern[:i], ':')
		n, err := strconv.ParseInt(pattern[i+1:], 10, 64)
		isLine := err == nil && n > 0
		if j >= 0 && j < i-1 && (isLine || pattern[i+1:] == "*") {
			return pattern[:j], pattern[j+1 : i], max(n, 0), nil
		}
	}
	if pattern == "" {
		return "", "", 0, fmt.Errorf("! stands alone")
	}
	return pattern, "", 0, nil
}

// Match says whether f is to be ignored, and by which entry ("ignore
// FILE:LINE"), which is what Finding.KnownBy holds.
func (g *Ignore) Match(f *record.Finding) (by string, ok bool) {
	name := gitleaksPath(f.Origin.Name)
	shown := name
	if name == "" {
		shown = "-"
	}
	last := -1
	if n, ok := g.prints[f.Fingerprint]; ok {
		last = n
	}
	if f.Pos.Line > 0 {
		if n, ok := g.places[name+":"+f.Rule+":"+strconv.FormatInt(f.Pos.Line, 10)]; ok {
			last = max(last, n)
		}
	}
	for i := len(g.tried) - 1; i >= 0 && g.tried[i] > last; i-- {
		if g.entries[g.tried[i]].match(f, shown) {
			last = g.tried[i]
		}
	}
	if last < 0 {
		return "", false
	}
	g.used[last].Store(true)
	if g.entries[last].keep {
		return "", false
	}
	return fmt.Sprintf("ignore %s:%d", g.path, g.entries[last].line), true
}

func (e *ignoreEntry) match(f *record.Finding, name string) bool {
	return (e.file == nil || e.file.match(name)) &&
		(e.rule == nil || e.rule.match(path.Clean(f.Rule))) &&
		(e.place == 0 || e.place == f.Pos.Line)
}

// Unused describes the entries that decided nothing ("FILE:LINE: entry"): what
// they were written for is gone, or a later entry decides in their place. It
// means something only after a complete run.
func (g *Ignore) Unused() []string {
	var list []string
	for i := range g.entries {
		if !g.used[i].Load() {
			list = append(list, fmt.Sprintf("%s:%d: %s", g.path, g.entries[i].line, g.entries[i].text))
		}
	}
	return list
}
