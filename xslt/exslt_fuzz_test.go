package xslt_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sutler/xslt"
)

// Each pattern that is accepted finds one after the other the same matches as
// the translated one does in the whole text at once.
func FuzzRegexp(f *testing.F) {
	for _, p := range []string{`a(b|c)*d`, `[\w-.]+@[^\s]`, `\u00e9{2,3}?$`, `^|\b`, `(?<n>x)|[]`, `[^]\x41\cA`, `a{,2}{`, `((a{9}){9}){9}`, `(?=a)`, `\1`, `[a-\d\]`} {
		f.Add(p, "abcd é@ foo bar", true)
		f.Add(p, "", false)
	}
	f.Fuzz(func(t *testing.T, src, text string, fold bool) {
		if !utf8.ValidString(src) || !utf8.ValidString(text) || len(text) > 1000 {
			return
		}
		p, err := xslt.NewPattern(src, fold)
		if err != nil {
			if !strings.Contains(err.Error(), "cannot use the regular expression /") {
				t.Errorf("NewPattern(%q): %v does not tell what it is about", src, err)
			}
			return
		}
		re, groups := p.Regexp()
		if re.NumSubexp() != groups {
			t.Errorf("%q became %v with %d groups, want %d", src, re, re.NumSubexp(), groups)
		}
		var want [][]int
		for _, at := range re.FindAllStringSubmatchIndex(text, -1) {
			if at[0] != at[1] {
				want = append(want, at)
			}
		}
		got, err := p.All(text)
		if err != nil || !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%q in %q at %v, %v, want %v", src, text, got, err, want)
		}
	})
}

// A date that is read is written so that it is read again, by the format of
// XML Schema and by pictures, and arithmetic leads back.
func FuzzDate(f *testing.F) {
	for _, s := range []string{"2001-10-26T21:32:52.126+02:00", "-0001-02-29", "--02-29", "---31", "2004Z", "12:00:00", "123456789-01-31T23:59:59.999999999-14:00", "x"} {
		f.Add(s, "2004-02-29T00:00:00Z", "P1Y2M3DT4H5M6.7S", "yyyy-MM-dd")
	}
	f.Fuzz(func(t *testing.T, s, s2, duration, picture string) {
		if u, ok := xslt.ParseDuration(duration); ok {
			if again, ok := xslt.ParseDuration(u); !ok || again != u {
				t.Errorf("duration %q is written %q, that %q, %v", duration, u, again, ok)
			}
		}
		d, ok := xslt.ParseDate(s)
		if !ok {
			return
		}
		if again, ok := xslt.ParseDate(d.String()); !ok || again != d {
			t.Errorf("%q is written %v, which is %v, %v", s, d, again, ok)
		}
		d.Format(picture)
		d.FormatMS(picture)
		if _, err := xslt.Unformat(s, picture); err != nil && err.Error() == "" {
			t.Errorf("Unformat(%q, %q): %v", s, picture, err)
		}
		if !d.IsDateTime() {
			return
		}
		if n, again := d.Seconds(); again != d {
			t.Errorf("%v has %d seconds, which is %v", d, n, again)
		}
		if sum, ok := d.Add("P0D"); !ok || sum != d {
			t.Errorf("%v + P0D = %v, %v", d, sum, ok)
		}
		const whole = "G yyyy-MM-dd HH:mm:ss.SSS z"
		written := d.Format(whole)
		again, err := xslt.Unformat(written, whole)
		read, ok := xslt.ParseDate(again)
		if err != nil || !ok || read.Format(whole) != written {
			t.Errorf("%v is formatted as %q, read as %q, %v", d, written, again, err)
		}
		e, ok := xslt.ParseDate(s2)
		if !ok || !e.IsDateTime() {
			return
		}
		sum, ok := d.Add(d.Until(e))
		back, _ := sum.Seconds()
		if want, _ := e.Seconds(); !ok || back != want {
			t.Errorf("%v + %s = %v, want %v", d, d.Until(e), sum, e)
		}
		if forth, back := d.Until(e), e.Until(d); strings.TrimPrefix(forth, "-") != strings.TrimPrefix(back, "-") {
			t.Errorf("%s and back %s", forth, fmt.Sprint(back))
		}
	})
}
