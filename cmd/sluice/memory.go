package main

import "runtime/debug"

const (
	// memoryBase is what the heap of a sidecar may grow to before the collector
	// works harder, and memoryPerKey what each key of a gateway adds: a refresh
	// holds two snapshots and a page at once. Beside the heap some 27 MiB are
	// resident, the program itself most of all (TestOutage).
	memoryBase   = 54 << 20
	memoryPerKey = 256
	// What lives is a few megabytes of rules. Collecting each time that the heap
	// has doubled, which is the default, took a quarter of the time of a follower;
	// at five times it stays far below memoryBase.
	gcPercent = 400
	// With so many keys what lives is not small any more.
	gcManyKeys = 20_000
)

// boundMemory keeps a process that runs for ever small; GOMEMLIMIT and GOGC, if
// they are set, are the user's choice.
func boundMemory(a *app, keys int) {
	if a.env("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryBase + a.buffers + memoryPerKey*int64(keys))
	}
	if a.env("GOGC") == "" {
		percent := 100
		if keys < gcManyKeys {
			percent = gcPercent
		}
		debug.SetGCPercent(percent)
	}
}
