package engine

import (
	"errors"
	"fmt"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
)

// transfer carries out a before or an after (schema C.5). skip tells that the
// iteration is to be dropped.
func (w *walk) transfer(f *frame, t *turn, what string, x *procedure.Transfer) (skip bool, err error) {
	src := w.scope(f, t, x.Source)
	n, err := w.first(src, x.SourcePath)
	if err != nil {
		return false, err
	}
	shown := ""
	if w.trace != nil {
		shown = show(n, t.sensitive)
	}
	if n == nil {
		skip, err = x.IfNull == procedure.Skip, nil
		if x.IfNull == procedure.Fail {
			err = nullError(what, "", x.Source, x.SourcePath, x.At)
		}
		w.traceTransfer(what, x, shown, "selects nothing", err)
		return skip, err
	}
	dst := w.scope(f, t, x.Dest)
	if dst == nil {
		return false, sutler.Errorf(sutler.BadTarget, "cannot run %s (%s): destination %q stands for nothing", what, x.At, x.Dest.Name)
	}
	m := &move{w: w, x: x, src: src, n: n, r: n, dst: dst, mode: x.Mode}
	if x.Sheet != nil {
		if m.r, err = w.transform(x, n, dst.Document()); err != nil {
			w.traceTransfer(what, x, shown, "", err)
			return false, err
		}
		if m.r == nil {
			w.traceTransfer(what, x, shown, "no element: destination unchanged", nil)
			return false, nil
		}
	}
	if x.Source.Kind == procedure.Context && m.mode == procedure.Move {
		m.mode = procedure.Insert // the context is handed on, not taken apart
	}
	if x.Dest.Kind == procedure.Context {
		err = m.joinContext()
	} else {
		err = m.join()
	}
	if err != nil {
		err = transferError(what, x, err)
	} else if x.Dest.Kind == procedure.Loop && x.DestPath == nil && m.replaced != nil {
		t.loops[x.Dest.Index] = m.replaced
	}
	if w.trace != nil {
		w.traceTransfer(what, x, shown, show(w.scope(f, t, x.Dest), t.sensitive), err)
	}
	return false, err
}

func (w *walk) traceTransfer(what string, x *procedure.Transfer, before, after string, err error) {
	if w.trace != nil {
		w.traceAt(what, fmt.Sprintf("%s → %s (%s)", scopePath(x.Source, x.SourcePath), scopePath(x.Dest, x.DestPath), x.Mode), x.At, before, after, err)
	}
}

func scopePath(s procedure.Scope, p *procedure.Path) string {
	if p == nil {
		return s.Name
	}
	return s.Name + "/" + p.Text
}

// transferError gives an error of a transfer its place, unless it has one.
func transferError(what string, x *procedure.Transfer, err error) error {
	var e *sutler.Error
	if errors.As(err, &e) {
		return err
	}
	code := sutler.CodeOf(err)
	if code == sutler.Failed {
		code = sutler.BadTarget
	}
	return &sutler.Error{Code: code, Err: fmt.Errorf("cannot run %s %s → %s (%s): %w", what, scopePath(x.Source, x.SourcePath), scopePath(x.Dest, x.DestPath), x.At, err)}
}

// move is one joining of a node with its target.
type move struct {
	w        *walk
	x        *procedure.Transfer
	src      *xmltree.Node // scope root of the source
	n        *xmltree.Node // the source node
	r        *xmltree.Node // what is transferred: n, or the result of the templates
	dst      *xmltree.Node // scope root of the destination
	mode     procedure.Mode
	replaced *xmltree.Node // what stands where the replaced target stood
}

// fresh reports whether r was made for this transfer, so that it needs no copy.
func (m *move) fresh() bool { return m.r != m.n }

// join joins r with the target of the transfer.
func (m *move) join() error {
	t, err := m.target()
	if err != nil {
		return err
	}
	if t == nil {
		return nil // replaced by appending
	}
	return m.into(t)
}

func (m *move) into(t *xmltree.Node) error {
	if t.Kind() != xmltree.Element && m.mode != procedure.Replace {
		return fmt.Errorf("the destination is %s, which cannot hold a node", kindName(t))
	}
	switch m.mode {
	case procedure.Merge:
		return m.merge(t)
	case procedure.Replace:
		return m.replace(t)
	case procedure.Move:
		return m.move(t)
	default:
		return m.insert(t)
	}
}

// insert appends a copy of r to the children of t. An attribute is set on t,
// text is appended to its text.
func (m *move) insert(t *xmltree.Node) error {
	switch m.r.Kind() {
	case xmltree.Attribute:
		t.SetAttr(m.r.Name(), m.r.Value())
		return t.Document().Budget().Err()
	case xmltree.Text:
		t.AppendText(m.r.Value())
		return t.Document().Budget().Err()
	}
	c, err := m.copy(t.Document())
	if err != nil {
		return err
	}
	return t.Append(c)
}

// copy returns r as a node that may be put into doc.
func (m *move) copy(doc *xmltree.Document) (*xmltree.Node, error) {
	if m.fresh() {
		return m.r, nil
	}
	return doc.Copy(m.r)
}

// merge joins the contents of r with those of t (design L1).
func (m *move) merge(t *xmltree.Node) error {
	doc, r := t.Document(), m.r
	switch r.Kind() {
	case xmltree.Attribute:
		return m.insert(t)
	case xmltree.Element:
	default: // text and comments are merged as the contents of an element
		c, err := doc.Copy(r)
		if err != nil {
			return err
		}
		r = doc.NewElement(t.Name())
		if err := r.Append(c); err != nil {
			return err
		}
	}
	m.w.steps = xmltree.Budget{MaxSteps: m.w.limits.TransformSteps * 10}
	return doc.Merge(t, r, &m.w.steps)
}

// replace puts r where t is. A scope root keeps its name: it is emptied and
// takes the contents of r.
func (m *move) replace(t *xmltree.Node) error {
	if t == m.dst && m.x.Dest.Kind != procedure.Loop {
		return m.refill(t)
	}
	if t.Kind() == xmltree.Attribute || t.Kind() == xmltree.Text {
		switch m.r.Kind() {
		case xmltree.Attribute, xmltree.Text:
			return m.replaceValue(t)
		}
	}
	if t.Kind() == xmltree.Attribute || m.r.Kind() == xmltree.Attribute {
		return fmt.Errorf("%s cannot stand where %s stands", kindName(m.r), kindName(t))
	}
	if m.r == t {
		return nil
	}
	c, err := m.copy(t.Document())
	if err != nil {
		return err
	}
	m.replaced = c
	return t.ReplaceWith(c)
}

// replaceValue puts the value of an attribute or text in the place of
// another. An attribute takes its name along.
func (m *move) replaceValue(t *xmltree.Node) error {
	value := m.r.Value()
	if t.Kind() == xmltree.Attribute && m.r.Kind() == xmltree.Attribute {
		owner, name := t.Parent(), m.r.Name()
		if owner == nil {
			return fmt.Errorf("%s is in the tree no more", kindName(t))
		}
		t.Detach()
		m.replaced = owner.SetAttr(name, value)
		return t.Document().Budget().Err()
	}
	t.SetValue(value)
	return t.Document().Budget().Err()
}

// refill empties a scope root and gives it the contents of r.
func (m *move) refill(t *xmltree.Node) error {
	if m.r.Kind() != xmltree.Element {
		c, err := m.copy(t.Document())
		if err != nil {
			return err
		}
		t.Clear()
		if c.Kind() == xmltree.Attribute {
			t.SetAttr(c.Name(), c.Value())
			return nil
		}
		return t.Append(c)
	}
	if m.r == t {
		return nil
	}
	c, err := m.copy(t.Document())
	if err != nil {
		return err
	}
	t.Clear()
	return c.MoveContents(t)
}

// move takes n out of its tree and appends it to t. With templates the result
// is appended, then n is taken out. A scope root leaves an element of its name
// with all its content, and stays behind empty.
func (m *move) move(t *xmltree.Node) error {
	root := m.n == m.src && m.x.Source.Kind != procedure.Loop
	if root && t == m.n && m.fresh() {
		t.Clear()
		return t.Append(m.r)
	}
	for p := t; p != nil; p = p.Parent() {
		if p == m.n {
			return fmt.Errorf("%s cannot be moved into itself", m.n.Local())
		}
	}
	if root {
		return m.moveRoot(t)
	}
	if m.fresh() {
		if err := t.Append(m.r); err != nil {
			return err
		}
		m.n.Detach()
		return nil
	}
	switch m.n.Kind() {
	case xmltree.Attribute, xmltree.Text:
		name, value, kind := m.n.Name(), m.n.Value(), m.n.Kind()
		m.n.Detach()
		if kind == xmltree.Attribute {
			t.SetAttr(name, value)
		} else {
			t.AppendText(value)
		}
		return t.Document().Budget().Err()
	}
	return t.Append(m.n)
}

func (m *move) moveRoot(t *xmltree.Node) error {
	if m.fresh() {
		if err := t.Append(m.r); err != nil {
			return err
		}
		m.src.Clear()
		return nil
	}
	whole := t.Document().NewElement(xmltree.Name{Local: m.src.Local()})
	if err := m.src.MoveContents(whole); err != nil {
		return err
	}
	return t.Append(whole)
}

// joinContext joins r with the context of the frame. What identifies the
// transaction and its caller cannot be changed by a procedure: writes to
// transactionContext and securityContext are ignored (schema B.8).
func (m *move) joinContext() error {
	if p := m.x.DestPath; p != nil && len(p.Plain) > 0 && protectedName(p.Plain[0]) {
		return nil // nor is a missing one made
	}
	t, err := m.w.first(m.dst, m.x.DestPath)
	if err != nil {
		return err
	}
	for p := t; p != nil; p = p.Parent() {
		if protected(p) {
			return nil
		}
	}
	if t == m.dst && m.r.Kind() == xmltree.Element && m.mode != procedure.Merge && m.mode != procedure.Replace && protected(m.r) {
		return nil
	}
	var kept []*xmltree.Node
	for c := m.dst.FirstElement(); c != nil; {
		next := c.NextElement()
		if protected(c) {
			kept = append(kept, c)
			c.Detach()
		}
		c = next
	}
	if t != nil {
		err = m.into(t)
	} else {
		err = m.join()
	}
	for c := m.dst.FirstElement(); c != nil; {
		next := c.NextElement()
		if protected(c) {
			c.Detach()
		}
		c = next
	}
	first := m.dst.First()
	for _, c := range kept {
		if e := m.dst.InsertBefore(c, first); e != nil && err == nil {
			err = e
		}
	}
	return err
}

func protected(n *xmltree.Node) bool {
	return n.Kind() == xmltree.Element && protectedName(n.Name())
}

func protectedName(name xmltree.Name) bool {
	return name.Is("", "transactionContext") || name.Is("", "securityContext")
}

// target returns the node that the transfer is joined with. A missing one is
// made when the path consists of plain child names. For mode replace a missing
// target means that r is appended to the parent of the path: then the joining
// is done here and target returns nil.
func (m *move) target() (*xmltree.Node, error) {
	t, err := m.w.first(m.dst, m.x.DestPath)
	if err != nil || t != nil {
		return t, err
	}
	p := m.x.DestPath
	if p.Plain == nil {
		return nil, fmt.Errorf("path %q selects nothing in %s, and only plain child paths such as a/b are made", p.Text, m.x.Dest.Name)
	}
	names := p.Plain
	if m.mode == procedure.Replace {
		names = names[:len(names)-1]
	}
	t = m.dst
	for _, name := range names {
		c := childNamed(t, name)
		if c == nil {
			c = t.Document().NewElement(name)
			if err := t.Append(c); err != nil {
				return nil, err
			}
		}
		t = c
	}
	if m.mode == procedure.Replace {
		return nil, m.insert(t)
	}
	return t, nil
}

func childNamed(n *xmltree.Node, name xmltree.Name) *xmltree.Node {
	if name.Space == "" {
		return n.Child(name.Local)
	}
	for c := n.FirstElement(); c != nil; c = c.NextElement() {
		if c.Is(name.Space, name.Local) {
			return c
		}
	}
	return nil
}

func kindName(n *xmltree.Node) string {
	switch n.Kind() {
	case xmltree.Attribute:
		return "the attribute " + n.Name().String()
	case xmltree.Text:
		return "text"
	case xmltree.Comment:
		return "a comment"
	case xmltree.ProcInst:
		return "a processing instruction"
	case xmltree.Namespace:
		return "a namespace declaration"
	default:
		return "the element " + n.Name().String()
	}
}
