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

	// Load reads a stylesheet that xsl:import or xsl:include names. href is as
	// written, without a fragment identifier; base is the File of the document
	// that holds it. Two documents are the same stylesheet if their File is. They
	// must live as long as the program. nil: only #id in the same document is found.
	Load func(href, base string) (*xmltree.Document, error)
}

// Compile compiles a whole stylesheet: an xsl:stylesheet or xsl:transform
// element, or a literal result element with xsl:version. It returns all static
// errors of the stylesheet, and of those that it brings in, in the order of
// their place, and no program if one of them is more than a warning. The program
// needs the documents as long as it lives.
func Compile(sheet *xmltree.Document, o Options) (*Program, xmltree.Problems) {
	c := newCompiler(sheet, o)
	root := sheet.DocumentElement()
	if root == nil {
		c.report(nil, "XT001", "a stylesheet is an xsl:stylesheet element", "the stylesheet has no element")
		return c.finish()
	}
	return c.whole(root, sheet.File())
}

// CompileElement compiles a stylesheet that is an element of a document of
// another language, in the manner of CompileTemplates.
func CompileElement(sheet *xmltree.Node, o Options) (*Program, xmltree.Problems) {
	c := newCompiler(sheet.Document(), o)
	c.keepRefs = true
	c.embedded = true
	return c.whole(sheet, sheet.Document().File()+"#"+sheet.Attr("id"))
}

// whole compiles the stylesheet element root, which is known by a name.
func (c *compiler) whole(root *xmltree.Node, name string) (*Program, xmltree.Problems) {
	l := &layer{}
	c.stylesheet(root, l, []string{name})
	c.layers(l.ranked(nil))
	return c.finish()
}

// CompileTemplates compiles the XSLT top-level elements that are the children
// of an element of another language (MPF before and after, spec B.1 and B.5).
// Namespaces in scope come from the ancestors in that document. Otherwise it is
// as Compile, but text from CDATA sections and character references is never
// taken for white space between elements (design L8), and an error that the
// Recommendation lets a processor recover from is one.
func CompileTemplates(parent *xmltree.Node, o Options) (*Program, xmltree.Problems) {
	c := newCompiler(parent.Document(), o)
	c.keepRefs = true
	c.embedded = true
	l := &layer{}
	c.children(&module{root: parent}, l, []string{parent.Document().File()})
	c.layers(l.ranked(nil))
	return c.finish()
}

// compiler is the state of one compilation.
type compiler struct {
	prog     *Program
	doc      *xmltree.Document
	load     func(href, base string) (*xmltree.Document, error)
	modules  int // brought in so far
	tolerant bool
	keepRefs bool // see CompileTemplates
	embedded bool // in a document of another language

	problems  xmltree.Problems
	modes     map[xmltree.Name]*mode
	named     map[xmltree.Name]*template
	globals   map[xmltree.Name]*global
	funcs     map[xmltree.Name]*function
	sets      map[xmltree.Name]*attributeSet
	aliases   map[string]alias
	calls     []pendingCall
	arguments map[xmltree.Name]int // numbers of the names of parameters
	uses      []pendingSets
	literals  []literalName
	order     int // of template rules

	layer      *layer   // that is compiled
	current    *module  // … and the stylesheet in it
	precedence int      // its import precedence
	forward    bool     // forwards-compatible processing is on (section 2.5)
	excluded   []string // namespaces not copied to the result
	declared   declared // of the last literal result element
	extensions []string // namespaces of extension elements

	frame *frame // of the template or top-level variable that is compiled
	reads []use  // of the expression that is compiled
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
		load:     o.Load,
		tolerant: o.Tolerant,
		modes:    map[xmltree.Name]*mode{},
		named:    map[xmltree.Name]*template{},
		globals:  map[xmltree.Name]*global{},
		funcs:    map[xmltree.Name]*function{},
		sets:     map[xmltree.Name]*attributeSet{},
		aliases:  map[string]alias{},
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

// recoverable notes an error from which the Recommendation lets a processor
// recover: a warning, but an error in procedures.
func (c *compiler) recoverable(n *xmltree.Node, rule, hint, format string, args ...any) {
	c.report(n, rule, hint, format, args...)
	c.problems[len(c.problems)-1].Warning = !c.embedded
}

// finish resolves what needed the whole stylesheet and returns the program.
func (c *compiler) finish() (*Program, xmltree.Problems) {
	for _, p := range c.calls {
		p.call.template = c.named[p.name]
		if p.call.template == nil {
			c.noTemplate(p)
		}
	}
	c.resolveSets()
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

// modeNamed returns the mode that the attribute a names, the default one if that
// is no name: an error, or the value of a later version, which is passed over
// (section 2.5).
func (c *compiler) modeNamed(a *xmltree.Node) *mode {
	if _, _, ok := splitName(strings.TrimSpace(a.Value())); !ok && c.forward {
		return c.prog.start
	}
	name, ok := c.qname(a)
	if !ok {
		return c.prog.start
	}
	return c.mode(name)
}

// version reads a version attribute and reports whether it asks for
// forwards-compatible processing (section 2.5).
func (c *compiler) version(n, a *xmltree.Node) (forward bool) {
	if a == nil {
		return false // reported as missing
	}
	v := xpath.ParseNumber(a.Value())
	if v != v {
		c.report(a, "XT002", `write version="1.0"`, "version %q is no number", a.Value())
	}
	return v == v && v != 1
}

// layers compiles the layers of an import tree, those of lower import
// precedence first. What expressions and literal result elements may refer to
// is known before the first is compiled.
func (c *compiler) layers(all []*layer) {
	var globals []*global
	var funcs []*function
	c.each(all, func(it item) {
		switch n := it.n; {
		case it.simplified:
		case n.Is(funcSpace, "function"):
			if f := c.declareFunction(n); f != nil {
				funcs = append(funcs, f)
			}
		case !isXSL(n.Space()):
		case n.Local() == "variable", n.Local() == "param":
			if g := c.declareGlobal(n); g != nil {
				globals = append(globals, g)
			}
		case n.Local() == "namespace-alias":
			c.alias(n)
		}
	})
	c.each(all, func(it item) {
		switch {
		case it.simplified:
			c.simplified(it.n)
		case isXSL(it.n.Space()):
			c.topLevelElement(it.n)
		default:
			c.foreign(it.n)
		}
	})
	for _, g := range globals {
		c.enter(g.module)
		c.compileGlobal(g)
	}
	for _, f := range funcs {
		c.enter(f.module)
		c.compileFunction(f)
	}
}

// each calls f for all items of the layers in order of import precedence.
func (c *compiler) each(all []*layer, f func(item)) {
	for _, l := range all {
		c.layer, c.precedence = l, l.precedence
		for _, it := range l.items {
			c.enter(it.m)
			c.current = it.m
			f(it)
		}
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
	case "attribute-set":
		c.attributeSet(n)
	case "variable", "param", "namespace-alias": // see layers
	default:
		if !c.forward { // a later version may allow it there (section 2.5)
			c.misplaced(n)
		}
	}
}

// foreign checks a top-level element that is not of XSLT. The Recommendation
// lets users put data there; what other processors take for code is refused.
func (c *compiler) foreign(n *xmltree.Node) {
	switch {
	case c.refusedCode(n), n.Is(funcSpace, "function"):
	case c.embedded:
		c.report(n, "XT005", "only elements of XSLT may stand here, for instance xsl:template", "%q is no element of XSLT", n.Name())
	case n.Space() == "":
		c.report(n, "XT005", "put it into a template", "%q must not stand at the top level", n.Name())
	case c.isExtension(n):
		c.warn(n, "XT018", "take it out", "extension element %q is not supported and does nothing", n.Name())
	}
}

// simplified compiles a literal result element as stylesheet (section 2.3).
func (c *compiler) simplified(root *xmltree.Node) {
	t := &template{info: Template{Name: `match="/"`}, at: placeOf(root), layer: c.layer}
	t.info.place(root)
	c.frame = &frame{}
	t.body = []instr{c.element(root)}
	t.slots = c.frame.slots
	ps, err := xpath.CompilePattern("/", xpath.Static{})
	if err != nil {
		return
	}
	c.addRules(t, ps, nil, c.prog.start)
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
