package security

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Shown returns text from outside as a record or a log can bear it: in at most
// most bytes and three more, which say that it was cut, and without anything
// that lists could be misled by: what is not printable is escaped as in Go.
func Shown(text string, most int) string {
	var b strings.Builder
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		shown := text[i : i+size]
		if r == utf8.RuneError && size == 1 || !strconv.IsPrint(r) {
			quoted := strconv.Quote(shown)
			shown = quoted[1 : len(quoted)-1]
		}
		if b.Len()+len(shown) > most {
			return b.String() + "…"
		}
		b.WriteString(shown)
	}
	return b.String()
}
