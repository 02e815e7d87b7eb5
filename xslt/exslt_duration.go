package xslt

import (
	"math"
	"strconv"
	"strings"
)

// duration is a duration of XML Schema: months, and seconds with a fraction.
// Both have the same sign or one is zero.
type duration struct {
	months int64
	secs   int64
	nanos  int64 // of the sign of secs, below 1e9
}

// maxMonths and maxSeconds bound durations so that sums stay within 64 bits.
const (
	maxMonths  = 24 * maxYear
	maxSeconds = 2 * maxYear * 31_622_400
)

// parseDuration reads -PnYnMnDTnHnMnS.
func parseDuration(s string) (d duration, ok bool) {
	s = strings.Trim(s, " \t\r\n")
	s, negative := strings.CutPrefix(s, "-")
	s, ok = strings.CutPrefix(s, "P")
	if !ok {
		return d, false
	}
	day, clock, timed := strings.Cut(s, "T")
	p := durationReader{s: day}
	d.months = p.number('Y', 12) + p.number('M', 1)
	d.secs = p.number('D', 86400)
	if p.s != "" || p.bad || timed && clock == "" {
		return duration{}, false
	}
	q := durationReader{s: clock, some: p.some}
	d.secs += q.number('H', 3600) + q.number('M', 60)
	if whole, fraction, point := strings.Cut(q.s, "."); point {
		digits, ok := strings.CutSuffix(fraction, "S")
		r := dateReader{s: digits}
		d.nanos = int64(r.nano())
		q.s = whole + "S"
		q.bad = q.bad || !ok || r.bad || r.i != len(digits)
	}
	d.secs += q.number('S', 1)
	if q.s != "" || q.bad || !q.some || !d.fits() {
		return duration{}, false
	}
	if negative {
		d = duration{-d.months, -d.secs, -d.nanos}
	}
	return d, true
}

// durationReader reads the numbers of a duration.
type durationReader struct {
	s         string
	some, bad bool
}

// number reads a number before the letter unit, if it comes next, and returns
// it times size.
func (p *durationReader) number(unit byte, size int64) int64 {
	n := 0
	for n < len(p.s) && '0' <= p.s[n] && p.s[n] <= '9' {
		n++
	}
	if n == 0 || n == len(p.s) || p.s[n] != unit {
		return 0
	}
	f, err := strconv.ParseInt(p.s[:n], 10, 64)
	if err != nil || f > maxSeconds/size {
		p.bad = true
	}
	p.s, p.some = p.s[n+1:], true
	if p.bad {
		return 0
	}
	return f * size
}

func (d duration) fits() bool {
	return -maxMonths <= d.months && d.months <= maxMonths && -maxSeconds <= d.secs && d.secs <= maxSeconds
}

// plus returns d and e together, which need not be a duration; ok is false if
// it is too long for one.
func (d duration) plus(e duration) (sum duration, ok bool) {
	nanos := d.nanos + e.nanos
	sum = duration{d.months + e.months, d.secs + e.secs + nanos/1e9, nanos % 1e9}
	switch {
	case sum.secs > 0 && sum.nanos < 0:
		sum.secs, sum.nanos = sum.secs-1, sum.nanos+1e9
	case sum.secs < 0 && sum.nanos > 0:
		sum.secs, sum.nanos = sum.secs+1, sum.nanos-1e9
	}
	return sum, sum.fits()
}

// oneSign reports whether d can be written: -P1M and P2D together cannot.
func (d duration) oneSign() bool {
	positive := d.months > 0 || d.secs > 0 || d.nanos > 0
	negative := d.months < 0 || d.secs < 0 || d.nanos < 0
	return !(positive && negative)
}

// durationOf returns the duration of f seconds.
func durationOf(f float64) (d duration, ok bool) {
	if f != f || math.Abs(f) > maxSeconds {
		return d, false
	}
	whole, fraction := math.Modf(f)
	d = duration{secs: int64(whole), nanos: int64(math.Round(fraction * 1e9))}
	if d.nanos == 1e9 || d.nanos == -1e9 {
		d.secs += d.nanos / 1e9
		d.nanos = 0
	}
	return d, true
}

// String writes d with years below months and days above hours.
func (d duration) String() string {
	var b []byte
	if d.months < 0 || d.secs < 0 || d.nanos < 0 {
		b = append(b, '-')
		d = duration{-d.months, -d.secs, -d.nanos}
	}
	b = append(b, 'P')
	unit := func(n int64, letter byte) {
		if n != 0 {
			b = append(strconv.AppendInt(b, n, 10), letter)
		}
	}
	unit(d.months/12, 'Y')
	unit(d.months%12, 'M')
	unit(d.secs/86400, 'D')
	rest := d.secs % 86400
	switch {
	case rest != 0 || d.nanos != 0:
		b = append(b, 'T')
		unit(rest/3600, 'H')
		unit(rest/60%60, 'M')
		if rest%60 != 0 || d.nanos != 0 {
			b = appendFraction(strconv.AppendInt(b, rest%60, 10), d.nanos)
			b = append(b, 'S')
		}
	case d == (duration{}):
		b = append(b, "0D"...)
	}
	return string(b)
}

// add returns d later by u (XML Schema part 2, appendix E): a day behind the
// end of its month becomes the last of it. The result has what d has, and what
// u changed besides.
func (d date) add(u duration) (date, bool) {
	r := d
	months := int64(max(d.month, 1)-1) + u.months
	r.year += floorDiv(months, 12)
	r.month = int(months-12*floorDiv(months, 12)) + 1
	r.day = min(max(d.day, 1), daysIn(r.year, r.month))
	r.nano += int(u.nanos)
	carry := floorDiv(int64(r.nano), 1e9)
	r.nano -= int(carry * 1e9)
	r.setSeconds(r.seconds() + u.secs + carry)
	if r.year > maxYear || r.year < -maxYear {
		return date{}, false
	}
	switch {
	case r.hour != 0 || r.min != 0 || r.sec != 0 || r.nano != 0:
		r.has = dateTime
	case r.day != 1 && d.has&hasDay == 0:
		r.has |= dateOnly
	case r.month != 1 && d.has&hasMonth == 0:
		r.has |= yearMonth
	}
	return r, true
}

// until returns the duration from d to e: in months if one of them has no day,
// after both were cut to what the lesser one has.
func (d date) until(e date) (duration, bool) {
	has := min(d.has, e.has)
	d, e = d.only(has), e.only(has)
	if has&hasDay == 0 {
		return duration{months: (e.year-d.year)*12 + int64(e.month-d.month)}, true
	}
	return duration{secs: e.seconds(), nanos: int64(e.nano)}.plus(duration{secs: -d.seconds(), nanos: -int64(d.nano)})
}
