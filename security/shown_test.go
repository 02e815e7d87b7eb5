package security_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"sutler/security"
)

func TestShown(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"", 5, ""},
		{"ann", 3, "ann"},
		{"anna", 3, "ann…"},
		{"né", 2, "n…"},
		{"a\nb\x1b[0m\"\\", 50, `a\nb\x1b[0m"\`},
		{"a\xffb\ufffd", 50, `a\xffb` + "\ufffd"},
		{"a\u202eb\u200b", 50, `a\u202eb\u200b`},
		{"a\nb", 2, "a…"},
	} {
		if got := security.Shown(c.text, c.most); got != c.want {
			t.Errorf("Shown(%q, %d) = %q, want %q", c.text, c.most, got, c.want)
		}
	}
}

func FuzzShown(f *testing.F) {
	f.Add("a\xff\n\u202eé", 4)
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = max(0, min(most, 1000))
		got := security.Shown(text, most)
		if len(got) > most+len("…") || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x00\x1b") {
			t.Errorf("Shown(%q, %d) = %q", text, most, got)
		}
	})
}
