package xslt

import (
	"fmt"

	"sutler/xmltree"
	"sutler/xpath"
)

// keyUse names the index of a key over one tree.
type keyUse struct {
	key  *key
	root *xmltree.Node
}

// keyed is the function key (section 12.2).
func keyed(c *xpath.Context, scope map[string]string, s string, v xpath.Value) (xpath.Value, error) {
	r := host(c)
	name, err := named(scope, s, false)
	if err != nil {
		return xpath.Value{}, err
	}
	k := r.p.keys[name]
	if k == nil {
		return xpath.Value{}, fmt.Errorf("there is no key named %q", s)
	}
	index, err := r.index(k, c.Node.Top())
	if err != nil {
		return xpath.Value{}, err
	}
	if v.Type() != xpath.NodeSetType {
		return xpath.NodeSet(index[v.Str()]), nil
	}
	if len(v.Nodes()) == 1 {
		return xpath.NodeSet(index[v.Nodes()[0].Text()]), nil
	}
	var all []*xmltree.Node
	for _, n := range v.Nodes() {
		all = append(all, index[n.Text()]...)
	}
	return xpath.NodeSet(ordered(all)), nil
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
	b := keyBuilder{r: r, key: k, index: index, xc: xpath.Context{Budget: &r.steps, Host: r}}
	for i := range k.defs {
		b.attrs = b.attrs || k.defs[i].attrs
	}
	current := r.node
	err := b.walk(root)
	r.node = current
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

// walk adds n and all below it in document order.
func (b *keyBuilder) walk(n *xmltree.Node) error {
	if err := b.add(n); err != nil {
		return err
	}
	if b.attrs {
		for a := n.Attrs(); a != nil; a = a.Next() {
			if err := b.add(a); err != nil {
				return err
			}
		}
	}
	for c := n.First(); c != nil; c = c.Next() {
		if err := b.walk(c); err != nil {
			return err
		}
	}
	return nil
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
		b.r.node = n
		b.xc.Node, b.xc.Position, b.xc.Size = n, 1, 1
		v, err := d.use.Eval(&b.xc)
		if err != nil {
			return b.r.failIn(d.use.at, d.use.base, err)
		}
		if v.Type() != xpath.NodeSetType {
			b.enter(v.Str(), n)
			continue
		}
		for _, x := range v.Nodes() {
			b.enter(x.Text(), n)
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

// enter adds n under value, once.
func (b *keyBuilder) enter(value string, n *xmltree.Node) {
	list := b.index[value]
	if len(list) == 0 || list[len(list)-1] != n {
		b.index[value] = append(list, n)
	}
}
