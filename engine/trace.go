package engine

import (
	"sutler/procedure"
	"sutler/xmltree"
)

// Event is one construct as a trace shows it. The strings are made only when
// somebody traces; content marked do-not-log is masked, and all of sensitive calls.
type Event struct {
	Depth  int    // nesting of calls, 0 for the request itself
	Kind   string // call, done, failed, select, when, before, after, catch, rollback
	Name   string // procedure, select or scope names
	Seq    int    // number of the call, for call, done, failed and rollback
	At     string // file:line:column of the construct
	Before string // XML it works on
	After  string // XML it leaves
	Err    error
}

func (e *Engine) event(ev Event) {
	if e.trace != nil {
		e.trace(ev)
	}
}

// show returns n as XML for a trace, masked; nothing of it in a sensitive call.
func show(n *xmltree.Node, sensitive bool) string {
	switch {
	case n == nil:
		return ""
	case sensitive:
		return hidden
	}
	return maskedXML(n)
}

func (w *walk) traceAt(kind, name string, at procedure.Place, before, after string, err error) {
	w.trace(Event{Depth: w.depth, Kind: kind, Name: name, At: at.String(), Before: before, After: after, Err: err})
}
