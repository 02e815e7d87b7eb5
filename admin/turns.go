package admin

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"sutler"
)

// ErrBusy says that so many logins wait for their turn that one has to go. Its
// code is Busy.
var ErrBusy error = sutler.Errorf(sutler.Busy, "cannot look at the password: too many logins wait for their turn; try again in some seconds")

// Turns lets those who come wait for their turn. Sources take turns, and one
// source never has two, so that what comes from it at once is no more than
// what comes one after another. Within a source the accounts take turns, those
// that are known there alternating with strangers, and within an account it is
// first come, first served. So a flood keeps no other source waiting
// longer than one turn of its own, nor a known account of its source longer
// than one turn of a stranger and those of the other known ones.
//
// A Turns is safe for concurrent use; its fields are set before.
type Turns struct {
	AtOnce  int // turns at a time
	Waiting int // who may wait beside them
	Share   int // how many of these may be of one account from one source

	mu      sync.Mutex
	running int
	waiting int
	came    int               // how many have ever waited
	crowds  map[string]*crowd // by source: those with a turn or somebody waiting
	next    []*crowd          // those with somebody waiting and no turn, the first to be served first
}

// crowd is who comes from one source.
type crowd struct {
	source   string
	running  bool // one has its turn
	waiting  int
	lines    map[string]*line // by account, likewise
	next     [2][]*line       // strangers and known ones with somebody waiting and no turn
	stranger bool             // the next turn is a stranger's, if there is one
}

// line is who comes for one account from one source.
type line struct {
	account string
	known   bool
	running bool
	waiting []try
}

// try is one who waits.
type try struct {
	turn chan error
	came int // before how many others
}

func (l *line) ring() int {
	if l.known {
		return 1
	}
	return 0
}

// Take waits until it is the turn of one who comes for account from source, and
// returns how to end it, which says whether the two are known to each other
// from then on; known says it now. The error is ErrBusy when no more can
// wait: Share of the two do, or Waiting of all. In the latter case another has
// to go instead: the last of the source of which most wait if that leaves it
// no fewer than source has, else the last of the strangers from source of
// which most wait, likewise, else, if the one who comes is known, any
// stranger. Only then it has come ahead of its turn. When ctx is over, the error
// is its cause.
func (t *Turns) Take(ctx context.Context, source, account string, known bool) (end func(known bool), ahead bool, err error) {
	t.mu.Lock()
	c, l := t.place(source, account)
	l.known = l.known || known
	end = func(known bool) { t.end(c, l, known) }
	if t.running < t.AtOnce && !c.running {
		t.running++
		c.running, l.running = true, true
		t.mu.Unlock()
		return end, false, nil
	}
	ahead, ok := t.room(c, l)
	if !ok {
		t.tidy(c, l)
		t.mu.Unlock()
		return nil, false, ErrBusy
	}
	turn := make(chan error, 1)
	t.wait(c, l, turn)
	t.mu.Unlock()
	select {
	case err = <-turn:
	case <-ctx.Done():
		if t.leave(c, l, turn) {
			return nil, ahead, context.Cause(ctx)
		}
		err = <-turn // it came at the same time
	}
	if err != nil {
		return nil, ahead, err
	}
	return end, ahead, nil
}

// Full reports whether as many wait as may.
func (t *Turns) Full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waiting >= t.Waiting
}

// place returns where one waits who comes for account from source.
func (t *Turns) place(source, account string) (*crowd, *line) {
	c := t.crowds[source]
	if c == nil {
		if t.crowds == nil {
			t.crowds = map[string]*crowd{}
		}
		c = &crowd{source: source, lines: map[string]*line{}}
		t.crowds[source] = c
	}
	l := c.lines[account]
	if l == nil {
		l = &line{account: account}
		c.lines[account] = l
	}
	return c, l
}

// wait lets one wait in l.
func (t *Turns) wait(c *crowd, l *line, turn chan error) {
	t.crowds[c.source] = c // the last of it may have been sent away for this one
	t.came++
	t.waiting++
	c.waiting++
	l.waiting = append(l.waiting, try{turn, t.came})
	if !l.running && len(l.waiting) == 1 {
		c.next[l.ring()] = append(c.next[l.ring()], l)
	}
	if !c.running && c.waiting == 1 {
		t.next = append(t.next, c)
	}
}

// room reports whether one more may wait in l, and whether that is because it is
// known. If need be it sends another away.
func (t *Turns) room(c *crowd, l *line) (ahead, ok bool) {
	mine := len(l.waiting) + 1
	switch {
	case mine > t.Share:
		return false, false
	case t.waiting < t.Waiting:
		return false, true
	case t.sendAway(func(oc *crowd, _ *line) bool { return oc.waiting > c.waiting+1 }):
		return false, true
	case t.sendAway(func(oc *crowd, o *line) bool { return oc == c && !o.known && len(o.waiting) > mine }):
		return false, true
	case !l.known:
		return false, false
	}
	return true, t.sendAway(func(oc *crowd, o *line) bool { return !o.known || oc == c && len(o.waiting) > mine })
}

// sendAway sends one away who waits in a line that may be cut: of the source of
// which most wait, a stranger if there is one, of the longest line, the last.
func (t *Turns) sendAway(may func(*crowd, *line) bool) bool {
	var most *crowd
	var longest *line
	for _, c := range t.crowds {
		for _, l := range c.lines {
			if len(l.waiting) == 0 || !may(c, l) {
				continue
			}
			if longest == nil || cmp.Or(
				cmp.Compare(c.waiting, most.waiting),
				cmp.Compare(longest.ring(), l.ring()),
				cmp.Compare(len(l.waiting), len(longest.waiting)),
				cmp.Compare(l.last().came, longest.last().came)) > 0 {
				most, longest = c, l
			}
		}
	}
	if longest == nil {
		return false
	}
	longest.last().turn <- ErrBusy
	t.remove(most, longest, len(longest.waiting)-1)
	return true
}

func (l *line) last() try { return l.waiting[len(l.waiting)-1] }

// leave reports whether turn, which waited, does so no longer.
func (t *Turns) leave(c *crowd, l *line, turn chan error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(l.waiting, func(w try) bool { return w.turn == turn })
	if i < 0 {
		return false
	}
	t.remove(c, l, i)
	return true
}

// remove takes the one at i out of l.
func (t *Turns) remove(c *crowd, l *line, i int) {
	l.waiting = slices.Delete(l.waiting, i, i+1)
	c.waiting--
	t.waiting--
	t.tidy(c, l)
}

// tidy forgets l and c if they are empty.
func (t *Turns) tidy(c *crowd, l *line) {
	if len(l.waiting) == 0 && !l.running {
		for ring := range c.next {
			c.next[ring] = slices.DeleteFunc(c.next[ring], func(o *line) bool { return o == l })
		}
		delete(c.lines, l.account)
	}
	if c.waiting == 0 && !c.running {
		t.next = slices.DeleteFunc(t.next, func(o *crowd) bool { return o == c })
		delete(t.crowds, c.source)
	}
}

// end ends a turn and begins those that can begin.
func (t *Turns) end(c *crowd, l *line, known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.running--
	c.running, l.running = false, false
	l.known = l.known || known
	if len(l.waiting) > 0 {
		c.next[l.ring()] = append(c.next[l.ring()], l)
	}
	if c.waiting > 0 {
		t.next = append(t.next, c)
	}
	t.tidy(c, l)
	for t.running < t.AtOnce && len(t.next) > 0 {
		c, t.next = t.next[0], t.next[1:]
		l = c.pick()
		l.waiting[0].turn <- nil
		l.waiting = slices.Delete(l.waiting, 0, 1)
		c.waiting--
		t.waiting--
		t.running++
		c.running, l.running = true, true
	}
}

// pick takes out the line whose turn it is.
func (c *crowd) pick() *line {
	ring := 1
	if len(c.next[1]) == 0 || c.stranger && len(c.next[0]) > 0 {
		ring = 0
	}
	c.stranger = ring == 1
	l := c.next[ring][0]
	c.next[ring] = c.next[ring][1:]
	return l
}
