package xslt_test

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// legible returns a result as it is put into an archive: what is no text in
// UTF-8 is quoted.
func legible(s string) string {
	if utf8.ValidString(s) && !strings.ContainsAny(s, "\x00\r\uFEFF") {
		return s
	}
	return "bytes " + strconv.QuoteToASCII(s)
}
