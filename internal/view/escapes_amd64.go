package view

import "golang.org/x/sys/cpu"

// escaping is how far the escapes of a line are undone.
type escaping struct {
	text  *byte // Batch.Text, which is undone up to end
	end   int
	last  int   // no unit that begins here or later is looked at
	mark  *mark // of the block that holds end, and where that begins
	block int
	out   *byte // the text that is made, up to to
	to    int
	units *found // where to put units, and how many there is room for
	room  int
	made  uint64 // traits
	means *[0x100]uint16
}

// run undoes the escapes of one letter up to the first that is not. It needs AVX2.
//
//go:noescape
func run(s *escaping)

// oneLetter is, for the letter of an escape, the byte that it means, with its traits in
// the upper half; 0: it is none.
var oneLetter = func() (t [0x100]uint16) {
	for letter, c := range simpleEscapes {
		if c != 0 {
			t[letter] = uint16(c) | uint16(traitsOf[c])<<8
		}
	}
	return t
}()

// beginEscapes appends to to what the beginning of a line of Batch.Text, [lo,hi) of
// text, means, up to where an escape is not of one letter, and the escapes to units as
// far as there is room for them. It says where the last one ends, and what the bytes
// that they mean may be a part of. There must be room for what undo needs.
func (e *expander) beginEscapes(to []byte, text []byte, lo, hi int) (_ []byte, end int, made traits) {
	last := min(hi-1, len(text)-wide+1)
	if !cpu.X86.HasAVX2 || last <= lo {
		return to, lo, 0
	}
	room := e.units[:cap(e.units)]
	s := escaping{
		text: &text[0], end: lo, last: last, mark: &e.marks[lo/blockSize], block: lo &^ (blockSize - 1),
		out: &to[:cap(to)][0], to: len(to), units: &room[0], room: len(room), means: &oneLetter,
	}
	run(&s)
	e.units = room[:len(room)-s.room]
	return to[:s.to], s.end, traits(s.made)
}
