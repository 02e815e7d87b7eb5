package xslt

import (
	"strconv"
	"strings"

	"time"
)

// dateParts says which components a date has.
type dateParts uint8

const (
	hasYear dateParts = 1 << iota
	hasMonth
	hasDay
	hasTime
)

// The lexical forms of XML Schema that EXSLT reads.
const (
	dateTime  = hasYear | hasMonth | hasDay | hasTime
	dateOnly  = hasYear | hasMonth | hasDay
	yearMonth = hasYear | hasMonth
	monthDay  = hasMonth | hasDay
)

// date is a date, a time or a part of either. Years are counted as XML Schema
// 1.0 does, without a year 0; arithmetic uses the astronomical year, in which
// 0 is the year before 1.
type date struct {
	has        dateParts
	year       int64 // astronomical
	month, day int   // from 1
	hour, min  int
	sec        int
	nano       int
	zoned      bool
	zone       int // minutes east of UTC
}

// maxYear bounds years so that seconds and months fit in 64 bits.
const maxYear = 999_999_999

// parseDate reads dateTime, date, time, gYear, gYearMonth, gMonth, gMonthDay or
// gDay. Digits of a second behind the ninth are dropped.
func parseDate(s string) (d date, ok bool) {
	p := &dateReader{s: strings.Trim(s, " \t\r\n")}
	switch {
	case strings.HasPrefix(p.s, "---"):
		p.i = 3
		d.has = hasDay
		d.day = p.two(1, 31)
	case strings.HasPrefix(p.s, "--"):
		p.i = 2
		d.has = hasMonth
		d.month = p.two(1, 12)
		if strings.HasPrefix(p.s[p.i:], "--") { // as the first edition of XML Schema had it
			p.i += 2
		} else if p.accept('-') {
			d.has |= hasDay
			d.day = p.two(1, 31)
		}
	case len(p.s) > 2 && p.s[2] == ':':
		d.has = hasTime
		p.time(&d)
	default:
		d.has = hasYear
		d.year = p.year()
		if p.accept('-') {
			d.has |= hasMonth
			d.month = p.two(1, 12)
			if p.accept('-') {
				d.has |= hasDay
				d.day = p.two(1, 31)
				if p.accept('T') {
					d.has |= hasTime
					p.time(&d)
				}
			}
		}
	}
	p.timeZone(&d)
	if p.bad || p.i != len(p.s) || d.has&hasMonth != 0 && d.has&hasDay != 0 && d.day > d.monthDays() {
		return date{}, false
	}
	return d, true
}

// monthDays returns the days of the month of d; without a year February has 29.
func (d *date) monthDays() int {
	if d.has&hasYear == 0 {
		return daysIn(0, d.month)
	}
	return daysIn(d.year, d.month)
}

// dateReader reads the parts of a date from s at i.
type dateReader struct {
	s   string
	i   int
	bad bool
}

func (p *dateReader) accept(b byte) bool {
	if p.i < len(p.s) && p.s[p.i] == b {
		p.i++
		return true
	}
	return false
}

// digits returns the digits that come next.
func (p *dateReader) digits() string {
	from := p.i
	for p.i < len(p.s) && '0' <= p.s[p.i] && p.s[p.i] <= '9' {
		p.i++
	}
	return p.s[from:p.i]
}

// two reads a number of two digits that is at least least and at most most.
func (p *dateReader) two(least, most int) int {
	if p.i+2 > len(p.s) {
		p.bad = true
		return 0
	}
	from := p.i
	digits := p.digits()
	if len(digits) < 2 {
		p.bad = true
		return 0
	}
	p.i = from + 2
	n := int(digits[0]-'0')*10 + int(digits[1]-'0')
	if n < least || n > most {
		p.bad = true
	}
	return n
}

// year reads four or more digits; there are no zeros before more than four.
func (p *dateReader) year() int64 {
	negative := p.accept('-')
	digits := p.digits()
	if len(digits) < 4 || len(digits) > 9 || len(digits) > 4 && digits[0] == '0' {
		p.bad = true
		return 0
	}
	y, _ := strconv.ParseInt(digits, 10, 64)
	if y == 0 {
		p.bad = true
	}
	if negative {
		return 1 - y
	}
	return y
}

func (p *dateReader) time(d *date) {
	d.hour = p.two(0, 23)
	p.bad = p.bad || !p.accept(':')
	d.min = p.two(0, 59)
	p.bad = p.bad || !p.accept(':')
	d.sec = p.two(0, 59)
	if p.accept('.') {
		d.nano = p.nano()
	}
}

// nano reads the digits behind the point of a second.
func (p *dateReader) nano() int {
	digits := p.digits()
	if digits == "" {
		p.bad = true
		return 0
	}
	n, _ := strconv.Atoi((digits + "000000000")[:9])
	return n
}

func (p *dateReader) timeZone(d *date) {
	switch {
	case p.accept('Z'):
		d.zoned = true
	case p.i < len(p.s) && (p.s[p.i] == '+' || p.s[p.i] == '-'):
		sign := 1
		if p.s[p.i] == '-' {
			sign = -1
		}
		p.i++
		d.zoned = true
		d.zone = 60 * p.two(0, 14)
		p.bad = p.bad || !p.accept(':')
		d.zone += p.two(0, 59)
		p.bad = p.bad || d.zone > 14*60
		d.zone *= sign
	}
}

// String writes d in the form of XML Schema that has its components.
func (d date) String() string {
	var b []byte
	switch {
	case d.has == hasDay:
		b = append(b, "---"...)
	case d.has&hasYear == 0 && d.has&hasMonth != 0:
		b = append(b, "--"...)
	case d.has&hasYear != 0:
		y := d.shownYear()
		if y < 0 {
			b = append(b, '-')
			y = -y
		}
		b = appendPadded(b, y, 4)
		if d.has&hasMonth != 0 {
			b = append(b, '-')
		}
	}
	if d.has&hasMonth != 0 {
		b = appendPadded(b, int64(d.month), 2)
		switch {
		case d.has == hasMonth:
			b = append(b, "--"...) // libexslt reads nothing else
		case d.has&hasDay != 0:
			b = append(b, '-')
		}
	}
	if d.has&hasDay != 0 {
		b = appendPadded(b, int64(d.day), 2)
	}
	if d.has&hasTime != 0 {
		if d.has != hasTime {
			b = append(b, 'T')
		}
		b = appendPadded(b, int64(d.hour), 2)
		b = append(b, ':')
		b = appendPadded(b, int64(d.min), 2)
		b = append(b, ':')
		b = appendPadded(b, int64(d.sec), 2)
		b = appendFraction(b, int64(d.nano))
	}
	if d.zoned {
		b = d.appendZone(b)
	}
	return string(b)
}

func (d date) appendZone(b []byte) []byte {
	z := d.zone
	switch {
	case z == 0:
		return append(b, 'Z')
	case z < 0:
		b, z = append(b, '-'), -z
	default:
		b = append(b, '+')
	}
	b = appendPadded(b, int64(z/60), 2)
	return appendPadded(append(b, ':'), int64(z%60), 2)
}

// appendPadded appends n with zeros before it to at least width digits.
func appendPadded(b []byte, n int64, width int) []byte {
	s := strconv.FormatInt(n, 10)
	for i := len(s); i < width; i++ {
		b = append(b, '0')
	}
	return append(b, s...)
}

// appendFraction appends a point and the digits of nano as far as they are needed.
func appendFraction(b []byte, nano int64) []byte {
	if nano == 0 {
		return b
	}
	b = appendPadded(append(b, '.'), nano, 9)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// shownYear returns the year as XML Schema writes it.
func (d *date) shownYear() int64 {
	if d.year < 1 {
		return d.year - 1
	}
	return d.year
}

// dateOf returns t as a dateTime of whole seconds.
func dateOf(t time.Time) date {
	_, east := t.Zone()
	return date{
		has: dateTime, year: int64(t.Year()), month: int(t.Month()), day: t.Day(),
		hour: t.Hour(), min: t.Minute(), sec: t.Second(), zoned: true, zone: east / 60,
	}
}

// only returns d with the given components and the time zone alone.
func (d date) only(p dateParts) date {
	r := date{has: p, zoned: d.zoned, zone: d.zone}
	if p&hasYear != 0 {
		r.year = d.year
	}
	if p&hasMonth != 0 {
		r.month = d.month
	}
	if p&hasDay != 0 {
		r.day = d.day
	}
	if p&hasTime != 0 {
		r.hour, r.min, r.sec, r.nano = d.hour, d.min, d.sec, d.nano
	}
	return r
}

func leapYear(astronomical int64) bool {
	return astronomical%4 == 0 && (astronomical%100 != 0 || astronomical%400 == 0)
}

func daysIn(astronomical int64, month int) int {
	switch month {
	case 2:
		if leapYear(astronomical) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// days returns the days from 1970-01-01 to d. What d lacks is its first.
func (d *date) days() int64 {
	y, m, day := d.year, int64(max(d.month, 1)), int64(max(d.day, 1))
	// Years begin in March here, so that the leap day is the last of one.
	if m < 3 {
		y--
		m += 12
	}
	era := floorDiv(y, 400)
	yearOfEra := y - era*400
	dayOfYear := (153*(m-3)+2)/5 + day - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

// setDays makes d the date so many days after 1970-01-01.
func (d *date) setDays(n int64) {
	n += 719468
	era := floorDiv(n, 146097)
	dayOfEra := n - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	month := (5*dayOfYear + 2) / 153
	d.day = int(dayOfYear-(153*month+2)/5) + 1
	d.year = era*400 + yearOfEra
	if d.month = int(month) + 3; d.month > 12 {
		d.month -= 12
		d.year++
	}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// seconds returns the seconds from 1970-01-01T00:00:00Z to d, without its
// fraction. Without a time zone it is taken for UTC.
func (d *date) seconds() int64 {
	return d.days()*86400 + int64(d.hour)*3600 + int64(d.min)*60 + int64(d.sec) - int64(d.zone)*60
}

// setSeconds sets date and time in the time zone of d, the reverse of seconds.
func (d *date) setSeconds(n int64) {
	n += int64(d.zone) * 60
	days := floorDiv(n, 86400)
	d.setDays(days)
	n -= days * 86400
	d.hour, d.min, d.sec = int(n/3600), int(n/60%60), int(n%60)
}

// weekday returns 0 for Sunday to 6 for Saturday.
func (d *date) weekday() int { return int(d.days() + 4 - 7*floorDiv(d.days()+4, 7)) }

// yearDay returns the number of the day in its year, from 1.
func (d *date) yearDay() int {
	first := date{year: d.year}
	return int(d.days()-first.days()) + 1
}

// week returns the number of the week of ISO 8601 that d is in: that of the
// Thursday of the week.
func (d *date) week() int {
	thursday := date{}
	thursday.setDays(d.days() - int64((d.weekday()+6)%7) + 3)
	return (thursday.yearDay()-1)/7 + 1
}
