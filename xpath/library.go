package xpath

import (
	"math"
	"strings"

	"sutler/xmltree"
)

// builtin is a function of the core function library (section 4). One of its
// four ways to be called is set, by the type of its result.
type builtin struct {
	name     string
	min, max int  // arguments; max < 0: any number
	nodeSet  bool // the first argument is a node-set
	implied  bool // without arguments it is called with the context node
	context  bool // it looks at the context node

	nodes  func(c *Context, args []expr) ([]*xmltree.Node, error)
	text   func(c *Context, args []expr) (string, error)
	truth  func(c *Context, args []expr) (bool, error)
	number func(c *Context, args []expr) (float64, error)
}

// result returns the type of the result.
func (fn *builtin) result() Type {
	switch {
	case fn.text != nil:
		return StringType
	case fn.truth != nil:
		return BooleanType
	case fn.number != nil:
		return NumberType
	}
	return NodeSetType
}

// library is the core function library in the order of the Recommendation.
var library = [...]builtin{
	{name: "last", number: last},
	{name: "position", number: position},
	{name: "count", min: 1, max: 1, nodeSet: true, number: count},
	{name: "id", min: 1, max: 1, context: true, nodes: id},
	{name: "local-name", max: 1, nodeSet: true, implied: true, text: localName},
	{name: "namespace-uri", max: 1, nodeSet: true, implied: true, text: namespaceURI},
	{name: "name", max: 1, nodeSet: true, implied: true, text: qualifiedName},

	{name: "string", max: 1, implied: true, text: toString},
	{name: "concat", min: 2, max: -1, text: concat},
	{name: "starts-with", min: 2, max: 2, truth: startsWith},
	{name: "contains", min: 2, max: 2, truth: contains},
	{name: "substring-before", min: 2, max: 2, text: substringBefore},
	{name: "substring-after", min: 2, max: 2, text: substringAfter},
	{name: "substring", min: 2, max: 3, text: substring},
	{name: "string-length", max: 1, implied: true, number: stringLength},
	{name: "normalize-space", max: 1, implied: true, text: normalizeSpace},
	{name: "translate", min: 3, max: 3, text: translate},

	{name: "boolean", min: 1, max: 1, truth: toBoolean},
	{name: "not", min: 1, max: 1, truth: not},
	{name: "true", truth: always},
	{name: "false", truth: never},
	{name: "lang", min: 1, max: 1, context: true, truth: lang},

	{name: "number", max: 1, implied: true, number: toNumber},
	{name: "sum", min: 1, max: 1, nodeSet: true, number: sum},
	{name: "floor", min: 1, max: 1, number: floor},
	{name: "ceiling", min: 1, max: 1, number: ceiling},
	{name: "round", min: 1, max: 1, number: rounded},
}

// builtinNamed returns the core function of that name or nil.
func builtinNamed(name string) *builtin {
	for i := range library {
		if library[i].name == name {
			return &library[i]
		}
	}
	return nil
}

// Node-set functions (section 4.1).

func last(c *Context, _ []expr) (float64, error) { return float64(max(c.Size, 1)), nil }

func position(c *Context, _ []expr) (float64, error) { return float64(max(c.Position, 1)), nil }

func count(c *Context, args []expr) (float64, error) {
	n, err := sizeOf(c, args[0])
	return float64(n), err
}

func localName(c *Context, args []expr) (string, error) {
	n, err := firstOf(c, args[0])
	if n == nil || err != nil {
		return "", err
	}
	return n.Local(), nil
}

func namespaceURI(c *Context, args []expr) (string, error) {
	n, err := firstOf(c, args[0])
	if n == nil || err != nil {
		return "", err
	}
	return n.Space(), nil
}

func qualifiedName(c *Context, args []expr) (string, error) {
	n, err := firstOf(c, args[0])
	if n == nil || err != nil {
		return "", err
	}
	name := n.Name()
	if name.Prefix == "" {
		return name.Local, nil
	}
	return name.String(), chargeMade(c, len(name.Prefix)+len(name.Local))
}

// Boolean functions (section 4.3).

func toBoolean(c *Context, args []expr) (bool, error) { return test(c, args[0]) }

func not(c *Context, args []expr) (bool, error) {
	b, err := test(c, args[0])
	return !b, err
}

func always(*Context, []expr) (bool, error) { return true, nil }

func never(*Context, []expr) (bool, error) { return false, nil }

func lang(c *Context, args []expr) (bool, error) {
	want, err := stringOf(c, args[0])
	if err != nil {
		return false, err
	}
	for n := c.Node; n != nil; n = n.Parent() {
		if err := charge(c, 1); err != nil {
			return false, err
		}
		if a := n.AttrNode(xmltree.XMLSpace, "lang"); a != nil {
			return speaks(a.Value(), want), nil
		}
	}
	return false, nil
}

// speaks reports whether the language has is want or a sublanguage of it.
func speaks(has, want string) bool {
	if len(has) < len(want) || !strings.EqualFold(has[:len(want)], want) {
		return false
	}
	return len(has) == len(want) || has[len(want)] == '-'
}

// Number functions (section 4.4).

func toNumber(c *Context, args []expr) (float64, error) { return numberOf(c, args[0]) }

func sum(c *Context, args []expr) (float64, error) {
	if p, ok := args[0].(*path); ok && p.memo == 0 {
		o, err := p.origin(c)
		if err != nil {
			return 0, err
		}
		if o.plan.unique && o.plan.order == ascending { // the order decides how the sum is rounded
			w := walker{c: c, want: adding}
			w.run(o)
			return w.num, w.err
		}
	}
	nodes, err := nodesOf(c, args[0])
	if err != nil {
		return 0, err
	}
	w := walker{c: c, want: adding}
	err = w.takeAll(nodes)
	return w.num, err
}

func floor(c *Context, args []expr) (float64, error) {
	f, err := numberOf(c, args[0])
	return math.Floor(f), err
}

func ceiling(c *Context, args []expr) (float64, error) {
	f, err := numberOf(c, args[0])
	return math.Ceil(f), err
}

func rounded(c *Context, args []expr) (float64, error) {
	f, err := numberOf(c, args[0])
	return round(f), err
}
