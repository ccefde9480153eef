package pattern

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

const (
	longestOutlined = 200
	alphanumeric    = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// freeBytes are the bytes of each class.
var freeBytes = map[uint8]string{
	freeDigit: "0123456789", freeHexLetter: "abcdef", freeMiddle: "ghijklmno", freeLast: "pqrstuvwxyz",
	freeUpperFirst: "ABCDEFGHIJKLMNO", freeUpperLast: "PQRSTUVWXYZ", freeUnderscore: "_", freeHyphen: "-",
}

// randomLine is n bytes: any, or such as logs have, with a few of any in some.
func randomLine(r *rand.Rand, n int) []byte {
	const usual = alphanumeric + "-_ .:/\"{}=@[`\x00\x80"
	odd := []int{0, 0, 3, 100}[r.IntN(4)] // of a hundred
	line := make([]byte, n)
	for i := range line {
		line[i] = usual[r.IntN(len(usual))]
		if r.IntN(100) < odd {
			line[i] = byte(r.Uint32())
		}
	}
	return line
}

// mutated is the line with some bytes of others, often of the same class.
func mutated(r *rand.Rand, line []byte) []byte {
	line = bytes.Clone(line)
	for range r.IntN(4) * min(len(line), 1) {
		i := r.IntN(len(line))
		line[i] = byte(r.Uint32())
		if r.IntN(2) == 0 {
			line[i] = alphanumeric[r.IntN(len(alphanumeric))]
		}
	}
	return line
}

// placesOf is the line with the same byte for each letter and digit, and another for
// all others.
func placesOf(line []byte) string {
	places := make([]byte, len(line))
	for i, c := range line {
		places[i] = '.'
		if strings.IndexByte(alphanumeric, c) >= 0 {
			places[i] = 'x'
		}
	}
	return string(places)
}

// checkOutlines says whether lines have the same outline by either path just if they
// are as long and have letters and digits at the same places.
func checkOutlines(t *testing.T, a, b []byte) {
	t.Helper()
	one, other := outlineOf(a), outlineOf(b)
	if want := placesOf(a) == placesOf(b); (one == other) != want {
		t.Fatalf("%q and %q: %x and %x", a, b, one, other)
	}
	if slow := outlineInGo(a); slow != one {
		t.Fatalf("%q: %x, in Go %x", a, one, slow)
	}
}

func TestOutlinesAreThePlacesOfWords(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := range longestOutlined + 1 {
		for range 50 {
			line := randomLine(r, n)
			checkOutlines(t, line, mutated(r, line))
			checkOutlines(t, line, randomLine(r, n))
			checkOutlines(t, line, randomLine(r, r.IntN(longestOutlined)))
			checkOutlines(t, line, append(line[:n:n], 0))
		}
		line := randomLine(r, n)
		for i := range line {
			changed := bytes.Clone(line)
			changed[i] = byte(r.Uint32())
			checkOutlines(t, line, changed)
		}
	}
}

// fitsByName is fits by the names of the classes.
func fitsByName(line, text, free []byte) bool {
	for i, c := range line {
		ok := c == text[i]
		for class, of := range freeBytes {
			ok = ok || free[i]&class != 0 && strings.IndexByte(of, c) >= 0
		}
		if !ok {
			return false
		}
	}
	return true
}

// checkFits returns the answer, which is the same by either path.
func checkFits(t *testing.T, line, text, free []byte) bool {
	t.Helper()
	want := fitsByName(line, text, free)
	if got, slow := fits(line, text, free), fitsInGo(line, text, free); got != want || slow != want {
		t.Fatalf("%q, text %q, free %x: %t, in Go %t, want %t", line, text, free, got, slow, want)
	}
	return want
}

// bounded is a text for lines of n bytes and what is free in it; what is behind n is
// of no meaning.
func bounded(r *rand.Rand, n int) (text, free []byte) {
	padded := (n + blockBytes - 1) / blockBytes * blockBytes
	text, free = randomLine(r, padded), make([]byte, padded)
	for i := range free {
		if i >= n || r.IntN(3) == 0 {
			free[i] = byte(r.Uint32() & r.Uint32())
		}
	}
	return text, free
}

// fillWith puts bytes of the classes that are free there at some places of the line.
func fillWith(r *rand.Rand, line, free []byte) {
	for i := range line {
		if of := freeBytes[1<<r.IntN(8)&free[i]]; of != "" {
			line[i] = of[r.IntN(len(of))]
		}
	}
}

func TestLinesFitByPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for n := range longestOutlined + 1 {
		var line, text, free []byte
		for range 30 {
			text, free = bounded(r, n)
			line = bytes.Clone(text[:n])
			fillWith(r, line, free)
			if !checkFits(t, line, text, free) {
				t.Fatalf("%q does not fit %q, %x", line, text, free)
			}
			checkFits(t, mutated(r, line), text, free)
			checkFits(t, randomLine(r, n), text, free)
		}
		for i, c := range line {
			for range 5 {
				line[i] ^= 1 << r.IntN(8)
				checkFits(t, line, text, free)
			}
			line[i] = c
		}
	}
}

// Each byte is in the classes that it is in, whatever else is free there.
func TestClassesOfBytes(t *testing.T) {
	const n, at = 40, 35
	line, text, free := make([]byte, n), make([]byte, 2*blockBytes), make([]byte, 2*blockBytes)
	for c := range 256 {
		line[at], text[at] = byte(c), 'x'
		checkOutlines(t, line, text[:n])
		for classes := range 256 {
			line[at], text[at], free[at] = byte(c), byte(c+1), byte(classes)
			checkFits(t, line, text, free)
		}
	}
}

func BenchmarkOutline(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{20, 80, 380, 840} {
		text, free := bounded(r, n)
		line := bytes.Clone(text[:n])
		b.Run(fmt.Sprintf("of/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				outlineOf(line)
			}
		})
		b.Run(fmt.Sprintf("fits/%d", n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				if !fits(line, text, free) {
					b.Fatal("does not fit")
				}
			}
		})
	}
}
