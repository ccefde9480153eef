package virtualkey

import (
	"crypto/sha256"
	"encoding/hex"

	"sluice/internal/record"
)

// hashesIn reports the hashes of known keys that stand in text[lo:hi) as 64
// hexadecimal digits, with no such digit on either side. It looks at every
// 64th byte: a run so long cannot lie between two of them.
func (s *scan) hashesIn(lo, hi int) {
	const digits = 2 * sha256.Size
	lo = s.from(lo)
	for at := lo + digits - 1; at < hi; at += digits {
		if !is(s.text[at], hexByte) {
			continue
		}
		start := at
		for start > lo && is(s.text[start-1], hexByte) {
			start--
		}
		end := run(s.text, at, hi, hexByte)
		at = end
		if end-start != digits || end <= s.floor() {
			continue
		}
		var hash [sha256.Size]byte
		if _, err := hex.Decode(hash[:], s.text[start:end]); err != nil {
			continue
		}
		if _, ok := s.d.keys.Lookup(hash); ok {
			s.add(record.Match{Rule: RuleHash, Hash: hash, Whole: true}, start, end)
		}
	}
}
