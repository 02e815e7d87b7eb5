package xslt

import (
	"fmt"
	"strings"

	"sutler/xmltree"
)

// literalName is the name of a key or a decimal format that is written as a
// literal in an expression, so that it is known before the program runs whether
// it exists.
type literalName struct {
	function string // key or format-number
	text     string
	elem     *xmltree.Node // with the namespaces in scope
	attr     *xmltree.Node // that holds it
	off      int           // of the literal in the value of attr
}

// noteLiterals notes the names in the expression src, which is correct and begins
// at byte base of the attribute a of n, for when all declarations are known.
func (c *compiler) noteLiterals(n, a *xmltree.Node, src string, base int) {
	if !strings.Contains(src, "key") && !strings.Contains(src, "format-number") {
		return
	}
	// arg is the argument that is read, or what is in brackets without a function.
	type arg struct {
		function string
		index    int
		tokens   int
		literal  string
		at       int
	}
	open := []arg{{}}
	word := "" // the name before what is read
	for i := 0; i < len(src); {
		top := &open[len(open)-1]
		switch ch := src[i]; {
		case ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r':
			i++
			continue // between a name and its bracket
		case ch == '\'' || ch == '"':
			end := i + 1 + strings.IndexByte(src[i+1:], ch)
			top.literal, top.at = src[i+1:end], i
			top.tokens++
			i = end + 1
			word = ""
			continue
		case ch == '(' || ch == '[':
			top.tokens++
			open = append(open, arg{function: word})
		case (ch == ')' || ch == ']' || ch == ',') && len(open) > 1:
			wanted := top.function == "key" && top.index == 0 || top.function == "format-number" && top.index == 2
			if wanted && top.tokens == 1 && top.at > 0 {
				c.literals = append(c.literals, literalName{top.function, top.literal, n, a, base + top.at})
			}
			if ch == ',' {
				*top = arg{function: top.function, index: top.index + 1}
			} else {
				open = open[:len(open)-1]
			}
		default:
			top.tokens++
			end := i + 1
			for end < len(src) && !strings.ContainsRune(" \t\r\n'\"()[],", rune(src[end])) {
				end++
			}
			word = src[i:end]
			// What stands before the name without a blank: 1+key('k', 2).
			if cut := strings.LastIndexAny(word, "/|+*=<>@$:!"); cut >= 0 && !strings.HasSuffix(word[:cut+1], ":") {
				word = word[cut+1:]
			}
			i = end
			continue
		}
		word = ""
		i++
	}
}

// literalNames reports the names that are not declared, the first of each
// attribute.
func (c *compiler) literalNames() {
	var reported *xmltree.Node
	for _, l := range c.literals {
		if l.attr == reported {
			continue
		}
		prefix, local, ok := splitName(strings.TrimSpace(l.text))
		name := xmltree.Name{Local: local}
		if ok && prefix != "" {
			name.Space, ok = lookup(l.elem, prefix)
		}
		var what, element string
		var names []string
		switch {
		case l.function == "key":
			what, element = "key", "xsl:key"
			_, found := c.prog.keys[name]
			if ok && found {
				continue
			}
			for k := range c.prog.keys {
				names = append(names, k.Local)
			}
		default:
			what, element = "decimal format", "xsl:decimal-format"
			if ok && c.prog.decimalFormats[name] != nil {
				continue
			}
			for k := range c.prog.decimalFormats {
				names = append(names, k.Local)
			}
		}
		hint := "declare it with " + element
		if near := nearest(local, names); near != "" {
			hint = "did you mean " + near + "?"
		}
		reported = l.attr
		c.problems = append(c.problems, placeOf(l.attr).inside(l.off).problem("XT041", fmt.Sprintf("there is no %s named %q", what, l.text), hint))
	}
}
