package main

import "runtime/debug"

// release is set by the linker in released binaries.
var release string

// version is the release, else what the build knows of itself.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
