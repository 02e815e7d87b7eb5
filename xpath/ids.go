package xpath

import (
	"slices"
	"strings"
	"unicode/utf8"

	"sutler/xmltree"
)

// ids are the elements of one tree by their ID, of several with one ID the
// first. Nil: the function id was called once so far and walked the tree.
type ids map[string]*xmltree.Node

// What an entry of an index and an ID that is looked for cost.
const (
	stepsPerID    = 16
	stepsPerToken = 4
)

// id selects elements by their ID (section 4.1): by xml:id, and by what a
// document type declaration says is an ID.
func id(c *Context, args []expr) ([]*xmltree.Node, error) {
	wanted, err := wantedIDs(c, args[0])
	if err != nil || len(wanted) == 0 {
		return nil, err
	}
	top := c.Node.Top()
	index, again := c.ids[top]
	switch {
	case !again:
		if c.ids == nil {
			c.ids = make(map[*xmltree.Node]ids)
		}
		c.ids[top] = nil
		return walkForIDs(c, top, wanted)
	case index == nil:
		if index, err = indexOfIDs(c, top); err != nil {
			return nil, err
		}
		c.ids[top] = index
	}
	var found []*xmltree.Node
	for _, id := range wanted {
		if n := index[id]; n != nil {
			found = append(found, n)
		}
	}
	return inOrder(c, found)
}

// wantedIDs returns the tokens of the argument of id, of a node-set those of
// all its nodes.
func wantedIDs(c *Context, arg expr) ([]string, error) {
	v, err := arg.eval(c)
	if err != nil {
		return nil, err
	}
	var all []string
	add := func(s string) error {
		for token := range strings.FieldsFuncSeq(s, func(r rune) bool { return r < utf8.RuneSelf && isSpace(byte(r)) }) {
			all = append(all, token)
			c.due += stepsPerToken
		}
		return chargeMade(c, len(s))
	}
	if v.typ != NodeSetType {
		return all, add(v.Str())
	}
	for _, n := range v.nodes {
		s, err := text(c, n)
		if err == nil {
			err = add(s)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// walkForIDs looks for the wanted IDs below top, no further than it must.
func walkForIDs(c *Context, top *xmltree.Node, wanted []string) ([]*xmltree.Node, error) {
	left := make(map[string]bool, len(wanted))
	for _, id := range wanted {
		left[id] = true
	}
	var found []*xmltree.Node
	for n := top; n != nil && len(left) > 0; n = below(n, top) {
		if err := charge(c, 1); err != nil {
			return nil, err
		}
		has := false
		for a := n.Attrs(); a != nil; a = a.Next() {
			if a.IsID() && left[trimmed(a.Value())] {
				delete(left, trimmed(a.Value()))
				has = true
			}
		}
		if has {
			found = append(found, n)
		}
	}
	return slices.Clip(found), nil
}

func indexOfIDs(c *Context, top *xmltree.Node) (ids, error) {
	index := make(ids)
	for n := top; n != nil; n = below(n, top) {
		if err := charge(c, 1); err != nil {
			return nil, err
		}
		for a := n.Attrs(); a != nil; a = a.Next() {
			if id := trimmed(a.Value()); a.IsID() && index[id] == nil {
				index[id] = n
				c.due += stepsPerID
			}
		}
	}
	return index, nil
}
