//go:build race

package lines

// hugeLine is less under the race detector, which looks at every byte.
const hugeLine = 64 << 20
