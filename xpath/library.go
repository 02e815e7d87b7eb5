package xpath

import (
	"math"
	"strings"
	"unicode/utf8"

	"sutler/xmltree"
)

// builtin is a function of the core function library (section 4).
type builtin struct {
	name     string
	min, max int // arguments; max < 0: any number
	result   Type
	nodeSet  bool // the first argument is a node-set
	implied  bool // without arguments it is called with the context node
	context  bool // it looks at the context node
	eval     func(c *Context, args []expr) (Value, error)
}

// library is the core function library in the order of the Recommendation.
var library = [...]builtin{
	{name: "last", result: NumberType, eval: last},
	{name: "position", result: NumberType, eval: position},
	{name: "count", min: 1, max: 1, result: NumberType, nodeSet: true, eval: count},
	{name: "id", min: 1, max: 1, result: NodeSetType, context: true, eval: id},
	{name: "local-name", max: 1, result: StringType, nodeSet: true, implied: true, eval: localName},
	{name: "namespace-uri", max: 1, result: StringType, nodeSet: true, implied: true, eval: namespaceURI},
	{name: "name", max: 1, result: StringType, nodeSet: true, implied: true, eval: qualifiedName},

	{name: "string", max: 1, result: StringType, implied: true, eval: toString},
	{name: "concat", min: 2, max: -1, result: StringType, eval: concat},
	{name: "starts-with", min: 2, max: 2, result: BooleanType, eval: startsWith},
	{name: "contains", min: 2, max: 2, result: BooleanType, eval: contains},
	{name: "substring-before", min: 2, max: 2, result: StringType, eval: substringBefore},
	{name: "substring-after", min: 2, max: 2, result: StringType, eval: substringAfter},
	{name: "substring", min: 2, max: 3, result: StringType, eval: substring},
	{name: "string-length", max: 1, result: NumberType, implied: true, eval: stringLength},
	{name: "normalize-space", max: 1, result: StringType, implied: true, eval: normalizeSpace},
	{name: "translate", min: 3, max: 3, result: StringType, eval: translate},

	{name: "boolean", min: 1, max: 1, result: BooleanType, eval: toBoolean},
	{name: "not", min: 1, max: 1, result: BooleanType, eval: not},
	{name: "true", result: BooleanType, eval: always},
	{name: "false", result: BooleanType, eval: never},
	{name: "lang", min: 1, max: 1, result: BooleanType, context: true, eval: lang},

	{name: "number", max: 1, result: NumberType, implied: true, eval: toNumber},
	{name: "sum", min: 1, max: 1, result: NumberType, nodeSet: true, eval: sum},
	{name: "floor", min: 1, max: 1, result: NumberType, eval: floor},
	{name: "ceiling", min: 1, max: 1, result: NumberType, eval: ceiling},
	{name: "round", min: 1, max: 1, result: NumberType, eval: rounded},
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

func last(c *Context, _ []expr) (Value, error) { return Number(float64(max(c.Size, 1))), nil }

func position(c *Context, _ []expr) (Value, error) { return Number(float64(max(c.Position, 1))), nil }

func count(c *Context, args []expr) (Value, error) {
	if p, ok := args[0].(*path); ok {
		n, err := p.size(c)
		return Number(float64(n)), err
	}
	nodes, err := nodesOf(c, args[0])
	return Number(float64(len(nodes))), err
}

// id selects by the attribute xml:id, the only one that is of type ID without
// a DTD. Of several elements with one ID only the first has it.
func id(c *Context, args []expr) (Value, error) {
	v, err := args[0].eval(c)
	if err != nil {
		return Value{}, err
	}
	wanted := make(map[string]bool)
	want := func(s string) {
		for _, token := range strings.FieldsFunc(s, isSpace) {
			wanted[token] = true
		}
	}
	if v.typ != NodeSetType {
		want(v.Str())
	}
	for _, n := range v.nodes {
		s, err := text(c, n)
		if err != nil {
			return Value{}, err
		}
		want(s)
	}
	var found []*xmltree.Node
	for top, n := c.Node.Top(), c.Node.Top(); n != nil && len(wanted) > 0; n = below(n, top) {
		if err := charge(c, 1); err != nil {
			return Value{}, err
		}
		if a := n.AttrNode(xmltree.XMLSpace, "id"); a != nil {
			if id := strings.Trim(a.Value(), space); wanted[id] {
				delete(wanted, id)
				found = append(found, n)
			}
		}
	}
	return NodeSet(found), nil
}

func localName(c *Context, args []expr) (Value, error) {
	n, err := firstOf(c, args[0])
	if n == nil || err != nil {
		return String(""), err
	}
	return String(n.Local()), nil
}

func namespaceURI(c *Context, args []expr) (Value, error) {
	n, err := firstOf(c, args[0])
	if n == nil || err != nil {
		return String(""), err
	}
	return String(n.Space()), nil
}

func qualifiedName(c *Context, args []expr) (Value, error) {
	n, err := firstOf(c, args[0])
	if n == nil || err != nil {
		return String(""), err
	}
	return String(n.Name().String()), nil
}

// String functions (section 4.2).

func toString(c *Context, args []expr) (Value, error) {
	s, err := stringOf(c, args[0])
	return String(s), err
}

func concat(c *Context, args []expr) (Value, error) {
	var b strings.Builder
	for _, a := range args {
		s, err := stringOf(c, a)
		if err != nil {
			return Value{}, err
		}
		if err := chargeRead(c, s); err != nil {
			return Value{}, err
		}
		b.WriteString(s)
	}
	return String(b.String()), nil
}

// twoStrings evaluates two arguments.
func twoStrings(c *Context, args []expr) (s, t string, err error) {
	if s, err = stringOf(c, args[0]); err != nil {
		return "", "", err
	}
	t, err = stringOf(c, args[1])
	if err != nil {
		return "", "", err
	}
	return s, t, chargeRead(c, s)
}

func startsWith(c *Context, args []expr) (Value, error) {
	s, t, err := twoStrings(c, args)
	return Boolean(strings.HasPrefix(s, t)), err
}

func contains(c *Context, args []expr) (Value, error) {
	s, t, err := twoStrings(c, args)
	return Boolean(strings.Contains(s, t)), err
}

func substringBefore(c *Context, args []expr) (Value, error) {
	s, t, err := twoStrings(c, args)
	if before, _, ok := strings.Cut(s, t); ok {
		return String(before), err
	}
	return String(""), err
}

func substringAfter(c *Context, args []expr) (Value, error) {
	s, t, err := twoStrings(c, args)
	if _, after, ok := strings.Cut(s, t); ok {
		return String(after), err
	}
	return String(""), err
}

// substring selects the characters whose position, from 1, is at least the
// second argument rounded and less than that plus the third one rounded.
// Infinities and NaN need no more than this definition.
func substring(c *Context, args []expr) (Value, error) {
	s, err := stringOf(c, args[0])
	if err != nil {
		return Value{}, err
	}
	first, err := numberOf(c, args[1])
	if err != nil {
		return Value{}, err
	}
	first = round(first)
	behind := math.Inf(1)
	if len(args) == 3 {
		n, err := numberOf(c, args[2])
		if err != nil {
			return Value{}, err
		}
		behind = first + round(n)
	}
	from, to := -1, len(s)
	at := 0.0
	for i := range s {
		at++
		switch {
		case from < 0 && at >= first && at < behind:
			from = i
		case from >= 0 && at >= behind:
			to = i
		}
		if to < len(s) {
			break
		}
	}
	if from < 0 {
		return String(""), chargeRead(c, s)
	}
	return String(s[from:to]), chargeRead(c, s)
}

func stringLength(c *Context, args []expr) (Value, error) {
	s, err := stringOf(c, args[0])
	if err != nil {
		return Value{}, err
	}
	return Number(float64(utf8.RuneCountInString(s))), chargeRead(c, s)
}

func normalizeSpace(c *Context, args []expr) (Value, error) {
	s, err := stringOf(c, args[0])
	if err != nil {
		return Value{}, err
	}
	return String(strings.Join(strings.FieldsFunc(s, isSpace), " ")), chargeRead(c, s)
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\r' || r == '\n' }

func translate(c *Context, args []expr) (Value, error) {
	s, from, err := twoStrings(c, args)
	if err != nil {
		return Value{}, err
	}
	to, err := stringOf(c, args[2])
	if err != nil {
		return Value{}, err
	}
	into := make(map[rune]rune) // -1 drops
	rest := []rune(to)
	for _, r := range from {
		_, known := into[r]
		switch {
		case known:
		case len(rest) == 0:
			into[r] = -1
		default:
			into[r] = rest[0]
		}
		if len(rest) > 0 {
			rest = rest[1:]
		}
	}
	out := strings.Map(func(r rune) rune {
		if t, ok := into[r]; ok {
			return t
		}
		return r
	}, s)
	return String(out), nil
}

// Boolean functions (section 4.3).

func toBoolean(c *Context, args []expr) (Value, error) {
	b, err := test(c, args[0])
	return Boolean(b), err
}

func not(c *Context, args []expr) (Value, error) {
	b, err := test(c, args[0])
	return Boolean(!b), err
}

func always(*Context, []expr) (Value, error) { return Boolean(true), nil }

func never(*Context, []expr) (Value, error) { return Boolean(false), nil }

func lang(c *Context, args []expr) (Value, error) {
	want, err := stringOf(c, args[0])
	if err != nil {
		return Value{}, err
	}
	for n := c.Node; n != nil; n = n.Parent() {
		if err := charge(c, 1); err != nil {
			return Value{}, err
		}
		if a := n.AttrNode(xmltree.XMLSpace, "lang"); a != nil {
			return Boolean(speaks(a.Value(), want)), nil
		}
	}
	return Boolean(false), nil
}

// speaks reports whether the language has is want or a sublanguage of it.
func speaks(has, want string) bool {
	if len(has) < len(want) || !strings.EqualFold(has[:len(want)], want) {
		return false
	}
	return len(has) == len(want) || has[len(want)] == '-'
}

// Number functions (section 4.4).

func toNumber(c *Context, args []expr) (Value, error) {
	f, err := numberOf(c, args[0])
	return Number(f), err
}

func sum(c *Context, args []expr) (Value, error) {
	nodes, err := nodesOf(c, args[0])
	if err != nil {
		return Value{}, err
	}
	total := 0.0
	for _, n := range nodes {
		s, err := text(c, n)
		if err != nil {
			return Value{}, err
		}
		total += ParseNumber(s)
	}
	return Number(total), nil
}

func floor(c *Context, args []expr) (Value, error) {
	f, err := numberOf(c, args[0])
	return Number(math.Floor(f)), err
}

func ceiling(c *Context, args []expr) (Value, error) {
	f, err := numberOf(c, args[0])
	return Number(math.Ceil(f)), err
}

func rounded(c *Context, args []expr) (Value, error) {
	f, err := numberOf(c, args[0])
	return Number(round(f)), err
}
