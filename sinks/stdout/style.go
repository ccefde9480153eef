package stdout

import (
	"bytes"
	"fmt"
	"strings"

	"sluice/internal/record"
	"sluice/internal/report"
)

// style turns findings into lines.
type style struct {
	color bool
	width int // columns; 0: unknown
}

// Select Graphic Rendition codes; the only escapes this package writes.
const (
	sgrReset    = "\x1b[0m"
	sgrBold     = "\x1b[1m"
	sgrDim      = "\x1b[2m"
	sgrCritical = "\x1b[1;37;41m"
	sgrHigh     = "\x1b[1;31m"
	sgrMedium   = "\x1b[33m"
	sgrLow      = "\x1b[36m"
	sgrGreen    = "\x1b[32m"
)

// Widths of the parts of a line, in characters.
const (
	labelWidth   = 9   // "  context"
	plainWidth   = 200 // of a context where no terminal says its own
	minimumWidth = 40  // below that a context says nothing
)

func (st style) paint(sgr, s string) string {
	if !st.color {
		return s
	}
	return sgr + s + sgrReset
}

func (st style) dim(s string) string  { return st.paint(sgrDim, s) }
func (st style) bold(s string) string { return st.paint(sgrBold, s) }

// padded is s with spaces behind it, width bytes in all: of ASCII, a character each.
func padded(s string, width int) string {
	const spaces = "        "
	return s + spaces[:min(max(width-len(s), 0), len(spaces))]
}

// severity is the name in capitals, padded so that rules stand in a column.
func (st style) severity(s record.Severity) string {
	name := padded(strings.ToUpper(s.String()), 8)
	switch s {
	case record.SeverityCritical:
		return st.paint(sgrCritical, name)
	case record.SeverityHigh:
		return st.paint(sgrHigh, name)
	case record.SeverityMedium:
		return st.paint(sgrMedium, name)
	case record.SeverityLow:
		return st.paint(sgrLow, name)
	}
	return st.dim(name)
}

// line writes "  label   text".
func (st style) line(b *bytes.Buffer, label, text string) {
	if text != "" {
		writeLine(b, st.dim(padded("  "+label, labelWidth)), "  ", text)
	}
}

// writeLine writes parts and a line end: a log can have many findings, and to format
// them took longer than to make them.
func writeLine(b *bytes.Buffer, parts ...string) {
	for _, part := range parts {
		b.WriteString(part)
	}
	b.WriteByte('\n')
}

// finding writes the block of one occurrence.
func (st style) finding(b *bytes.Buffer, f *record.Finding) {
	writeLine(b, st.severity(f.Severity), "  ", st.bold(ruleName(f)), "  ", report.Where(f))
	st.line(b, "key", report.Owner(f))
	st.line(b, "secret", describe(f))
	st.line(b, "context", st.context(f))
}

// update writes what was found out later about a key shown before.
func (st style) update(b *bytes.Buffer, f *record.Finding) {
	writeLine(b, st.severity(f.Severity), "  ", st.bold(ruleName(f)), "  ", report.Where(f))
	st.line(b, "now known", report.Print(f)+" is "+report.Owner(f))
}

// ruleName is the id, and the name of a told secret.
func ruleName(f *record.Finding) string {
	name := report.Short(f.Rule)
	if f.Name != "" {
		name += " " + report.Short(f.Name)
	}
	return name
}

// describe says what can be said of a secret: "9f2c4a7d01be55e3, sk-…, 25
// bytes, in base64".
func describe(f *record.Finding) string {
	var room [5]string
	parts := append(room[:0], report.Print(f))
	if f.Preview != "" {
		parts = append(parts, report.Short(f.Preview))
	}
	if f.Length > 0 {
		parts = append(parts, report.Plural(int64(f.Length), "byte", "bytes"))
	}
	if f.Encoding != "" && f.Encoding != record.Plain {
		parts = append(parts, "in "+report.Short(string(f.Encoding)))
	}
	if !f.Whole {
		part := "a part only"
		if f.Shown > 0 || f.BitsLeft > 0 {
			part += fmt.Sprintf(": %d characters shown, %d bits left to guess", f.Shown, f.BitsLeft)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

// context is the redacted line, cut so that the placeholder stays in sight.
func (st style) context(f *record.Finding) string {
	width := plainWidth
	if st.width > 0 {
		width = max(st.width-labelWidth-2, minimumWidth)
	}
	return report.Context(f, width)
}
