package main

import (
	"runtime"
	"runtime/debug"
)

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
	// A pass begins with rules that are made ready and tables that grow to what its
	// log needs: all of it lives, and the collector would look at it each time that it
	// has grown by a few megabytes. It waits until there are 32 MiB (the runtime's
	// least heap of 4 MiB, so many times), which is what it comes to anyway.
	gcStart   = 800
	heapStart = gcStart / 100 * (4 << 20) // bytes
	// A pass ends, and may unpack what takes a window of 128 MiB: it leaves less to lie.
	gcPass = 200
	// With so many keys what lives is not small any more.
	gcManyKeys = 20_000
)

// startPass puts the collector off, and has the heap made ready to grow as far as it
// will until then.
func startPass(a *app) {
	if a.alone && a.env("GOGC") == "" {
		debug.SetGCPercent(-1)
		adviseHeap(heapStart)
	}
	setPercent(a, 0, gcStart)
}

// continuePass is for the rest of the pass, from the first collection on; with many
// keys from now on.
func continuePass(a *app, keys int) {
	if keys >= gcManyKeys {
		setPercent(a, keys, gcPass)
		return
	}
	collected := new(*app) // nobody keeps it
	runtime.AddCleanup(collected, func(a *app) { setPercent(a, 0, gcPass) }, a)
}

// boundMemory keeps a process that runs for ever small; GOMEMLIMIT and GOGC, if
// they are set, are the user's choice.
func boundMemory(a *app, keys int) {
	if a.env("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryBase + a.buffers + memoryPerKey*int64(keys))
	}
	setPercent(a, keys, gcPercent)
}

func setPercent(a *app, keys, percent int) {
	if keys >= gcManyKeys {
		percent = 100
	}
	if a.env("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
