package xslt

import (
	"context"
	"regexp"
	"strings"

	"sutler/xpath"
)

// Pattern is a compiled regular expression for the fuzz tests.
type Pattern struct{ m *matcher }

// NewPattern compiles a pattern.
func NewPattern(src string, fold bool) (*Pattern, error) {
	m, err := newMatcher(patternKey{src, fold})
	return &Pattern{m}, err
}

// Regexp returns what the pattern was translated to, and its groups.
func (p *Pattern) Regexp() (*regexp.Regexp, int) { return p.m.first, p.m.groups }

// All returns where the matches in text are that are not empty.
func (p *Pattern) All(text string) (all [][]int, err error) {
	r := &run{}
	s := &subject{c: newFreeContext(r), m: p.m, text: text, all: true}
	err = s.each(func(at []int) error {
		if at[0] != at[1] {
			all = append(all, at)
		}
		return nil
	})
	return all, err
}

// Date is a date for the fuzz tests.
type Date struct{ d date }

// ParseDate reads a date.
func ParseDate(s string) (Date, bool) {
	d, ok := parseDate(s)
	return Date{d}, ok
}

func (d Date) String() string { return d.d.String() }

// IsDateTime reports whether d has all components.
func (d Date) IsDateTime() bool { return d.d.has == dateTime }

// Seconds returns the seconds of d and a date made of them.
func (d Date) Seconds() (int64, Date) {
	e := d
	e.d.setSeconds(d.d.seconds())
	return d.d.seconds(), e
}

// Until returns the duration from d to e as a string.
func (d Date) Until(e Date) string {
	u, ok := d.d.until(e.d)
	if !ok {
		return ""
	}
	return u.String()
}

// Add adds a duration in a string.
func (d Date) Add(s string) (Date, bool) {
	u, ok := parseDuration(s)
	if !ok {
		return Date{}, false
	}
	e, ok := d.d.add(u)
	return Date{e}, ok
}

// Format and Unformat are date:format-date and date:parse-date.
func (d Date) Format(picture string) string {
	p, err := parseDatePicture(picture)
	if err != nil {
		return err.Error()
	}
	var b []byte
	for _, it := range p {
		b = it.append(b, &d.d)
	}
	return string(b)
}

// Unformat reads s by a picture.
func Unformat(s, picture string) (string, error) {
	p, err := parseDatePicture(picture)
	if err != nil {
		return "", err
	}
	v, err := parseByPicture(newFreeContext(&run{}), s, p)
	return v.Str(), err
}

// FormatMS is msxsl:format-date with a picture.
func (d Date) FormatMS(picture string) string {
	items, err := msDate.parse(picture, true, "")
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	e := d.d
	e.month, e.day = max(e.month, 1), max(e.day, 1)
	for _, it := range items {
		b.Write(it.appendMS(nil, &e))
	}
	return b.String()
}

// ParseDuration reads a duration and writes it again.
func ParseDuration(s string) (string, bool) {
	u, ok := parseDuration(s)
	return u.String(), ok
}

func newFreeContext(r *run) *xpath.Context {
	r.ctx = context.Background()
	r.env.Limits.ResultBytes = 1 << 40
	return &xpath.Context{Host: r}
}
