package xslt

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"sutler/xmltree"
	"sutler/xpath"
)

// number is xsl:number (section 7.7).
type number struct {
	value       *expr // nil: the place of the current node
	level       string
	count, from *nodeTest
	format      *avt
	letterValue *avt
	lang        *avt // evaluated only: see number.exec
	sep, size   *avt // of groups of digits
	fixed       *numbering
	at          place
}

func (c *compiler) number(n *xmltree.Node) instr {
	c.empty(n)
	in := &number{
		value:       c.expr(n, "value"),
		level:       c.word(n, "level", "single", "multiple", "any"),
		count:       c.nodeTest(n, "count"),
		from:        c.nodeTest(n, "from"),
		format:      c.avt(n, "format"),
		letterValue: c.avt(n, "letter-value"),
		lang:        c.avt(n, "lang"),
		sep:         c.avt(n, "grouping-separator"),
		size:        c.avt(n, "grouping-size"),
		at:          placeOf(n),
	}
	in.letterValue = c.constantWord(n, "letter-value", in.letterValue, "alphabetic", "traditional")
	if a := n.AttrNode("", "lang"); a != nil {
		c.warn(a, "XT024", "take it out", "numbers are written the same way for every %q", "lang")
	}
	c.grouping(n, in)
	if in.format.constant() && in.letterValue.constant() {
		in.fixed = parseNumbering(in.format.textOr("1"), in.letterValue.textOr("") == "traditional")
	}
	return in
}

// constant reports whether v is known already; a nil template is.
func (v *avt) constant() bool { return v == nil || v.parts == nil }

// textOr returns the text of a constant template, or what counts without one.
func (v *avt) textOr(none string) string {
	if v == nil {
		return none
	}
	return v.text
}

// grouping checks the attributes for groups of digits.
func (c *compiler) grouping(n *xmltree.Node, in *number) {
	sep, size := n.AttrNode("", "grouping-separator"), n.AttrNode("", "grouping-size")
	if sep != nil && size == nil {
		c.warn(sep, "XT024", "add grouping-size, the number of digits in a group", `"grouping-separator" alone does nothing`)
	}
	if size != nil && sep == nil {
		c.warn(size, "XT024", "add grouping-separator, the character between groups", `"grouping-size" alone does nothing`)
	}
	if sep != nil && in.sep != nil && in.sep.parts == nil && utf8.RuneCountInString(in.sep.text) > 1 {
		c.report(sep, "XT008", "write a single character", "%q cannot be %q", sep.Local(), sep.Value())
	}
	if size != nil && in.size != nil && in.size.parts == nil {
		if _, ok := groupSize(in.size.text); !ok {
			c.report(size, "XT008", "write a number such as 3", "%q cannot be %q", size.Local(), size.Value())
		}
	}
}

// groupSize reads a grouping-size. Less than 1 is no grouping.
func groupSize(s string) (int, bool) {
	if blank(s) {
		return 0, true
	}
	f := xpath.ParseNumber(s)
	if math.IsNaN(f) {
		return 0, false
	}
	return int(max(0, min(f, 1<<30))), true
}

func (in *number) exec(r *run) error {
	var room [4]string
	numbers, plain, err := in.numbers(r, room[:0])
	if err != nil {
		return err
	}
	format, err := in.numbering(r)
	if err != nil {
		return err
	}
	sep, size, err := in.groups(r)
	if err != nil {
		return err
	}
	switch {
	case plain != "":
		return r.write(plain, in.at)
	case len(numbers) == 0: // nothing to put punctuation around, as other processors of XSLT 1.0 have it
		return nil
	}
	// Long tokens and separators come again with each number.
	if most := (1 + len(numbers)) * format.size; most > 1<<16 {
		if err := r.step(int64(most/64), in.at); err != nil {
			return err
		}
		before := r.held()
		if err := r.grow(most, in.at); err != nil {
			return err
		}
		r.drop(before)
	}
	return r.write(format.write(numbers, size, sep), in.at)
}

// numbers appends the digits of the numbers to write to list, or returns plain for a value that
// is none that can be counted with: not a number, infinite or less than 0.5. As
// the errata of section 7.7 want it, that is written as string() would.
func (in *number) numbers(r *run, list []string) (_ []string, plain string, err error) {
	if in.value == nil {
		var room [4]int64
		counts, err := in.places(r, room[:0])
		for _, n := range counts {
			list = append(list, strconv.FormatInt(n, 10))
		}
		return list, "", err
	}
	f, err := r.num(in.value)
	if err != nil {
		return nil, "", err
	}
	if !(f >= 0.5) || math.IsInf(f, 1) {
		return nil, xpath.FormatNumber(f), nil
	}
	if f < 1<<52 {
		f = math.Floor(f + 0.5)
	}
	return append(list, xpath.FormatNumber(f)), "", nil
}

// numbering returns the format. The sequences that there are do not depend on
// the language.
func (in *number) numbering(r *run) (*numbering, error) {
	if _, err := in.lang.eval(r); err != nil {
		return nil, err
	}
	if in.fixed != nil {
		return in.fixed, nil
	}
	format := "1"
	if in.format != nil {
		var err error
		if format, err = in.format.eval(r); err != nil {
			return nil, err
		}
	}
	letters, err := in.letterValue.eval(r)
	switch {
	case err != nil:
		return nil, err
	case in.letterValue != nil && letters != "alphabetic" && letters != "traditional":
		return nil, wrong(in.at, "XT107", "write alphabetic or traditional", "%q cannot be %q", "letter-value", letters)
	}
	return parseNumbering(format, letters == "traditional"), r.step(int64(len(format)/16), in.at)
}

func (in *number) groups(r *run) (sep string, size int, err error) {
	if sep, err = in.sep.eval(r); err != nil {
		return "", 0, err
	}
	s, err := in.size.eval(r)
	if err != nil {
		return "", 0, err
	}
	size, ok := groupSize(s)
	switch {
	case !ok:
		return "", 0, wrong(in.at, "XT107", "write a number such as 3", "%q cannot be %q", "grouping-size", s)
	case utf8.RuneCountInString(sep) > 1:
		return "", 0, wrong(in.at, "XT107", "write a single character", "%q cannot be %q", "grouping-separator", sep)
	case sep == "":
		size = 0
	}
	return sep, size, nil
}

// places appends the numbers of the current node to list, the outermost first.
func (in *number) places(r *run, list []int64) ([]int64, error) {
	k := counter{r: r, in: in, like: r.node}
	if !in.count.varies() && !in.from.varies() {
		k.tally = r.tally(in)
	}
	if in.level == "any" {
		n, err := k.any()
		return append(list, n), err
	}
	for n := r.node; n != nil; n = n.Parent() {
		if n != r.node { // from bounds the search by an ancestor
			stop, err := k.stops(n)
			if err != nil {
				return nil, err
			}
			if stop {
				break
			}
		}
		ok, err := k.counts(n)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		at, err := k.beside(n, len(list))
		if err != nil {
			return nil, err
		}
		list = append(list, at)
		if in.level == "single" {
			break
		}
	}
	slices.Reverse(list)
	return list, nil
}

// nodeTest is a pattern of xsl:number. Unlike that of a template it may read
// variables.
type nodeTest struct {
	patterns []*xpath.Pattern
	vars     expr // for its top-level variables
	reads    bool // it reads some variable
}

// nodeTest compiles the pattern in an attribute of n; nil without it.
func (c *compiler) nodeTest(n *xmltree.Node, attr string) *nodeTest {
	a := n.AttrNode("", attr)
	if a == nil {
		return nil
	}
	t := &nodeTest{}
	c.reads = nil
	t.patterns = c.patternWith(a, func(name xmltree.Name) (int, bool) {
		t.reads = true
		return c.variable(name)
	})
	t.vars.uses = c.reads
	return t
}

// varies reports whether the test of a node can change in a run.
func (t *nodeTest) varies() bool { return t != nil && t.reads }

func (t *nodeTest) matches(r *run, n *xmltree.Node, at place) (bool, error) {
	if t.reads {
		if err := r.prepare(&t.vars); err != nil {
			return false, err
		}
		r.pc.Vars = r.xc.Vars
		defer func() { r.pc.Vars = nil }()
	}
	for _, p := range t.patterns {
		if k := p.Kind(); k != 0 && k != n.Kind() {
			continue
		}
		ok, err := p.Matches(&r.pc, n)
		if err != nil {
			return false, r.fail(at, err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// before returns the node before n in document order, attributes and
// namespaces aside.
func before(n *xmltree.Node) *xmltree.Node {
	if n.Prev() == nil {
		return n.Parent()
	}
	n = n.Prev()
	for n.Last() != nil {
		n = n.Last()
	}
	return n
}
