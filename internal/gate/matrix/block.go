package matrix

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"regexp"
	"strings"

	"sluice/internal/report"
)

// doc is the document that text, markdown and html are looks of. Strings that
// blocks hold may use **bold** and `code`; what came from outside has passed
// inert first.
type doc struct{ blocks []block }

type block struct {
	kind  blockKind
	text  string
	lines []string
	rows  [][]string
}

type blockKind int

const (
	banner    blockKind = iota // a part of the report
	heading                    // a system
	subhead                    // a group in a part
	paragraph                  // lines
	matrix                     // a check: verdict line and indented details
	list                       // items
	code                       // bash
	table                      // first row is the head
)

func (d *doc) add(kind blockKind, text string) {
	d.blocks = append(d.blocks, block{kind: kind, text: text})
}
func (d *doc) para(lines ...string) {
	d.blocks = append(d.blocks, block{kind: paragraph, lines: lines})
}
func (d *doc) items(lines ...string) { d.blocks = append(d.blocks, block{kind: list, lines: lines}) }
func (d *doc) check(verdict string, lines []string) {
	d.blocks = append(d.blocks, block{kind: matrix, text: verdict, lines: lines})
}
func (d *doc) grid(rows ...[]string) { d.blocks = append(d.blocks, block{kind: table, rows: rows}) }

// inert makes text from outside, which titles, remedies and what a check has
// verified are not, harmless: one line of visible characters,
// without the marks that the looks give meaning to.
func inert(s string) string {
	return strings.NewReplacer("`", "'", "*", "'").Replace(report.Visible(strings.Join(strings.Fields(s), " ")))
}

const rule = "================================================================================"

func (d *doc) text(out io.Writer) error {
	w := bufio.NewWriter(out)
	for i, b := range d.blocks {
		if i > 0 {
			fmt.Fprintln(w)
		}
		switch b.kind {
		case banner:
			fmt.Fprintf(w, "%s\n%s\n%s\n", rule, b.text, rule)
		case heading:
			fmt.Fprintf(w, "## %s\n", b.text)
		case subhead:
			fmt.Fprintf(w, "### %s\n", b.text)
		case paragraph:
			for _, l := range b.lines {
				fmt.Fprintln(w, fold(l, "", 88))
			}
		case matrix:
			fmt.Fprintln(w, b.text)
			for _, l := range b.lines {
				fmt.Fprintln(w, fold("       "+l, "       ", 88))
			}
		case list:
			for _, l := range b.lines {
				fmt.Fprintln(w, fold("- "+l, "  ", 88))
			}
		case code:
			fmt.Fprintf(w, "```bash\n%s```\n", b.text)
		case table:
			writeRows(w, b.rows, func(s string) string { return s })
		}
	}
	return w.Flush()
}

func (d *doc) markdown(out io.Writer) error {
	w := bufio.NewWriter(out)
	for i, b := range d.blocks {
		if i > 0 {
			fmt.Fprintln(w)
		}
		switch b.kind {
		case banner:
			level := "##"
			if i == 0 {
				level = "#"
			}
			fmt.Fprintf(w, "%s %s\n", level, b.text)
		case heading:
			fmt.Fprintf(w, "### %s\n", b.text)
		case subhead:
			fmt.Fprintf(w, "#### %s\n", b.text)
		case paragraph:
			// Two spaces keep the line breaks of the header.
			fmt.Fprintln(w, strings.Join(mapped(b.lines, safeMarkdown), "  \n"))
		case matrix:
			fmt.Fprintf(w, "- %s\n", safeMarkdown(b.text))
			for _, l := range b.lines {
				fmt.Fprintf(w, "  - %s\n", safeMarkdown(l))
			}
		case list:
			for _, l := range b.lines {
				fmt.Fprintf(w, "- %s\n", safeMarkdown(l))
			}
		case code:
			fmt.Fprintf(w, "```bash\n%s```\n", b.text)
		case table:
			writeRows(w, b.rows, func(s string) string { return strings.ReplaceAll(safeMarkdown(s), "|", `\|`) })
		}
	}
	return w.Flush()
}

// safeMarkdown leaves no HTML and no link in a line; **bold** and `code` stay,
// and what is code stays as it is, for there an escape would be shown.
func safeMarkdown(s string) string {
	var b strings.Builder
	last := 0
	for _, m := range codeMark.FindAllStringIndex(s, -1) {
		b.WriteString(escapeMarkdown.Replace(s[last:m[0]]) + s[m[0]:m[1]])
		last = m[1]
	}
	return b.String() + escapeMarkdown.Replace(s[last:])
}

var escapeMarkdown = strings.NewReplacer("<", "&lt;", "[", `\[`, "]", `\]`, "_", `\_`)

func mapped(lines []string, f func(string) string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = f(l)
	}
	return out
}

func writeRows(w io.Writer, rows [][]string, cell func(string) string) {
	for i, row := range rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(mapped(row, cell), " | "))
		if i == 0 {
			fmt.Fprintf(w, "|%s\n", strings.Repeat("---|", len(row)))
		}
	}
}

// fold breaks a line at spaces; what cannot be broken stays long.
func fold(line, indent string, width int) string {
	if len(line) <= width {
		return line
	}
	var b strings.Builder
	lead := line[:len(line)-len(strings.TrimLeft(line, " "))]
	b.WriteString(lead)
	column := len(lead)
	for i, word := range strings.Fields(line) {
		if i > 0 && column+1+len(word) > width {
			b.WriteString("\n" + indent)
			column = len(indent)
		} else if i > 0 {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

var (
	boldMark = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	codeMark = regexp.MustCompile("`([^`]+)`")
)

// rich is a line in HTML.
func rich(s string) string {
	s = boldMark.ReplaceAllString(html.EscapeString(s), "<strong>$1</strong>")
	return codeMark.ReplaceAllString(s, "<code>$1</code>")
}
