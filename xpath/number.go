package xpath

import (
	"math"
	"strconv"
	"strings"
)

// space is the white space of XML; nothing else is white space to XPath.
const space = " \t\r\n"

// FormatNumber returns f as the function string does (section 4.2): an integer
// with all its digits, any other number with as many digits as tell it from
// its neighbours, never with an exponent.
func FormatNumber(f float64) string {
	switch {
	case f != f:
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case f == 0: // also the negative zero
		return "0"
	case f == math.Trunc(f):
		return strconv.FormatFloat(f, 'f', 0, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// ParseNumber returns s as the function number does (section 4.4): optional
// white space, an optional minus sign and a Number of the grammar, rounded to
// the nearest IEEE 754 number; anything else, an exponent or a plus sign among
// it, is not a number.
func ParseNumber(s string) float64 {
	s = strings.Trim(s, space)
	digits, point := 0, false
	for i := 0; i < len(s); i++ {
		switch b := s[i]; {
		case '0' <= b && b <= '9':
			digits++
		case b == '.' && !point:
			point = true
		case b == '-' && i == 0:
		default:
			return math.NaN()
		}
	}
	if digits == 0 {
		return math.NaN()
	}
	f, _ := strconv.ParseFloat(s, 64) // out of range is ±Inf, as it should be
	return f
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
