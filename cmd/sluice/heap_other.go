//go:build !linux

package main

// adviseHeap is for systems that are asked for large pages.
func adviseHeap(int) {}
