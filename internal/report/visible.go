package report

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"sluice/internal/record"
)

// Visible is record.Visible: reports know it under this name.
func Visible(s string) string { return record.Visible(s) }

// Ellipsis marks a cut.
const Ellipsis = "…"

// Clip shortens s to at most limit bytes of UTF-8, the mark of the cut
// included, and never within a character.
func Clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	n := max(limit-len(Ellipsis), 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n]) + Ellipsis
}

// Context is the redacted line of f, visible and cut to about limit bytes, with
// f's own placeholder in sight.
func Context(f *record.Finding, limit int) string {
	s := Visible(f.Context)
	if len(s) <= limit {
		return s
	}
	end := strings.Index(s, ":"+Print(f)+"]")
	if end < 0 {
		return Clip(s, limit)
	}
	end += len(f.Print)*2 + len(":]")
	// The placeholder's own beginning, then as much before it as behind it.
	start := max(strings.LastIndex(s[:end], "[sluice:"), 0)
	start = max(start-max(limit-(end-start), 0)/2, 0)
	for start > 0 && !utf8.RuneStart(s[start]) {
		start--
	}
	if start == 0 {
		return Clip(s, limit)
	}
	return Ellipsis + Clip(s[start:], limit-len(Ellipsis))
}

// Count prints n with commas between thousands.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	from := 0
	if n < 0 {
		from = 1
	}
	for i := len(s) - 3; i > from; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural is "1 secret" or "2 secrets".
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Count(n) + " " + many
}

// Size prints a number of bytes in units of 1024 with one digit after the point.
func Size(n int64) string {
	if n < 1024 {
		return Plural(n, "byte", "bytes")
	}
	v, unit := float64(n), ""
	for _, unit = range []string{"KiB", "MiB", "GiB", "TiB"} {
		v /= 1024
		if v < 1024 {
			break
		}
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + unit
}

// maxName is the length of a name in a report, bytes: rule, alias, container.
// An adversary chooses some of them.
const maxName = 256

// Short is a name as reports print it: visible and clipped.
func Short(s string) string { return Clip(Visible(s), maxName) }
