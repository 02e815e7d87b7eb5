package xslt

import (
	"strings"

	"sutler/xmltree"
)

// body compiles the children of parent from the given one on. Variables
// declared in it are visible until its end.
func (c *compiler) body(parent, from *xmltree.Node) []instr {
	var visible int
	if c.frame != nil {
		visible = len(c.frame.locals)
		defer func() { c.frame.locals = c.frame.locals[:visible] }()
	}
	var list []instr
	for n := from; n != nil; n = n.Next() {
		switch n.Kind() {
		case xmltree.Text:
			if n.Prev() != nil && n.Prev().Kind() == xmltree.Text && n != from {
				continue // joined with the one before
			}
			if c.keepsText(n) {
				list = append(list, &textNode{value: joined(n)})
			}
		case xmltree.Element:
			if in := c.instruction(n); in != nil {
				list = append(list, in)
			}
		}
	}
	return list
}

// joined returns the text of n and of the text nodes directly behind it.
func joined(n *xmltree.Node) string {
	s := n.Value()
	for x := n.Next(); x != nil && x.Kind() == xmltree.Text; x = x.Next() {
		s += x.Value()
	}
	return s
}

// keepsText reports whether the text that begins with n is more than white
// space between elements (section 3.4).
func (c *compiler) keepsText(n *xmltree.Node) bool {
	if n.Prev() != nil && n.Prev().Kind() == xmltree.Text {
		return c.keepsText(n.Prev())
	}
	for x := n; x != nil && x.Kind() == xmltree.Text; x = x.Next() {
		if !blank(x.Value()) || c.keepRefs && x.KeepsSpace() {
			return true
		}
	}
	for e := n.Parent(); e != nil; e = e.Parent() {
		if a := e.AttrNode(xmltree.XMLSpace, "space"); a != nil {
			return a.Value() == "preserve"
		}
	}
	return false
}

// leads reports white space alone before an element of XSLT that must come first
// in its parent. It is nothing, even where xml:space preserves it, as the later
// versions of XSLT say.
func (c *compiler) leads(text *xmltree.Node, to string) bool {
	for x := text; x != nil; x = x.Next() {
		switch {
		case x.Kind() == xmltree.Element:
			return isXSL(x.Space()) && x.Local() == to
		case x.Kind() == xmltree.Text && (!blank(x.Value()) || c.keepRefs && x.KeepsSpace()):
			return false
		}
	}
	return false
}

// instruction compiles the element n of a body. It returns nil for an element
// that does nothing or is wrong.
func (c *compiler) instruction(n *xmltree.Node) instr {
	if !isXSL(n.Space()) {
		if c.refusedCode(n) {
			return nil
		}
		switch {
		case n.Is(funcSpace, "result"):
			return c.functionResult(n)
		case c.isExtension(n), n.Is(exslSpace, "document"):
			return c.fallback(n)
		}
		return c.element(n)
	}
	if !c.known(n) {
		if c.forward {
			return c.fallback(n)
		}
		return nil
	}
	if elements[n.Local()].role&instruction == 0 {
		if c.forward { // a later version may allow it there (section 2.5)
			return c.fallback(n)
		}
		c.misplaced(n)
		return nil
	}
	switch n.Local() {
	case "apply-templates":
		return c.applyTemplates(n)
	case "call-template":
		return c.callTemplate(n)
	case "value-of":
		c.empty(n)
		return &valueOf{c.expr(n, "select"), c.unescaped(n)}
	case "for-each":
		sorts, rest := c.sorts(n)
		return &forEach{sel: c.expr(n, "select"), sorts: sorts, body: c.body(n, rest)}
	case "if":
		return &ifInstr{c.expr(n, "test"), c.body(n, n.First())}
	case "choose":
		return c.choose(n)
	case "fallback": // nothing here needs it
		c.body(n, n.First())
	case "apply-imports":
		c.empty(n)
		return &applyImports{placeOf(n)}
	case "copy":
		return &copyInstr{placeOf(n), c.useSets(n, n.AttrNode("", "use-attribute-sets")), c.body(n, n.First())}
	case "copy-of":
		c.empty(n)
		return &copyOf{c.expr(n, "select"), placeOf(n)}
	case "variable":
		v := c.value(n)
		if slot, _, ok := c.declareLocal(n); ok {
			return &variable{slot, v}
		}
	case "element":
		name := c.computedName(n, true)
		return &elementInstr{name, c.useSets(n, n.AttrNode("", "use-attribute-sets")), c.body(n, n.First()), placeOf(n)}
	case "attribute":
		return &attributeInstr{c.computedName(n, false), c.body(n, n.First()), placeOf(n)}
	case "text":
		return c.text(n)
	case "comment":
		return &commentInstr{placeOf(n), c.body(n, n.First())}
	case "processing-instruction":
		return &procInst{placeOf(n), c.avt(n, "name"), c.body(n, n.First())}
	case "message":
		return &message{placeOf(n), c.yes(n, "terminate"), c.body(n, n.First())}
	case "number":
		return c.number(n)
	}
	return nil
}

// value compiles the value of a variable, parameter or argument (section 11.2).
func (c *compiler) value(n *xmltree.Node) value {
	v := value{at: placeOf(n), expr: c.expr(n, "select")}
	if n.AttrNode("", "select") == nil {
		v.body = c.body(n, n.First())
		return v
	}
	for x := n.First(); x != nil; x = x.Next() {
		if x.Kind() == xmltree.Element || x.Kind() == xmltree.Text && c.keepsText(x) {
			c.report(x, "XT015", "keep one of the two", "%q has both select and content", n.Name())
			break
		}
	}
	return v
}

func (c *compiler) text(n *xmltree.Node) instr {
	var s strings.Builder
	for x := n.First(); x != nil; x = x.Next() {
		switch x.Kind() {
		case xmltree.Element:
			c.report(x, "XT009", "close xsl:text before it", "%q may hold text only", n.Name())
		case xmltree.Text:
			s.WriteString(x.Value())
		}
	}
	return &textNode{s.String(), c.unescaped(n)}
}

// unescaped reads disable-output-escaping.
func (c *compiler) unescaped(n *xmltree.Node) bool {
	raw := c.yes(n, "disable-output-escaping")
	if raw {
		c.prog.raw = true
	}
	return raw
}

// yes reads an attribute that is yes or no; no is the default.
func (c *compiler) yes(n *xmltree.Node, attr string) bool {
	return c.word(n, attr, "no", "yes") == "yes"
}

// word reads an attribute that is one of words, of which the first is the default.
func (c *compiler) word(n *xmltree.Node, attr string, words ...string) string {
	a := n.AttrNode("", attr)
	if a == nil {
		return words[0]
	}
	for _, w := range words {
		if a.Value() == w {
			return w
		}
	}
	if !c.forward {
		c.report(a, "XT008", "write "+xmltree.List(words, "or"), "%q cannot be %q", attr, a.Value())
	}
	return words[0]
}

func (c *compiler) choose(n *xmltree.Node) instr {
	in := &choose{}
	var otherwise *xmltree.Node
	whens := 0
	for x := n.First(); x != nil; x = x.Next() {
		switch {
		case x.Kind() == xmltree.Text && !blank(x.Value()):
			c.reportText(x, "put it into xsl:when or xsl:otherwise", "text is not allowed in %q", n.Name())
		case x.Kind() != xmltree.Element:
		case !isXSL(x.Space()) || x.Local() != "when" && x.Local() != "otherwise":
			if !isXSL(x.Space()) || c.known(x) {
				c.report(x, "XT005", "put it into xsl:when or xsl:otherwise", "%q must not stand in %q", x.Name(), n.Name())
			}
		case !c.known(x):
		case otherwise != nil:
			c.report(x, "XT020", "xsl:otherwise comes last and once", "%q must not come after %q", x.Name(), otherwise.Name())
		case x.Local() == "otherwise":
			otherwise = x
			in.otherwise = c.body(x, x.First())
		default:
			whens++
			in.whens = append(in.whens, ifInstr{c.expr(x, "test"), c.body(x, x.First())})
		}
	}
	if whens == 0 {
		c.report(n, "XT020", "add an xsl:when", "%q has no xsl:when", n.Name())
	}
	return in
}

// sorts compiles the xsl:sort elements at the beginning of the xsl:for-each n
// and returns the first child behind them.
func (c *compiler) sorts(n *xmltree.Node) (list []sortKey, rest *xmltree.Node) {
	for x := n.First(); x != nil; x = x.Next() {
		switch x.Kind() {
		case xmltree.Text:
			if c.keepsText(x) && !c.leads(x, "sort") {
				return list, x
			}
		case xmltree.Element:
			if !isXSL(x.Space()) || x.Local() != "sort" {
				return list, x
			}
			if c.known(x) {
				list = append(list, c.sort(x))
			}
		}
	}
	return list, nil
}

func (c *compiler) applyTemplates(n *xmltree.Node) instr {
	in := &applyTemplates{mode: c.prog.start, sel: c.expr(n, "select"), at: placeOf(n)}
	if a := n.AttrNode("", "mode"); a != nil {
		in.mode = c.modeNamed(a)
	}
	for x := n.First(); x != nil; x = x.Next() {
		switch {
		case c.argument(n, x, &in.args):
		case isXSL(x.Space()) && x.Local() == "sort":
			if c.known(x) {
				in.sorts = append(in.sorts, c.sort(x))
			}
		default:
			c.inCall(n, x)
		}
	}
	return in
}

func (c *compiler) callTemplate(n *xmltree.Node) instr {
	in := &callTemplate{at: placeOf(n)}
	if a := n.AttrNode("", "name"); a != nil {
		if qn, ok := c.qname(a); ok {
			c.calls = append(c.calls, pendingCall{in, qn, n})
		}
	}
	for x := n.First(); x != nil; x = x.Next() {
		if !c.argument(n, x, &in.args) {
			c.inCall(n, x)
		}
	}
	return in
}

// argument compiles the child x of a call if it is an xsl:with-param or nothing
// of interest.
func (c *compiler) argument(n, x *xmltree.Node, args *[]arg) bool {
	switch {
	case x.Kind() != xmltree.Element:
		return x.Kind() != xmltree.Text || blank(x.Value())
	case !isXSL(x.Space()) || x.Local() != "with-param":
		return false
	case !c.known(x):
		return true
	}
	v := c.value(x)
	a := x.AttrNode("", "name")
	if a == nil {
		return true // reported as missing
	}
	name, ok := c.qname(a)
	if !ok {
		return true
	}
	number := c.argumentName(name)
	for _, earlier := range *args {
		if earlier.name == number {
			c.report(a, "XT021", "keep one of the two", "argument %q is passed twice", a.Value())
			return true
		}
	}
	*args = append(*args, arg{number, v})
	return true
}

// inCall reports the child x that must not stand in the call n.
func (c *compiler) inCall(n, x *xmltree.Node) {
	switch {
	case x.Kind() == xmltree.Text:
		c.reportText(x, "take it out", "text is not allowed in %q", n.Name())
	case !isXSL(x.Space()):
		c.report(x, "XT005", "put it into the template that is called", "%q must not stand in %q", x.Name(), n.Name())
	case c.known(x):
		c.misplaced(x)
	}
}
