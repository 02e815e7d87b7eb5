package xmltree

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Canonical returns a text for comparison: two trees have the same one if and
// only if Equal says so. It looks like XML with the attributes sorted by
// namespace and name and the prefixes numbered; declarations that no name
// needs are left out, and adjacent text is joined.
func Canonical(n *Node) string {
	c := &canonical{prefixes: make(map[string]string)}
	c.tree(n)
	return c.b.String()
}

type canonical struct {
	b        strings.Builder
	prefixes map[string]string // by namespace
}

func (c *canonical) tree(n *Node) {
	for e := n; ; {
		c.node(e)
		if e.first != nil {
			e = e.first
			continue
		}
		for e != n && e.next == nil {
			e = e.parent
			c.end(e)
		}
		if e == n {
			return
		}
		e = e.next
	}
}

func (c *canonical) node(n *Node) {
	switch n.kind {
	case Element:
		name, declaration := c.name(n.name)
		c.b.WriteString("<" + name + declaration)
		for _, a := range sortedAttrs(n) {
			name, declaration := c.name(a.name)
			c.b.WriteString(declaration + " " + name)
			c.quote(a.value)
		}
		if n.first == nil {
			c.b.WriteString("/>")
		} else {
			c.b.WriteByte('>')
		}
	case Text:
		c.escape(n.value)
	case Comment:
		c.b.WriteString("<!--")
		c.escape(n.value)
		c.b.WriteString("-->")
	case ProcInst:
		c.b.WriteString("<?" + n.name.Local + " ")
		c.escape(n.value)
		c.b.WriteString("?>")
	case Attribute:
		name, declaration := c.name(n.name)
		c.b.WriteString("@" + name + declaration)
		c.quote(n.value)
	case Namespace:
		c.b.WriteString("@xmlns:" + n.Local())
		c.quote(n.value)
	}
}

func (c *canonical) end(n *Node) {
	if n.kind == Element {
		name, _ := c.name(n.name)
		c.b.WriteString("</" + name + ">")
	}
}

// name returns a name with the prefix of its namespace and, the first time,
// the declaration of that.
func (c *canonical) name(n *Name) (name, declaration string) {
	if n.Space == "" {
		return n.Local, ""
	}
	prefix := c.prefixes[n.Space]
	if prefix != "" {
		return prefix + ":" + n.Local, ""
	}
	prefix = "n" + strconv.Itoa(len(c.prefixes)+1)
	c.prefixes[n.Space] = prefix
	return prefix + ":" + n.Local, " xmlns:" + prefix + "=\"" + canonicalText.Replace(n.Space) + "\""
}

func (c *canonical) quote(s string) {
	c.b.WriteString("=\"")
	c.escape(s)
	c.b.WriteByte('"')
}

func (c *canonical) escape(s string) { _, _ = canonicalText.WriteString(&c.b, s) }

var canonicalText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&quot;", "\r", "&#13;")

func sortedAttrs(n *Node) []*Node {
	var all []*Node
	for a := n.attrs; a != nil; a = a.next {
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b *Node) int {
		return cmp.Or(strings.Compare(a.name.Space, b.name.Space), strings.Compare(a.name.Local, b.name.Local))
	})
	return all
}

// Equal reports whether a and b are the same tree: kinds, expanded names,
// attributes in any order, and text. Prefixes, declarations and how text is
// cut into nodes do not count.
func Equal(a, b *Node) bool {
	if !same(a, b) {
		return false
	}
	x, y := a.first, b.first
	for {
		if x != nil && x.kind == Text || y != nil && y.kind == Text {
			var s, t string
			s, x = run(x)
			t, y = run(y)
			if s != t {
				return false
			}
			continue
		}
		if x == nil || y == nil {
			return x == y
		}
		if !Equal(x, y) {
			return false
		}
		x, y = x.next, y.next
	}
}

// run returns the joined text of the text nodes from n on and the node after them.
func run(n *Node) (text string, after *Node) {
	if n == nil || n.kind != Text {
		return "", n
	}
	if after = n.next; after == nil || after.kind != Text {
		return n.value, after
	}
	var b strings.Builder
	for ; n != nil && n.kind == Text; n = n.next {
		b.WriteString(n.value)
	}
	return b.String(), n
}

// same compares two nodes without their children.
func same(a, b *Node) bool {
	if a.kind != b.kind || a.value != b.value && a.kind != Element && a.kind != Root || !a.alike(b) {
		return false
	}
	n := 0
	for x, y := a.attrs, b.attrs; x != nil || y != nil; x, y = x.next, y.next {
		if x == nil || y == nil {
			return false
		}
		n++
	}
	if n <= 16 {
		for x := a.attrs; x != nil; x = x.next {
			if y := b.AttrNode(x.name.Space, x.name.Local); y == nil || y.value != x.value {
				return false
			}
		}
		return true
	}
	xs, ys := sortedAttrs(a), sortedAttrs(b)
	for i, x := range xs {
		if !x.alike(ys[i]) || x.value != ys[i].value {
			return false
		}
	}
	return true
}
