package xsd

import (
	"fmt"
	"strings"

	"sutler/xmltree"
)

// xdrSpace is the namespace of XDR schemas.
const xdrSpace = "urn:schemas-microsoft-com:xml-data"

// Options tell Compile how data will be looked at.
type Options struct {
	// Unqualified takes elements and attributes of the data that are in no
	// namespace for ones of the schema's target namespace where they would not
	// be let in as they are.
	Unqualified bool

	// Secret reports whether messages must not show the value of a node of the
	// data, an element or an attribute; nil: every value may be shown. It is
	// called by all goroutines that validate.
	Secret func(n *xmltree.Node) bool
}

// Schema is a compiled schema. It is immutable and may be used by many
// goroutines at once.
type Schema struct {
	target      string
	unqualified bool
	secret      func(*xmltree.Node) bool
	xdr         bool
	elements    map[qname]*element // those that may be the root
	types       map[qname]*typeDef
	attributes  map[qname]*attrUse // those declared for all, for wildcards
	keyed       bool               // there are identity constraints
}

// Compile compiles the schema that n is: an xs:schema, or a Schema element, in
// the namespace of XDR or in none, which holds an xs:schema or the elements of
// XDR. The attributes of a Schema element that are in no namespace are not
// looked at.
//
// It returns every problem of the schema at once, up to xmltree.MostProblems,
// in the order of their places; the Schema is nil when one of them is an
// error. What this package does not support is such an error, so that no
// construct is accepted and then ignored.
func Compile(n *xmltree.Node, o Options) (*Schema, xmltree.Problems) {
	c := newCompiler(n, o)
	switch only := n.FirstElement(); {
	case n.Is(xsSpace, "schema"):
		c.schema(n)
	case n.Is(xdrSpace, "Schema"), n.Is("", "Schema"):
		if only == nil || !only.Is(xsSpace, "schema") {
			c.xdr(n)
			break
		}
		c.noText(n)
		for e := only.NextElement(); e != nil; e = e.NextElement() {
			c.report(e, "XS001", "a Schema holds one xs:schema and nothing else", "%s stands beside the schema", xmltree.Describe(e))
		}
		c.schema(only)
	default:
		c.report(n, "XS001", "want xs:schema of the namespace "+xsSpace+", or Schema", "%s is no schema", xmltree.Describe(n))
	}
	c.problems.Sort()
	if c.problems.Err() != nil {
		return nil, c.problems
	}
	return c.out, c.problems
}

// Empty reports whether s describes nothing at all.
func (s *Schema) Empty() bool { return len(s.elements) == 0 && len(s.types) == 0 }

// Declares reports whether an element of that name, in no namespace, may be
// the root of what s describes.
func (s *Schema) Declares(local string) bool {
	return s.elements[qname{"", local}] != nil || s.unqualified && s.elements[qname{s.target, local}] != nil
}

// compiler turns one schema into declarations and types.
type compiler struct {
	doc      *xmltree.Document
	out      *Schema
	problems xmltree.Problems
	work     int  // spent so far
	spent    bool // and it was too much

	target      string
	qualified   bool // local elements are in the target namespace
	qualifiedAt bool // local attributes are
	blockAll    derivation
	finalAll    derivation

	globals map[string]map[string]*global // by kind and name
	queue   []func()                      // what is made once everything is known
	types   []*typeDef                    // all complex types that were made
	keys    map[string]*constraint        // by name
	keyrefs []*constraint
	pending []func() // checks that need finished types

	states int // of all patterns
}

func newCompiler(n *xmltree.Node, o Options) *compiler {
	return &compiler{
		doc: n.Document(),
		out: &Schema{
			unqualified: o.Unqualified, secret: o.Secret, elements: map[qname]*element{}, types: map[qname]*typeDef{}, attributes: map[qname]*attrUse{},
		},
		globals: map[string]map[string]*global{}, keys: map[string]*constraint{},
	}
}

// full reports whether no more problems are kept.
func (c *compiler) full() bool { return len(c.problems) >= xmltree.MostProblems }

// mostHints is how many problems have hints that are looked for among all names
// of a schema, which takes time.
const mostHints = 50

// near returns the name that is most like word, unless there are many problems.
func (c *compiler) near(word string, names func() []string) string {
	if len(c.problems) >= mostHints {
		return ""
	}
	return xmltree.Nearest(word, names())
}

func (c *compiler) report(n *xmltree.Node, rule, hint, format string, args ...any) {
	if !c.full() {
		c.problems = append(c.problems, c.doc.Problem(n, rule, fmt.Sprintf(format, args...), hint))
	}
}

// mostWork bounds what compiling a schema may cost: names looked at and
// particles made. It is far more than a schema written by people needs.
const mostWork = 200_000

// spend counts work and reports whether there may be more.
func (c *compiler) spend(n int) bool {
	c.work += n
	if c.work > mostWork && !c.spent {
		c.spent = true
		c.report(nil, "XS022", "split it, or use fewer groups within groups", "the schema is too large: it comes to more than %d particles and names", mostWork)
	}
	return !c.spent
}

// pay is spend, for reading values.
func (c *compiler) pay(steps int) bool { return c.spend(steps) }

// named hears of IDs, which mean nothing in a schema.
func (c *compiler) named(*xmltree.Node, identity, string) {}

// noText reports text where only elements may be.
func (c *compiler) noText(n *xmltree.Node) {
	for t := n.First(); t != nil; t = t.Next() {
		if t.Kind() == xmltree.Text && strings.Trim(t.Value(), space) != "" {
			c.report(t, "XS007", "put it into an annotation or description, or take it out", "text is not allowed in %q", n.Name())
		}
	}
}

func compareNames(a, b qname) int {
	if c := strings.Compare(a.space, b.space); c != 0 {
		return c
	}
	return strings.Compare(a.local, b.local)
}
