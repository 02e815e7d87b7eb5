package xslt

import (
	"errors"
	"fmt"
	"strings"

	"sutler/xmltree"
	"sutler/xpath"
)

// document returns the documents with the given names (section 12.1). base is
// where the call comes from.
func document(c *xpath.Context, base origin, args []xpath.Value) (xpath.Value, error) {
	r := host(c)
	if len(args) == 2 {
		if args[1].Type() != xpath.NodeSetType {
			return xpath.Value{}, errors.New("the second argument of document() must be a node-set")
		}
		if ns := args[1].Nodes(); len(ns) > 0 {
			base = r.origin(ns[0])
		} else {
			return xpath.NodeSet(nil), r.unread("the second argument of document() is empty, so that there is no base for the first")
		}
	}
	if args[0].Type() != xpath.NodeSetType {
		n, err := r.load(args[0].Str(), base)
		if n == nil || err != nil {
			return xpath.NodeSet(nil), err
		}
		return xpath.NodeSet([]*xmltree.Node{n}), nil
	}
	var roots []*xmltree.Node
	for _, n := range args[0].Nodes() {
		from := base
		if len(args) == 1 {
			from = r.origin(n)
		}
		root, err := r.load(n.Text(), from)
		if err != nil {
			return xpath.Value{}, err
		}
		if root != nil {
			roots = append(roots, root)
		}
	}
	return xpath.NodeSet(ordered(roots)), nil
}

// origin is where a node comes from: what references in it start from.
type origin struct {
	doc  *xmltree.Document
	base string // the file in it that holds the node
}

// origin returns where n comes from, also if it is of a copy.
func (r *run) origin(n *xmltree.Node) origin {
	if d := r.origins[n.Document()]; d != nil {
		return origin{d, d.File()}
	}
	return origin{n.Document(), n.Base()}
}

// unread is the error of a document that cannot be read. The run may recover
// with no nodes.
func (r *run) unread(format string, args ...any) error {
	at := place{}
	if r.expr != nil {
		at = r.expr.at
	}
	return r.recoverable(at, "XT115", "", format, args...)
}

// load returns the root of a document, or the element that a fragment
// identifier names by its ID, the same one for the same name. It returns nil
// after an error from which the run recovers.
func (r *run) load(href string, base origin) (*xmltree.Node, error) {
	file, id, fragment := strings.Cut(href, "#")
	root, err := r.whole(file, base)
	if root == nil || err != nil || !fragment {
		return root, err
	}
	n, err := r.withID(root, id)
	if n == nil && err == nil {
		err = r.unread("the document %q has no element with the ID %q", file, id)
	}
	return n, err
}

// whole returns the root of a document. The empty name is base itself.
func (r *run) whole(file string, base origin) (*xmltree.Node, error) {
	key := base.base + "\x00" + file
	if n := r.loaded[key]; n != nil {
		return n, nil
	}
	d := base.doc
	if file != "" {
		if r.env.Load == nil {
			return nil, fmt.Errorf("cannot read the document %q: this transformation reads no documents", file)
		}
		if err := r.step(loadSteps, place{}); err != nil {
			return nil, err
		}
		var err error
		if d, err = r.env.Load(file, base.base); err != nil {
			return nil, r.unread("cannot read the document %q: %v", file, err)
		}
		if r.byDocument[d] == nil {
			if err := r.holdTree(d); err != nil {
				return nil, err
			}
		}
	}
	n := r.byDocument[d]
	switch {
	case n != nil:
	case d == r.from.Document() && r.from.Kind() == xmltree.Root: // the source, which is the same document
		n = r.root
	default:
		n = d.Root()
		if r.p.space.strip(n) {
			var err error
			if n, err = r.stripped(n); err != nil {
				return nil, err
			}
		}
		if r.byDocument == nil {
			r.byDocument = map[*xmltree.Document]*xmltree.Node{}
		}
		r.byDocument[d] = n
	}
	if r.loaded == nil {
		r.loaded = map[string]*xmltree.Node{}
	}
	r.loaded[key] = n
	return n, nil
}

// loadSteps is what asking for a document costs, whether there is one or not.
const loadSteps = 128

// holdTree charges the memory of a document that the run read or copied.
func (r *run) holdTree(d *xmltree.Document) error {
	nodes, bytes := d.Size()
	return r.hold(int(nodes*nodeBytes+bytes), place{})
}

// withID returns the element of the tree root with that ID, or nil.
func (r *run) withID(root *xmltree.Node, id string) (*xmltree.Node, error) {
	if err := r.steps.Steps(int64(len(id))); err != nil {
		return nil, err
	}
	return root.Document().ByID(root, id), nil
}
