package xmltree

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Grammar is the reference of an XML language as data: its elements and what
// each may hold. The order of children is not its affair.
type Grammar struct {
	Elements map[string]Shape // by local name, or {uri}local for a name in a namespace
	Rules    GrammarRules
}

// GrammarRules are the codes under which a language reports the breaches of
// its grammar.
type GrammarRules struct {
	Unknown     string // an element that the language does not have
	Misplaced   string // an element of the language in the wrong place
	TooMany     string // more of an element than may be
	TooFew      string // an element that must be there and is not
	UnknownAttr string
	DoubleAttr  string // an attribute in two of its spellings
	MissingAttr string
	Value       string // an attribute with a value it cannot have
	Text        string // text where only elements may be
}

// Shape says what one element may hold.
type Shape struct {
	Attrs    []AttrShape
	Children []string // keys of Grammar.Elements, each once, or with a suffix as in a DTD: ?, * or +
	Unsaid   []string // the same, left out of hints: what the language refuses in words of its own
	Foreign  bool     // elements in an XML namespace are another language's affair
	Free     bool     // content is free and not looked at
	FreeAttr bool     // attributes other than Attrs are free
}

// AttrShape is one attribute of an element.
type AttrShape struct {
	Name     string
	Also     []string // other spellings
	Required bool
	Want     func(value string) string // what is wanted in place of value, "" when it is fine; nil: any text
}

// MostProblems is how many problems of one source are reported at most, so
// that a hostile one gets no endless answer.
const MostProblems = 1000

// Check returns the breaches of g in the tree below root, which must be an
// element of g, up to MostProblems. Attributes of the namespaces xml and xsi
// may stand everywhere.
func (g Grammar) Check(root *Node) Problems {
	c := &grammarCheck{Grammar: g, doc: root.Document()}
	c.element(root, g.Elements[key(root)])
	return c.problems
}

type grammarCheck struct {
	Grammar
	doc      *Document
	problems Problems
}

func (c *grammarCheck) report(n *Node, rule, hint, format string, args ...any) {
	if len(c.problems) == MostProblems {
		return
	}
	c.problems = append(c.problems, c.doc.Problem(n, rule, fmt.Sprintf(format, args...), hint))
}

func (c *grammarCheck) element(n *Node, s Shape) {
	c.attributes(n, s)
	if s.Free {
		return
	}
	counts := map[string]int{}
	for child := n.First(); child != nil; child = child.Next() {
		switch child.Kind() {
		case Text:
			if strings.Trim(child.Value(), " \t\r\n") != "" {
				c.text(child, n)
			}
		case Element:
			c.child(n, child, s, counts)
		}
	}
	for _, item := range s.Children {
		if name, least, _ := occurs(item); counts[name] < least {
			c.report(n, c.Rules.TooFew, fmt.Sprintf("add <%s> to it", name), "%q has no %q", n.Local(), name)
		}
	}
}

// text reports text in n, at its first letter.
func (c *grammarCheck) text(text, n *Node) {
	msg := fmt.Sprintf("text is not allowed in %q", n.Local())
	off, _ := text.Offset()
	for off >= 0 && off < len(c.doc.main.text) && strings.IndexByte(" \t\r\n", c.doc.main.text[off]) >= 0 {
		off++
	}
	if len(c.problems) < MostProblems {
		c.problems = append(c.problems, c.doc.ProblemAt(off, c.Rules.Text, msg, "put it into an element or take it out"))
	}
}

func (c *grammarCheck) child(n, child *Node, s Shape, counts map[string]int) {
	k := key(child)
	if most := s.most(k); most > 0 {
		if counts[k]++; counts[k] > most {
			c.report(child, c.Rules.TooMany, "keep one of them", "%q may hold only one %q", n.Local(), child.Local())
		}
		c.element(child, c.Elements[k])
		return
	}
	if s.Foreign && child.Space() != "" {
		return
	}
	if _, known := c.Elements[k]; known {
		c.report(child, c.Rules.Misplaced, c.homes(k), "element %q is not allowed in %q", child.Name(), n.Local())
		return
	}
	c.report(child, c.Rules.Unknown, c.suggest(child, n, s), "unknown element %q in %q", child.Name(), n.Local())
}

// homes says where an element may stand.
func (c *grammarCheck) homes(k string) string {
	var homes []string
	for parent, s := range c.Elements {
		for _, item := range s.Children {
			if name, _, _ := occurs(item); name == k {
				homes = append(homes, parent)
			}
		}
	}
	slices.Sort(homes)
	if len(homes) == 0 {
		return "it may only be the root"
	}
	return "it belongs in " + List(homes, "or")
}

// suggest says what may stand in place of an unknown child of n.
func (c *grammarCheck) suggest(child, n *Node, s Shape) string {
	var names []string
	for _, item := range s.Children {
		if name, _, _ := occurs(item); !strings.HasPrefix(name, "{") {
			names = append(names, name)
		}
	}
	if slices.Contains(names, child.Local()) {
		return fmt.Sprintf("it is in the XML namespace %q; take that away", cut(child.Space()))
	}
	if parents := c.foreignParents(); child.Space() != "" && len(parents) > 0 {
		return "elements of other XML namespaces belong in " + List(parents, "or")
	}
	if near := Nearest(child.Local(), names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(names) == 0 {
		return holdsNone(n, s)
	}
	return fmt.Sprintf("%q may hold %s", n.Local(), List(names, "and"))
}

// foreignParents returns the elements that may hold those of other namespaces.
func (c *grammarCheck) foreignParents() []string {
	var parents []string
	for name, s := range c.Elements {
		if s.Foreign {
			parents = append(parents, name)
		}
	}
	slices.Sort(parents)
	return parents
}

func holdsNone(n *Node, s Shape) string {
	if s.Foreign {
		return fmt.Sprintf("%q holds elements of other XML namespaces only; is a prefix missing?", n.Local())
	}
	return fmt.Sprintf("%q holds no elements", n.Local())
}

func (c *grammarCheck) attributes(n *Node, s Shape) {
	seen := map[string]bool{}
	for a := n.Attrs(); a != nil; a = a.Next() {
		if a.Space() == XMLSpace || a.Space() == "http://www.w3.org/2001/XMLSchema-instance" {
			continue
		}
		i := slices.IndexFunc(s.Attrs, func(w AttrShape) bool {
			return a.Space() == "" && (w.Name == a.Local() || slices.Contains(w.Also, a.Local()))
		})
		if i < 0 {
			if !s.FreeAttr {
				c.report(a, c.Rules.UnknownAttr, suggestAttr(a, n, s), "unknown attribute %q of %q", a.Name(), n.Local())
			}
			continue
		}
		w := s.Attrs[i]
		if seen[w.Name] {
			c.report(a, c.Rules.DoubleAttr, fmt.Sprintf("write it once, as %q", w.Name), "attribute %q of %q is there in another spelling", a.Name(), n.Local())
		}
		seen[w.Name] = true
		if w.Want == nil {
			continue
		}
		if want := w.Want(a.Value()); want != "" {
			c.report(a, c.Rules.Value, "want "+want, "attribute %q of %q cannot be %q", a.Name(), n.Local(), cut(a.Value()))
		}
	}
	for _, w := range s.Attrs {
		if w.Required && !seen[w.Name] {
			c.report(n, c.Rules.MissingAttr, fmt.Sprintf("add %s=\"…\"", w.Name), "%q has no attribute %q", n.Local(), w.Name)
		}
	}
}

func suggestAttr(a, n *Node, s Shape) string {
	names := make([]string, len(s.Attrs))
	for i, w := range s.Attrs {
		names[i] = w.Name
	}
	if near := Nearest(a.Local(), names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(names) == 0 {
		return fmt.Sprintf("%q has no attributes", n.Local())
	}
	return fmt.Sprintf("%q may have %s", n.Local(), List(names, "and"))
}

// Describe names an element for a message: its name in quotes and, where it
// has one, its XML namespace.
func Describe(n *Node) string {
	if n.Space() == "" {
		return strconv.Quote(n.Local())
	}
	return fmt.Sprintf("%q of the XML namespace %q", n.Local(), cut(n.Space()))
}

// key returns the name of an element as a key of Grammar.Elements.
func key(n *Node) string {
	if n.Space() == "" {
		return n.Local()
	}
	return "{" + n.Space() + "}" + n.Local()
}

// occurs splits an item of Shape.Children into the key and how often it may stand.
func occurs(item string) (key string, least, most int) {
	switch last := len(item) - 1; item[last] {
	case '?':
		return item[:last], 0, 1
	case '*':
		return item[:last], 0, math.MaxInt
	case '+':
		return item[:last], 1, math.MaxInt
	default:
		return item, 1, 1
	}
}

// cut shortens a value for a message.
func cut(v string) string {
	const most = 60
	for i := range v {
		if i >= most {
			return v[:i] + "…"
		}
	}
	return v
}

// most returns how many children of that key an element may hold.
func (s Shape) most(key string) int {
	for _, items := range [][]string{s.Children, s.Unsaid} {
		for _, item := range items {
			if name, _, most := occurs(item); name == key {
				return most
			}
		}
	}
	return 0
}

// OneOf wants one of words.
func OneOf(words ...string) func(string) string {
	return func(v string) string {
		if slices.Contains(words, v) {
			return ""
		}
		return List(words, "or")
	}
}

// Whole wants a whole number from least to most.
func Whole(least, most int64) func(string) string {
	return func(v string) string {
		if i, err := strconv.ParseInt(v, 10, 64); err == nil && least <= i && i <= most {
			return ""
		}
		return fmt.Sprintf("a whole number from %d to %d", least, most)
	}
}

// List joins words for a sentence: a, b and c. Of many it names the first.
func List(words []string, last string) string {
	if len(words) > 20 {
		return strings.Join(words[:20], ", ") + ", …"
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " " + last + " " + words[len(words)-1]
}

// Nearest returns the one of words that a writer of word most likely meant, or
// "" when none is near: the same but for case, or one letter in three away.
func Nearest(word string, words []string) string {
	if len(word) > 64 {
		return ""
	}
	best, least := "", (len(word)+1)/3+1
	for _, w := range words[:min(len(words), 500)] { // enough for a hint
		if strings.EqualFold(w, word) {
			return w
		}
		if len(w) >= len(word)+least || len(word) >= len(w)+least {
			continue
		}
		if d := distance(word, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance counts the bytes to insert, drop, exchange or swap with the next
// one that lead from a to b.
func distance(a, b string) int {
	var rows [3][]int // distances of each b[:j] to a[:i-2], a[:i-1] and a[:i]
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
	}
	before, last, row := rows[0], rows[1], rows[2]
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			if a[i-1] == b[j-1] {
				row[j] = last[j-1]
				continue
			}
			row[j] = 1 + min(last[j-1], last[j], row[j-1])
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], 1+before[j-2])
			}
		}
	}
	return row[len(b)]
}
