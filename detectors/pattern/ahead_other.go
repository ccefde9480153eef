//go:build !amd64

package pattern

// triples is sets of bytes for which there is no quick way here.
type triples struct{}

func newTriples(*[256]uint8) (t triples) { return t }

// find goes from i to the next block that has something, whole is whether it did.
func (*triples) find(_ []byte, i, left int) (at int, hits, lines uint32, rest int, whole bool) {
	return i, 0, 0, left, false
}
