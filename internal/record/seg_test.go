package record_test

import (
	"testing"
	"unsafe"

	"sluice/internal/record"
)

// What a segment was made of can be read from it, whichever way it maps.
func TestSegSaysWhatItWasMadeOf(t *testing.T) {
	if n := unsafe.Sizeof(record.Seg{}); n != 16 {
		t.Errorf("a segment takes %d bytes", n)
	}
	const view, raw = 1<<31 - 8, record.MaxMapped - 8
	for _, c := range []struct {
		name                string
		seg                 record.Seg
		n, rawN             int
		verbatim, even, led bool
		same                [3]int
	}{
		{"verbatim", record.Verbatim(view, 5, raw), 5, 5, true, false, false, [3]int{view, raw, 5}},
		{"unit", record.Unit(view, 1, raw, 6), 1, 6, false, false, false, [3]int{view, raw, 0}},
		{"even", record.Even(view, 3, raw, 4), 3, 4, false, true, false, [3]int{view, raw, 0}},
		{"even of as many", record.Even(view, 1, raw, 1), 1, 1, false, true, false, [3]int{view, raw, 0}},
		{"led", record.Led(view, 3, raw, 7), 3, 7, false, false, true, [3]int{view + 1, raw + 5, 2}},
		{"led, grown", record.Led(view, 3, raw, 7).Grown(1, 1), 4, 8, false, false, true, [3]int{view + 1, raw + 5, 3}},
		{"even, grown", record.Even(view, 3, raw, 4).Grown(3, 4), 6, 8, false, true, false, [3]int{view, raw, 0}},
		{"separator", record.Unit(view, 1, raw, 0), 1, 0, false, false, false, [3]int{view, raw, 0}},
		{"moved", record.Led(0, 3, raw-9, 7).Moved(9).At(view), 3, 7, false, false, true, [3]int{view + 1, raw + 5, 2}},
	} {
		s := c.seg
		if s.View() != view || s.N() != c.n || s.End() != view+c.n || s.Raw() != raw || s.RawN() != c.rawN || s.RawEnd() != raw+c.rawN {
			t.Errorf("%s: %d+%d stands for %d+%d", c.name, s.View(), s.N(), s.Raw(), s.RawN())
		}
		if s.IsVerbatim() != c.verbatim || s.IsEven() != c.even || s.IsLed() != c.led {
			t.Errorf("%s: verbatim %v, even %v, led %v", c.name, s.IsVerbatim(), s.IsEven(), s.IsLed())
		}
		view, raw, n := s.Same()
		if got := [3]int{view, raw, n}; got != c.same {
			t.Errorf("%s: the same are %v, want %v", c.name, got, c.same)
		}
	}
}
