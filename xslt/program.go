package xslt

import (
	"cmp"
	"slices"
	"sync"

	"sutler/xmltree"
	"sutler/xpath"
)

// Program is a compiled stylesheet. It is immutable and safe for many
// goroutines at once. It keeps the document of the stylesheet for the places
// of its errors, which must therefore not be released while the program lives.
type Program struct {
	output  output
	raw     bool // disable-output-escaping occurs
	start   *mode
	globals []*global
	keys    map[xmltree.Name]*key
	space   spaceRules
	file    string

	decimalFormats map[xmltree.Name]*decimalFormat // the default one without a name

	states sync.Pool // of *run
}

// Params returns the names of the top-level xsl:param elements that Env.Params
// can set, as its keys are written, in the order of their place.
func (p *Program) Params() []string {
	var names []string
	for _, g := range p.globals {
		if g.param && !slices.Contains(names, g.key()) {
			names = append(names, g.key())
		}
	}
	return names
}

// key returns the name of g as Env.Params has it.
func (g *global) key() string {
	if g.name.Space == "" {
		return g.name.Local
	}
	return "{" + g.name.Space + "}" + g.name.Local
}

// expanded returns the expanded name of n for use as a map key.
func expanded(n xmltree.Name) xmltree.Name {
	return xmltree.Name{Space: n.Space, Local: n.Local}
}

// instr is one instruction of a program. exec appends what it makes to r.out.
type instr interface {
	exec(r *run) error
}

// template is an xsl:template.
type template struct {
	info   Template
	at     place
	layer  *layer
	params []param
	body   []instr
	slots  int // variables of its frame
}

// param is an xsl:param of a template: the argument of its name, else value.
type param struct {
	name  int // see compiler.argumentName
	slot  int
	value value
}

// arg is an xsl:with-param.
type arg struct {
	name  int
	value value
}

// value is what gives a variable its value: an expression, a body that makes
// a result tree fragment, or nothing, the empty string.
type value struct {
	expr *expr
	body []instr
	at   place
}

// global is a top-level variable or parameter.
type global struct {
	name  xmltree.Name
	index int
	value value
	slots int // variables of its frame
	param bool
	node  *xmltree.Node

	// While compiling:
	module *module
	layer  *layer
	reads  []*global
}

// expr is a compiled expression in its place.
type expr struct {
	*xpath.Expr
	uses []use // top-level variables that it reads
	at   place // of the attribute that holds it
	base int   // where in the value of the attribute it begins

	wrong *xmltree.Problem // it cannot be evaluated, and this says why
}

// use copies a top-level variable to a slot of the frame before an expression
// that reads it is evaluated.
type use struct{ global, slot int }

// key is what all xsl:key elements of one name say.
type key struct {
	name xmltree.Name
	defs []keyDef
}

type keyDef struct {
	match []*xpath.Pattern
	use   *expr
	attrs bool // match may match attributes
}

// mode holds the template rules of a mode, by what they can match.
type mode struct {
	rules []*rule
	kinds [xmltree.Namespace + 1]ruleSet
}

// ruleSet holds the rules for nodes of one kind, the best first: for each name
// those that ask for it, and apart from them those that ask for none.
type ruleSet struct {
	named map[xmltree.Name][]*rule
	other []*rule
}

// rule is one alternative of the pattern of a template.
type rule struct {
	pattern    *xpath.Pattern
	template   *template
	precedence int
	priority   float64
	order      int  // in the stylesheet; after index: how many rules are better
	sure       bool // kind and name decide alone
}

// index builds the tables of m from its rules. Of rules of equal import
// precedence and priority the last one is the better, as the Recommendation
// (5.5) permits.
func (m *mode) index() {
	slices.SortFunc(m.rules, func(a, b *rule) int {
		return cmp.Or(cmp.Compare(b.precedence, a.precedence), cmp.Compare(b.priority, a.priority), cmp.Compare(b.order, a.order))
	})
	for i, r := range m.rules {
		r.order = i
		kind := r.pattern.Kind()
		name, named := r.pattern.Name()
		for k := range m.kinds {
			if kind != 0 && k != int(kind) {
				continue
			}
			set := &m.kinds[k]
			if !named {
				set.other = append(set.other, r)
				continue
			}
			if set.named == nil {
				set.named = make(map[xmltree.Name][]*rule)
			}
			set.named[expanded(name)] = append(set.named[expanded(name)], r)
		}
	}
}

// foundNames is how many names of nodes a run remembers with their rules.
const foundNames = 64

// found are the rules that ask for a name. Names are kept by their
// address: they do not change, and what is kept here is not made anew.
type found struct {
	name  *xmltree.Name
	set   *ruleSet
	rules []*rule
}

// candidates returns the rules of m that may match n: those that ask for its
// name and those that ask for none, each the best first.
func (r *run) candidates(n *xmltree.Node, m *mode) (named, other []*rule) {
	set := &m.kinds[n.Kind()]
	if set.named == nil {
		return nil, set.other
	}
	name := n.NameRef()
	l := name.Local
	f := &r.found[(len(l)*5+int(l[0])+int(l[len(l)-1])*3)%foundNames]
	if f.name == name && f.set == set {
		return f.rules, set.other
	}
	named = set.named[xmltree.Name{Space: name.Space, Local: l}]
	*f = found{name, set, named}
	return named, set.other
}
