//go:build !unix

package docker

func socketRefuses(string) error { return nil }
