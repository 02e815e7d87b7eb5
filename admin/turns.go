package admin

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// ErrBusy says that so many logins wait for their turn that one has to go.
var ErrBusy = errors.New("too many logins by password wait for their turn")

// Turns lets those who come wait for their turn, in the order in which they
// come from one source. Sources take turns, and one source never has two, so
// that what comes from it at once is no more than what comes one after another
// and keeps nobody else waiting longer than one turn. A Turns is safe for
// concurrent use; its fields are set before.
type Turns struct {
	AtOnce  int // turns at a time
	Waiting int // who may wait beside them
	Share   int // how many of these may come from one source

	mu      sync.Mutex
	running int
	waiting int
	lines   map[string]*line // those with a turn or somebody waiting
	next    []*line          // those with somebody waiting and no turn, the first to be served first
}

// line is who waits of one source.
type line struct {
	running bool // one has its turn
	waiting []chan error
}

// Take waits until it is the turn of one who comes from source, and returns how
// to end it. The error is ErrBusy when no more can wait: Share of that source do, or
// Waiting of all. In the latter case the last of the source of which
// most wait has to go instead, if that leaves it no fewer than source has. When
// ctx is over, the error is its cause.
func (t *Turns) Take(ctx context.Context, source string) (end func(), err error) {
	end = func() { t.end(source) }
	t.mu.Lock()
	l := t.lines[source]
	if l == nil {
		l = &line{}
	}
	if t.running < t.AtOnce && !l.running {
		t.keep(source, l)
		t.running++
		l.running = true
		t.mu.Unlock()
		return end, nil
	}
	if len(l.waiting) >= t.Share || t.waiting >= t.Waiting && !t.makeRoom(len(l.waiting)+1) {
		t.mu.Unlock()
		return nil, ErrBusy
	}
	t.keep(source, l)
	turn := make(chan error, 1)
	l.waiting = append(l.waiting, turn)
	t.waiting++
	if !l.running && len(l.waiting) == 1 {
		t.next = append(t.next, l)
	}
	t.mu.Unlock()
	select {
	case err = <-turn:
	case <-ctx.Done():
		if t.leave(source, turn) {
			return nil, context.Cause(ctx)
		}
		err = <-turn // it came at the same time
	}
	if err != nil {
		return nil, err
	}
	return end, nil
}

func (t *Turns) keep(source string, l *line) {
	if t.lines == nil {
		t.lines = map[string]*line{}
	}
	t.lines[source] = l
}

// makeRoom sends away the last of the source of which most wait, if these are
// more than than.
func (t *Turns) makeRoom(than int) bool {
	var longest *line
	for _, l := range t.lines {
		if longest == nil || len(l.waiting) > len(longest.waiting) {
			longest = l
		}
	}
	if longest == nil || len(longest.waiting) <= than {
		return false
	}
	last := len(longest.waiting) - 1
	longest.waiting[last] <- ErrBusy
	longest.waiting = longest.waiting[:last]
	t.waiting--
	return true
}

// leave reports whether turn, which waited, does so no longer.
func (t *Turns) leave(source string, turn chan error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[source]
	if l == nil {
		return false
	}
	i := slices.Index(l.waiting, turn)
	if i < 0 {
		return false
	}
	l.waiting = slices.Delete(l.waiting, i, i+1)
	t.waiting--
	if len(l.waiting) == 0 && !l.running {
		t.next = slices.DeleteFunc(t.next, func(other *line) bool { return other == l })
		delete(t.lines, source)
	}
	return true
}

// end ends a turn of source and begins those that can begin.
func (t *Turns) end(source string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	l := t.lines[source]
	l.running = false
	if len(l.waiting) > 0 {
		t.next = append(t.next, l)
	} else {
		delete(t.lines, source)
	}
	for t.running < t.AtOnce && len(t.next) > 0 {
		l, t.next = t.next[0], t.next[1:]
		l.waiting[0] <- nil
		l.waiting = l.waiting[1:]
		l.running = true
		t.waiting--
		t.running++
	}
}
