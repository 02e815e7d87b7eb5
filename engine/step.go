package engine

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
)

// turn is one iteration of a step: what its loops stand for, and its
// executeData.
type turn struct {
	loops       []*xmltree.Node // by forEach; nil: bound to nothing
	executeData *xmltree.Node
	sensitive   bool // nothing of it shows in a text
}

// step runs an execute, queue or transform: its loops, then for each
// combination repeat, when, before, the call and after (schema C.4).
func (w *walk) step(f *frame, s *procedure.Step) error {
	err := w.loop(f, s, &turn{loops: make([]*xmltree.Node, len(s.ForEach)), sensitive: s.Sensitive.Apply(f.sensitive)}, 0)
	if err != nil && len(f.parents) == 0 {
		// The inline procedure has no name: an error that comes from it and
		// from no call names the step's target (schema B.12).
		if e := errorOf(err); len(e.Sources) == 0 {
			e.Sources = []sutler.ErrorSource{{Namespace: s.Namespace, Procedure: s.Procedure}}
			if s.Kind == procedure.Transform {
				e.Sources[0].Procedure = "transform"
			}
			return keep(err, e)
		}
	}
	return err
}

func (w *walk) loop(f *frame, s *procedure.Step, t *turn, i int) error {
	if i == len(s.ForEach) {
		return w.repeat(f, s, t)
	}
	each := &s.ForEach[i]
	nodes, err := w.all(w.scope(f, t, each.Root), each.Path)
	if err != nil {
		return err
	}
	if len(nodes) == 0 {
		switch each.IfNull {
		case procedure.Skip:
			return w.count(s)
		case procedure.Ignore:
			t.loops[i] = nil
			return w.loop(f, s, t, i+1)
		}
		return nullError("forEach", each.Name, each.Root, each.Path, each.At)
	}
	for _, n := range nodes {
		t.loops[i] = n
		if err := w.loop(f, s, t, i+1); err != nil {
			return err
		}
	}
	return nil
}

// repeat runs the iteration as often as the product of the repeat counts
// says. when is tested anew each time (schema B.26).
func (w *walk) repeat(f *frame, s *procedure.Step, t *turn) error {
	count := int64(1)
	for i := range s.Repeat {
		r := &s.Repeat[i]
		text, found, err := w.value(w.scope(f, t, r.Source), r.Path)
		if err != nil {
			return err
		}
		if !found {
			switch r.IfNull {
			case procedure.Skip:
				return w.count(s)
			case procedure.Ignore:
				continue
			}
			return nullError("repeat", "", r.Source, r.Path, r.At)
		}
		n, err := repeatCount(text)
		if err != nil {
			shown := hidden
			if !t.sensitive && !w.secretValue(w.scope(f, t, r.Source), r.Path) {
				shown = strconv.Quote(text)
			}
			return sutler.Errorf(sutler.BadInput, "cannot repeat %s times (%s): %w", shown, r.At, err)
		}
		count = saturate(count, n)
	}
	if count == 0 {
		return w.count(s)
	}
	for range count {
		if err := w.iteration(f, s, t); err != nil {
			return err
		}
	}
	return nil
}

// repeatCount reads a number of repetitions: decimal digits, trimmed. Numbers
// too large for 64 bits are as good as the largest.
func repeatCount(text string) (int64, error) {
	text = strings.Trim(text, " \t\r\n")
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, fmt.Errorf("want a whole number of 0 or more")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 1<<63 - 1, nil
	}
	return n, nil
}

// saturate multiplies two numbers of 0 or more.
func saturate(a, b int64) int64 {
	if a != 0 && b > (1<<63-1)/a {
		return 1<<63 - 1
	}
	return a * b
}

// count counts one more iteration of a step, be it one that is left out, so
// that no loop goes on for ever.
func (w *walk) count(s *procedure.Step) error {
	w.turns++
	if w.turns > w.limits.Calls {
		return &sutler.Error{Code: sutler.LimitReached, Err: fmt.Errorf(
			"cannot run the step at %s once more: the transaction has reached %d iterations (limit Calls, setting limit.calls)", s.At, w.limits.Calls)}
	}
	return w.cancelled()
}

// cancelled returns an error when the caller has withdrawn the request and
// nothing was touched yet.
func (w *walk) cancelled() error {
	if w.acted || w.ctx.Err() == nil {
		return nil
	}
	return sutler.Errorf(sutler.Cancelled, "cannot go on: %w", context.Cause(w.ctx))
}

// iteration is one run of the innermost part of a step. It owns the document
// of executeData and releases it.
func (w *walk) iteration(f *frame, s *procedure.Step, t *turn) error {
	if err := w.count(s); err != nil {
		return err
	}
	for i := range s.When {
		ok, err := w.when(f, t, &s.When[i])
		if err != nil {
			return err
		}
		if !ok {
			if w.trace != nil {
				w.traceAt("when", target(s), s.When[i].At, "", "not true: left out", nil)
			}
			return nil
		}
	}
	var in *invocation
	if s.Kind == procedure.Execute { // checked before anything is transformed for it
		in = invocationOf(f, s)
		if err := w.permit(f, in); err != nil {
			return w.refused(in, err)
		}
	}
	doc := xmltree.New(w.budget)
	held := false // by an abandoned call, which keeps its document for ever
	defer func() {
		if !held {
			doc.Release()
		}
	}()
	if err := w.literal(doc, s, t); err != nil {
		return err
	}
	for i := range s.Before {
		skip, err := w.transfer(f, t, "before", &s.Before[i])
		if err != nil || skip {
			return err
		}
	}
	switch s.Kind {
	case procedure.Queue:
		return sutler.Errorf(sutler.NotYet, "cannot queue %s (%s): this engine has no queue manager yet", target(s), s.At)
	case procedure.Execute:
		held = true // after a panic nobody knows
		var err error
		if err, held = w.call(f, in, t); err != nil {
			return err
		}
	}
	for i := range s.After {
		if _, err := w.transfer(f, t, "after", &s.After[i]); err != nil {
			return err
		}
	}
	return nil
}

// literal makes the executeData of an iteration: a fresh copy of the literal,
// or an empty element (design L2).
func (w *walk) literal(doc *xmltree.Document, s *procedure.Step, t *turn) error {
	if s.Literal == nil {
		t.executeData = doc.NewElement(xmltree.Name{Local: "executeData"})
	} else {
		c, err := doc.Copy(s.Literal)
		if err != nil {
			return err
		}
		t.executeData = c
	}
	return doc.NewRoot().Append(t.executeData)
}

// when tests one condition of a step (schema B.35).
func (w *walk) when(f *frame, t *turn, c *procedure.When) (bool, error) {
	if c.Select != "" {
		have, ok := f.cases[c.Select]
		return ok && have == c.Case, nil
	}
	return w.holds(w.scope(f, t, c.Source), c.Path)
}

// target names the procedure a step calls, or its kind.
func target(s *procedure.Step) string {
	if s.Kind == procedure.Transform {
		return "transform"
	}
	return s.Namespace + "/" + s.Procedure
}

// nullError says that a source selected nothing and its ifNull is fail.
func nullError(what, name string, root procedure.Scope, p *procedure.Path, at procedure.Place) error {
	if name != "" {
		what += " " + strconv.Quote(name)
	}
	path := "."
	if p != nil {
		path = p.Text
	}
	return sutler.Errorf(sutler.NullSource, "cannot run %s (%s): path %q selects nothing in %s, and its ifNull is fail", what, at, path, root.Name)
}
