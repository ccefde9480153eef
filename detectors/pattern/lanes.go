package pattern

// walkFour walks four stretches of the text, all but a few bytes, and returns where
// they end and the state there. All but the first begin with what the bytes before
// them lead to, without regard to hits there.
func (a *automaton) walkFour(w *walker) (end int, state uint32) {
	const lanes = 4
	text, n := w.text, len(w.text)/lanes
	s0 := uint32(0)
	s1 := a.enter(text, n)
	s2 := a.enter(text, 2*n)
	s3 := a.enter(text, 3*n)
	t0 := text[:n]
	t1 := text[n : 2*n][:len(t0)]
	t2 := text[2*n : 3*n][:len(t0)]
	t3 := text[3*n : 4*n][:len(t0)]
	next, hitBit := a.next, a.hitState
	for i := range t0 {
		s0 = uint32(next[s0<<rowBits+uint32(a.class[t0[i]])])
		s1 = uint32(next[s1<<rowBits+uint32(a.class[t1[i]])])
		s2 = uint32(next[s2<<rowBits+uint32(a.class[t2[i]])])
		s3 = uint32(next[s3<<rowBits+uint32(a.class[t3[i]])])
		if (s0|s1|s2|s3)&hitBit != 0 {
			for lane, state := range [lanes]uint32{s0, s1, s2, s3} {
				if state >= hitBit {
					w.hits[lane] = append(w.hits[lane], hit{int32(lane*n + i + 1), state - hitBit})
				}
			}
		}
	}
	return lanes * n, s3
}
