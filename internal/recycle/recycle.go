// Package recycle is the care that memory needs which is used again: whoever
// takes memory back gives it to Spoil first, which does nothing but in tests.
//
// The promise: after SpoilAll(true) memory that was given back holds no byte of
// what it held, and a write to it, so that who reads on reads nonsense, and the
// race detector sees two that touch it.
//
// The limits: the pools belong to those who lend (internal/lines, internal/view,
// internal/redact); this package holds no memory. In a program that runs, memory
// that was given back keeps its bytes until it is written again, as garbage does
// until it is collected: secrets in it are in the process as long as a log is
// read, and no dump of it is written.
package recycle

import "sync/atomic"

var spoil atomic.Bool

// SpoilAll turns spoiling on or off, for tests.
func SpoilAll(on bool) { spoil.Store(on) }

// Spoil overwrites the bytes of memory that is given back.
func Spoil(memory []byte) { SpoilEach(memory, 0xff) }

// SpoilEach overwrites memory that is given back, all that it has room for, with
// a value that is no right one.
func SpoilEach[T any](memory []T, wrong T) {
	if !spoil.Load() {
		return
	}
	memory = memory[:cap(memory)]
	for i := range memory {
		memory[i] = wrong
	}
}
