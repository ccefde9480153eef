//go:build !amd64

package pattern

// leaving is a set of bytes for which there is no quick way here.
type leaving struct{}

func newLeaving(func(c byte) bool) (t leaving) { return t }

// skip goes from i over bytes of ASCII that are not in the set, perhaps not all.
func (*leaving) skip(_ []byte, i int) int { return i }
