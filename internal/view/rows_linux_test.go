package view

import (
	"bytes"
	"slices"
	"syscall"
	"testing"
)

// No byte before or behind a text is read: those of its neighbours in memory
// here cannot be.
func TestRowsReadNoFurther(t *testing.T) {
	page := syscall.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for _, closed := range [][]byte{mem[:page], mem[2*page:]} {
		if err := syscall.Mprotect(closed, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	open := mem[page : 2*page]
	for i := range open {
		open[i] = "aXQgaXMgYSB0ZXh0IG9mIG1hbnkgYnl0ZXM"[i%35]
	}
	var f rowFinder
	for n := range 3 * blockSize {
		for _, text := range [][]byte{open[:n], open[page-n:]} {
			if got, want := f.rows(nil, nil, text), f.rows(nil, nil, bytes.Clone(text)); !slices.Equal(got, want) {
				t.Fatalf("%d bytes: %x, want %x", n, got, want)
			}
		}
	}
	if err := syscall.Munmap(mem); err != nil {
		t.Fatal(err)
	}
}
