package file

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// anyDepth is the part of a glob that stands for any number of folders.
const anyDepth = "**"

func isGlob(p string) bool { return strings.ContainsAny(p, "*?[") }

// glob adds what a pattern matches: files, and folders with all that is in
// them. A link that matches was named by the user, unless "**" found it.
func (f *finder) glob(pattern string) {
	base, parts := splitGlob(pattern)
	for _, p := range parts {
		if _, err := path.Match(p, ""); err != nil {
			f.fail(pattern, errors.New("is not a pattern: a [ has no end"))
			return
		}
	}
	root, err := f.open(base)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = errNoMatch
		}
		f.fail(pattern, err)
		return
	}
	before := f.hits
	deep := slices.Contains(parts, anyDepth)
	f.walk(base, root, func(rel string) (take, enter bool) {
		if rel == "." {
			return false, true
		}
		matches, mayBelow := match(parts, strings.Split(rel, "/"))
		if matches && !deep {
			f.hits++
			f.matched(filepath.Join(base, rel))
			return false, false
		}
		return matches, matches || mayBelow
	})
	if f.hits == before && f.ctx.Err() == nil {
		f.fail(pattern, errNoMatch)
	}
}

var errNoMatch = errors.New("no file matches: check the pattern")

// matched adds what a pattern without "**" names.
func (f *finder) matched(name string) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		f.fail(name, err)
	case info.IsDir() || info.Mode().IsRegular():
		f.named(name, info)
	default:
		f.skip(name, info.Mode().Type())
	}
}

// splitGlob divides a pattern into the folder to begin in and the parts to
// match below it.
func splitGlob(pattern string) (base string, parts []string) {
	all := strings.Split(filepath.Clean(pattern), "/")
	n := 0
	for n < len(all)-1 && !isGlob(all[n]) {
		n++
	}
	base = strings.Join(all[:n], "/")
	switch {
	case n == 0:
		base = "."
	case base == "":
		base = "/"
	}
	return base, slices.CompactFunc(all[n:], func(a, b string) bool { return a == anyDepth && b == anyDepth })
}

// match says whether the first of names, or all of them, match all parts: a
// folder that matches stands for what is in it. Else it says whether something
// below them may match.
func match(parts, names []string) (matches, mayBelow bool) {
	at := make([]bool, len(parts)+1) // at[i]: the names so far match the first i parts
	at[0] = true
	for _, name := range names {
		next := make([]bool, len(parts)+1)
		for i, p := range parts {
			if p == anyDepth {
				at[i+1] = at[i+1] || at[i]                                // it stands for no folder,
				next[i], next[i+1] = next[i] || at[i], next[i+1] || at[i] // or for this one
			} else if ok, err := path.Match(p, name); err == nil && ok && at[i] {
				next[i+1] = true
			}
		}
		if next[len(parts)] {
			return true, true
		}
		at = next
	}
	return false, slices.Contains(at, true)
}
