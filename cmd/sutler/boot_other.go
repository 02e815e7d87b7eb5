//go:build !linux

package main

import "time"

var began = time.Now().Round(0) // without the monotonic clock, which may stand still while the machine sleeps

// sinceBoot is a clock that goes on while the machine sleeps.
func sinceBoot() time.Duration { return time.Now().Round(0).Sub(began) }
