//go:build !linux

package main

// restrict does nothing here: this system has no such switches.
func restrict() error { return nil }
