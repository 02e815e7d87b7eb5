package xslt

import (
	"strconv"
	"strings"

	"sutler/xmltree"
)

// sink is where instructions put what they make: into a tree, or, without one,
// into a text.
type sink struct {
	b        xmltree.Builder
	start    int    // where its text begins in run.pending
	one      string // the text if it is one string that was not copied there yet
	open     bool   // the element that was begun is without content so far
	final    bool   // this is the result tree
	what     string // without a tree: what the text is for
	attrs    int    // of the element that was begun
	decls    int    // … and namespaces that were declared on it
	prefixes int    // that were made up for them
	void     int    // elements begun whose content is dropped, to recover from an error
	strict   bool   // … and is not recovered from here
}

// The marks around text with disable-output-escaping in a result that goes
// through text. No XML text can hold them.
const (
	rawBegin = "\x01"
	rawEnd   = "\x02"
)

// write appends text.
func (r *run) write(s string, at place) error {
	if s == "" {
		return nil
	}
	if err := r.grow(len(s), at); err != nil {
		return err
	}
	o := &r.out
	if o.void > 0 {
		return nil
	}
	o.open = false
	if o.one == "" && len(r.pending) == o.start {
		o.one = s
		return nil
	}
	r.pending = append(r.pending, o.one...)
	r.pending = append(r.pending, s...)
	o.one = ""
	return nil
}

// taken returns the text of the sink that is not in a node yet.
func (r *run) taken() string {
	o := &r.out
	s := o.one
	if s == "" && len(r.pending) > o.start {
		s = r.texts.Bytes(r.pending[o.start:])
	}
	r.pending, o.one = r.pending[:o.start], ""
	return s
}

// flush makes a text node of the text that was written.
func (r *run) flush(at place) error {
	if r.out.one == "" && len(r.pending) == r.out.start {
		return nil
	}
	if err := r.hold(nodeBytes, at); err != nil {
		return err
	}
	if err := r.step(1, at); err != nil {
		return err
	}
	if err := r.out.b.Text(r.taken()); err != nil {
		return r.fail(at, err)
	}
	return nil
}

// making prepares for a node of that many bytes after the text before it.
func (r *run) making(bytes int, at place) error {
	if err := r.flush(at); err != nil {
		return err
	}
	if err := r.growNodes(1, bytes, at); err != nil {
		return err
	}
	r.out.open = false
	return r.step(1, at)
}

// textOnly reports an instruction that makes more than text where only text can
// be. If the run recovers from that, skip tells that nothing is to be made.
func (r *run) textOnly(what string, at place) (skip bool, err error) {
	switch {
	case r.out.void > 0:
		return true, nil
	case r.out.b.At() != nil:
		return false, nil
	}
	return true, r.recoverable(at, "XT104", "only text may be made here", "cannot make %s in %s", what, r.out.what)
}

// begin opens an element. end closes it. Where no element can be, what is made
// until end is dropped.
func (r *run) begin(name *xmltree.Name, at place) error {
	skip, err := r.textOnly("an element", at)
	if err != nil {
		return err
	}
	if skip {
		r.out.void++
		return nil
	}
	if err := r.making(len(name.Local), at); err != nil {
		return err
	}
	if err := r.out.b.Open(name); err != nil {
		return r.fail(at, err)
	}
	r.out.open, r.out.attrs, r.out.decls, r.out.prefixes = true, 0, 0, 0
	return nil
}

func (r *run) end(at place) error {
	if r.out.void > 0 {
		r.out.void--
		return nil
	}
	err := r.flush(at)
	r.out.b.Close()
	r.out.open = false
	return err
}

// declare makes prefix stand for uri on the element that was begun.
func (r *run) declare(prefix, uri string) {
	if r.out.void > 0 {
		return
	}
	el := r.out.b.At()
	if prefix == "" && uri == "" && !el.Document().Declares() {
		return
	}
	if have, ok := el.Lookup(prefix); !ok && uri != "" || have != uri {
		r.out.b.Declare(prefix, uri)
		r.declared()
	}
}

// declared charges a namespace that was declared. If that is too much, what is
// charged next ends the run.
func (r *run) declared() {
	r.ran += 2 + int64(r.out.decls/4) // it was looked for among those before it
	r.out.decls++
	_ = r.steps.Make(nodeBytes)
}

// declareName declares the namespace of the element that was begun.
func (r *run) declareName(name *xmltree.Name) {
	if r.out.void > 0 || name.Prefix == "xml" {
		return
	}
	el := r.out.b.At()
	if el.Decls() == nil {
		if p := el.Parent(); p.Kind() == xmltree.Element && p.NameRef().Prefix == name.Prefix && p.NameRef().Space == name.Space {
			return // it needs what its parent has
		}
	}
	r.declare(name.Prefix, name.Space)
}

// attribute adds an attribute to the element that was begun (section 7.1.3).
func (r *run) attribute(name *xmltree.Name, value string, at place) error {
	o := &r.out
	switch {
	case o.void > 0:
		return nil
	case o.b.At() == nil:
		_, err := r.textOnly("an attribute", at)
		return err
	case o.b.At().Kind() == xmltree.Root:
		return r.recoverable(at, "XT103", "make an element around it", "cannot add the attribute %q: there is no element to hold it", name)
	case !o.open && o.b.At().First() == nil && o.one == "" && len(r.pending) == o.start:
		return r.recoverable(at, "XT103", "make the element first", "cannot add the attribute %q: its element could not be made", name)
	case !o.open:
		return r.recoverable(at, "XT103", "make attributes before everything else in an element",
			"cannot add the attribute %q to %q, which has content already", name, o.b.At().Name())
	}
	if err := r.growNodes(1, len(name.Local)+len(value), at); err != nil {
		return err
	}
	o.attrs++
	if err := r.step(1+int64(o.attrs/8+o.decls/4), at); err != nil { // each is compared with those before it
		return err
	}
	if name.Space != "" && name.Space != xmltree.XMLSpace {
		if prefix := r.prefix(name); prefix != name.Prefix {
			name = o.b.At().Document().Intern(xmltree.Name{Space: name.Space, Prefix: prefix, Local: name.Local})
		}
	}
	o.b.Attr(name, value)
	return nil
}

// prefix declares a prefix for an attribute name in a namespace: the wanted one
// if it is free.
func (r *run) prefix(name *xmltree.Name) string {
	el := r.out.b.At()
	if p := name.Prefix; p != "" && p != "xmlns" && p != "xml" {
		have, bound := el.Lookup(p)
		if bound && have == name.Space {
			return p
		}
		if !declares(el, p) && (el.Name().Prefix != p) {
			el.Declare(p, name.Space)
			r.declared()
			return p
		}
	}
	for e := el; e != nil; e = e.Parent() {
		for d := e.Decls(); d != nil; d = d.Next() {
			r.ran++
			if d.Value() == name.Space && d.Local() != "" {
				if have, _ := el.Lookup(d.Local()); have == name.Space {
					return d.Local()
				}
			}
		}
	}
	for i := r.out.prefixes; ; i++ {
		r.out.prefixes = i + 1 // the element has all before
		p := "ns" + strconv.Itoa(i)
		if _, bound := el.Lookup(p); !bound {
			el.Declare(p, name.Space)
			r.declared()
			return p
		}
	}
}

// declares reports whether el itself declares prefix.
func declares(el *xmltree.Node, prefix string) bool {
	for d := el.Decls(); d != nil; d = d.Next() {
		if d.Local() == prefix {
			return true
		}
	}
	return false
}

// text executes body and returns its text, for an attribute, a comment and the
// like, which what names.
func (r *run) text(body []instr, what string) (string, error) {
	switch len(body) {
	case 0:
		return "", nil
	case 1: // needs no sink
		switch in := body[0].(type) {
		case *textNode:
			return in.value, nil
		case *valueOf:
			return r.str(in.sel)
		}
	}
	saved := r.out
	r.out = sink{start: len(r.pending), what: what}
	if err := r.exec(body); err != nil {
		return "", err
	}
	s := r.taken()
	r.out = saved
	return s, nil
}

// copy appends a deep copy of n (section 11.3).
func (r *run) copy(n *xmltree.Node, at place) error {
	switch n.Kind() {
	case xmltree.Root:
		for c := n.First(); c != nil; c = c.Next() {
			if err := r.copy(c, at); err != nil {
				return err
			}
		}
		return nil
	case xmltree.Attribute:
		return r.attribute(n.NameRef(), n.Value(), at)
	case xmltree.Namespace:
		return r.namespace(n, at)
	case xmltree.Text:
		if err := r.step(1, at); err != nil {
			return err
		}
		return r.write(n.Value(), at)
	case xmltree.Comment:
		return r.comment(n.Value(), at)
	case xmltree.ProcInst:
		return r.procInst(n.Local(), n.Value(), at)
	}
	if skip, err := r.textOnly("an element", at); skip || err != nil {
		return err
	}
	nodes, bytes := size(n)
	if err := r.step(nodes, at); err != nil {
		return err
	}
	if err := r.making(bytes, at); err != nil {
		return err
	}
	if err := r.hold(int(nodes-1)*nodeBytes, at); err != nil {
		return err
	}
	c, err := r.out.b.Copy(n)
	if err != nil {
		return r.fail(at, err)
	}
	r.inherit(c, n.Parent())
	return nil
}

// inherit declares on el, which was just made, the namespaces in scope at the
// source element n, as far as they are not in scope already.
func (r *run) inherit(el, n *xmltree.Node) {
	if n == nil || !n.Document().Declares() {
		return
	}
	for e := n; e != nil; e = e.Parent() {
	next:
		for d := e.Decls(); d != nil; d = d.Next() {
			r.ran++
			if d.Value() == "" || declares(el, d.Local()) || d.Local() == "" && el.Name().Prefix == "" && el.Space() == "" {
				continue
			}
			for x := n; x != e; x = x.Parent() {
				if declares(x, d.Local()) {
					continue next // hidden
				}
			}
			if have, ok := el.Lookup(d.Local()); !ok || have != d.Value() {
				el.Declare(d.Local(), d.Value())
				r.declared()
			}
		}
	}
}

// namespace copies a namespace node to the element that was begun.
func (r *run) namespace(n *xmltree.Node, at place) error {
	el := r.out.b.At()
	switch {
	case r.out.void > 0:
		return nil
	case el == nil:
		_, err := r.textOnly("a namespace", at)
		return err
	case !r.out.open:
		return r.recoverable(at, "XT103", "copy namespaces before everything else in an element", "cannot add a namespace here")
	case n.Local() == "" && el.Space() == "" && el.Name().Prefix == "":
		return nil // it would take the element into the namespace
	case !declares(el, n.Local()):
		r.declare(n.Local(), n.Value())
	}
	return nil
}

// comment appends a comment. What a comment cannot hold is parted by a blank
// (section 7.4).
func (r *run) comment(s string, at place) error {
	if skip, err := r.textOnly("a comment", at); skip || err != nil {
		return err
	}
	for strings.Contains(s, "--") {
		s = strings.ReplaceAll(s, "--", "- -")
	}
	if strings.HasSuffix(s, "-") {
		s += " "
	}
	if err := r.making(len(s), at); err != nil {
		return err
	}
	if err := r.out.b.Comment(s); err != nil {
		return r.fail(at, err)
	}
	return nil
}

// procInst appends a processing instruction (section 7.3).
func (r *run) procInst(target, data string, at place) error {
	if skip, err := r.textOnly("a processing instruction", at); skip || err != nil {
		return err
	}
	data = strings.ReplaceAll(data, "?>", "? >")
	if err := r.making(len(target)+len(data), at); err != nil {
		return err
	}
	if err := r.out.b.ProcInst(target, data); err != nil {
		return r.fail(at, err)
	}
	return nil
}

// size returns the nodes of the tree n, namespaces included, and the bytes of its text and names.
func size(n *xmltree.Node) (nodes int64, bytes int) {
	for x := n; ; {
		nodes++
		bytes += len(x.Local()) + len(x.Value())
		for a := x.Attrs(); a != nil; a = a.Next() {
			nodes++
			bytes += len(a.Local()) + len(a.Value())
		}
		for d := x.Decls(); d != nil; d = d.Next() {
			nodes++
		}
		if x.First() != nil {
			x = x.First()
			continue
		}
		for x != n && x.Next() == nil {
			x = x.Parent()
		}
		if x == n {
			return nodes, bytes
		}
		x = x.Next()
	}
}
