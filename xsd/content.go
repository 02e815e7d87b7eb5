package xsd

import (
	"math"
	"strconv"
	"strings"

	"sutler/xmltree"
)

// contentOf makes the particle among the children of n, or the model of an
// xs:all.
func (c *compiler) contentOf(n *xmltree.Node) (*particle, *model) {
	e := child(n, "group", "all", "choice", "sequence")
	if e == nil {
		return nil, nil
	}
	p, all := c.particle(e, true)
	if p != nil && len(p.parts) == 0 && p.group != leaf && (p.group == sequence || p.min == 0) {
		p = nil
	}
	if all != nil && len(all.all) == 0 {
		all = nil
	}
	return p, all
}

// particle makes the particle that n is; nil for one that cannot occur or is
// wrong. An xs:all may only be the whole content, and comes as a model.
func (c *compiler) particle(n *xmltree.Node, whole bool) (*particle, *model) {
	if !c.spend(1) {
		return nil, nil
	}
	p := &particle{node: n}
	p.min, p.max = c.occurs(n)
	switch n.Local() {
	case "element":
		p.elem = c.localElement(n)
		if p.elem == nil {
			return nil, nil
		}
	case "any":
		p.any = c.wildcard(n)
	case "group":
		return c.groupRef(n, p, whole)
	case "all":
		return nil, c.all(n, p, whole)
	case "sequence", "choice":
		p.group = sequence
		if n.Local() == "choice" {
			p.group = choice
		}
		children(n, func(e *xmltree.Node) {
			switch e.Local() {
			case "element", "any", "group", "sequence", "choice":
				if part, _ := c.particle(e, false); part != nil {
					p.parts = append(p.parts, part)
				}
			}
		})
	}
	if p.max == 0 {
		return nil, nil
	}
	return p, nil
}

// all reads an xs:all.
func (c *compiler) all(n *xmltree.Node, p *particle, whole bool) *model {
	if !whole {
		c.report(n, "XS019", "use a sequence or choice", "an xs:all must be the whole content of a type")
	}
	if p.min > 1 || p.max != 1 && p.max != 0 {
		c.report(n, "XS019", "", "an xs:all occurs once, or not at all")
	}
	m := &model{all: []*particle{}, least: p.min}
	seen := map[qname]bool{}
	children(n, func(e *xmltree.Node) {
		if e.Local() != "element" {
			return
		}
		part, _ := c.particle(e, false)
		if part == nil {
			return
		}
		if part.min > 1 || part.max != 1 {
			c.report(e, "XS019", "use a sequence or choice", "an element of an xs:all occurs once, or not at all")
		}
		if seen[part.elem.name] {
			c.report(e, "XS016", "keep one of them", "the content model is ambiguous: element %s is there twice", quoted(part.elem.name))
		}
		seen[part.elem.name] = true
		m.all = append(m.all, part)
	})
	if p.max == 0 {
		return nil
	}
	return m
}

// groupRef makes a copy of a group that is referred to.
func (c *compiler) groupRef(n *xmltree.Node, p *particle, whole bool) (*particle, *model) {
	g := c.reference(n, "ref", "group")
	if g == nil || !c.globalGroup(g) {
		if g != nil {
			c.report(n, "XS011", "take it out of one of the groups", "the group %q holds itself", collapse(g.node.Attr("name")))
		}
		return nil, nil
	}
	if g.all != nil {
		if !whole {
			c.report(n, "XS019", "use a sequence or choice in the group", "a group that is an xs:all must be the whole content of a type")
		}
		if p.max != 1 && p.max != 0 || p.min > 1 {
			c.report(n, "XS019", "", "an xs:all occurs once, or not at all")
		}
		if p.max == 0 {
			return nil, nil
		}
		m := *g.all
		m.least = min(m.least, p.min)
		return nil, &m
	}
	if g.group == nil || p.max == 0 {
		return nil, nil
	}
	body := c.copyOf(g.group)
	if body == nil {
		return nil, nil
	}
	if p.min == 1 && p.max == 1 {
		return body, nil
	}
	p.group, p.parts = sequence, []*particle{body}
	return p, nil
}

// copyOf copies a particle, so that two places of it can be told apart.
func (c *compiler) copyOf(p *particle) *particle {
	if !c.spend(1) {
		return nil
	}
	q := *p
	q.parts = nil
	for _, part := range p.parts {
		if copied := c.copyOf(part); copied != nil {
			q.parts = append(q.parts, copied)
		}
	}
	return &q
}

// globalGroup makes the group of g; false when it holds itself.
func (c *compiler) globalGroup(g *global) bool {
	switch g.state {
	case busy:
		return false
	case fresh:
		g.state = busy
		if e := child(g.node, "all", "choice", "sequence"); e != nil {
			for _, attr := range []string{"minOccurs", "maxOccurs"} {
				if a := e.AttrNode("", attr); a != nil {
					c.report(a, "XS004", "say it where the group is used", "the content of a group cannot have %q", attr)
				}
			}
			g.group, g.all = c.particle(e, true)
		}
		g.state = done
	}
	return true
}

// mostOccurs is the largest number of occurrences that is counted.
const mostOccurs = 1_000_000_000

// occurs reads minOccurs and maxOccurs.
func (c *compiler) occurs(n *xmltree.Node) (least, most int) {
	least, most = 1, 1
	if a := n.AttrNode("", "minOccurs"); a != nil {
		least = count(a.Value())
		if least > mostOccurs {
			c.report(a, "XS017", "use a smaller number", "minOccurs=%q is more than %d", clipped(a.Value()), mostOccurs)
			least = mostOccurs
		}
	}
	if a := n.AttrNode("", "maxOccurs"); a != nil {
		most = count(a.Value())
		if collapse(a.Value()) == "unbounded" || most > mostOccurs {
			most = unbounded
		}
	}
	if most != unbounded && least > most {
		c.report(n, "XS017", "", "minOccurs %d is more than maxOccurs %d", least, most)
		most = least
	}
	return least, most
}

// count reads a whole number; what is not one has been reported.
func count(text string) int {
	i, err := strconv.Atoi(strings.TrimPrefix(collapse(text), "+"))
	switch {
	case err == nil && i >= 0:
		return i
	case digits(collapse(text)):
		return math.MaxInt
	}
	return 1
}
