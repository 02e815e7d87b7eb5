package procedure

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sutler/xmltree"
	"sutler/xpath"
)

// scopeKinds are the scope names in the order of the reference (schema B.1).
var scopeKinds = []struct {
	name string
	kind ScopeKind
}{
	{"data", Data}, {"context", Context}, {"procedureData", ProcedureData}, {"executeData", ExecuteData},
}

// scope resolves the scope name in an attribute of n, where only the kinds of
// allowed may stand. A Loop is one of ls, which may be nil.
func (c *compiler) scope(n *xmltree.Node, attr string, ls *loops, allowed ...ScopeKind) Scope {
	a := n.AttrNode("", attr)
	if a == nil {
		return Scope{}
	}
	name := a.Value()
	if kind := scopeKind(name); kind != 0 {
		if !slices.Contains(allowed, kind) {
			c.report(a, "PR018", refusal(kind, scopeNames(ls, allowed)), "%q of %q cannot be %q", attr, n.Local(), name)
		}
		return Scope{Kind: kind, Name: name}
	}
	if i, ok := ls.find(name); ok && slices.Contains(allowed, Loop) {
		return Scope{Kind: Loop, Index: i, Name: name}
	}
	if c.full() {
		return Scope{}
	}
	names := scopeNames(ls, allowed)
	c.report(a, "PR017", meant(name, names, "want "+xmltree.List(names, "or")), "%q of %q is %q, which is not the name of anything here", attr, n.Local(), name)
	return Scope{}
}

// scopeKind returns the scope of that name, or 0.
func scopeKind(name string) ScopeKind {
	for _, s := range scopeKinds {
		if s.name == name {
			return s.kind
		}
	}
	return 0
}

// scopeNames returns names that a scope attribute may have, for a hint.
func scopeNames(ls *loops, allowed []ScopeKind) []string {
	var names []string
	for _, s := range scopeKinds {
		if slices.Contains(allowed, s.kind) {
			names = append(names, s.name)
		}
	}
	if all := ls.all(); slices.Contains(allowed, Loop) {
		for _, l := range all[:min(len(all), 100)] {
			if l.Name != "" { // a loop without one has been reported
				names = append(names, l.Name)
			}
		}
	}
	return names
}

// refusal says what to write in place of a scope that is not allowed.
func refusal(kind ScopeKind, names []string) string {
	hint := "want " + xmltree.List(names, "or")
	if kind == Context {
		hint += "; a transform before it can copy what is needed there"
	}
	return hint
}

// nodes compiles the path in an attribute of n, which must select nodes, or
// returns nil when there is no such attribute.
func (c *compiler) nodes(n *xmltree.Node, attr string) *Path {
	p := c.path(n, attr)
	if p == nil {
		return nil
	}
	if t := p.Expr.Type(); t != xpath.NodeSetType && t != xpath.AnyType {
		c.report(n.AttrNode("", attr), "PR019", "only the sourcePath of a when may be a condition", "%q of %q gives %v and no nodes", attr, n.Local(), t)
	}
	return p
}

// path compiles the path in an attribute of n, or returns nil when there is
// none or it is not XPath.
func (c *compiler) path(n *xmltree.Node, attr string) *Path {
	a := n.AttrNode("", attr)
	if a == nil {
		return nil
	}
	e, err := xpath.Compile(a.Value(), xpath.Static{Namespaces: n.Lookup, Tolerant: true})
	if err != nil {
		c.reportPath(a, err)
		return nil
	}
	return &Path{Text: a.Value(), Expr: e, Plain: e.Plain(), At: c.place(a)}
}

// reportPath reports an XPath error at its column inside the attribute.
func (c *compiler) reportPath(a *xmltree.Node, err error) {
	xe := &xpath.Error{Msg: err.Error()}
	errors.As(err, &xe)
	c.add(c.doc.ProblemIn(a, xe.Offset, xe.Rule, fmt.Sprintf("%q of %q: %s", a.Local(), a.Parent().Local(), xe.Msg), xe.Hint))
}

// meant asks whether the nearest of words was meant, else says otherwise.
func meant(word string, words []string, otherwise string) string {
	if near := xmltree.Nearest(word, words); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return otherwise
}

// firstName returns the name with which a path begins, or "".
func firstName(p *Path) string {
	s := strings.TrimPrefix(strings.TrimSpace(p.Text), "./")
	if i := strings.IndexAny(s, "/[ "); i >= 0 {
		s = s[:i]
	}
	return s
}
