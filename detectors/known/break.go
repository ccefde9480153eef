package known

// breakKind is a way in which a text can go on over a line break.
type breakKind int

// The ways: with an indent; behind a backslash or blanks at the end of the line;
// as a string literal that is closed and opened again.
const (
	wrapped breakKind = iota
	continued
	literal
	breakKinds
)

const (
	maxIndent = 64 // blanks before a line that goes on
	maxEnd    = 8  // blanks at the end of a line that do not belong to the text
)

// around is where the text before the line break at n ends and the text behind
// it goes on, if it can in this way; one that would say the same as a simpler
// way cannot.
func around(text []byte, n int, kind breakKind) (left, right int, ok bool) {
	left, right = n, n+1
	for right < len(text) && right-n <= maxIndent && isBlank(text[right]) {
		right++
	}
	if left > 0 && text[left-1] == '\r' {
		left--
	}
	if kind == wrapped {
		return left, right, true
	}
	end := trimBlanks(text, left)
	sign := end > 0 && (text[end-1] == '\\' || text[end-1] == '+' && kind == literal)
	if sign {
		end = trimBlanks(text, end-1)
	}
	if kind == continued {
		return end, right, end < left
	}
	open := right
	for open < len(text) && open-right < 2 && isLiteralPrefix(text[open]) {
		open++
	}
	if end == 0 || !isQuote(text[end-1]) {
		return 0, 0, false
	}
	// What the next line begins with may not be known yet.
	if open < len(text) && text[open] != text[end-1] {
		return 0, 0, false
	}
	return end - 1, min(open+1, len(text)), true
}

// trimBlanks is where the text before at ends; blanks beyond maxEnd are text.
func trimBlanks(text []byte, at int) int {
	end := at
	for end > 0 && at-end < maxEnd && isBlank(text[end-1]) {
		end--
	}
	return end
}

// behindBreak is where the text goes on behind the line break that begins at at.
func behindBreak(text []byte, at int, kind breakKind) (int, bool) {
	for n := at; n < len(text) && n-at <= 2*maxEnd; n++ {
		switch c := text[n]; {
		case c == '\n':
			left, right, ok := around(text, n, kind)
			return right, ok && left == at
		case !isBlank(c) && !isQuote(c) && c != '\\' && c != '+' && c != '\r':
			return 0, false
		}
	}
	return 0, false
}

// beforeBreak is where the text ends before the line break behind which it goes
// on at at.
func beforeBreak(text []byte, at int, kind breakKind) (int, bool) {
	n := at - 1
	if kind == literal && n >= 0 && isQuote(text[n]) {
		n--
		for letters := 0; n >= 0 && letters < 2 && isLiteralPrefix(text[n]); letters++ {
			n--
		}
	}
	for blanks := 0; n >= 0 && blanks < maxIndent && isBlank(text[n]); blanks++ {
		n--
	}
	if n < 0 || text[n] != '\n' {
		return 0, false
	}
	left, right, ok := around(text, n, kind)
	return left, ok && right == at
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
func isQuote(c byte) bool { return c == '\'' || c == '"' || c == '`' }

// isLiteralPrefix says whether c can stand before the quote of a Python literal.
func isLiteralPrefix(c byte) bool {
	switch c {
	case 'b', 'B', 'r', 'R', 'f', 'F', 'u', 'U':
		return true
	}
	return false
}
