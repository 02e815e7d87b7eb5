package xslt

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sutler/xmltree"
	"sutler/xpath"
)

// number is xsl:number (section 7.7).
type number struct {
	value       *expr // nil: the place of the current node
	level       string
	count, from []*xpath.Pattern
	format      *avt
	sep, size   *avt // of groups of digits
	at          place
}

func (c *compiler) number(n *xmltree.Node) instr {
	c.empty(n)
	in := &number{
		value:  c.expr(n, "value"),
		level:  c.word(n, "level", "single", "multiple", "any"),
		format: c.avt(n, "format"),
		sep:    c.avt(n, "grouping-separator"),
		size:   c.avt(n, "grouping-size"),
		at:     placeOf(n),
	}
	if a := n.AttrNode("", "count"); a != nil {
		in.count = c.pattern(a)
	}
	if a := n.AttrNode("", "from"); a != nil {
		in.from = c.pattern(a)
	}
	for _, attr := range []string{"lang", "letter-value"} {
		if a := n.AttrNode("", attr); a != nil {
			c.warn(a, "XT024", "take it out", "numbers are written the same way for every %q", attr)
		}
	}
	return in
}

func (in *number) exec(r *run) error {
	format := "1"
	if in.format != nil {
		var err error
		if format, err = in.format.eval(r); err != nil {
			return err
		}
	}
	sep, err := in.sep.eval(r)
	if err != nil {
		return err
	}
	width, err := in.size.eval(r)
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(strings.TrimSpace(width))
	if err != nil || sep == "" {
		size = 0
	}
	if in.value != nil {
		f, err := r.num(in.value)
		if err != nil {
			return err
		}
		f = math.Floor(f + 0.5)
		if !(f >= 1 && f < 1<<53) {
			return r.write(xpath.FormatNumber(f), in.at)
		}
		return r.write(formatNumbers([]int64{int64(f)}, format, sep, size), in.at)
	}
	numbers, err := in.numbers(r)
	if err != nil || len(numbers) == 0 {
		return err
	}
	return r.write(formatNumbers(numbers, format, sep, size), in.at)
}

// numbers returns the numbers of the current node, the outermost first.
func (in *number) numbers(r *run) (list []int64, err error) {
	if in.level == "any" {
		return in.any(r)
	}
	for n := r.node; n != nil; n = n.Parent() {
		stop, err := in.stops(r, n)
		if err != nil {
			return nil, err
		}
		if stop {
			break
		}
		ok, err := in.counts(r, n)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		k := int64(1)
		for p := n.Prev(); p != nil; p = p.Prev() {
			ok, err := in.counts(r, p)
			if err != nil {
				return nil, err
			}
			if ok {
				k++
			}
		}
		list = append(list, k)
		if in.level == "single" {
			break
		}
	}
	slices.Reverse(list)
	return list, nil
}

// stops reports whether counting ends at n, because it matches from.
func (in *number) stops(r *run, n *xmltree.Node) (bool, error) {
	if in.from == nil || n == r.node {
		return false, nil
	}
	return in.matches(r, in.from, n)
}

// any counts the nodes up to the current one in document order.
func (in *number) any(r *run) ([]int64, error) {
	k := int64(0)
	for n := r.node; n != nil; n = before(n) {
		stop, err := in.stops(r, n)
		if err != nil {
			return nil, err
		}
		if stop {
			break
		}
		ok, err := in.counts(r, n)
		if err != nil {
			return nil, err
		}
		if ok {
			k++
		}
	}
	if k == 0 {
		return nil, nil
	}
	return []int64{k}, nil
}

// before returns the node before n in document order, attributes aside.
func before(n *xmltree.Node) *xmltree.Node {
	if n.Kind() == xmltree.Attribute || n.Prev() == nil {
		return n.Parent()
	}
	n = n.Prev()
	for n.Last() != nil {
		n = n.Last()
	}
	return n
}

// counts reports whether n is one of the nodes that are counted: without a
// pattern those of kind and name of the current node.
func (in *number) counts(r *run, n *xmltree.Node) (bool, error) {
	if in.count != nil {
		return in.matches(r, in.count, n)
	}
	if err := r.step(1, in.at); err != nil {
		return false, err
	}
	return n.Kind() == r.node.Kind() && n.Local() == r.node.Local() && n.Space() == r.node.Space(), nil
}

func (in *number) matches(r *run, patterns []*xpath.Pattern, n *xmltree.Node) (bool, error) {
	if err := r.step(1, in.at); err != nil {
		return false, err
	}
	for _, p := range patterns {
		ok, err := p.Matches(&r.pc, n)
		if err != nil {
			return false, r.fail(in.at, err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// formatNumbers writes numbers by a format such as "1.a)" (section 7.7.1).
func formatNumbers(numbers []int64, format, sep string, size int) string {
	prefix, tokens, seps, suffix := splitFormat(format)
	var b strings.Builder
	b.WriteString(prefix)
	for i, n := range numbers {
		t := min(i, len(tokens)-1)
		switch {
		case i == 0:
		case t > 0:
			b.WriteString(seps[t-1])
		default:
			b.WriteString(".")
		}
		b.WriteString(formatOne(n, tokens[t], sep, size))
	}
	b.WriteString(suffix)
	return b.String()
}

// splitFormat splits a format into tokens of letters and digits and what stands
// around them. There is at least one token.
func splitFormat(format string) (prefix string, tokens, seps []string, suffix string) {
	between := ""
	for format != "" {
		word := strings.IndexFunc(format, isAlnum)
		if word < 0 {
			word = len(format)
		}
		between, format = format[:word], format[word:]
		end := strings.IndexFunc(format, func(r rune) bool { return !isAlnum(r) })
		if end < 0 {
			end = len(format)
		}
		if end == 0 {
			break
		}
		if tokens == nil {
			prefix = between
		} else {
			seps = append(seps, between)
		}
		tokens, format, between = append(tokens, format[:end]), format[end:], ""
	}
	if tokens == nil {
		return between, []string{"1"}, nil, between
	}
	return prefix, tokens, seps, between
}

func isAlnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// formatOne writes n by one token: 1, 01, a, A, i or I; any other counts as 1.
func formatOne(n int64, token, sep string, size int) string {
	switch token {
	case "a":
		return letters(n, 'a')
	case "A":
		return letters(n, 'A')
	case "i":
		return strings.ToLower(roman(n))
	case "I":
		return roman(n)
	}
	s := strconv.FormatInt(n, 10)
	if strings.Trim(token, "0") == "1" && strings.HasSuffix(token, "1") && len(token) > len(s) {
		s = strings.Repeat("0", len(token)-len(s)) + s
	}
	return grouped(s, size, sep)
}

// letters writes 1, 2 … as a, b … z, aa, ab ….
func letters(n int64, first byte) string {
	var s []byte
	for ; n > 0; n = (n - 1) / 26 {
		s = append(s, first+byte((n-1)%26))
	}
	slices.Reverse(s)
	return string(s)
}

// roman writes a Roman number; above 4999, where there is none, a decimal one.
func roman(n int64) string {
	if n > 4999 {
		return strconv.FormatInt(n, 10)
	}
	var b strings.Builder
	for _, d := range []struct {
		value int64
		text  string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for ; n >= d.value; n -= d.value {
			b.WriteString(d.text)
		}
	}
	return b.String()
}
