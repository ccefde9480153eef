package pattern

import "unicode/utf8"

// run takes text[at:limit], or less if that is enough to know. end is where the
// match ends, -1 if there is none; mask, with which, has the expressions that
// match. What stands before at and behind limit counts for \b and the like.
func (d *dfa) run(text []byte, at, limit int, anchored bool) (end int, mask uint64) {
	s := d.startState(text, at, anchored)
	end = -1
	rows, ascii := d.rows, &d.ascii
	near := text[:min(limit, len(text))]
	i := at
	for s < special {
		for stays := 0; i < len(near) && near[i] < utf8.RuneSelf; { // what most bytes are
			t := rows[s+uint32(ascii[near[i]])]
			if t >= special {
				break
			}
			i++
			if t != s {
				s, stays = t, 0
			} else if stays++; stays == fewStays {
				i, s = d.circle(near, i, s)
				rows, stays = d.rows, 0
			}
		}
		class, n := d.classAt(text, i)
		t := rows[s+class]
		if t >= special {
			if t == unknown {
				t = d.step(s, int(class))
				rows = d.rows
				mask |= d.ids
			} else if d.tells && t&matchedHere != 0 {
				mask |= d.masks[d.marks[s+class]]
			}
			if t&matchedHere != 0 {
				end = i
				if d.which && (d.all == 1 || mask == d.all) {
					mask = d.all
					break
				}
				t &^= matchedHere
			}
		}
		if i >= limit {
			break
		}
		s = t
		i += n
	}
	d.m.steps += i - at
	return end, mask
}

// hopeless says, where that is known already, that no match begins at at.
func (d *dfa) hopeless(text []byte, at int) bool {
	if at >= len(text) || text[at] >= utf8.RuneSelf {
		return false
	}
	s := d.startState(text, at, true)
	return s < special && d.rows[s+uint32(d.ascii[text[at]])] == dead
}

// classAt is the class of what stands at i, and its width: a rune, a byte that is
// none, or the end of the text.
func (d *dfa) classAt(text []byte, i int) (class uint32, n int) {
	switch {
	case i >= len(text):
		return uint32(d.stride - 1), 1
	case text[i] < utf8.RuneSelf:
		return uint32(d.ascii[text[i]]), 1
	}
	r, n := utf8.DecodeRune(text[i:])
	return d.wide(r), n
}

// mayMatch says whether a match may begin at at: as far as a few bytes tell, not
// over limit. It looked at no byte from far on.
func (d *dfa) mayMatch(text []byte, at, limit int) (may bool, far int) {
	s := d.startState(text, at, true)
	for i := at; i < min(at+mostAhead, limit); {
		class, n := d.classAt(text, i)
		t := d.take(s, int(class))
		switch {
		case t == dead:
			return false, i + utf8.UTFMax
		case t&matchedHere != 0:
			return true, i
		}
		s = t
		i += n
	}
	return true, limit
}
