package webhook

import (
	"fmt"
	"strconv"
	"strings"
)

// Codes is a set of status codes of HTTP; comparable.
type Codes struct{ bits [10]uint64 }

// defaultRetry is everything but what says that this very message is wrong: an
// address or a credential that is refused is put right one day, and until then
// nothing may be lost.
const defaultRetry = "3xx,401,402,403,404,407,408,409,410,421,423,424,425,429,451,5xx"

// DefaultRetry is the set of codes after which a message is sent again.
func DefaultRetry() Codes {
	c, _ := ParseCodes(defaultRetry) // a constant; its test parses it
	return c
}

// ParseCodes reads a list like "429,500-504,5xx". Success (2xx) can't be in it.
func ParseCodes(list string) (c Codes, err error) {
	for item := range strings.SplitSeq(list, ",") {
		from, to, ok := codeRange(strings.TrimSpace(item))
		if !ok {
			return Codes{}, fmt.Errorf("status code %q: want a code, a range or a class like 429, 500-504 or 5xx, from 300 to 599", item)
		}
		for code := from; code <= to; code++ {
			c.bits[code/64] |= 1 << (code % 64)
		}
	}
	return c, nil
}

func codeRange(item string) (from, to int, ok bool) {
	if class, ok := strings.CutSuffix(strings.ToLower(item), "xx"); ok {
		n, err := strconv.Atoi(class)
		return n * 100, n*100 + 99, err == nil && n >= 3 && n <= 5
	}
	low, high, found := strings.Cut(item, "-")
	if !found {
		high = low
	}
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	return from, to, err1 == nil && err2 == nil && from >= 300 && to <= 599 && from <= to
}

// Has says whether the set has a code.
func (c Codes) Has(code int) bool {
	return code >= 0 && code < 64*len(c.bits) && c.bits[code/64]&(1<<(code%64)) != 0
}
