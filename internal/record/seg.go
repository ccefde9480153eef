package record

// MaxMapped is how long a text can be for segments to map views to it, in bytes;
// views may be a few ten times as long. Batches are far shorter.
const MaxMapped = 1 << 25

// Seg maps N bytes of the view at View to RawN bytes of Batch.Text at Raw, in one
// of four ways.
//
//   - Verbatim: N equals RawN, the bytes are the same one by one.
//   - Even: N bytes are spread evenly over RawN (a run of %XX, of hex pairs, of
//     base64): byte k stands in those characters of the run that hold a part of it.
//   - Led: the first byte stands for all raw bytes that the others, which are
//     verbatim, leave over: an escape and the text behind it.
//   - A unit (an escape): any part of it means all of it.
//
// Segments cover the whole view: N 0 adds raw bytes to the byte before it (an
// escape that a frame header cuts in two), RawN 0 is a separator that the view put
// in. Raw bytes that no segment covers were dropped by the view (a colour code, a
// frame header).
//
// An escaped prompt has a segment every ten bytes, so that one takes 16 bytes.
type Seg struct {
	view, n, raw int32
	rawN         uint32 // with the way in its top bits
}

const (
	even uint32 = 1 << 31
	led  uint32 = 1 << 30
)

func seg(view, n, raw, rawN int, way uint32) Seg {
	return Seg{view: int32(view), n: int32(n), raw: int32(raw), rawN: uint32(rawN) | way}
}

// Verbatim maps n bytes that are the same.
func Verbatim(view, n, raw int) Seg { return seg(view, n, raw, n, 0) }

// Unit maps n bytes to all of rawN others; n and rawN differ.
func Unit(view, n, raw, rawN int) Seg { return seg(view, n, raw, rawN, 0) }

// Even maps n bytes that are spread over rawN.
func Even(view, n, raw, rawN int) Seg { return seg(view, n, raw, rawN, even) }

// Led maps a byte to rawN-n+1 bytes, and n-1 bytes that are the same behind it.
func Led(view, n, raw, rawN int) Seg { return seg(view, n, raw, rawN, led) }

// View is where the segment begins in the view.
func (s Seg) View() int { return int(s.view) }

// N is how many bytes of the view it maps.
func (s Seg) N() int { return int(s.n) }

// End is where it ends in the view.
func (s Seg) End() int { return int(s.view) + int(s.n) }

// Raw is where what it stands for begins in the batch's text.
func (s Seg) Raw() int { return int(s.raw) }

// RawN is how many bytes of the text it stands for.
func (s Seg) RawN() int { return int(s.rawN &^ (even | led)) }

// RawEnd is where what it stands for ends in the batch's text.
func (s Seg) RawEnd() int { return s.Raw() + s.RawN() }

// IsVerbatim says that all its bytes are the same as the text's.
func (s Seg) IsVerbatim() bool { return uint32(s.n) == s.rawN }

// IsEven says that its bytes are spread evenly.
func (s Seg) IsEven() bool { return s.rawN&even != 0 }

// IsLed says that its first byte stands for more than one, and no other does.
func (s Seg) IsLed() bool { return s.rawN&led != 0 }

// Same is the part of the segment whose bytes are the text's one by one: where it
// begins in the view, and in the text, and its length, which is 0 if it has none.
func (s Seg) Same() (view, raw, n int) {
	switch {
	case s.IsVerbatim():
		return s.View(), s.Raw(), s.N()
	case s.IsLed():
		return s.View() + 1, s.RawEnd() - s.N() + 1, s.N() - 1
	}
	return s.View(), s.Raw(), 0
}

// At is s where it begins at view.
func (s Seg) At(view int) Seg {
	s.view = int32(view)
	return s
}

// Moved is s where n bytes are put before the text of the batch.
func (s Seg) Moved(n int) Seg {
	s.raw += int32(n)
	return s
}

// Grown is s with n more bytes of the view, for rawN more of the text, mapped the
// same way.
func (s Seg) Grown(n, rawN int) Seg {
	s.n += int32(n)
	s.rawN += uint32(rawN)
	return s
}
