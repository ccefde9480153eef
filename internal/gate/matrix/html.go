package matrix

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"strings"
)

// pageHead needs nothing from elsewhere and allows no script.
const pageHead = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Gateway validation report</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
h1, h2 { border-bottom: 1px solid #d0d7de; padding-bottom: .3rem; }
pre { background: #f6f8fa; padding: .8rem; overflow-x: auto; font-size: 13px; }
code { background: #f6f8fa; padding: 0 .2rem; }
table { border-collapse: collapse; } td, th { border: 1px solid #d0d7de; padding: .3rem .6rem; text-align: left; }
.check { margin: .6rem 0; } .check div { margin-left: 1.6rem; color: #57606a; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { background: #0d1117; color: #e6edf3; } pre, code { background: #161b22; }
 .check div { color: #9198a1; } }
</style></head><body>
`

func (d *doc) html(out io.Writer) error {
	w := bufio.NewWriter(out)
	io.WriteString(w, pageHead)
	for i, b := range d.blocks {
		switch b.kind {
		case banner:
			tag := "h2"
			if i == 0 {
				tag = "h1"
			}
			fmt.Fprintf(w, "<%s>%s</%s>\n", tag, rich(b.text), tag)
		case heading:
			fmt.Fprintf(w, "<h3>%s</h3>\n", rich(b.text))
		case subhead:
			fmt.Fprintf(w, "<h4>%s</h4>\n", rich(b.text))
		case paragraph:
			fmt.Fprintf(w, "<p>%s</p>\n", strings.Join(mapped(b.lines, rich), "<br>\n"))
		case matrix:
			fmt.Fprintf(w, "<div class=\"check\"><strong>%s</strong>\n", rich(b.text))
			for _, l := range b.lines {
				fmt.Fprintf(w, "<div>%s</div>\n", rich(l))
			}
			io.WriteString(w, "</div>\n")
		case list:
			fmt.Fprintf(w, "<ul><li>%s</li></ul>\n", strings.Join(mapped(b.lines, rich), "</li>\n<li>"))
		case code:
			fmt.Fprintf(w, "<pre>%s</pre>\n", html.EscapeString(b.text))
		case table:
			htmlRows(w, b.rows)
		}
	}
	io.WriteString(w, "</body></html>\n")
	return w.Flush()
}

func htmlRows(w io.Writer, rows [][]string) {
	io.WriteString(w, "<table>\n")
	for i, row := range rows {
		tag := "td"
		if i == 0 {
			tag = "th"
		}
		io.WriteString(w, "<tr>")
		for _, cell := range row {
			fmt.Fprintf(w, "<%s>%s</%s>", tag, rich(cell), tag)
		}
		io.WriteString(w, "</tr>\n")
	}
	io.WriteString(w, "</table>\n")
}
