package xslt

import (
	"fmt"
	"strings"

	"sutler/xmltree"
	"sutler/xpath"
)

// Options change how a stylesheet is compiled.
type Options struct {
	Tolerant bool // accept "/[" as "[" in expressions and patterns
}

// Compile compiles a whole stylesheet: an xsl:stylesheet or xsl:transform
// element, or a literal result element with xsl:version. It returns all static
// errors of the stylesheet in the order of their place, and no program if one
// of them is more than a warning. The program needs sheet as long as it lives.
func Compile(sheet *xmltree.Document, o Options) (*Program, xmltree.Problems) {
	c := newCompiler(sheet, o)
	root := sheet.DocumentElement()
	switch {
	case root == nil:
		c.report(nil, "XT001", "a stylesheet is an xsl:stylesheet element", "the stylesheet has no element")
	case isXSL(root.Space()) && (root.Local() == "stylesheet" || root.Local() == "transform"):
		if c.known(root) {
			c.version(root, root.AttrNode("", "version"))
		}
		c.prefixes(root)
		c.topLevel(root)
	case isXSL(root.Space()):
		if c.known(root) {
			c.report(root, "XT001", "put it into xsl:stylesheet", "%q cannot be the outermost element of a stylesheet", root.Name())
		}
	default:
		c.simplified(root)
	}
	return c.finish()
}

// CompileTemplates compiles the XSLT top-level elements that are the children
// of an element of another language (MPF before and after, spec B.1 and B.5).
// Namespaces in scope come from the ancestors in that document. Otherwise it is
// as Compile, but text from CDATA sections and character references is never
// taken for white space between elements (design L8).
func CompileTemplates(parent *xmltree.Node, o Options) (*Program, xmltree.Problems) {
	c := newCompiler(parent.Document(), o)
	c.keepRefs = true
	c.embedded = true
	c.topLevel(parent)
	return c.finish()
}

// compiler is the state of one compilation.
type compiler struct {
	prog     *Program
	doc      *xmltree.Document
	tolerant bool
	keepRefs bool // see CompileTemplates
	embedded bool // in a document of another language

	problems xmltree.Problems
	modes    map[xmltree.Name]*mode
	named    map[xmltree.Name]*template
	globals  map[xmltree.Name]*global
	calls    []pendingCall
	literals []literalName
	order    int // of template rules

	excluded   []string // namespaces not copied to the result
	extensions []string // namespaces of extension elements

	frame *frame // of the template or top-level variable that is compiled
	uses  []use  // of the expression that is compiled
}

// pendingCall is an xsl:call-template whose template may come later.
type pendingCall struct {
	call *callTemplate
	name xmltree.Name
	node *xmltree.Node
}

func newCompiler(doc *xmltree.Document, o Options) *compiler {
	c := &compiler{
		prog:     &Program{file: doc.File(), keys: map[xmltree.Name]*key{}},
		doc:      doc,
		tolerant: o.Tolerant,
		modes:    map[xmltree.Name]*mode{},
		named:    map[xmltree.Name]*template{},
		globals:  map[xmltree.Name]*global{},
	}
	c.prog.start = c.mode(xmltree.Name{})
	return c
}

// report notes a static error at n, which may be nil.
func (c *compiler) report(n *xmltree.Node, rule, hint, format string, args ...any) {
	c.problems = append(c.problems, c.doc.Problem(n, rule, fmt.Sprintf(format, args...), hint))
}

// reportText notes text that must not stand where n does, at its first letter.
func (c *compiler) reportText(n *xmltree.Node, hint, format string, args ...any) {
	p := placeOf(n)
	if v := n.Value(); p.off >= 0 {
		p.off += len(v) - len(strings.TrimLeft(v, " \t\r\n"))
	}
	c.problems = append(c.problems, p.problem("XT009", fmt.Sprintf(format, args...), hint))
}

// warn notes something that does not keep the stylesheet from running.
func (c *compiler) warn(n *xmltree.Node, rule, hint, format string, args ...any) {
	c.report(n, rule, hint, format, args...)
	c.problems[len(c.problems)-1].Warning = true
}

// finish resolves what needed the whole stylesheet and returns the program.
func (c *compiler) finish() (*Program, xmltree.Problems) {
	for _, p := range c.calls {
		p.call.template = c.named[p.name]
		if p.call.template == nil {
			c.noTemplate(p)
		}
	}
	c.literalNames()
	c.cycles()
	c.problems.Sort()
	if c.problems.Err() != nil {
		return nil, c.problems
	}
	for _, m := range c.modes {
		m.index()
	}
	return c.prog, c.problems
}

func (c *compiler) noTemplate(p pendingCall) {
	var names []string
	for name := range c.named {
		names = append(names, name.Local)
	}
	hint := "give a template this name"
	if near := nearest(p.name.Local, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	c.report(p.node.AttrNode("", "name"), "XT012", hint, "there is no template named %q", p.node.Attr("name"))
}

// mode returns the mode of that name; the zero Name is the default mode.
func (c *compiler) mode(name xmltree.Name) *mode {
	m := c.modes[name]
	if m == nil {
		m = &mode{}
		c.modes[name] = m
	}
	return m
}

// version checks the version attribute a of a stylesheet.
func (c *compiler) version(root, a *xmltree.Node) {
	if a == nil {
		return // reported as missing
	}
	if v := strings.TrimSpace(a.Value()); xpath.ParseNumber(v) != 1 {
		c.report(a, "XT002", `write version="1.0" if it uses nothing newer`, "cannot run XSLT version %q", v)
	}
}

// topLevel compiles the children of a stylesheet element.
func (c *compiler) topLevel(sheet *xmltree.Node) {
	var globals []*global
	for n := sheet.First(); n != nil; n = n.Next() {
		if n.Kind() == xmltree.Element && isXSL(n.Space()) && (n.Local() == "variable" || n.Local() == "param") {
			if g := c.declareGlobal(n); g != nil {
				globals = append(globals, g)
			}
		}
	}
	for n := sheet.First(); n != nil; n = n.Next() {
		switch n.Kind() {
		case xmltree.Text:
			if !blank(n.Value()) {
				c.reportText(n, "put it into a template", "text is not allowed at the top level")
			}
		case xmltree.Element:
			if isXSL(n.Space()) {
				c.topLevelElement(n)
			} else {
				c.foreign(n)
			}
		}
	}
	for _, g := range globals {
		c.compileGlobal(g)
	}
}

func (c *compiler) topLevelElement(n *xmltree.Node) {
	if !c.known(n) {
		return
	}
	switch n.Local() {
	case "template":
		c.template(n)
	case "key":
		c.key(n)
	case "decimal-format":
		c.decimalFormat(n)
	case "output":
		c.output(n)
	case "strip-space", "preserve-space":
		c.spaceRule(n)
	case "variable", "param": // see topLevel
	default:
		c.misplaced(n)
	}
}

// foreign checks a top-level element that is not of XSLT. The Recommendation
// lets users put data there; what other processors take for code is refused.
func (c *compiler) foreign(n *xmltree.Node) {
	switch {
	case c.refusedCode(n):
	case c.embedded:
		c.report(n, "XT005", "only elements of XSLT may stand here, for instance xsl:template", "%q is no element of XSLT", n.Name())
	case n.Space() == "":
		c.report(n, "XT005", "put it into a template", "%q must not stand at the top level", n.Name())
	case c.isExtension(n):
		c.report(n, "XT018", "take it out", "extension element %q is not supported", n.Name())
	}
}

// simplified compiles a literal result element as stylesheet (section 2.3).
func (c *compiler) simplified(root *xmltree.Node) {
	var version *xmltree.Node
	for a := root.Attrs(); a != nil; a = a.Next() {
		if isXSL(a.Space()) && a.Local() == "version" {
			version = a
		}
	}
	if version == nil {
		c.report(root, "XT001", "a stylesheet is an xsl:stylesheet element, or a literal result element with xsl:version, in the namespace "+Space,
			"%q is no stylesheet", root.Name())
		return
	}
	c.version(root, version)
	t := &template{name: `match="/"`, at: placeOf(root)}
	c.frame = &frame{}
	t.body = []instr{c.element(root)}
	t.slots = c.frame.slots
	ps, err := xpath.CompilePattern("/", xpath.Static{})
	if err != nil {
		return
	}
	c.addRules(t, ps, nil, c.prog.start)
}

// template compiles an xsl:template.
func (c *compiler) template(n *xmltree.Node) {
	match, name := n.AttrNode("", "match"), n.AttrNode("", "name")
	t := &template{at: placeOf(n)}
	c.frame = &frame{}
	var patterns []*xpath.Pattern
	switch {
	case match != nil:
		t.name = fmt.Sprintf("match=%q", match.Value())
		patterns = c.pattern(match)
	case name == nil:
		c.report(n, "XT010", "add a pattern with match or a name for xsl:call-template", "%q has neither match nor name", n.Name())
	}
	if name != nil {
		if match == nil {
			t.name = fmt.Sprintf("name=%q", name.Value())
		}
		if qn, ok := c.qname(name); ok {
			if first := c.named[qn]; first != nil {
				c.report(name, "XT011", "give it another name", "there is a template named %q already, at line %d", name.Value(), first.at.line())
			} else {
				c.named[qn] = t
			}
		}
	}
	m := c.prog.start
	if a := n.AttrNode("", "mode"); a != nil {
		if match == nil {
			c.report(a, "XT010", "add match or take mode out", `"mode" needs a template with "match"`)
		}
		if qn, ok := c.qname(a); ok {
			m = c.mode(qn)
		}
	}
	var priority *float64
	if a := n.AttrNode("", "priority"); a != nil {
		if match == nil {
			c.report(a, "XT010", "add match or take priority out", `"priority" needs a template with "match"`)
		}
		f := xpath.ParseNumber(a.Value())
		if f != f {
			c.report(a, "XT008", "write a number such as 1 or -0.5", "priority %q is no number", a.Value())
		}
		priority = &f
	}
	c.addRules(t, patterns, priority, m)
	rest := c.templateParams(n, t)
	t.body = c.body(n, rest)
	t.slots = c.frame.slots
}

// addRules makes t a rule of m for each of its patterns.
func (c *compiler) addRules(t *template, patterns []*xpath.Pattern, priority *float64, m *mode) {
	for _, p := range patterns {
		prio := p.Priority()
		r := &rule{pattern: p, template: t, priority: prio, order: c.order, sure: sure(p)}
		if priority != nil {
			r.priority = *priority
		}
		c.order++
		m.rules = append(m.rules, r)
	}
}

// sure reports whether kind and name of a node decide alone whether p matches
// it. The default priorities tell (section 5.5).
func sure(p *xpath.Pattern) bool {
	_, named := p.Name()
	switch p.Kind() {
	case xmltree.Element, xmltree.Attribute:
		return p.Priority() == 0 && named || p.Priority() == -0.5 && !named
	case xmltree.Text, xmltree.Comment:
		return p.Priority() == -0.5
	}
	return false
}

// templateParams compiles the xsl:param children of the template n and returns
// the first child behind them.
func (c *compiler) templateParams(n *xmltree.Node, t *template) *xmltree.Node {
	for x := n.First(); x != nil; x = x.Next() {
		switch x.Kind() {
		case xmltree.Text:
			if c.keepsText(x) {
				return x
			}
		case xmltree.Element:
			if !isXSL(x.Space()) || x.Local() != "param" {
				return x
			}
			if !c.known(x) {
				continue
			}
			v := c.value(x)
			if slot, name, ok := c.declareLocal(x); ok {
				t.params = append(t.params, param{name, slot, v})
			}
		}
	}
	return nil
}

// key compiles an xsl:key.
func (c *compiler) key(n *xmltree.Node) {
	name, match := n.AttrNode("", "name"), n.AttrNode("", "match")
	if name == nil || match == nil || n.AttrNode("", "use") == nil {
		return // reported as missing
	}
	c.empty(n)
	def := keyDef{match: c.pattern(match)}
	for _, p := range def.match {
		if k := p.Kind(); k == 0 || k == xmltree.Attribute {
			def.attrs = true
		}
	}
	c.frame = nil
	def.use = c.expr(n, "use")
	qn, ok := c.qname(name)
	if !ok {
		return
	}
	k := c.prog.keys[qn]
	if k == nil {
		k = &key{name: qn}
		c.prog.keys[qn] = k
	}
	k.defs = append(k.defs, def)
}

// empty reports content of an element that must have none.
func (c *compiler) empty(n *xmltree.Node) {
	for x := n.First(); x != nil; x = x.Next() {
		switch {
		case x.Kind() == xmltree.Element:
			c.report(x, "XT009", "take it out", "%q must be empty", n.Name())
			return
		case x.Kind() == xmltree.Text && !blank(x.Value()):
			c.reportText(x, "take it out", "%q must be empty", n.Name())
			return
		}
	}
}

// blank reports whether s is white space alone.
func blank(s string) bool { return strings.Trim(s, " \t\r\n") == "" }
