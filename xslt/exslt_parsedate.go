package xslt

import (
	"strconv"
	"strings"

	"sutler/xpath"
)

// parseByPicture is the function date:parse-date, the reverse of format-date.
// The result has the form that the components of the pattern allow; where they
// leave a gap, such as a day without its month, it is filled from 1970-01-01.
// What does not fit the pattern as a whole gives the empty string.
func parseByPicture(c *xpath.Context, s string, p datePicture) (xpath.Value, error) {
	r := pictureParser{s: s, century: dateNow(c).year}
	for i, it := range p {
		adjacent := i+1 < len(p) && p[i+1].numeric()
		if !r.read(it, adjacent) {
			return xpath.String(""), nil
		}
	}
	d, ok := r.date()
	if r.s != "" || !ok {
		return xpath.String(""), nil
	}
	return xpath.String(d.String()), nil
}

// numeric reports whether it is written in digits.
func (it pictureItem) numeric() bool {
	switch it.letter {
	case 0, 'G', 'E', 'a', 'z':
		return false
	case 'M':
		return it.count < 3
	}
	return true
}

// pictureParser collects the components of a date that is read by a pattern.
type pictureParser struct {
	s       string
	d       date
	century int64 // the current year, which two digits of a year are near
	bc, pm  bool
	half    bool // the hour is one of twelve
	yearDay int
}

// read reads the component of it. Digits end where the next component begins.
func (r *pictureParser) read(it pictureItem, adjacent bool) bool {
	if it.letter == 0 {
		rest, ok := strings.CutPrefix(r.s, it.text)
		r.s = rest
		return ok
	}
	if !it.unused() {
		r.d.has |= it.needs()
	}
	switch it.letter {
	case 'G':
		i := r.word("AD", "BC")
		r.bc = i == 1
		return i >= 0
	case 'a':
		i := r.word("AM", "PM")
		r.pm = i == 1
		return i >= 0
	case 'E':
		return r.name(dayNames[:]) >= 0
	case 'z':
		return r.zone()
	case 'M':
		if it.count > 2 {
			r.d.month = r.name(monthNames[:]) + 1
			return r.d.month > 0
		}
	}
	return r.number(it, adjacent)
}

// unused reports whether it is read and then not used: it says no date alone.
func (it pictureItem) unused() bool { return strings.IndexByte("EFwW", it.letter) >= 0 }

// word reads one of words in any case and returns which, -1 if there is none.
func (r *pictureParser) word(words ...string) int {
	for i, w := range words {
		if len(r.s) >= len(w) && strings.EqualFold(r.s[:len(w)], w) {
			r.s = r.s[len(w):]
			return i
		}
	}
	return -1
}

// name reads one of names or its first three letters.
func (r *pictureParser) name(names []string) int {
	if i := r.word(names...); i >= 0 {
		return i
	}
	for i, n := range names {
		if r.word(n[:3]) == 0 {
			return i
		}
	}
	return -1
}

// zone reads UTC, GMT, Z, an offset or both, or nothing: format-date leaves out
// the time zone that a date does not have.
func (r *pictureParser) zone() bool {
	named := r.word("UTC", "GMT") >= 0
	if r.s == "" || r.s[0] != '+' && r.s[0] != '-' {
		r.d.zoned = named || r.word("Z") == 0
		return true
	}
	p := dateReader{s: r.s}
	if len(r.s) >= 5 && r.s[3] != ':' { // +hhmm
		p.s = r.s[:3] + ":" + r.s[3:]
	}
	p.timeZone(&r.d)
	r.s = r.s[min(len(r.s), p.i-(len(p.s)-len(r.s))):]
	return !p.bad
}

// number reads a component that is written in digits.
func (r *pictureParser) number(it pictureItem, adjacent bool) bool {
	n := 0
	for n < len(r.s) && '0' <= r.s[n] && r.s[n] <= '9' && n < 9 && !(adjacent && n == it.count) {
		n++
	}
	if n == 0 {
		return false
	}
	v, _ := strconv.Atoi(r.s[:n])
	r.s = r.s[n:]
	switch it.letter {
	case 'y':
		r.d.year = int64(v)
		if it.count < 4 && n == 2 {
			r.d.year = nearCentury(int64(v), r.century)
		}
		return r.d.year > 0
	case 'M':
		r.d.month = v
		return 1 <= v && v <= 12
	case 'd':
		r.d.day = v
		return 1 <= v && v <= 31
	case 'h':
		r.d.hour, r.half = v%12, true
		return 1 <= v && v <= 12
	case 'K':
		r.d.hour, r.half = v, true
		return v < 12
	case 'H':
		r.d.hour = v
		return v < 24
	case 'k':
		r.d.hour = v % 24
		return 1 <= v && v <= 24
	case 'm':
		r.d.min = v
		return v < 60
	case 's':
		r.d.sec = v
		return v < 60
	case 'S':
		r.d.nano = v * 1e6
		return v < 1000
	case 'D':
		r.yearDay = v
		return 1 <= v && v <= 366
	}
	return true
}

// nearCentury returns the year with these last two digits that is at most 80
// years before and less than 20 years after the current one, as the JDK has it.
func nearCentury(y, current int64) int64 {
	first := current - 80
	y += floorDiv(first, 100) * 100
	if y < first {
		y += 100
	}
	return y
}

// date returns what was read.
func (r *pictureParser) date() (date, bool) {
	d := r.d
	if d.has == 0 {
		return d, false
	}
	if d.has&hasYear != 0 && r.bc {
		d.year = 1 - d.year
	}
	if r.half && r.pm {
		d.hour += 12
	}
	if r.yearDay > 0 {
		if d.has&hasYear == 0 {
			d.year = 1970
		}
		first := date{year: d.year}
		zone, zoned := d.zone, d.zoned
		has := d.has
		d.setDays(first.days() + int64(r.yearDay) - 1)
		d.zone, d.zoned, d.has = zone, zoned, has|dateOnly
		if r.yearDay == 366 && !leapYear(first.year) {
			return d, false
		}
		return d, true
	}
	onlyDate := d.has &^ hasTime
	if d.has&hasTime != 0 && onlyDate != 0 {
		onlyDate = dateOnly
	}
	if onlyDate == hasYear|hasDay {
		onlyDate = dateOnly
	}
	fill := onlyDate &^ d.has
	if fill&hasYear != 0 {
		d.year = 1970
	}
	if fill&hasMonth != 0 {
		d.month = 1
	}
	if fill&hasDay != 0 {
		d.day = 1
	}
	d.has |= onlyDate
	if d.has&monthDay == monthDay && d.day > d.monthDays() {
		return d, false
	}
	return d, true
}
