package baseline

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

// maxGlob is the length of a pattern, bytes.
const maxGlob = 4096

// glob is a pattern over names, with gitignore's meaning: ** crosses folders, *
// and ? do not, [a-z] is a class, \ takes the next character as it is; a
// pattern without a slash means the last element of a name wherever it is; one
// that ends in a slash means everything below.
type glob struct {
	re   *regexp.Regexp
	base bool // matched against the last element
}

// newGlob translates a pattern to a regular expression of linear time.
func newGlob(pattern string) (glob, error) {
	if len(pattern) > maxGlob {
		return glob{}, fmt.Errorf("pattern is longer than %d bytes", maxGlob)
	}
	pattern = strings.TrimPrefix(pattern, "./")
	body, below := strings.CutSuffix(pattern, "/")
	base := !strings.Contains(pattern, "/")
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(body); {
		n, err := translate(&b, body[i:])
		if err != nil {
			return glob{}, err
		}
		i += n
	}
	if below {
		b.WriteString(`/.*`)
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return glob{}, fmt.Errorf("pattern can't be read: %w", err)
	}
	return glob{re: re, base: base}, nil
}

// translate writes the expression of the first element of p and returns its
// length. A byte that is not UTF-8 can't be in an expression; ? stands for it.
func translate(b *strings.Builder, p string) (int, error) {
	switch {
	case strings.HasPrefix(p, "**/"):
		b.WriteString(`(?:.*/)?`)
		return 3, nil
	case strings.HasPrefix(p, "**"):
		b.WriteString(`.*`)
		return 2, nil
	case p[0] == '*':
		b.WriteString(`[^/]*`)
		return 1, nil
	case p[0] == '?':
		b.WriteString(`[^/]`)
		return 1, nil
	case p[0] == '[':
		return class(b, p)
	case p[0] == '\\' && len(p) > 1:
		_, n := utf8.DecodeRuneInString(p[1:])
		b.WriteString(regexp.QuoteMeta(p[1 : 1+n]))
		return 1 + n, nil
	}
	n := strings.IndexAny(p[1:], `*?[\`) + 1
	if n == 0 {
		n = len(p)
	}
	b.WriteString(regexp.QuoteMeta(p[:n]))
	return n, nil
}

// class copies [a-z] and [!a-z].
func class(b *strings.Builder, p string) (int, error) {
	end := strings.IndexByte(p[1:], ']') + 1
	if end <= 1 {
		return 0, fmt.Errorf("pattern has a [ without its ]; write \\[ for the character")
	}
	inner := p[1:end]
	negated := ""
	if inner[0] == '!' || inner[0] == '^' {
		negated, inner = "^/", inner[1:]
	}
	if inner == "" {
		return 0, fmt.Errorf("pattern has an empty class %s", p[:end+1])
	}
	inner = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `^`, `\^`, `&`, `\&`).Replace(inner)
	b.WriteString("[" + negated + inner + "]")
	return end + 1, nil
}

// match matches a cleaned name.
func (g glob) match(name string) bool {
	if g.base {
		name = path.Base(name)
	}
	return g.re.MatchString(name)
}
