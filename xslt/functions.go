package xslt

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sutler/xmltree"
	"sutler/xpath"
)

// coreFunctions is the function library of XPath 1.0 (section 4).
var coreFunctions = strings.Fields(`last position count id local-name namespace-uri name string concat starts-with
	contains substring-before substring-after substring string-length normalize-space translate boolean not true
	false lang number sum floor ceiling round`)

// function returns a function of XSLT or of an extension for the expressions at n.
func (c *compiler) function(n *xmltree.Node, name xmltree.Name) (f xpath.Function, ok bool) {
	if f := c.funcs[expanded(name)]; f != nil {
		return f.called, true
	}
	switch name.Space {
	case "":
		return c.ownFunction(n, name.Local)
	case msxslSpace, exslSpace:
		if name.Local == "node-set" {
			return xpath.Function{Min: 1, Max: 1, Result: xpath.NodeSetType, Call: nodeSet}, true
		}
	}
	return extension(name)
}

// ownFunction returns a function of XSLT 1.0 (section 12).
func (c *compiler) ownFunction(n *xmltree.Node, name string) (f xpath.Function, ok bool) {
	switch name {
	case "current":
		return xpath.Function{Result: xpath.NodeSetType, Node: current}, true
	case "generate-id":
		return xpath.Function{Max: 1, Result: xpath.StringType, Call: generateID}, true
	case "key":
		return c.keyFunction(n), true
	case "document":
		from := origin{n.Document(), n.Base()}
		return xpath.Function{Min: 1, Max: 2, Result: xpath.NodeSetType, Call: func(x *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			return document(x, from, args)
		}}, true
	case "format-number":
		return c.formatNumber(n), true
	case "unparsed-entity-uri":
		return xpath.Function{Min: 1, Max: 1, Result: xpath.StringType, Call: func(x *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			uri, _, _ := host(x).origin(x.Node).doc.UnparsedEntity(args[0].Str())
			return xpath.String(uri), nil
		}}, true
	case "system-property":
		scope := c.scope(n)
		return xpath.Function{Min: 1, Max: 1, Result: xpath.AnyType, Call: func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			return systemProperty(scope, args[0].Str())
		}}, true
	case "element-available":
		scope := c.scope(n)
		return xpath.Function{Min: 1, Max: 1, Result: xpath.BooleanType, Call: func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			name, err := named(scope, args[0].Str(), true)
			e := elements[name.Local]
			return xpath.Boolean(name.Space == Space && e.role&instruction != 0), err
		}}, true
	case "function-available":
		scope := c.scope(n)
		funcs := c.funcs
		return xpath.Function{Min: 1, Max: 1, Result: xpath.BooleanType, Call: func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			name, err := named(scope, args[0].Str(), false)
			if err != nil {
				return xpath.Value{}, err
			}
			return xpath.Boolean(funcs[name] != nil || functionAvailable(name)), nil
		}}, true
	}
	return f, false
}

// named resolves the name in an argument of a function. Only names of elements
// use the default namespace (section 15).
func named(scope map[string]string, s string, element bool) (xmltree.Name, error) {
	name, ok := resolve(scope, strings.TrimSpace(s))
	if !ok {
		return name, fmt.Errorf("%q is no name with a declared prefix", s)
	}
	if element && name.Prefix == "" {
		name.Space = scope[""]
	}
	return expanded(name), nil
}

func functionAvailable(name xmltree.Name) bool {
	if name.Space == "" && slices.Contains(coreFunctions, name.Local) {
		return true
	}
	c := compiler{}
	d := xmltree.New(nil)
	defer d.Release()
	_, ok := c.function(d.Root(), name)
	return ok
}

func systemProperty(scope map[string]string, s string) (xpath.Value, error) {
	name, err := named(scope, s, false)
	if err != nil {
		return xpath.Value{}, err
	}
	switch {
	case name.Is(Space, "version"):
		return xpath.Number(1), nil
	case name.Is(Space, "vendor"):
		return xpath.String("Sutler"), nil
	case name.Is(Space, "vendor-url"): // it must be one, and need not lead anywhere
		return xpath.String("https://sutler.invalid/"), nil
	}
	return xpath.String(""), nil
}

// host returns the run that evaluates.
func host(c *xpath.Context) *run { return c.Host.(*run) }

// nodeSet is the function node-set of MSXML and EXSLT: a fragment is its root,
// any other value a text node.
func nodeSet(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	if args[0].Type() == xpath.NodeSetType {
		return xpath.NodeSet(args[0].Nodes()), nil
	}
	r := host(c)
	if err := unplaced(r.hold(2*nodeBytes, place{})); err != nil {
		return xpath.Value{}, err
	}
	if err := pay(c, 2); err != nil {
		return xpath.Value{}, err
	}
	if r.trees == nil {
		r.trees = r.document()
	}
	text := r.trees.NewText(args[0].Str())
	if err := r.trees.NewRoot().Append(text); err != nil {
		return xpath.Value{}, err
	}
	return xpath.NodeSet([]*xmltree.Node{text}), nil
}

func current(c *xpath.Context) (*xmltree.Node, error) { return host(c).node, nil }

// generateID numbers the nodes in the order in which the run first asks for
// them, which is the same in every run with the same input.
func generateID(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	n := c.Node
	if len(args) == 1 {
		if args[0].Type() != xpath.NodeSetType {
			return xpath.Value{}, errors.New("generate-id() wants a node-set")
		}
		if len(args[0].Nodes()) == 0 {
			return xpath.String(""), nil
		}
		n = args[0].Nodes()[0]
	}
	r := host(c)
	id, ok := r.ids[n]
	if !ok {
		if r.ids == nil {
			r.ids = map[*xmltree.Node]int{}
		}
		id = len(r.ids) + 1
		r.ids[n] = id
	}
	return xpath.String("id" + strconv.Itoa(id)), nil
}

// ordered sorts nodes into document order and takes out duplicates.
func ordered(nodes []*xmltree.Node) []*xmltree.Node {
	slices.SortFunc(nodes, xmltree.Compare)
	return slices.Compact(nodes)
}
