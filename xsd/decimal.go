package xsd

import "strings"

// decimal is a number of any size, exactly. Its whole part has no leading and
// its fraction no trailing zeros; zero has neither and is not negative.
type decimal struct {
	neg         bool
	whole, frac string
}

// parseDecimal reads digits with an optional sign and point.
func parseDecimal(s string) (d decimal, ok bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		d.neg = s[0] == '-'
		s = s[1:]
	}
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "" && frac == "" || !digits(whole) || !digits(frac) {
		return decimal{}, false
	}
	d.whole, d.frac = strings.TrimLeft(whole, "0"), strings.TrimRight(frac, "0")
	if d.whole == "" && d.frac == "" {
		d.neg = false
	}
	return d, true
}

// digits reports whether s has no character but 0 to 9.
func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// key is equal for equal numbers and for no others.
func (d decimal) key() string {
	s := d.whole + "." + d.frac
	if d.neg {
		s = "-" + s
	}
	return s
}

// compare returns -1, 0 or 1.
func (d decimal) compare(e decimal) int {
	if d.neg != e.neg {
		if d.neg {
			return -1
		}
		return 1
	}
	c := len(d.whole) - len(e.whole)
	if c == 0 {
		c = strings.Compare(d.whole, e.whole)
	}
	if c == 0 {
		c = strings.Compare(d.frac, e.frac) // a prefix is smaller, as with numbers
	}
	switch {
	case c == 0:
		return 0
	case (c < 0) != d.neg:
		return -1
	}
	return 1
}

// totalDigits counts the digits that facet totalDigits counts.
func (d decimal) totalDigits() int { return max(1, len(d.whole)+len(d.frac)) }
