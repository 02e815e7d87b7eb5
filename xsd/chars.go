package xsd

import (
	"strings"
	"unicode/utf8"
)

const space = " \t\r\n"

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// isName reports whether s is a name of XML, in which a colon may stand.
func isName(s string) bool {
	for i, r := range s {
		if !nameStart.has(r) && (i == 0 || !nameChar.has(r)) {
			return false
		}
	}
	return s != "" && utf8.ValidString(s)
}

// isToken reports whether s is an NMTOKEN.
func isToken(s string) bool {
	for _, r := range s {
		if !nameChar.has(r) {
			return false
		}
	}
	return s != "" && utf8.ValidString(s)
}

// isLanguage reports whether s is a language as RFC 3066 writes it.
func isLanguage(s string) bool {
	for i, part := range strings.Split(s, "-") {
		if len(part) < 1 || len(part) > 8 {
			return false
		}
		for j := range len(part) {
			c := part[j]
			if !(c|0x20 >= 'a' && c|0x20 <= 'z' || i > 0 && c >= '0' && c <= '9') {
				return false
			}
		}
	}
	return true
}

// isURI reports whether s may be a URI reference once the characters that no
// URI may hold are escaped: its escapes are whole, there is one # at most, and
// what looks like a scheme is one.
func isURI(s string) bool {
	if strings.Count(s, "#") > 1 {
		return false
	}
	for i := range len(s) {
		if s[i] == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])) {
			return false
		}
	}
	colon := strings.IndexByte(s, ':')
	if colon < 0 || strings.ContainsAny(s[:colon], "/?#") {
		return true
	}
	for i := range colon {
		c := s[i]
		if !(c|0x20 >= 'a' && c|0x20 <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return colon > 0
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' }

// collapse takes white space off both ends and makes one blank of each run.
func collapse(s string) string {
	s = strings.Trim(s, space)
	for i := range len(s) {
		if isSpace(s[i]) && (s[i] != ' ' || isSpace(s[i+1])) {
			return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < utf8.RuneSelf && isSpace(byte(r)) }), " ")
		}
	}
	return s
}

// clipped shortens a value for a message.
func clipped(s string) string {
	const most = 60
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}
