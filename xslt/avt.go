package xslt

import (
	"strings"

	"sutler/xmltree"
)

// avt is an attribute value template (section 7.6.2): text alone if parts is
// nil, else the parts one after the other.
type avt struct {
	text  string
	parts []avtPart
}

// avtPart is text or, if expr is set, an expression.
type avtPart struct {
	text string
	expr *expr
}

// avt compiles the template in an attribute of n; nil without it.
func (c *compiler) avt(n *xmltree.Node, attr string) *avt {
	if a := n.AttrNode("", attr); a != nil {
		return c.avtOf(n, a)
	}
	return nil
}

// avtOf compiles the template in the attribute a of n; nil after an error.
func (c *compiler) avtOf(n, a *xmltree.Node) *avt {
	s := a.Value()
	if !strings.ContainsAny(s, "{}") {
		return &avt{text: s}
	}
	var v avt
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			v.parts = append(v.parts, avtPart{text: text.String()})
			text.Reset()
		}
	}
	ok := true
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case (ch == '{' || ch == '}') && i+1 < len(s) && s[i+1] == ch:
			text.WriteByte(ch)
			i++
		case ch == '}':
			c.avtProblem(a, i, "write }} for a brace", `"}" without "{"`)
			return nil
		case ch == '{':
			end := exprEnd(s, i+1)
			if end < 0 {
				c.avtProblem(a, i, "close it with }, or write {{ for a brace", `"{" is not closed`)
				return nil
			}
			if blank(s[i+1 : end]) {
				c.avtProblem(a, i, "write an expression, or {{}} for braces", `"{}" holds no expression`)
				return nil
			}
			e := c.expression(n, a, s[i+1:end], i+1)
			ok = ok && e != nil
			flush()
			v.parts = append(v.parts, avtPart{expr: e})
			i = end
		default:
			text.WriteByte(ch)
		}
	}
	if !ok {
		return nil
	}
	if v.parts == nil {
		return &avt{text: text.String()}
	}
	flush()
	return &v
}

// exprEnd returns the index of the } that ends the expression at i, -1 without.
// Braces in its literals do not count.
func exprEnd(s string, i int) int {
	var quote byte
	for ; i < len(s); i++ {
		switch ch := s[i]; {
		case quote != 0:
			if ch == quote {
				quote = 0
			}
		case ch == '\'' || ch == '"':
			quote = ch
		case ch == '}':
			return i
		}
	}
	return -1
}

func (c *compiler) avtProblem(a *xmltree.Node, i int, hint, msg string) {
	c.problems = append(c.problems, placeOf(a).inside(i).problem("XT016", msg, hint))
}

// eval returns the text of v; that of a nil template is empty.
func (v *avt) eval(r *run) (string, error) {
	if v == nil {
		return "", nil
	}
	if v.parts == nil {
		return v.text, nil
	}
	if len(v.parts) == 1 {
		return r.str(v.parts[0].expr)
	}
	from := len(r.pending)
	for i := range v.parts {
		p := &v.parts[i]
		if p.expr == nil {
			r.pending = append(r.pending, p.text...)
			continue
		}
		s, err := r.str(p.expr)
		if err != nil {
			return "", err
		}
		r.pending = append(r.pending, s...)
	}
	s := r.texts.Bytes(r.pending[from:])
	r.pending = r.pending[:from]
	return s, nil
}
