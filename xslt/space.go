package xslt

import (
	"strings"

	"sutler/xmltree"
)

// spaceRules are the xsl:strip-space and xsl:preserve-space of a stylesheet
// (section 3.4): of each name test the rule that counts.
type spaceRules struct {
	names  map[xmltree.Name]spaceRule // name, default priority 0
	spaces map[string]spaceRule       // prefix:*, by namespace, default priority -0.25
	any    spaceRule                  // *, default priority -0.5
	drop   bool                       // one of them drops
}

// spaceRule says whether the white space in the elements of a name test is
// dropped. The zero value is no rule.
type spaceRule struct {
	precedence int // of its stylesheet among those imported, plus one
	drop       bool
}

// spaceRule compiles an xsl:strip-space or xsl:preserve-space.
func (c *compiler) spaceRule(n *xmltree.Node) {
	c.empty(n)
	a := n.AttrNode("", "elements")
	if a == nil {
		return // reported as missing
	}
	rules := &c.prog.space
	rule := spaceRule{precedence: c.precedence + 1, drop: n.Local() == "strip-space"}
	for _, s := range strings.Fields(a.Value()) {
		prefix, isPrefix := strings.CutSuffix(s, ":*")
		switch {
		case s == "*":
			rules.any = rules.any.or(rule)
		case isPrefix && xmltree.IsName(prefix):
			uri, ok := lookup(n, prefix)
			if !ok {
				c.noPrefix(a, prefix)
				continue
			}
			if rules.spaces == nil {
				rules.spaces = map[string]spaceRule{}
			}
			rules.spaces[uri] = rules.spaces[uri].or(rule)
		default:
			name, ok := c.qnameOf(a, s)
			if !ok {
				continue
			}
			if rules.names == nil {
				rules.names = map[xmltree.Name]spaceRule{}
			}
			rules.names[expanded(name)] = rules.names[expanded(name)].or(rule)
		}
		rules.drop = rules.drop || rule.drop
	}
}

// or returns which of two rules for the same name test counts, of which later
// was compiled later: that of the higher import precedence. Two of the same are
// an error from which the Recommendation lets recover by taking the last.
func (r spaceRule) or(later spaceRule) spaceRule {
	if r.precedence > later.precedence {
		return r
	}
	return later
}

// drops reports whether white space directly in the element n is dropped. The
// import precedence of the rules decides, of equal ones their default priority.
func (rules *spaceRules) drops(n *xmltree.Node) bool {
	best := rules.any
	if rules.spaces != nil {
		if r := rules.spaces[n.Space()]; r.precedence >= best.precedence && r.precedence > 0 {
			best = r
		}
	}
	if rules.names != nil {
		if r := rules.names[xmltree.Name{Space: n.Space(), Local: n.Local()}]; r.precedence >= best.precedence && r.precedence > 0 {
			best = r
		}
	}
	return best.drop
}

// strip reports whether the tree n holds white space to drop.
func (rules *spaceRules) strip(n *xmltree.Node) bool {
	return rules.drop && rules.walk(n, false, nil)
}

// copy returns the root of a copy of n in d without the white space to drop.
func (rules *spaceRules) copy(d *xmltree.Document, n *xmltree.Node) (*xmltree.Node, error) {
	root, err := d.Copy(n)
	if err != nil {
		return nil, err
	}
	if root.Kind() != xmltree.Root {
		r := d.NewRoot()
		if err := r.Append(root); err != nil {
			return nil, err
		}
		root = r
	}
	rules.walk(root, false, (*xmltree.Node).Detach)
	return root, nil
}

// walk calls drop for every text node below n that is to be dropped, and
// reports whether there is one; with a nil drop it ends at the first. preserve
// is what xml:space says around n.
func (rules *spaceRules) walk(n *xmltree.Node, preserve bool, drop func(*xmltree.Node)) (found bool) {
	if n.Attrs() != nil {
		if a := n.AttrNode(xmltree.XMLSpace, "space"); a != nil {
			switch a.Value() {
			case "preserve":
				preserve = true
			case "default":
				preserve = false
			}
		}
	}
	// Most elements hold no text of white space alone and need no decision.
	decided, drops := preserve || n.Kind() != xmltree.Element, false
	for c := n.First(); c != nil; {
		next := c.Next()
		switch c.Kind() {
		case xmltree.Element:
			if c.First() != nil && rules.walk(c, preserve, drop) {
				found = true
			}
		case xmltree.Text:
			if decided && !drops || !blank(c.Value()) {
				break
			}
			if !decided {
				decided, drops = true, rules.drops(n)
			}
			if drops {
				found = true
				if drop != nil {
					drop(c)
				}
			}
		}
		if found && drop == nil {
			return true
		}
		c = next
	}
	return found
}
