package xsd

import (
	"slices"
	"strconv"
	"strings"

	"sutler/xmltree"
)

// process says what is asked of something that a wildcard lets in.
type process uint8

const (
	strict process = iota // it must be declared and valid
	lax                   // it must be valid if it is declared
	skip                  // nothing
)

// wildcard lets in elements or attributes by their namespaces: all, all but
// one and those without, or those of a list.
type wildcard struct {
	any     bool
	not     *string // all but this one and none
	spaces  []string
	process process
}

func (w *wildcard) allows(space string) bool {
	switch {
	case w.any:
		return true
	case w.not != nil:
		return space != *w.not && space != ""
	}
	return slices.Contains(w.spaces, space)
}

// overlaps reports whether something could be let in by both.
func (w *wildcard) overlaps(x *wildcard) bool {
	both, ok := w.intersect(x)
	return !ok || both.any || both.not != nil || len(both.spaces) > 0
}

// intersect lets in what both let in (Schema Component Constraint: Attribute
// Wildcard Intersection); ok is false when that cannot be expressed.
func (w *wildcard) intersect(x *wildcard) (*wildcard, bool) {
	out := &wildcard{process: w.process}
	switch {
	case x.any:
		*out = *w
	case w.any:
		*out = *x
		out.process = w.process
	case w.not != nil && x.not != nil:
		if *w.not != *x.not && *w.not != "" && *x.not != "" {
			return nil, false
		}
		out.not = w.not
		if *w.not == "" {
			out.not = x.not
		}
	case w.not != nil:
		for _, s := range x.spaces {
			if w.allows(s) {
				out.spaces = append(out.spaces, s)
			}
		}
	default:
		for _, s := range w.spaces {
			if x.allows(s) {
				out.spaces = append(out.spaces, s)
			}
		}
	}
	return out, true
}

// unite lets in what either lets in (Attribute Wildcard Union); ok is false
// when that cannot be expressed.
func (w *wildcard) unite(x *wildcard) (*wildcard, bool) {
	out := &wildcard{process: w.process}
	switch {
	case w.any || x.any:
		out.any = true
	case w.not == nil && x.not == nil:
		out.spaces = append(slices.Clone(w.spaces), x.spaces...)
	case w.not != nil && x.not != nil:
		none := ""
		out.not = &none
		if *w.not == *x.not {
			out.not = w.not
		}
	default:
		if w.not == nil {
			w, x = x, w
		}
		holdsNot, holdsNone := slices.Contains(x.spaces, *w.not), slices.Contains(x.spaces, "")
		none := ""
		switch {
		case holdsNot && holdsNone:
			out.any = true
		case *w.not == "" && holdsNone:
			out.any = true
		case holdsNot:
			out.not = &none
		case holdsNone:
			return nil, false
		default:
			out.not = w.not
		}
	}
	return out, true
}

// within reports whether w lets in nothing that x does not let in.
func (w *wildcard) within(x *wildcard) bool {
	switch {
	case x.any:
		return true
	case w.any:
		return false
	case w.not != nil:
		return x.not != nil && (*w.not == *x.not || *x.not == "")
	}
	for _, s := range w.spaces {
		if !x.allows(s) {
			return false
		}
	}
	return true
}

// String describes what w lets in.
func (w *wildcard) String() string {
	switch {
	case w.any:
		return "any element"
	case w.not != nil && *w.not == "":
		return "any element in a namespace"
	case w.not != nil:
		return "any element in a namespace other than " + strconv.Quote(*w.not)
	}
	var words []string
	for _, s := range w.spaces {
		if s == "" {
			words = append(words, "no namespace")
			continue
		}
		words = append(words, strconv.Quote(s))
	}
	return "any element in " + xmltree.List(words, "or")
}

// wildcard reads the attributes of xs:any and xs:anyAttribute.
func (c *compiler) wildcard(n *xmltree.Node) *wildcard {
	w := &wildcard{}
	switch n.Attr("processContents") {
	case "lax":
		w.process = lax
	case "skip":
		w.process = skip
	}
	a := n.AttrNode("", "namespace")
	if a == nil {
		w.any = true
		return w
	}
	words := strings.Fields(a.Value())
	switch {
	case len(words) == 1 && words[0] == "##any":
		w.any = true
	case len(words) == 1 && words[0] == "##other":
		w.not = &c.target
	default:
		for _, word := range words {
			switch {
			case word == "##targetNamespace":
				word = c.target
			case word == "##local":
				word = ""
			case strings.HasPrefix(word, "##"):
				c.report(a, "XS006", `want ##any or ##other alone, or a list of namespaces, ##targetNamespace and ##local`, "namespace %q is not allowed", a.Value())
				continue
			}
			if !slices.Contains(w.spaces, word) {
				w.spaces = append(w.spaces, word)
			}
		}
	}
	return w
}
