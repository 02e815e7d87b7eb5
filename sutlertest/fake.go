package sutlertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sutler"
	"sutler/xmltree"
)

// Fake is a provider whose world is a list of effects, and which does what
// its input tells it: so a story needs no other provider. It survives the
// engines that use it, as the world does.
//
// A procedure of type write or two-phase leaves one effect, named after the
// procedure and the trimmed text of its input element <name>. The input may
// hold these directives, which are taken out of the data:
//
//	<fail code="0x…" text="…" phase="process|rollback|prepare|commit" times="n"/>
//	<panic phase="…" after="effect"/>  panic, before the effect or after it
//	<hang phase="…"/>           wait for the end of the call's context and Release
//	<noflush/>                  return without flushing and without an effect
//	<lie says="done|failed"/>   say done without an effect, or failed with one
//	<set name="…" value="…"/>   rollback data set after the effect
//	<output>…</output>          children added to executeData
//
// How a procedure behaves is in its name: one that contains Plain does not
// flush; Probe and Operator choose that policy; all others are repeatable. One
// that contains Enlist enlists, and with EnlistLast its system, whose
// connection is named by the letter that follows, cannot prepare: what such
// calls did is committed together with a marker.
type Fake struct {
	mu      sync.Mutex
	effects []effect
	trace   []string
	markers map[string]bool // by transaction and connection: what is committed
	failed  map[string]int  // by transaction, call and phase: failures so far
	release chan struct{}
	double  []string
	Echo    func(c *sutler.Call) // called at the start of every Process, when set
	Acted   func(c *sutler.Call) // called right after every effect, when set
}

type effect struct {
	tx   sutler.TransactionID
	seq  int
	name string
}

// NewFake returns a provider with an untouched world.
func NewFake() *Fake {
	return &Fake{failed: map[string]int{}, markers: map[string]bool{}, release: make(chan struct{})}
}

// Release lets every hanging call go on.
func (f *Fake) Release() { close(f.release) }

// Effects returns the names of the effects in the world, in the order they came.
func (f *Fake) Effects() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, e := range f.effects {
		names = append(names, e.name)
	}
	return names
}

// Double returns the names of the effects that were made twice.
func (f *Fake) Double() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.double)
}

// Trace returns what was called so far, a line each, and forgets it.
func (f *Fake) Trace() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.trace
	f.trace = nil
	return t
}

func (f *Fake) note(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trace = append(f.trace, fmt.Sprintf(format, args...))
}

// Traits tells the behaviour that a procedure's name asks for. The fake has
// every procedure but those whose names contain Missing.
func (f *Fake) Traits(procedure string) (sutler.Traits, bool) {
	t := sutler.Traits{Flushes: !strings.Contains(procedure, "Plain"), NoAnswer: sutler.Repeatable, Enlists: strings.Contains(procedure, "Enlist")}
	switch {
	case strings.Contains(procedure, "Probe"):
		t.NoAnswer = sutler.Probe
	case strings.Contains(procedure, "Operator"):
		t.NoAnswer = sutler.Operator
	}
	return t, !strings.Contains(procedure, "Missing")
}

// Process makes the effect of the call.
func (f *Fake) Process(ctx context.Context, c *sutler.Call) error {
	if f.Echo != nil {
		f.Echo(c)
	}
	name := label(c)
	f.note("process  %s", name)
	directives := take(c.Data)
	for _, d := range directives {
		if d.Attr("phase") != "" {
			c.Rollback.Set(d.Attr("phase"), d.String())
		}
	}
	c.Rollback.Set("effect", name)
	for _, d := range directives {
		if d.Is("", "noflush") {
			return nil
		}
	}
	if err := f.phase(ctx, c, "process", "before"); err != nil {
		return err
	}
	t, _ := f.Traits(c.Procedure)
	if t.Enlists {
		c.Rollback.Enlist(connection(c))
	}
	acts := c.Type != sutler.Read || t.Enlists
	if t.Flushes && acts {
		if err := c.Rollback.Flush(ctx); err != nil {
			return err
		}
	}
	lie := ""
	for _, d := range directives {
		if d.Is("", "lie") {
			lie = d.Attr("says")
		}
	}
	if acts && lie != "done" {
		f.mu.Lock()
		for _, e := range f.effects {
			if e.tx == c.Transaction && e.seq == c.Seq {
				f.double = append(f.double, name)
			}
		}
		f.effects = append(f.effects, effect{c.Transaction, c.Seq, name})
		f.mu.Unlock()
		if f.Acted != nil {
			f.Acted(c)
		}
	}
	if lie == "failed" {
		return errors.New("the fake lies: it has acted")
	}
	if err := f.phase(ctx, c, "process", "effect"); err != nil {
		return err
	}
	for _, d := range directives {
		switch {
		case d.Is("", "set"):
			c.Rollback.Set(d.Attr("name"), d.Attr("value"))
		case d.Is("", "output"):
			for n := d.First(); n != nil; n = d.First() {
				if err := c.Data.Append(n); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// connection is the name of the connection of a call that commits last, or "".
func connection(c *sutler.Call) string {
	if _, name, ok := strings.Cut(c.Procedure, "EnlistLast"); ok {
		return "connection " + name
	}
	return ""
}

// marker is the key under which a commit of the call's connection is kept.
func marker(c *sutler.Call) string { return string(c.Transaction) + " " + connection(c) }

// Rollback takes the effect of the call away; without one it does nothing. What
// is committed with a marker cannot be taken away.
func (f *Fake) Rollback(ctx context.Context, c *sutler.Call) error {
	input := ""
	if c.Data != nil {
		input = " with " + strings.TrimSpace(c.Data.Text())
	}
	if err := f.phase(ctx, c, "rollback", "before"); err != nil {
		f.note("rollback %s: %v", f.name(c), err)
		return err
	}
	f.mu.Lock()
	committed := f.markers[marker(c)]
	f.mu.Unlock()
	if committed {
		f.note("rollback %s: it is committed", f.name(c))
		return sutler.Errorf(sutler.Failed, "cannot roll back %s: it is committed", f.name(c))
	}
	f.note("rollback %s%s", f.name(c), input)
	f.remove(c)
	return nil
}

// Prepare and Commit of a two-phase call only note that they were called.
func (f *Fake) Prepare(ctx context.Context, c *sutler.Call) error {
	err := f.phase(ctx, c, "prepare", "before")
	f.noteErr("prepare ", c, err)
	return err
}

// Commit notes that it was called.
func (f *Fake) Commit(ctx context.Context, c *sutler.Call) error {
	err := f.phase(ctx, c, "commit", "before")
	f.noteErr("commit  ", c, err)
	if err != nil {
		return err
	}
	if connection(c) != "" {
		f.mu.Lock()
		f.markers[marker(c)] = true
		f.mu.Unlock()
	}
	return f.phase(ctx, c, "commit", "effect")
}

func (f *Fake) noteErr(what string, c *sutler.Call, err error) {
	if err != nil {
		f.note("%s %s: %v", what, f.name(c), err)
		return
	}
	f.note("%s %s", what, f.name(c))
}

// Probe looks whether the call's effect is in the world.
func (f *Fake) Probe(_ context.Context, c *sutler.Call) (sutler.Outcome, error) {
	f.note("probe    %s", f.name(c))
	if strings.Contains(c.Procedure, "Unknown") {
		return sutler.Unknown, nil
	}
	if err := f.phase(context.Background(), c, "probe", "before"); err != nil {
		return sutler.Unknown, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if connection(c) != "" {
		if f.markers[marker(c)] {
			return sutler.TookEffect, nil
		}
		return sutler.NoEffect, nil
	}
	for _, e := range f.effects {
		if e.tx == c.Transaction && e.seq == c.Seq {
			return sutler.TookEffect, nil
		}
	}
	return sutler.NoEffect, nil
}

// name is what a call is called in the trace when its data is not there.
func (f *Fake) name(c *sutler.Call) string {
	if n := c.Rollback.Get("effect"); n != "" {
		return n
	}
	return c.Procedure
}

// phase carries out the directive that the call has for a phase.
func (f *Fake) phase(ctx context.Context, c *sutler.Call, phase, moment string) error {
	text := c.Rollback.Get(phase)
	if text == "" {
		return nil
	}
	doc, err := xmltree.Parse([]byte(text), xmltree.Options{})
	if err != nil {
		return err
	}
	defer doc.Release()
	d := doc.DocumentElement()
	if (d.Attr("after") == "effect") != (moment == "effect") {
		return nil
	}
	key := fmt.Sprintf("%s %d %s", c.Transaction, c.Seq, phase)
	f.mu.Lock()
	f.failed[key]++
	count := f.failed[key]
	f.mu.Unlock()
	if times, err := strconv.Atoi(d.Attr("times")); err == nil && count > times {
		return nil
	}
	switch d.Local() {
	case "panic":
		panic("the fake was told to panic")
	case "hang":
		<-ctx.Done()
		<-f.release
		return nil
	}
	if moment == "effect" && phase == "process" {
		f.remove(c) // an error means: undone by the provider itself
	}
	if d.Attr("code") == "" {
		return fmt.Errorf("%s", d.Attr("text"))
	}
	code, err := sutler.ParseCode(d.Attr("code"))
	if err != nil {
		return err
	}
	return sutler.Errorf(code, "%s", d.Attr("text"))
}

func (f *Fake) remove(c *sutler.Call) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, e := range f.effects {
		if e.tx == c.Transaction && e.seq == c.Seq {
			f.effects = append(f.effects[:i], f.effects[i+1:]...)
			return
		}
	}
}

// label names a call after its procedure and its input element name.
func label(c *sutler.Call) string {
	if n, ok := c.Text("name"); ok {
		return c.Procedure + " " + n
	}
	return c.Procedure
}

// take removes the directives from the input.
func take(data *xmltree.Node) []*xmltree.Node {
	var all []*xmltree.Node
	for n := data.FirstElement(); n != nil; {
		next := n.NextElement()
		switch n.Local() {
		case "fail", "panic", "hang", "noflush", "set", "output", "lie":
			n.Detach()
			all = append(all, n)
		}
		n = next
	}
	return all
}
