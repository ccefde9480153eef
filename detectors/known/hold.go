package known

import (
	"bytes"
	"slices"
)

const (
	// maxHold bounds what Hold looks at and returns, in bytes: a secret of more
	// that a line break cuts is found by its parts.
	maxHold = 4 << 10
	// heldBits is how much of a secret behind its public prefix the end of a text
	// must have to be held back; three bytes of it delivered give nothing away.
	heldBits = 24
)

// starts are the beginnings of forms, up to and with heldBits of what is secret.
type starts struct {
	forms   map[string][]*form
	lengths []int                // of the keys
	heads   [1 << 16 / 64]uint64 // bits: the first two bytes of a key
}

func newStarts() *starts { return &starts{forms: map[string][]*form{}} }

func head(text []byte) uint16 { return uint16(text[0])<<8 | uint16(text[1]) }

func (s *starts) add(f *form) {
	n := f.body + (heldBits+f.bits-1)/f.bits
	if n >= len(f.text) {
		return
	}
	key := string(f.text[:n])
	s.forms[key] = append(s.forms[key], f)
	if !slices.Contains(s.lengths, n) {
		s.lengths = append(s.lengths, n)
	}
	h := head(f.text)
	s.heads[h/64] |= 1 << (h % 64)
}

// Hold is how many bytes at the end of text begin a told secret, raw or in base64
// or hex, that may go on behind it; text is usually whole lines, and the secret
// then broken by a line end. At most 4 KiB.
func (d *Detector) Hold(text []byte) int {
	text = text[max(0, len(text)-maxHold):]
	d.mu.RLock()
	defer d.mu.RUnlock()
	if len(d.starts.lengths) == 0 || len(text) == 0 {
		return 0
	}
	held := 0
	for _, inner := range []breakKind{wrapped, literal} {
		for last := range breakKinds {
			if f := flatten(text, inner, last); f != nil {
				held = max(held, d.starts.heldIn(text, f))
			}
		}
	}
	return held
}

// flat is a text without its line breaks, and where each of its pieces was.
type flat struct {
	text   []byte
	pieces []struct{ at, raw int }
}

// flatten takes line breaks out: the last one as of one kind, since its next
// line is not known, others as the most that they can be up to another. It is
// nil if the last one cannot be of its kind, or if no other is more than wrapped.
func flatten(text []byte, inner, last breakKind) *flat {
	f := &flat{text: make([]byte, 0, len(text))}
	more := inner == wrapped
	for from := 0; from < len(text); {
		end, next := len(text), len(text)
		if n := bytes.IndexByte(text[from:], '\n'); n >= 0 {
			var kind breakKind
			end, next, kind = goesOn(text, from+n, inner)
			if next == len(text) {
				var ok bool
				if end, next, ok = around(text, from+n, last); !ok {
					return nil
				}
			} else if kind > wrapped {
				more = true
			}
			end = max(end, from)
		} else if last != wrapped {
			return nil
		}
		f.pieces = append(f.pieces, struct{ at, raw int }{len(f.text), from})
		f.text = append(f.text, text[from:end]...)
		from = next
	}
	if !more {
		return nil
	}
	return f
}

// goesOn is around in the most elaborate way that the line break at n allows,
// up to a kind.
func goesOn(text []byte, n int, most breakKind) (left, right int, kind breakKind) {
	for kind = most; kind > wrapped; kind-- {
		if left, right, ok := around(text, n, kind); ok {
			return left, right, kind
		}
	}
	left, right, _ = around(text, n, wrapped)
	return left, right, wrapped
}

// raw is where byte i of f was.
func (f *flat) raw(i int) int {
	at := f.pieces[0]
	for _, p := range f.pieces {
		if p.at > i {
			break
		}
		at = p
	}
	return at.raw + i - at.at
}

// heldIn is how many bytes of text, of which f is made, begin a secret.
func (s *starts) heldIn(text []byte, f *flat) int {
	for i := 0; i+1 < len(f.text); i++ {
		rest := f.text[i:]
		if h := head(rest); s.heads[h/64]&(1<<(h%64)) == 0 {
			continue
		}
		for _, n := range s.lengths {
			if n <= len(rest) && s.begins(rest, n) {
				return len(text) - f.raw(i)
			}
		}
	}
	return 0
}

// begins says whether rest, to its end, begins a form with a start of n bytes.
// Where more than maxCrowd have it, it is taken to.
func (s *starts) begins(rest []byte, n int) bool {
	list := s.forms[string(rest[:n])]
	return len(list) > maxCrowd || slices.ContainsFunc(list, func(f *form) bool {
		return len(rest) < len(f.text) && bytes.HasPrefix(f.text, rest)
	})
}
