package report

import (
	"encoding/hex"
	"strconv"
	"unicode"
	"unicode/utf8"

	"sluice/internal/record"
)

// AppendFinding appends f as AppendJSON does its Object, byte for byte, several
// times faster: a log can have more findings than lines, and each is written.
func AppendFinding(dst []byte, f *record.Finding) ([]byte, error) {
	if f.Key != nil {
		return AppendJSON(dst, NewObject(f)) // few have an owner
	}
	dst = appendField(dst, `{"rule":`, f.Rule)
	dst = appendField(dst, `,"severity":`, f.Severity.String())
	dst = appendField(dst, `,"source":{"kind":`, f.Origin.Kind)
	dst = appendField(dst, `,"name":`, f.Origin.Name)
	dst = appendIfAny(dst, `,"stream":`, f.Origin.Stream)
	dst = appendNumber(dst, `},"position":{"line":`, f.Pos.Line)
	dst = appendNumber(dst, `,"column":`, f.Pos.Column)
	dst = appendNumber(dst, `,"offset":`, f.Pos.Offset)
	dst = appendNumber(dst, `,"length":`, f.Pos.Length)
	dst = append(dst, '}')
	if !f.Time.IsZero() {
		dst = f.Time.UTC().AppendFormat(append(dst, `,"log_time":"`...), stampLayout)
		dst = append(dst, '"')
	}
	dst = appendSecret(dst, f)
	dst = appendField(dst, `,"context":`, f.Context)
	dst = append(dst, `,"fingerprint":"`...)
	dst = append(hex.AppendEncode(dst, f.Fingerprint[:]), '"')
	dst = appendIfTrue(dst, `,"update":true`, f.Update)
	dst = appendIfTrue(dst, `,"known":true`, f.Known)
	dst = appendIfAny(dst, `,"known_by":`, f.KnownBy)
	return append(dst, '}'), nil
}

// appendSecret appends the member of Object that describes the secret.
func appendSecret(dst []byte, f *record.Finding) []byte {
	dst = append(dst, `,"secret":{"print":"`...)
	dst = hex.AppendEncode(dst, f.Print[:])
	dst = appendField(dst, `","preview":`, f.Preview)
	dst = appendNumber(dst, `,"length":`, int64(f.Length))
	dst = appendField(dst, `,"encoding":`, string(f.Encoding))
	dst = strconv.AppendBool(append(dst, `,"whole":`...), f.Whole)
	dst = appendIfAny(dst, `,"name":`, f.Name)
	if hasShown(f) {
		dst = appendNumber(dst, `,"shown":`, int64(f.Shown))
		dst = appendNumber(dst, `,"bits_left":`, int64(f.BitsLeft))
	}
	return append(dst, '}')
}

// Each of these appends name, which is all that stands between the value before
// and this one, and the value.

func appendField(dst []byte, name, value string) []byte {
	return appendString(append(dst, name...), value)
}

func appendIfAny(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendField(dst, name, value)
}

func appendIfTrue(dst []byte, member string, is bool) []byte {
	if !is {
		return dst
	}
	return append(dst, member...)
}

func appendNumber(dst []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(dst, name...), n, 10)
}

// asIs are the bytes that stand for themselves in a JSON string that is looked at.
var asIs = func() (t [256]bool) {
	for c := byte(' '); c <= '~'; c++ {
		t[c] = c != '"' && c != '\\' && c != '#'
	}
	return t
}()

// appendString appends s as encoding/json and AppendVisible after it write it.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		if asIs[s[i]] {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == '#' && (i == 0 || s[i-1] != '#') || r >= utf8.RuneSelf && n > 1 && (r == utf8.RuneError || unicode.IsPrint(r)) {
			i += n
			continue
		}
		dst = appendEscape(append(dst, s[from:i]...), r)
		i += n
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

// appendEscape appends the escape of a character in a JSON string.
func appendEscape(dst []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return appendUnicode(dst, r)
}
