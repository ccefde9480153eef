package archive

import (
	"archive/zip"
	"cmp"
	"encoding/binary"
	"io"
	"slices"
)

const (
	localHeader  = 30 // bytes before the name of a member
	entryHeader  = 46 // bytes before the name in the directory
	maxEnd       = 22 + 56 + 20 + maxTrailer
	maxTrailer   = 24 // the descriptor behind a member, at most
	localHeadSig = "PK\x03\x04"
)

// unlisted says that a zip holds more than its directory leads to: two zips
// joined, a directory replaced. Whoever reads by the directory sees none of it.
func unlisted(zr *zip.Reader, at io.ReaderAt, size int64) bool {
	type stretch struct{ start, end int64 }
	members := make([]stretch, 0, len(zr.File))
	end := size - int64(len(zr.Comment))
	for _, f := range zr.File {
		end -= int64(entryHeader + len(f.Name) + len(f.Extra) + len(f.Comment))
		if at, err := f.DataOffset(); err == nil { // else opening it will fail
			members = append(members, stretch{at, at + int64(min(f.CompressedSize64, uint64(size)))})
		}
	}
	slices.SortFunc(members, func(a, b stretch) int { return cmp.Compare(a.start, b.start) })
	pos := int64(0)
	for _, m := range members {
		if m.start > pos && !onlyHeader(at, pos, m.start) {
			return true
		}
		pos = max(pos, m.end)
	}
	return end-pos > maxEnd
}

// onlyHeader says that nothing but a descriptor and one local header stand from
// pos to data.
func onlyHeader(at io.ReaderAt, pos, data int64) bool {
	var gap [maxTrailer + localHeader]byte
	n, _ := at.ReadAt(gap[:min(int64(len(gap)), data-pos)], pos)
	for _, trailer := range []int{0, 12, 16, 20, maxTrailer} {
		if n < trailer+localHeader {
			return false
		}
		h := gap[trailer : trailer+localHeader]
		names := int64(binary.LittleEndian.Uint16(h[26:])) + int64(binary.LittleEndian.Uint16(h[28:]))
		if string(h[:4]) == localHeadSig && pos+int64(trailer)+localHeader+names == data {
			return true
		}
	}
	return false
}
