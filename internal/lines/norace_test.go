//go:build !race

package lines

const hugeLine = 1 << 30
