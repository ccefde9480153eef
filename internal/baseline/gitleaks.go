package baseline

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync/atomic"

	"sluice/internal/record"
	"sluice/internal/report"
)

// redacted is what gitleaks --redact writes for a secret.
const redacted = "REDACTED"

// gitleaksFinding is what of gitleaks' report matters here. Secret is hashed as
// soon as it is read.
type gitleaksFinding struct {
	RuleID, File, Commit   string
	StartLine, EndLine     int64
	StartColumn, EndColumn int64
	Secret                 string
}

// gitleaks is a report of gitleaks used as a baseline.
//
// gitleaks itself takes a finding as known if rule, file, position and the
// secret (unless redacted) are those of an entry. Here an entry with a secret
// holds wherever that secret stands in the file; one without holds where the
// secret found lies within the entry's position.
type gitleaks struct {
	key     [32]byte // of the hashes; random, so that they mean nothing outside
	secrets map[[32]byte]int
	places  map[scope][]int
	entries []gitleaksEntry
	used    []atomic.Bool
}

// gitleaksEntry is an entry without its secret.
type gitleaksEntry struct {
	rule, file             string
	startLine, endLine     int64
	startColumn, endColumn int64
}

func parseGitleaks(text []byte) (*gitleaks, error) {
	g := &gitleaks{secrets: map[[32]byte]int{}, places: map[scope][]int{}}
	if _, err := rand.Read(g.key[:]); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return nil, plainError(err)
	}
	for dec.More() {
		var f gitleaksFinding
		if err := dec.Decode(&f); err != nil {
			return nil, fmt.Errorf("not a report of gitleaks: %w", plainError(err))
		}
		if f.RuleID == "" {
			return nil, errors.New("not a report of gitleaks: a finding has no RuleID")
		}
		if len(g.entries) == maxEntries {
			return nil, fmt.Errorf("more than %s entries", report.Count(maxEntries))
		}
		// Findings in a commit are of a history, which logs have not: gitleaks
		// matches those against findings with the same commit only.
		if f.Commit == "" {
			g.add(f)
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, plainError(err)
	}
	g.used = make([]atomic.Bool, len(g.entries))
	return g, nil
}

func (g *gitleaks) add(f gitleaksFinding) {
	n, file := len(g.entries), gitleaksPath(f.File)
	if f.Secret == "" || f.Secret == redacted || strings.HasSuffix(f.Secret, "...") {
		s := scope{f.RuleID, file}
		g.places[s] = append(g.places[s], n)
	} else {
		id := g.hash(f.RuleID, file, []byte(f.Secret))
		if _, ok := g.secrets[id]; ok {
			return // the same secret on another line is one entry
		}
		g.secrets[id] = n
	}
	g.entries = append(g.entries, gitleaksEntry{f.RuleID, file, f.StartLine, f.EndLine, f.StartColumn, f.EndColumn})
}

func (g *gitleaks) hash(rule, file string, secret []byte) [32]byte {
	return mac(g.key[:], []byte(rule), []byte(file), secret)
}

// has finds an entry with the secret.
func (g *gitleaks) has(rule, source string, secret []byte) bool {
	n, ok := g.secrets[g.hash(rule, gitleaksPath(source), secret)]
	if ok {
		g.used[n].Store(true)
	}
	return ok
}

// Match finds an entry by position: of a gitleaks report whose secrets are
// redacted. Other baselines have no positions and match nothing here.
func (f *File) Match(finding *record.Finding) (by string, ok bool) {
	g := f.gitleaks
	if g == nil || finding.Pos.Line <= 0 {
		return "", false
	}
	for _, n := range g.places[scope{finding.Rule, gitleaksPath(finding.Origin.Name)}] {
		if g.entries[n].covers(finding.Pos) {
			g.used[n].Store(true)
			return "baseline", true
		}
	}
	return "", false
}

// covers says that the secret lies in the entry's match. gitleaks counts
// columns from 1 in the first line of what it reads at once and from 2 in
// others, so one column on either side belongs to it.
func (e *gitleaksEntry) covers(p record.Position) bool {
	last := max(p.EndLine, p.Line)
	if p.Line < e.startLine || last > e.endLine {
		return false
	}
	if p.Line == e.startLine && p.Column < e.startColumn-1 {
		return false
	}
	return last != p.Line || last != e.endLine || p.Column+p.Length-1 <= e.endColumn+1
}

func (g *gitleaks) unused() []string {
	var list []string
	for i, e := range g.entries {
		if !g.used[i].Load() {
			list = append(list, fmt.Sprintf("%s:%s:%d", e.file, e.rule, e.startLine))
		}
	}
	return list
}

// gitleaksPath is a path as both write it: slashes, no ./ in front; standard
// input has no name in gitleaks.
func gitleaksPath(name string) string {
	if name == "" || name == "-" {
		return ""
	}
	return path.Clean(strings.ReplaceAll(name, `\`, "/"))
}
