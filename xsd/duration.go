package xsd

import (
	"math/big"
	"strings"
)

// span is a duration: months and seconds, because a month has no fixed number
// of seconds. Both have the same sign.
type span struct {
	months, seconds *big.Int
	frac            string // of a second
	neg             bool
}

// mostSpanDigits bounds the numbers in a duration, so that hostile ones cost
// nothing to multiply.
const mostSpanDigits = 100

// parseSpan reads PnYnMnDTnHnMnS.
func parseSpan(s string) (d span, ok bool) {
	s, d.neg = strings.CutPrefix(s, "-")
	s, ok = strings.CutPrefix(s, "P")
	if !ok {
		return span{}, false
	}
	date, clock, timed := strings.Cut(s, "T")
	if date == "" && !timed || timed && clock == "" {
		return span{}, false
	}
	d.months, d.seconds = new(big.Int), new(big.Int)
	frac := ""
	if !d.fields(date, "YMD", []int64{12, 1, 86400}, nil) || !d.fields(clock, "HMS", []int64{3600, 60, 1}, &frac) {
		return span{}, false
	}
	d.frac = strings.TrimRight(frac, "0")
	if d.months.Sign() == 0 && d.seconds.Sign() == 0 && d.frac == "" {
		d.neg = false
	}
	return d, true
}

// fields reads numbers with the letters behind them, which come in order. Of
// the date all but the last count as months. Only where frac is not nil may
// the last have a fraction.
func (d *span) fields(s, letters string, weight []int64, frac *string) bool {
	next := 0
	for s != "" {
		at := strings.IndexAny(s, letters)
		if at < 0 {
			return false
		}
		i := strings.IndexByte(letters, s[at])
		number := s[:at]
		last := i == len(letters)-1
		if frac != nil && last {
			var point bool
			if number, *frac, point = strings.Cut(number, "."); point && *frac == "" || !digits(*frac) {
				return false
			}
		}
		if i < next || number == "" || len(number) > mostSpanDigits || !digits(number) {
			return false
		}
		n, _ := new(big.Int).SetString(number, 10)
		n.Mul(n, big.NewInt(weight[i]))
		if frac == nil && !last {
			d.months.Add(d.months, n)
		} else {
			d.seconds.Add(d.seconds, n)
		}
		next, s = i+1, s[at+1:]
	}
	return true
}

func (d span) key() string {
	k := d.months.String() + "m" + d.seconds.String() + "." + d.frac
	if d.neg {
		k = "-" + k
	}
	return k
}

// starts are the months from which durations are measured to be compared, as
// the Recommendation lists them (XML Schema part 2, 3.2.6.2).
var starts = [4][2]int64{{1696, 9}, {1697, 2}, {1903, 3}, {1903, 7}}

// compare orders two durations; not known when it depends on the month in
// which they begin.
func (d span) compare(e span) (c int, known bool) {
	for i, s := range starts {
		k := d.from(s).compare(e.from(s))
		if i > 0 && k != c {
			return 0, false
		}
		c = k
	}
	return c, true
}

// from measures d in seconds when it begins with the given month.
func (d span) from(start [2]int64) decimal {
	months := new(big.Int).Set(d.months)
	if d.neg {
		months.Neg(months)
	}
	eras, rest := new(big.Int).DivMod(months, big.NewInt(4800), new(big.Int))
	month := start[1] - 1 + rest.Int64()
	days := daysOf(start[0]+month/12, month%12+1, 1) - daysOf(start[0], start[1], 1)
	seconds := eras.Mul(eras, big.NewInt(146097))
	seconds.Add(seconds, big.NewInt(days)).Mul(seconds, big.NewInt(day))
	frac := d.frac
	if !d.neg {
		seconds.Add(seconds, d.seconds)
	} else {
		seconds.Sub(seconds, d.seconds)
	}
	// The fraction points in the direction of d. The whole seconds may point
	// in the other one only when they are fewer than those of d, never so here:
	// months and seconds have one sign.
	text := new(big.Int).Abs(seconds).String() + "." + frac
	if seconds.Sign() < 0 || seconds.Sign() == 0 && d.neg {
		text = "-" + text
	}
	v, _ := parseDecimal(text)
	return v
}
