package pattern

import (
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
)

// betweenClosed is a page of memory; to read before or behind it ends the test.
func betweenClosed(t *testing.T) []byte {
	t.Helper()
	size := os.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, 3*size, syscall.PROT_NONE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(mem); err != nil {
			t.Error(err)
		}
	})
	page := mem[size : 2*size : 2*size]
	if err := syscall.Mprotect(page, syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
		t.Fatal(err)
	}
	return page
}

func TestOutlinesReadNoFurther(t *testing.T) {
	lines, texts, frees := betweenClosed(t), betweenClosed(t), betweenClosed(t)
	r := rand.New(rand.NewPCG(9, 10))
	for n := range longestOutlined + 1 {
		text, free := bounded(r, n)
		padded := len(text)
		for _, atEnd := range []int{0, 1} {
			line := lines[atEnd*(len(lines)-n):][:n]
			text := append(texts[atEnd*(len(texts)-padded):][:0], text...)
			free := append(frees[atEnd*(len(frees)-padded):][:0], free...)
			copy(line, text)
			fillWith(r, line, free)
			checkOutlines(t, line, text)
			if !checkFits(t, line, text, free) {
				t.Fatalf("%q does not fit %q, %x", line, text, free)
			}
		}
	}
}
