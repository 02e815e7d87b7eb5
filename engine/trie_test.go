package engine_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sutler/engine"
)

// masked hides values in text as the words of the contract say, one value and
// one place after the other.
func masked(text string, values []string) string {
	var b strings.Builder
	end := 0
	for i := range len(text) {
		most := 0
		for _, v := range values {
			n := 0
			for n < len(v) && i+n < len(text) && v[n] == text[i+n] {
				n++
			}
			if n == len(v) || len(v) >= 40 && n >= 16 {
				most = max(most, n)
			}
		}
		if most == 0 {
			continue
		}
		if i >= end {
			b.WriteString(text[end:i] + "***")
		}
		for most += i; most < len(text) && !utf8.RuneStart(text[most]); {
			most++
		}
		end = max(end, most)
	}
	return b.String() + text[end:]
}

// TestHideValues looks at what is left of a text when values are a part of one
// another, overlap, end within a letter or are cut short, in whichever order
// they come.
func TestHideValues(t *testing.T) {
	const long = "0123456789abcdef-0123456789abcdef-0123456789"
	far := strings.Repeat("before", 100)
	for _, c := range []struct{ text, values, want string }{
		{"nothing", "", "nothing"},
		{"", "a", ""},
		{"abcd", "abcd", "***"},
		{"xabcdx", "abcd ab abcde bc", "x***x"},
		{"abcde abcdf abc", "abcd abcde", "*** ***f abc"},
		{"abcabc", "abc", "******"},
		{"abcdef", "abcd cdef", "***"},
		{"ababab", "abab", "***"},
		{"äöü", "ö", "ä***ü"},
		{"an " + long + "!", long, "an ***!"},
		{"an " + long[:16] + "…", long, "an ***…"},
		{"an " + long[:15] + "…", long, "an " + long[:15] + "…"},
		{"an " + long[:20] + "…", long[:39], "an " + long[:20] + "…"},
		{"an " + long[:20] + "x", long + "a " + long + "b", "an ***x"},
		{long[:30] + "z", long + " " + long[:20] + "z", "***z"},
		{long[:18] + "x", long + " " + long[:20] + "z", "***x"},
		{"an " + long[:39], long[:39], "an ***"},
		{"x" + far + long + "yz", far + long + " " + long + "y", "x***z"},
		{long[:15] + "ü.", long[:15] + "ä" + long, "***."},
	} {
		values := strings.Fields(c.values)
		for range 2 {
			if got := engine.HideValues(c.text, values); got != c.want {
				t.Errorf("%q without %q is %q, want %q", c.text, values, got, c.want)
			}
			if got := masked(c.text, values); got != c.want {
				t.Errorf("the model: %q without %q is %q, want %q", c.text, values, got, c.want)
			}
			for i, j := 0, len(values)-1; i < j; i, j = i+1, j-1 {
				values[i], values[j] = values[j], values[i]
			}
		}
	}
}

// FuzzHideValues compares the trie with the model.
func FuzzHideValues(f *testing.F) {
	f.Add("abcdabc", "abc bcd a")
	f.Add("0123456789abcdefX 0123456789abcdef-0123456789abcdef-0123456789!", "0123456789abcdef-0123456789abcdef-0123456789 def-01")
	f.Add("ää\xc3 ö", "ä äö ö\xb6 \xc3")
	f.Add(strings.Repeat("a", 100)+"b"+strings.Repeat("a", 30), strings.Repeat("a", 50)+" aab")
	f.Fuzz(func(t *testing.T, text, values string) {
		if len(text) > 256 { // more than that repeats itself only on purpose
			return
		}
		all := strings.Fields(values)
		if got, want := engine.HideValues(text, all), masked(text, all); got != want {
			t.Errorf("%q without %q is %q, want %q", text, all, got, want)
		}
	})
}
