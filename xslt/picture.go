package xslt

import (
	"errors"
	"fmt"
	"strings"
)

// picture is a number pattern of the class DecimalFormat of JDK 1.1 in the
// characters of a decimal format.
type picture struct {
	format           *decimalFormat
	plus, minus      affixes
	scale            float64 // 100 for percent, 1000 for per mille
	minInt           int
	minFrac, maxFrac int
	group            int  // digits between separators; 0: none
	point            bool // always shown
}

type affixes struct{ prefix, suffix string }

// The most digits that a number has before and behind the point, in JDK 1.1 too.
const maxInteger, maxFraction = 309, 340

// parse reads a picture. Of the part behind the pattern separator only prefix
// and suffix count.
func (f *decimalFormat) parse(src string) (*picture, error) {
	p := &picture{format: f, scale: 1, maxFrac: maxFraction}
	if src == "" {
		p.minus.prefix = string(f.minus)
		return p, nil
	}
	first := pictureReader{f: f, rest: src, scale: 1, point: -1, group: -1}
	if err := first.read(false); err != nil {
		return nil, err
	}
	if err := first.layout(p); err != nil {
		return nil, err
	}
	p.plus, p.scale = first.affixes(), first.scale
	p.minus = affixes{string(f.minus) + p.plus.prefix, p.plus.suffix}
	if first.rest == "" {
		return p, nil
	}
	second := pictureReader{f: f, rest: first.rest, scale: 1}
	if err := second.read(true); err != nil {
		return nil, err
	}
	if a := second.affixes(); a != p.plus {
		p.minus = a
	}
	return p, nil
}

// pictureReader reads one of the two parts of a picture: prefix, digits, suffix.
type pictureReader struct {
	f              *decimalFormat
	rest           string // what is not read; in the end what follows the separator
	prefix, suffix strings.Builder
	scale          float64

	left, zeros, right int // digits: # before the first 0, 0, # behind
	point              int // digits before it; -1: none
	group              int // digits behind the last separator; -1: none
}

func (r *pictureReader) affixes() affixes { return affixes{r.prefix.String(), r.suffix.String()} }

// read reads the part; the digits of the second one do not count.
func (r *pictureReader) read(second bool) error {
	if err := r.affix(&r.prefix, second); err != nil {
		return err
	}
	if strings.HasPrefix(r.rest, string(r.f.separator)) {
		return fmt.Errorf("%q stands before the digits", string(r.f.separator))
	}
	digits := r.rest
	if end := strings.IndexFunc(digits, func(ch rune) bool { return !r.isDigit(ch) }); end >= 0 {
		digits = digits[:end]
	}
	r.rest = r.rest[len(digits):]
	if !second {
		for _, ch := range digits {
			if err := r.digit(ch); err != nil {
				return err
			}
		}
	}
	if err := r.affix(&r.suffix, second); err != nil {
		return err
	}
	switch {
	case r.rest == "":
	case !strings.HasPrefix(r.rest, string(r.f.separator)):
		return fmt.Errorf("%q stands behind the end of the number; put it in quotes if it is text", string([]rune(r.rest)[:1]))
	case second:
		return fmt.Errorf("%q may stand once; put it in quotes if it is text", string(r.f.separator))
	default:
		r.rest = r.rest[len(string(r.f.separator)):]
	}
	return nil
}

// isDigit reports whether ch belongs to the digits of a picture.
func (r *pictureReader) isDigit(ch rune) bool {
	return ch == r.f.digit || ch == r.f.zero || ch == r.f.group || ch == r.f.decimal
}

// affix reads text up to a digit or the pattern separator that is not in quotes.
func (r *pictureReader) affix(b *strings.Builder, second bool) error {
	quoted, quotes := false, 0
	for i, ch := range r.rest {
		if ch != '\'' {
			quotes = 0
		}
		switch {
		case ch == '\'':
			// Two quotes are a quote, in quotes and outside.
			if quotes++; quotes%2 == 0 {
				b.WriteByte('\'')
			}
			quoted = !quoted
			continue
		case quoted:
		case r.isDigit(ch), ch == r.f.separator:
			r.rest = r.rest[i:]
			return nil
		case ch == '¤':
			return errors.New(`the currency sign "¤" must not be used`)
		case ch == r.f.percent:
			if err := r.scaled(ch, 100); err != nil {
				return err
			}
		case ch == r.f.permille:
			if err := r.scaled(ch, 1000); err != nil {
				return err
			}
		}
		b.WriteRune(ch)
	}
	r.rest = ""
	if quoted {
		return errors.New("a quote is not closed")
	}
	return nil
}

func (r *pictureReader) scaled(ch rune, by float64) error {
	if r.scale != 1 {
		return fmt.Errorf("%q is one percent or per-mille sign too many", string(ch))
	}
	r.scale = by
	return nil
}

// digit reads a character of the digits.
func (r *pictureReader) digit(ch rune) error {
	switch ch {
	case r.f.digit:
		if r.zeros > 0 {
			r.right++
		} else {
			r.left++
		}
	case r.f.zero:
		if r.right > 0 {
			return fmt.Errorf("%q must not stand behind %q", string(ch), string(r.f.digit))
		}
		r.zeros++
	case r.f.group:
		r.group = 0
		return nil
	default:
		if r.point >= 0 {
			return fmt.Errorf("%q may stand once", string(ch))
		}
		r.point = r.left + r.zeros + r.right
		return nil
	}
	if r.group >= 0 && r.point < 0 {
		r.group++
	}
	return nil
}

// layout works out how many digits are written.
func (r *pictureReader) layout(p *picture) error {
	if r.zeros == 0 && r.left > 0 && r.point >= 0 { // "#.#" is "0.#", ".##" is ".0#"
		n := max(r.point, 1)
		r.left, r.zeros, r.right = n-1, 1, r.left-n
	}
	digits := r.left + r.zeros + r.right
	switch {
	case r.group == 0:
		return fmt.Errorf("%q must stand before a digit of the integer part", string(r.f.group))
	case r.point < 0 && r.right > 0, r.point > r.left+r.zeros:
		return fmt.Errorf("%q must not stand behind %q in the integer part", string(r.f.digit), string(r.f.zero))
	case r.point >= 0 && r.point < r.left:
		return fmt.Errorf("%q must not stand behind %q in the fraction", string(r.f.zero), string(r.f.digit))
	}
	p.point = r.point >= 0 && (r.point == 0 || r.point == digits)
	if r.point < 0 {
		r.point = digits
	}
	p.minInt = min(r.point-r.left, maxInteger)
	p.minFrac = min(r.left+r.zeros-r.point, maxFraction)
	p.maxFrac = min(digits-r.point, maxFraction)
	p.group = max(r.group, 0)
	return nil
}
