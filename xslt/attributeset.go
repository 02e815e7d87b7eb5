package xslt

import (
	"strings"

	"sutler/xmltree"
)

// attributeSet is what all xsl:attribute-set elements of one name say
// (section 7.1.4).
type attributeSet struct {
	name xmltree.Name
	defs []*setDef // those of lower import precedence first
}

// setDef is one xsl:attribute-set. What it uses comes before its own attributes,
// and a later attribute replaces an earlier one of its name.
type setDef struct {
	uses  []*attributeSet
	body  []instr
	slots int
	at    place
	node  *xmltree.Node // while compiling: of use-attribute-sets
}

// pendingSets are the attribute sets that an element uses, which may come later.
type pendingSets struct {
	names []xmltree.Name
	attr  *xmltree.Node
	put   func([]*attributeSet)
}

// attributeSet compiles an xsl:attribute-set.
func (c *compiler) attributeSet(n *xmltree.Node) {
	def := &setDef{at: placeOf(n), node: n.AttrNode("", "use-attribute-sets")}
	c.findSets(n, def.node, func(list []*attributeSet) { def.uses = list })
	c.frame = &frame{}
	for x := n.First(); x != nil; x = x.Next() {
		switch {
		case x.Kind() == xmltree.Text && !blank(x.Value()):
			c.reportText(x, "put it into xsl:attribute", "text is not allowed in %q", n.Name())
		case x.Kind() != xmltree.Element:
		case isXSL(x.Space()) && x.Local() == "attribute":
			if in := c.instruction(x); in != nil {
				def.body = append(def.body, in)
			}
		case isXSL(x.Space()) && !c.known(x):
		default:
			c.report(x, "XT005", "only xsl:attribute may stand here", "%q must not stand in %q", x.Name(), n.Name())
		}
	}
	def.slots = c.frame.slots
	a := n.AttrNode("", "name")
	if a == nil {
		return // reported as missing
	}
	name, ok := c.qname(a)
	if !ok {
		return
	}
	s := c.sets[name]
	if s == nil {
		s = &attributeSet{name: name}
		c.sets[name] = s
	}
	s.defs = append(s.defs, def)
}

// useSets compiles the attribute a of n, which names attribute sets; nil
// without it.
func (c *compiler) useSets(n, a *xmltree.Node) *setUse {
	if a == nil {
		return nil
	}
	u := &setUse{at: placeOf(a)}
	c.findSets(n, a, func(list []*attributeSet) { u.sets = list })
	return u
}

func (c *compiler) findSets(n, a *xmltree.Node, put func([]*attributeSet)) {
	if a == nil {
		return
	}
	p := pendingSets{attr: a, put: put}
	for _, s := range strings.Fields(a.Value()) {
		if name, ok := c.qnameOf(a, s); ok {
			p.names = append(p.names, name)
		}
	}
	c.uses = append(c.uses, p)
}

// resolveSets finds the attribute sets that are used and those that use themselves.
func (c *compiler) resolveSets() {
	for _, p := range c.uses {
		var list []*attributeSet
		for _, name := range p.names {
			s := c.sets[name]
			if s == nil {
				c.noSet(p.attr, name)
				continue
			}
			list = append(list, s)
		}
		p.put(list)
	}
	const fresh, open, done = 0, 1, 2
	state := map[*attributeSet]int{}
	var visit func(s *attributeSet)
	visit = func(s *attributeSet) {
		state[s] = open
		for _, def := range s.defs {
			for _, used := range def.uses {
				switch state[used] {
				case fresh:
					visit(used)
				case open:
					c.report(def.node, "XT014", "take one of the references out", "the attribute set %q uses itself", used.name.Local)
				}
			}
		}
		state[s] = done
	}
	for _, p := range c.uses {
		for _, name := range p.names {
			if s := c.sets[name]; s != nil && state[s] == fresh {
				visit(s)
			}
		}
	}
}

func (c *compiler) noSet(a *xmltree.Node, name xmltree.Name) {
	var names []string
	for other := range c.sets {
		names = append(names, other.Local)
	}
	hint := "define it with xsl:attribute-set"
	if near := nearest(name.Local, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	c.report(a, "XT028", hint, "there is no attribute set named %q", name.Local)
}

// setUse is a use of attribute sets by an element that is made.
type setUse struct {
	sets []*attributeSet
	at   place
}

// exec adds the attributes of the sets to the element that was begun.
func (u *setUse) exec(r *run) error {
	if u == nil {
		return nil
	}
	return r.addSets(u.sets, u.at)
}

func (r *run) addSets(sets []*attributeSet, at place) error {
	for _, s := range sets {
		for _, def := range s.defs {
			if err := r.deeper(at); err != nil {
				return err
			}
			if err := r.addSets(def.uses, def.at); err != nil {
				return err
			}
			vars := r.xc.Vars
			frame, mark := r.vars.push(def.slots)
			r.xc.Vars = frame
			if err := r.exec(def.body); err != nil {
				return err
			}
			r.vars.pop(frame, mark)
			r.xc.Vars = vars
			r.depth--
		}
	}
	return nil
}
