package xslt

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"sutler/xpath"
)

// datePicture is a pattern of the class SimpleDateFormat of JDK 1.1, which the
// functions date:format-date and date:parse-date read: runs of one letter, each
// a component, and text between them.
type datePicture []pictureItem

type pictureItem struct {
	letter byte // 0: text
	count  int
	text   string
}

// pictureLetters are the letters of JDK 1.1.
const pictureLetters = "GyMdhHmsSEDFwWakKz"

// parseDatePicture reads a pattern. Letters have a meaning or are an error,
// text in single quotes stands for itself, two of them for one.
func parseDatePicture(s string) (datePicture, error) {
	if err := checkPicture(s); err != nil {
		return nil, err
	}
	var p datePicture
	literal := func(s string) {
		if n := len(p); n > 0 && p[n-1].letter == 0 {
			p[n-1].text += s
			return
		}
		p = append(p, pictureItem{text: s})
	}
	for i := 0; i < len(s); {
		switch b := s[i]; {
		case b == '\'':
			text, n, ok := quoted(s[i:])
			if !ok {
				return nil, fmt.Errorf("cannot read the date pattern %q: a quote is not closed", s)
			}
			literal(text)
			i += n
		case strings.IndexByte(pictureLetters, b) >= 0:
			n := repeated(s[i:])
			p = append(p, pictureItem{letter: b, count: n})
			i += n
		case 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z':
			return nil, fmt.Errorf("cannot read the date pattern %q: the letter %q has no meaning; quote text with '…'", s, b)
		default:
			_, n := utf8.DecodeRuneInString(s[i:])
			literal(s[i : i+n])
			i += n
		}
	}
	return p, nil
}

// checkPicture refuses a picture that is longer than any has a use for.
func checkPicture(s string) error {
	const most = 1000
	if len(s) > most {
		return fmt.Errorf("a date pattern has at most %d bytes, not %d", most, len(s))
	}
	return nil
}

// quoted reads a text in single quotes at the beginning of s. A quote is
// written as two, inside and outside of others.
func quoted(s string) (text string, n int, ok bool) {
	if strings.HasPrefix(s, "''") {
		return "'", 2, true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		default:
			return b.String(), i + 1, true
		}
	}
	return b.String(), len(s), false
}

// repeated returns how often the first byte of s stands at its beginning.
func repeated(s string) int {
	n := 1
	for n < len(s) && s[n] == s[0] {
		n++
	}
	return n
}

// withPicture returns a function of a string and a date pattern, which is
// checked when the call is compiled if it is constant.
func withPicture(f func(c *xpath.Context, s string, p datePicture) (xpath.Value, error)) (xpath.Function, bool) {
	return xpath.Function{
		Min: 2, Max: 2, Result: xpath.StringType,
		Check: func(args []*xpath.Value) *xpath.Error {
			if args[1] == nil {
				return nil
			}
			if _, err := parseDatePicture(args[1].Str()); err != nil {
				return &xpath.Error{Rule: "XT110", Msg: err.Error()}
			}
			return nil
		},
		Call: func(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			all, err := argTexts(c, args)
			if err != nil {
				return xpath.Value{}, err
			}
			if err := pay(c, len(all[1])/4); err != nil {
				return xpath.Value{}, err
			}
			p, err := parseDatePicture(all[1])
			if err != nil {
				return xpath.Value{}, err
			}
			return f(c, all[0], p)
		},
	}, true
}

// formatDate is the function date:format-date. What the date does not have
// leaves nothing in the result.
func formatDate(c *xpath.Context, s string, p datePicture) (xpath.Value, error) {
	d, ok := parseDate(s)
	if !ok {
		return xpath.String(""), nil
	}
	size := 0
	for _, it := range p {
		size += it.count + len(it.text) + 10
	}
	if err := payText(c, size); err != nil {
		return xpath.Value{}, err
	}
	var b []byte
	for _, it := range p {
		b = it.append(b, &d)
	}
	return xpath.String(string(b)), nil
}

// needs returns what a date must have for a letter to be written.
func (it pictureItem) needs() dateParts {
	switch it.letter {
	case 'G', 'y':
		return hasYear
	case 'M':
		return hasMonth
	case 'd':
		return hasDay
	case 'E', 'D', 'F', 'w', 'W':
		return dateOnly
	case 'h', 'H', 'm', 's', 'S', 'a', 'k', 'K':
		return hasTime
	}
	return 0
}

// append writes the component of it.
func (it pictureItem) append(b []byte, d *date) []byte {
	if n := it.needs(); d.has&n != n {
		return b
	}
	switch it.letter {
	case 0:
		return append(b, it.text...)
	case 'G':
		if d.year < 1 {
			return append(b, "BC"...)
		}
		return append(b, "AD"...)
	case 'y':
		year := max(d.shownYear(), -d.shownYear())
		if it.count < 4 {
			return appendPadded(b, year%100, 2)
		}
		return appendPadded(b, year, it.count)
	case 'M':
		switch {
		case it.count > 3:
			return append(b, monthNames[d.month-1]...)
		case it.count == 3:
			return append(b, monthNames[d.month-1][:3]...)
		}
	case 'E':
		if it.count > 3 {
			return append(b, dayNames[d.weekday()]...)
		}
		return append(b, dayNames[d.weekday()][:3]...)
	case 'a':
		return append(b, halfDay(d.hour)...)
	case 'z':
		switch {
		case !d.zoned:
			return b
		case d.zone == 0:
			return append(b, "UTC"...)
		}
		return d.appendZone(append(b, "GMT"...))
	}
	return appendPadded(b, int64(it.number(d)), it.count)
}

// number returns the value of a component that is written in digits.
func (it pictureItem) number(d *date) int {
	switch it.letter {
	case 'M':
		return d.month
	case 'd':
		return d.day
	case 'h':
		return (d.hour+11)%12 + 1
	case 'H':
		return d.hour
	case 'm':
		return d.min
	case 's':
		return d.sec
	case 'S':
		return d.nano / 1e6
	case 'D':
		return d.yearDay()
	case 'F':
		return d.weekdayOfMonth()
	case 'w':
		return d.week()
	case 'W':
		return d.weekOfMonth()
	case 'k':
		return (d.hour+23)%24 + 1
	}
	return d.hour % 12 // K
}

func halfDay(hour int) string {
	if hour < 12 {
		return "AM"
	}
	return "PM"
}

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
