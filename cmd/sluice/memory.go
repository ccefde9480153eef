package main

import "runtime/debug"

const (
	// memoryBase is what the heap of a sidecar may grow to before the collector
	// works harder, and memoryPerKey what each key of a gateway adds: a refresh
	// holds two snapshots and a page at once.
	memoryBase   = 76 << 20
	memoryPerKey = 256
)

// boundMemory keeps a process that runs for ever small; GOMEMLIMIT, if it is set,
// is the user's choice.
func boundMemory(a *app, keys int) {
	if a.env("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryBase + memoryPerKey*int64(keys))
	}
}
