package xpath

import (
	"math"
	"strconv"
)

// space is the white space of XML; nothing else is white space to XPath.
const space = " \t\r\n"

// FormatNumber returns f as the function string does (section 4.2), never with
// an exponent and with as many digits as tell f from its neighbours; zeros fill
// a long integer up to its point.
func FormatNumber(f float64) string {
	switch {
	case f != f:
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case -1<<53 < f && f < 1<<53 && f == math.Trunc(f): // also the negative zero
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// ParseNumber returns s as the function number does (section 4.4): optional
// white space, an optional minus sign and a Number of the grammar, rounded to
// the nearest IEEE 754 number; anything else, an exponent or a plus sign among
// it, is not a number.
func ParseNumber(s string) float64 {
	s = trimmed(s)
	i, minus := 0, false
	if i < len(s) && s[i] == '-' {
		i, minus = 1, true
	}
	var value uint64 // the digits
	digits, behind, point := 0, 0, false
	for ; i < len(s); i++ {
		switch b := s[i]; {
		case '0' <= b && b <= '9':
			value = value*10 + uint64(b-'0') // wraps around only where it is not used
			digits++
			if point {
				behind++
			}
		case b == '.' && !point:
			point = true
		default:
			return math.NaN()
		}
	}
	switch {
	case digits == 0:
		return math.NaN()
	case digits > 15: // value and the power of ten may not be exact
		f, _ := strconv.ParseFloat(s, 64) // out of range is ±Inf, as it should be
		return f
	}
	f := float64(value) / powers[behind]
	if minus {
		return -f
	}
	return f
}

// powers are the powers of ten that behind can be, which are exact.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// trimmed returns s without the white space around it.
func trimmed(s string) string {
	for len(s) > 0 && isSpace(s[0]) {
		s = s[1:]
	}
	for len(s) > 0 && isSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\r' || b == '\n' }

// remainder is mod: l without the multiples of r, with the sign of l.
func remainder(l, r float64) float64 {
	const most = 1 << 53
	if 0 < l && l < most && 0 < r && r < most {
		if a, b := int64(l), int64(r); b > 0 && float64(a) == l && float64(b) == r {
			return float64(a % b)
		}
	}
	return math.Mod(l, r)
}

// round returns the integer closest to f, of two the one closer to positive
// infinity; the sign of a zero is that of f (section 4.4).
func round(f float64) float64 {
	r := math.Floor(f)
	if f-r >= 0.5 {
		r++
	}
	return math.Copysign(r, f)
}
