package xsd

import (
	"cmp"
	"strconv"
	"strings"
)

// instant is a point on the time line, of a value without time zone one that
// is only known to 14 hours.
type instant struct {
	days    int64 // since 1970-01-01
	seconds int64 // of the day, 0 to 86399
	frac    string
	zoned   bool
}

const day = 86400

// daysOf counts the days from 1970-01-01 to a date of the Gregorian calendar,
// drawn out into both directions.
func daysOf(year, month, dom int64) int64 {
	if month <= 2 {
		year--
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	of := year - era*400
	moved := (month + 9) % 12
	return era*146097 + of*365 + of/4 - of/100 + (153*moved+2)/5 + dom - 1 - 719468
}

func daysIn(year, month int64) int64 {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// scanner takes a date apart. It turns to failed when something is missing.
type scanner struct {
	s      string
	failed bool
}

func (p *scanner) take(text string) bool {
	rest, ok := strings.CutPrefix(p.s, text)
	p.s = rest
	return ok
}

func (p *scanner) want(text string) {
	if !p.take(text) {
		p.failed = true
	}
}

// number takes a number of n digits that lies in a range.
func (p *scanner) number(n int, least, most int64) int64 {
	if len(p.s) < n || !digits(p.s[:n]) {
		p.failed = true
		return least
	}
	v, _ := strconv.ParseInt(p.s[:n], 10, 64)
	if v < least || v > most {
		p.failed = true
	}
	p.s = p.s[n:]
	return v
}

// mostYearDigits bounds years, so that days can be counted in 64 bits.
const mostYearDigits = 12

// year takes a year of four digits or more, which is not 0000.
func (p *scanner) year() int64 {
	neg := p.take("-")
	n := 0
	for n < len(p.s) && p.s[n] >= '0' && p.s[n] <= '9' {
		n++
	}
	if n < 4 || n > mostYearDigits || n > 4 && p.s[0] == '0' {
		p.failed = true
		return 1
	}
	y := p.number(n, 1, 1<<62)
	if neg {
		return 1 - y // there is no year 0, so -0001 is the one before 0001
	}
	return y
}

// clock takes hh:mm:ss with an optional fraction; 24:00:00 is the day's end.
func (p *scanner) clock() (seconds int64, frac string) {
	h := p.number(2, 0, 24)
	p.want(":")
	m := p.number(2, 0, 59)
	p.want(":")
	s := p.number(2, 0, 59)
	if p.take(".") {
		n := 0
		for n < len(p.s) && p.s[n] >= '0' && p.s[n] <= '9' {
			n++
		}
		p.failed = p.failed || n == 0
		frac = strings.TrimRight(p.s[:n], "0")
		p.s = p.s[n:]
	}
	if h == 24 && (m != 0 || s != 0 || frac != "") {
		p.failed = true
	}
	return h*3600 + m*60 + s, frac
}

// zone takes Z, +hh:mm or -hh:mm and returns its distance from UTC in seconds.
func (p *scanner) zone() (offset int64, zoned bool) {
	sign := int64(1)
	switch {
	case p.s == "":
		return 0, false
	case p.take("Z"):
		return 0, true
	case p.take("-"):
		sign = -1
	default:
		p.want("+")
	}
	h := p.number(2, 0, 14)
	p.want(":")
	m := p.number(2, 0, 59)
	if h == 14 && m != 0 {
		p.failed = true
	}
	return sign * (h*3600 + m*60), true
}

// parts say which parts of a date and time a type has, in the order of writing.
type parts uint8

const (
	yearPart parts = 1 << iota
	monthPart
	dayPart
	clockPart
)

// forms are the parts of the types of XML Schema.
var forms = map[string]parts{
	"dateTime": yearPart | monthPart | dayPart | clockPart, "date": yearPart | monthPart | dayPart, "time": clockPart,
	"gYearMonth": yearPart | monthPart, "gYear": yearPart, "gMonthDay": monthPart | dayPart, "gDay": dayPart, "gMonth": monthPart,
}

// parseInstant reads a value that has the given parts. What it has not is
// filled in from the leap year 1972.
func parseInstant(s string, has parts) (instant, bool) {
	p := &scanner{s: s}
	year, month, dom := int64(1972), int64(1), int64(1)
	if has&yearPart != 0 {
		year = p.year()
	} else if has&(monthPart|dayPart) != 0 {
		p.want("-")
	}
	switch {
	case has&monthPart != 0:
		p.want("-")
		month = p.number(2, 1, 12)
	case has&dayPart != 0:
		p.want("-")
	}
	if has&dayPart != 0 {
		p.want("-")
		dom = p.number(2, 1, daysIn(year, month))
	}
	var t instant
	var seconds int64
	if has&clockPart != 0 {
		if has&dayPart != 0 {
			p.want("T")
		}
		seconds, t.frac = p.clock()
	}
	offset, zoned := p.zone()
	if p.failed || p.s != "" {
		return instant{}, false
	}
	t.zoned = zoned
	t.days = daysOf(year, month, dom)
	if has == clockPart {
		seconds %= day // 24:00:00 is 00:00:00 where there is no day to go on to
	}
	t.shift(seconds - offset)
	return t, true
}

// shift moves t by seconds.
func (t *instant) shift(by int64) {
	t.seconds += by
	t.days += t.seconds / day
	if t.seconds %= day; t.seconds < 0 {
		t.seconds += day
		t.days--
	}
}

// compare orders two instants. Of two of which one has a time zone nothing is
// known when they are less than 14 hours apart.
func (t instant) compare(u instant) (c int, known bool) {
	if t.zoned == u.zoned {
		return t.order(u), true
	}
	if u.zoned {
		c, known = u.compare(t)
		return -c, known
	}
	early, late := u, u
	early.shift(-14 * 3600)
	late.shift(14 * 3600)
	switch {
	case t.order(early) < 0:
		return -1, true
	case t.order(late) > 0:
		return 1, true
	}
	return 0, false
}

func (t instant) order(u instant) int {
	return cmp.Or(cmp.Compare(t.days, u.days), cmp.Compare(t.seconds, u.seconds), strings.Compare(t.frac, u.frac))
}

// key is equal for equal instants.
func (t instant) key() string {
	k := strconv.FormatInt(t.days, 10) + "," + strconv.FormatInt(t.seconds, 10) + "." + t.frac
	if t.zoned {
		k += "Z"
	}
	return k
}
