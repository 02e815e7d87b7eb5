package xmltree

import (
	"strings"
	"unicode/utf8"
)

// isSpace reports white space of XML.
func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// blank reports whether s is white space alone.
func blank(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isSpace(s[i]) {
			return false
		}
	}
	return true
}

// isChar reports whether XML allows r in a document (production 2).
func isChar(r rune) bool {
	switch {
	case r < ' ':
		return r == '\t' || r == '\n' || r == '\r'
	case r < 0xD800:
		return true
	}
	return r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= utf8.MaxRune
}

// isNameStart reports whether a name may begin with r (production 4).
func isNameStart(r rune) bool {
	switch {
	case r < 0x80:
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r == ':'
	case r < 0x300:
		return r >= 0xC0 && r != 0xD7 && r != 0xF7
	case r < 0x2000:
		return r >= 0x370 && r != 0x37E
	case r < 0x3001:
		return r == 0x200C || r == 0x200D || r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF
	}
	return r <= 0xD7FF || r >= 0xF900 && r <= 0xFDCF || r >= 0xFDF0 && r <= 0xFFFD || r >= 0x10000 && r <= 0xEFFFF
}

// isNameChar reports whether a name may go on with r (production 4a).
func isNameChar(r rune) bool {
	switch {
	case r >= '0' && r <= '9' || r == '-' || r == '.' || r == 0xB7:
		return true
	case r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040:
		return true
	}
	return isNameStart(r)
}

// nameLength returns the length of the name that s begins with.
func nameLength(s string) int {
	for i, r := range s {
		if r == utf8.RuneError || i == 0 && !isNameStart(r) || !isNameChar(r) {
			return i
		}
	}
	return len(s)
}

// isName reports whether s is a name.
func isName(s string) bool { return s != "" && nameLength(s) == len(s) }

// IsName reports whether s is a name without a colon (an NCName): what the
// local name of an element or attribute and a prefix must be.
func IsName(s string) bool { return isName(s) && strings.IndexByte(s, ':') < 0 }

// isQName reports whether the name s is local or prefix:local.
func isQName(s string) bool {
	prefix, local, ok := strings.Cut(s, ":")
	return IsName(prefix) && (!ok || IsName(local))
}

// isDigits reports whether s is a number without sign.
func isDigits(s string, base int) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (base != 16 || (c|0x20) < 'a' || (c|0x20) > 'f') {
			return false
		}
	}
	return s != ""
}

// clipped returns the beginning of s for a message.
func clipped(s string) string {
	const most = 24
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}

// name reads a name: one of an element or attribute with at most one colon.
func (p *parser) name(of string) (string, bool) {
	s := p.rest()
	n := 0
	for n < len(s) && nameByte[s[n]] {
		n++
	}
	if n == 0 || n < len(s) && s[n] >= utf8.RuneSelf || !isNameStart(rune(s[0])) {
		n = nameLength(s)
	}
	if n == 0 {
		return "", p.problem(p.i, "XML007", "a name begins with a letter or _; a literal < is written &lt;", "the name of the %s is missing before %q", of, clipped(s))
	}
	name := s[:n]
	if strings.IndexByte(name, ':') >= 0 && !isQName(name) {
		return "", p.problem(p.i, "XML007", "a name has at most one colon, between prefix and local name", "%s %q is not a qualified name", of, name)
	}
	p.i += n
	return name, true
}

// symbol reads a name as name does. What came after the name before it, last
// time, is tried first.
func (p *parser) symbol(of string) (*symbol, bool) {
	if x := p.symbols.last.next; x != nil {
		if end := p.i + len(x.raw); end < len(p.s) && nameEnd[p.s[end]] && p.s[p.i:end] == x.raw {
			p.i = end
			p.symbols.last = x
			return x, true
		}
	}
	raw, ok := p.name(of)
	if !ok {
		return nil, false
	}
	x := p.symbols.symbol(raw)
	p.symbols.last.next = x
	p.symbols.last = x
	return x, true
}

// nameByte tells the ASCII characters of names.
var nameByte = func() (t [256]bool) {
	for c := range utf8.RuneSelf {
		t[c] = isNameChar(rune(c))
	}
	return t
}()

// nameEnd tells the ASCII characters that no name holds.
var nameEnd = func() (t [256]bool) {
	for c := range utf8.RuneSelf {
		t[c] = !nameByte[c]
	}
	return t
}()
