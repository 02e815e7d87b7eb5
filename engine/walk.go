package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sutler"
	"sutler/procedure"
	"sutler/security"
	"sutler/xmltree"
	"sutler/xpath"
)

// walk goes through the programs of one transaction. It is single-threaded,
// and everything it knows of the outside comes through world.
type walk struct {
	ctx     context.Context // the caller's; counts until the first effect
	world   world
	catalog *catalog
	limits  sutler.Limits
	id      sutler.TransactionID
	started time.Time
	caller  sutler.Caller       // who asked
	trustee string              // who is checked: the caller, or another that a trusted request names
	asks    security.Submission // what was looked at when the request came
	lists   lists               // who may do what, as the last check found it
	bag     *sutler.Bag
	trace   func(Event) // nil: nothing is traced
	checks  bool        // executeData is checked against every input schema

	budget  *xmltree.Budget // of all trees of the transaction
	steps   xmltree.Budget  // of the path that is being evaluated
	seq     int             // number of the last call
	turns   int64           // iterations of steps so far
	depth   int             // nested calls
	kept    bool            // an abandoned call keeps the request's document for ever
	private bool            // a sensitive call was made: the log keeps no readable answer
	acted   bool            // a procedure that is not read was called: the caller's cancel counts no more
}

// frame is one running procedure.
type frame struct {
	parents       []sutler.Frame    // the procedures around its steps, outermost first, itself included
	data          *xmltree.Node     // element data
	procedureData *xmltree.Node     // element procedureData
	context       *xmltree.Node     // element context
	cases         map[string]string // of its selects; a select without a case is not there

	identity           security.Frame // what its calls inherit, see there
	sensitive, trusted bool           // effective for the procedure's own call
}

// run walks the body of a procedure.
func (w *walk) run(f *frame, body []procedure.Node) error {
	for _, n := range body {
		var err error
		switch n := n.(type) {
		case *procedure.Select:
			err = w.selectCase(f, n)
		case *procedure.Step:
			err = w.step(f, n)
		case *procedure.Try:
			err = w.try(f, n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// try runs the body; its first error ends it and runs the catch, in which the
// error is context/errorContext (schema C.9). Nothing is undone by catching.
func (w *walk) try(f *frame, t *procedure.Try) error {
	err := w.run(f, t.Body)
	if err == nil || !catchable(err) {
		return err
	}
	outer := f.context.Child("errorContext")
	if outer != nil {
		outer.Detach()
	}
	inner, cerr := errorContext(f.context.Document(), errorOf(err))
	if cerr != nil {
		return cerr
	}
	if cerr := f.context.Append(inner); cerr != nil {
		return cerr
	}
	if w.trace != nil {
		w.traceAt("catch", "", t.CatchAt, show(inner, false), "", err)
	}
	err = w.run(f, t.Catch)
	inner.Detach()
	if outer != nil {
		if aerr := f.context.Append(outer); err == nil {
			err = aerr
		}
	}
	return err
}

// catchable reports whether a catch may see err. Reached limits, the caller's
// cancel, a log that failed or refused and a transaction in doubt end the
// transaction; what a provider says never does.
func catchable(err error) bool {
	if markOf(err) != nil {
		return false
	}
	var s said
	if errors.As(err, &s) {
		return true
	}
	switch sutler.CodeOf(err) {
	case sutler.LimitReached, sutler.Cancelled:
		return false
	}
	return true
}

// selectCase evaluates a select where it stands (schema B.31).
func (w *walk) selectCase(f *frame, s *procedure.Select) error {
	value, found, err := w.value(w.scope(f, nil, s.Source), s.Path)
	if err != nil {
		return err
	}
	delete(f.cases, s.Name)
	c := s.Default
	if !found {
		c = s.IfNull
	} else {
		for i := range s.Where {
			if s.Where[i].Value == value {
				c = &s.Where[i].Case
				break
			}
		}
	}
	if c != nil {
		f.cases[s.Name] = *c
	}
	if w.trace != nil {
		after := "no case"
		if c != nil {
			after = *c
		}
		w.traceAt("select", s.Name, s.At, "", after, nil)
	}
	return nil
}

// scope returns the node that a scope name stands for; nil for a loop that is
// bound to nothing.
func (w *walk) scope(f *frame, t *turn, s procedure.Scope) *xmltree.Node {
	switch s.Kind {
	case procedure.Data:
		return f.data
	case procedure.Context:
		return f.context
	case procedure.ProcedureData:
		return f.procedureData
	case procedure.ExecuteData:
		return t.executeData
	default:
		return t.loops[s.Index]
	}
}

// first returns the first node that path selects below root, root itself
// without a path, nil if there is none.
func (w *walk) first(root *xmltree.Node, path *procedure.Path) (*xmltree.Node, error) {
	if root == nil || path == nil {
		return root, nil
	}
	n, err := path.Expr.First(w.at(root))
	if err != nil {
		return nil, pathError(path, err)
	}
	return element(n), nil
}

// all returns every node that path selects below root, in document order.
func (w *walk) all(root *xmltree.Node, path *procedure.Path) ([]*xmltree.Node, error) {
	switch {
	case root == nil:
		return nil, nil
	case path == nil:
		return []*xmltree.Node{root}, nil
	}
	ns, err := path.Expr.Nodes(w.at(root))
	if err != nil {
		return nil, pathError(path, err)
	}
	return ns, nil
}

// value returns the string value of what path selects, and whether it selects
// anything. A path that is not a node-set always does.
func (w *walk) value(root *xmltree.Node, path *procedure.Path) (string, bool, error) {
	if path != nil && root != nil && path.Expr.Type() != xpath.NodeSetType {
		s, err := path.Expr.Str(w.at(root))
		if err != nil {
			return "", false, pathError(path, err)
		}
		return s, true, nil
	}
	n, err := w.first(root, path)
	if err != nil || n == nil {
		return "", false, err
	}
	return n.Text(), true, nil
}

// secretValue reports whether what path selects below root is not for texts.
func (w *walk) secretValue(root *xmltree.Node, path *procedure.Path) bool {
	n, err := w.first(root, path)
	return err != nil || n == nil || liesInSecret(n) || holdsSecret(n)
}

// holds reports whether a condition path selects a node, or is true when it
// is not a node-set (schema B.35).
func (w *walk) holds(root *xmltree.Node, path *procedure.Path) (bool, error) {
	if root == nil || path == nil {
		return root != nil, nil
	}
	ok, err := path.Expr.Bool(w.at(root))
	if err != nil {
		return false, pathError(path, err)
	}
	return ok, nil
}

// at returns the context for evaluating a path at root, with a fresh budget
// of steps.
func (w *walk) at(root *xmltree.Node) *xpath.Context {
	w.steps = xmltree.Budget{MaxSteps: w.limits.TransformSteps}
	return &xpath.Context{Node: root, Position: 1, Size: 1, Budget: &w.steps}
}

func pathError(p *procedure.Path, err error) error {
	code := sutler.PathErr
	if sutler.CodeOf(err) == sutler.LimitReached {
		code = sutler.LimitReached
	}
	return &sutler.Error{Code: code, Err: fmt.Errorf("cannot evaluate path %q (%s): %w", p.Text, p.At, err)}
}

// element returns the document element of a root node, and n otherwise: paths
// such as "/" mean the scope root.
func element(n *xmltree.Node) *xmltree.Node {
	if n != nil && n.Kind() == xmltree.Root {
		return n.FirstElement()
	}
	return n
}
