package xslt

import (
	"fmt"
	"math/bits"
	"strings"
	"sync/atomic"

	"sutler/xmltree"
	"sutler/xpath"
)

// keyUse names the index of a key over one tree.
type keyUse struct {
	key  *key
	root *xmltree.Node
}

// keyFunction returns the function key (section 12.2) for the expressions at n.
func (c *compiler) keyFunction(n *xmltree.Node) xpath.Function {
	call := &keyCall{scope: c.scope(n)}
	return xpath.Function{Min: 2, Max: 2, Result: xpath.NodeSetType, Call: call.do}
}

// keyCall is one call of key in a stylesheet. It keeps the key that it used
// last, which most often is the only one.
type keyCall struct {
	scope map[string]string
	last  atomic.Pointer[usedKey]
}

type usedKey struct {
	name string
	key  *key
}

func (k *keyCall) do(x *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	r, s := host(x), args[0].Str()
	used := k.last.Load()
	if used == nil || used.name != s {
		name, err := named(k.scope, s, false)
		if err != nil {
			return xpath.Value{}, err
		}
		used = &usedKey{s, r.p.keys[name]}
		if used.key == nil {
			return xpath.Value{}, fmt.Errorf("there is no key named %q", strings.TrimSpace(s))
		}
		k.last.Store(used)
	}
	index, err := r.index(used.key, x.Node.Top())
	if err != nil {
		return xpath.Value{}, err
	}
	return r.keyed(index, args[1])
}

// keyed returns the nodes that index has for v: for its string, or for the
// string-value of each of its nodes.
func (r *run) keyed(index map[string][]*xmltree.Node, v xpath.Value) (xpath.Value, error) {
	if v.Type() != xpath.NodeSetType {
		return xpath.NodeSet(index[v.Str()]), nil
	}
	var first, all []*xmltree.Node // what one value found; what several did
	var seen map[*xmltree.Node]bool
	for _, n := range v.Nodes() {
		s := n.Text()
		nodes := index[s]
		if err := r.step(int64(1+len(s)/64+len(nodes)), place{}); err != nil {
			return xpath.Value{}, err
		}
		if len(nodes) == 0 {
			continue
		}
		if first == nil {
			first = nodes
			continue
		}
		if seen == nil {
			seen = make(map[*xmltree.Node]bool, len(first)+len(nodes))
			all = appendNew(all, first, seen)
		}
		all = appendNew(all, nodes, seen)
	}
	if all == nil {
		return xpath.NodeSet(first), nil
	}
	if err := r.step(int64(len(all)*bits.Len(uint(len(all)))/4), place{}); err != nil {
		return xpath.Value{}, err
	}
	return xpath.NodeSet(ordered(all)), nil
}

// appendNew appends those of nodes that are not seen yet.
func appendNew(all, nodes []*xmltree.Node, seen map[*xmltree.Node]bool) []*xmltree.Node {
	for _, n := range nodes {
		if !seen[n] {
			seen[n] = true
			all = append(all, n)
		}
	}
	return all
}

// index returns the nodes of the tree below root by their value of k. It is
// made when it is first needed.
func (r *run) index(k *key, root *xmltree.Node) (map[string][]*xmltree.Node, error) {
	at := keyUse{k, root}
	if index, ok := r.keys[at]; ok {
		if index == nil {
			return nil, fmt.Errorf("the key %q is defined by itself", k.name)
		}
		return index, nil
	}
	if r.keys == nil {
		r.keys = map[keyUse]map[string][]*xmltree.Node{}
	}
	r.keys[at] = nil // being made
	index := map[string][]*xmltree.Node{}
	b := keyBuilder{r: r, key: k, index: index, xc: xpath.Context{Budget: &r.steps, Host: r, Poll: r.ctx.Err}}
	for i := range k.defs {
		b.attrs = b.attrs || k.defs[i].attrs
	}
	current, expr := r.node, r.expr
	err := b.tree(root)
	r.node, r.expr = current, expr
	if err != nil {
		return nil, err
	}
	r.keys[at] = index
	return index, nil
}

// keyBuilder makes the index of a key.
type keyBuilder struct {
	r     *run
	key   *key
	attrs bool
	index map[string][]*xmltree.Node
	xc    xpath.Context
}

// tree adds root and all below it in document order.
func (b *keyBuilder) tree(root *xmltree.Node) error {
	for n := root; n != nil; n = following(n, root) {
		if err := b.add(n); err != nil {
			return err
		}
		if !b.attrs {
			continue
		}
		for a := n.Attrs(); a != nil; a = a.Next() {
			if err := b.add(a); err != nil {
				return err
			}
		}
	}
	return nil
}

// following returns the node behind n in document order that is below root.
func following(n, root *xmltree.Node) *xmltree.Node {
	if n.First() != nil {
		return n.First()
	}
	for n != root && n.Next() == nil {
		n = n.Parent()
	}
	if n == root {
		return nil
	}
	return n.Next()
}

// add enters n under the values that the definitions give it.
func (b *keyBuilder) add(n *xmltree.Node) error {
	for i := range b.key.defs {
		d := &b.key.defs[i]
		if err := b.r.step(1, d.use.at); err != nil {
			return err
		}
		ok, err := b.matches(d, n)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if err := b.r.prepare(d.use); err != nil {
			return err
		}
		b.r.node = n
		b.xc.Node, b.xc.Position, b.xc.Size = n, 1, 1
		v, err := d.use.Eval(&b.xc)
		if err != nil {
			return b.r.failIn(d.use.at, d.use.base, err)
		}
		if v.Type() != xpath.NodeSetType {
			if err := b.enter(v.Str(), n, d.use.at); err != nil {
				return err
			}
			continue
		}
		for _, x := range v.Nodes() {
			if err := b.enter(x.Text(), n, d.use.at); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *keyBuilder) matches(d *keyDef, n *xmltree.Node) (bool, error) {
	for _, p := range d.match {
		if k := p.Kind(); k != 0 && k != n.Kind() {
			continue
		}
		ok, err := p.Matches(&b.xc, n)
		if err != nil {
			return false, b.r.fail(d.use.at, err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// What an entry of an index holds in memory, about: a new value besides its
// bytes, and one more node.
const (
	entryBytes     = 128
	entryNodeBytes = 16
)

// enter adds n under value, once, and charges the bytes that live on with the
// index as those of the trees of the run.
func (b *keyBuilder) enter(value string, n *xmltree.Node, at place) error {
	if err := b.r.step(1+int64(len(value)/64), at); err != nil {
		return err
	}
	list := b.index[value]
	if len(list) > 0 && list[len(list)-1] == n {
		return nil
	}
	size := entryNodeBytes
	if len(list) == 0 {
		size += entryBytes + len(value)
	}
	if err := b.r.grow(size, at); err != nil {
		return err
	}
	b.index[value] = append(list, n)
	return nil
}
