package xslt

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"sync/atomic"
	"unicode/utf8"

	"sutler/xmltree"
	"sutler/xpath"
)

// decimalFormat is what an xsl:decimal-format says (section 12.3).
type decimalFormat struct {
	decimal, group, percent, permille, zero rune // in pictures and in results
	digit, separator                        rune // in pictures alone
	minus                                   rune // in results alone
	infinity, nan                           string
}

// plainFormat is the default decimal format unless a stylesheet declares it.
var plainFormat = decimalFormat{
	decimal: '.', group: ',', percent: '%', permille: '‰', zero: '0',
	digit: '#', separator: ';', minus: '-', infinity: "Infinity", nan: "NaN",
}

// decimalFormat compiles an xsl:decimal-format. One that is declared again, in
// whatever stylesheet, must say the same.
func (c *compiler) decimalFormat(n *xmltree.Node) {
	c.empty(n)
	f := plainFormat
	for _, role := range []struct {
		attr string
		ch   *rune
	}{
		{"decimal-separator", &f.decimal}, {"grouping-separator", &f.group}, {"percent", &f.percent}, {"per-mille", &f.permille},
		{"zero-digit", &f.zero}, {"digit", &f.digit}, {"pattern-separator", &f.separator}, {"minus-sign", &f.minus},
	} {
		a := n.AttrNode("", role.attr)
		if a == nil {
			continue
		}
		if utf8.RuneCountInString(a.Value()) != 1 {
			c.report(a, "XT008", "write a single character", "%q cannot be %q", role.attr, a.Value())
			return
		}
		*role.ch, _ = utf8.DecodeRuneInString(a.Value())
	}
	if a := n.AttrNode("", "infinity"); a != nil {
		f.infinity = a.Value()
	}
	if a := n.AttrNode("", "NaN"); a != nil {
		f.nan = a.Value()
	}
	name, known := xmltree.Name{}, "the default decimal format"
	if a := n.AttrNode("", "name"); a != nil {
		var ok bool
		if name, ok = c.qname(a); !ok {
			return
		}
		known = fmt.Sprintf("the decimal format %q", a.Value())
	}
	c.distinct(n, &f)
	if first := c.prog.decimalFormats[name]; first != nil && *first != f {
		c.report(n, "XT040", "keep one of the declarations, or give them the same attributes", "%s is declared twice with different values", known)
		return
	}
	if c.prog.decimalFormats == nil {
		c.prog.decimalFormats = map[xmltree.Name]*decimalFormat{}
	}
	c.prog.decimalFormats[name] = &f
}

// distinct warns of a character that a picture would use in two roles, of which
// only the first in the list counts. The Recommendation does not forbid it.
func (c *compiler) distinct(n *xmltree.Node, f *decimalFormat) {
	roles := []struct {
		ch   rune
		name string
	}{{f.digit, "digit"}, {f.zero, "zero-digit"}, {f.group, "grouping-separator"}, {f.decimal, "decimal-separator"},
		{f.separator, "pattern-separator"}, {f.percent, "percent"}, {f.permille, "per-mille"}}
	for i, a := range roles {
		for _, b := range roles[:i] {
			if a.ch == b.ch {
				c.warn(n, "XT024", "give one of them another character", "%q is both %s and %s: in a picture it is the %s", string(a.ch), b.name, a.name, b.name)
			}
		}
	}
}

// formatNumber returns the function format-number for the expressions at n.
func (c *compiler) formatNumber(n *xmltree.Node) xpath.Function {
	call := &formatCall{scope: c.scope(n)}
	return xpath.Function{Min: 2, Max: 3, Result: xpath.StringType, Call: call.do}
}

// formatCall is one call of format-number in a stylesheet. It keeps the picture
// that it used last, which most often is the only one.
type formatCall struct {
	scope map[string]string
	last  atomic.Pointer[usedPicture]
}

type usedPicture struct {
	src, format string
	picture     *picture
}

func (k *formatCall) do(x *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	src, format := args[1].Str(), ""
	if len(args) == 3 {
		format = args[2].Str()
		if format == "" {
			return xpath.Value{}, fmt.Errorf("%q is no name of a decimal format", format)
		}
	}
	used := k.last.Load()
	if used == nil || used.src != src || used.format != format {
		f, err := k.format(host(x).p, format)
		if err != nil {
			return xpath.Value{}, err
		}
		p, err := f.parse(src)
		if err != nil {
			return xpath.Value{}, fmt.Errorf("cannot read the number pattern %q: %w", src, err)
		}
		used = &usedPicture{src, format, p}
		k.last.Store(used)
	}
	r := host(x)
	from := len(r.pending)
	r.pending = used.picture.append(r.pending, args[0].Num())
	s := r.texts.Bytes(r.pending[from:])
	r.pending = r.pending[:from]
	if err := r.step(int64(1+len(src)/64+len(s)/4), place{}); err != nil {
		return xpath.Value{}, err
	}
	if err := r.hold(len(s), place{}); err != nil {
		return xpath.Value{}, err
	}
	return xpath.String(s), nil
}

// format returns the decimal format of a name as written; "" is the default.
func (k *formatCall) format(p *Program, s string) (*decimalFormat, error) {
	var name xmltree.Name
	if s != "" {
		var err error
		if name, err = named(k.scope, s, false); err != nil {
			return nil, err
		}
	}
	switch f := p.decimalFormats[name]; {
	case f != nil:
		return f, nil
	case s == "":
		return &plainFormat, nil
	}
	return nil, fmt.Errorf("there is no decimal format named %q", s)
}

// append appends n as the picture says, rounded half to even, to b.
func (p *picture) append(b []byte, n float64) []byte {
	if math.IsNaN(n) {
		return append(b, p.format.nan...)
	}
	a := &p.plus
	if n < 0 { // not the negative zero, which string() does not tell apart either
		a = &p.minus
	}
	b = append(b, a.prefix...)
	b = p.digits(b, math.Abs(n)*p.scale)
	return append(b, a.suffix...)
}

// digits appends n, which is not negative.
func (p *picture) digits(b []byte, n float64) []byte {
	if math.IsInf(n, 1) { // perhaps by the scale
		return append(b, p.format.infinity...)
	}
	var room [64]byte
	integer, fraction := decimals(room[:0], n, p.maxFrac)
	for len(fraction) > p.minFrac && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if len(integer) == 1 && integer[0] == '0' && (p.minInt > 0 || len(fraction) > 0 || p.minFrac > 0) {
		integer = nil
	}
	if pad := p.minInt - len(integer); pad > 0 {
		integer = append(bytes.Repeat([]byte("0"), pad), integer...)
	}
	b = appendDigits(b, integer, p.format.zero, p.group, string(p.format.group))
	if len(fraction) > 0 || p.minFrac > 0 || p.point {
		b = utf8.AppendRune(b, p.format.decimal)
	}
	b = appendDigits(b, fraction, p.format.zero, 0, "")
	for range p.minFrac - len(fraction) {
		b = utf8.AppendRune(b, p.format.zero)
	}
	return b
}

// decimals returns the digits of n before and behind the point, of these at most
// most. A number that has no more digits than that gets those that tell it from
// its neighbours, so that 0.1 is never written 0.1000000000000000055. They lie
// in room if it is large enough.
func decimals(room []byte, n float64, most int) (integer, fraction []byte) {
	if n >= 1<<53 {
		return strconv.AppendFloat(room, n, 'f', 0, 64), nil
	}
	integer, fraction, _ = bytes.Cut(strconv.AppendFloat(room, n, 'f', -1, 64), []byte("."))
	if len(fraction) > most {
		integer, fraction, _ = bytes.Cut(strconv.AppendFloat(room, n, 'f', most, 64), []byte("."))
	}
	return integer, fraction
}

// appendDigits appends decimal digits as those of the family of zero, and sep
// between groups of size, counted from the right.
func appendDigits[T string | []byte](b []byte, digits T, zero rune, size int, sep string) []byte {
	if zero == '0' && size <= 0 {
		return append(b, digits...)
	}
	for i := range len(digits) {
		if size > 0 && i > 0 && (len(digits)-i)%size == 0 {
			b = append(b, sep...)
		}
		b = utf8.AppendRune(b, zero+rune(digits[i]-'0'))
	}
	return b
}
