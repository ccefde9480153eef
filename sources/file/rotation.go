package file

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
)

// packedExts are what rotators put behind the names of files they compress.
var packedExts = []string{".gz", ".zst", ".bz2", ".xz", ".lz4"}

// minStamp is how many digits a date has: fewer in the middle of a name are the
// number of an instance (worker-2.log), which is a log of its own.
const minStamp = 8

// rotationOf gives the names of which a file of this name may be a rotated
// generation: app.log of app.log.1, app.log-20260121.gz, app-2026-01-21.log.
func rotationOf(name string) (bases []string) {
	bare := bareName(name)
	if bare != name {
		bases = append(bases, bare)
	}
	for i := 1; i < len(bare)-1; i++ {
		if isSeparator(bare[i]) && stamp(bare[i+1:], 1) {
			bases = append(bases, bare[:i])
		}
	}
	ext := filepath.Ext(bare)
	stem := strings.TrimSuffix(bare, ext)
	for i := 1; i < len(stem)-1; i++ {
		if isSeparator(stem[i]) && stamp(stem[i+1:], minStamp) {
			bases = append(bases, stem[:i]+ext)
		}
	}
	return bases
}

func isSeparator(c byte) bool { return c == '.' || c == '-' || c == '_' }

// stamp says that s is a number or a date with at least so many digits, or a
// word that means the one before.
func stamp(s string, digits int) bool {
	if digits == 1 && (s == "old" || s == "prev") {
		return true
	}
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			n++
		case !isSeparator(c) && !strings.ContainsRune("T:+Z@", rune(c)):
			return false
		}
	}
	return n >= digits
}

// shiftNumber is the number that a rotation which shifts names gives a file:
// the highest is the oldest. -1: it has none. Numbers with leading zeros count
// upwards, and so do dates.
func shiftNumber(name string) int {
	digits := strings.TrimPrefix(filepath.Ext(bareName(name)), ".")
	if digits == "" || len(digits) > 5 || digits[0] == '0' && len(digits) > 1 {
		return -1
	}
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	return n
}

// inOrder sorts rotated files, the oldest first. Names tell more than times of
// change, which a clock that is set makes wrong: dates and numbers with leading
// zeros count upwards; whether other numbers count upwards or downwards the
// times of all rotated files tell by majority. Names of different forms are
// sorted by time.
func inOrder(found, all []sibling) {
	shifts, alike := 0, true
	for _, s := range found {
		if shiftNumber(s.name) >= 0 {
			shifts++
		}
		alike = alike && len(bareName(s.name)) == len(bareName(found[0].name))
	}
	switch {
	case shifts == len(found):
		upwards := countUpwards(all)
		slices.SortFunc(found, func(a, b sibling) int {
			if upwards {
				a, b = b, a
			}
			return shiftNumber(b.name) - shiftNumber(a.name)
		})
	case shifts == 0 && alike:
		slices.SortFunc(found, func(a, b sibling) int { return strings.Compare(bareName(a.name), bareName(b.name)) })
	default:
		slices.SortFunc(found, func(a, b sibling) int {
			return cmp.Or(a.info.ModTime().Compare(b.info.ModTime()), strings.Compare(a.name, b.name))
		})
	}
}

// countUpwards says that higher numbers are younger. One clock that was set back
// once does not make it seem so.
func countUpwards(all []sibling) bool {
	var numbered []sibling
	for _, s := range all {
		if shiftNumber(s.name) >= 0 {
			numbered = append(numbered, s)
		}
	}
	slices.SortFunc(numbered, func(a, b sibling) int { return shiftNumber(a.name) - shiftNumber(b.name) })
	votes := 0
	for i := 1; i < len(numbered); i++ {
		votes += numbered[i].info.ModTime().Compare(numbered[i-1].info.ModTime())
	}
	return votes >= 2
}

// bareName is a name without the extension of a compression.
func bareName(name string) string {
	for _, ext := range packedExts {
		if b, ok := strings.CutSuffix(name, ext); ok && b != "" {
			return b
		}
	}
	return name
}
