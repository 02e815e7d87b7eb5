package main

import (
	"sync"
	"time"
)

// tellEach is how often what a flood does is told.
const tellEach = time.Second

// tally counts what happens too often to tell each time. It is safe for
// concurrent use.
type tally struct {
	mu    sync.Mutex
	told  time.Time
	count int
}

// note counts once more. It returns how often it has been since it was told
// last, which is to be told now, or 0 when that was less than tellEach ago.
func (t *tally) note(now time.Time) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
	if since := now.Sub(t.told); since >= 0 && since < tellEach { // a clock may be set back
		return 0
	}
	n := t.count
	t.told, t.count = now, 0
	return n
}
