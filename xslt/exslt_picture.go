package xslt

import (
	"fmt"
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
				return uncallable(err)
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
		if word := it.word(monthNames[d.month-1]); word != "" {
			return append(b, word...)
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

// word returns the name of a month or a day as long as the item asks for, ""
// if it asks for digits.
func (it pictureItem) word(name string) string {
	switch {
	case it.count > 3:
		return name
	case it.count == 3:
		return name[:3]
	}
	return ""
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
