package xmltree

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// decode turns the source into UTF-8, by byte order mark and declaration, and
// checks that it holds only characters that XML allows.
func (p *parser) decode(src []byte) bool {
	if limit := min(p.options.MaxBytes, math.MaxUint32-1); int64(len(src)) > limit {
		return p.limit(-1, "XML019", &LimitError{Limit: "bytes of XML", Value: limit, Setting: "RequestBytes"})
	}
	head := string(src[:min(4, len(src))])
	switch {
	case strings.HasPrefix(head, "\x00\x00\xFE\xFF"), strings.HasPrefix(head, "\xFF\xFE\x00\x00"),
		head == "\x00\x00\x00<", head == "<\x00\x00\x00":
		return p.problem(-1, "XML001", "save it as UTF-8", "encoding UTF-32 is not supported")
	case strings.HasPrefix(head, "\xFE\xFF"):
		return p.utf16(src[2:], 1, 0)
	case strings.HasPrefix(head, "\xFF\xFE"):
		return p.utf16(src[2:], 0, 1)
	case strings.HasPrefix(head, "<\x00"), strings.HasPrefix(head, "\x00<"):
		return p.problem(-1, "XML001", "save it with a byte order mark, or as UTF-8", "UTF-16 without a byte order mark is not supported")
	}
	p.d.source = strings.TrimPrefix(string(src), "\uFEFF")
	encoding, off := p.encoding()
	switch strings.ToUpper(encoding) {
	case "", "UTF-8", "UTF8":
		return p.valid("UTF-8")
	case "US-ASCII", "ASCII":
		for i := 0; i < len(p.d.source); i++ {
			if p.d.source[i] >= utf8.RuneSelf {
				return p.problem(i, "XML002", "declare the encoding that the source has", "byte 0x%02X is not US-ASCII", p.d.source[i])
			}
		}
		return p.valid("US-ASCII")
	case "ISO-8859-1", "LATIN1", "LATIN-1":
		if len(src) != len(p.d.source) {
			return p.problem(off, "XML001", "declare UTF-8", "encoding %q does not go with a UTF-8 byte order mark", encoding)
		}
		var b strings.Builder
		for _, c := range src {
			b.WriteRune(rune(c))
		}
		p.d.source = b.String()
		return p.valid("ISO-8859-1")
	case "UTF-16", "UTF-16LE", "UTF-16BE":
		return p.problem(off, "XML001", "the source has one byte for each ASCII character: declare UTF-8, or nothing", "encoding %q is declared but the source is not encoded so", encoding)
	}
	return p.problem(off, "XML001", "save it as UTF-8 and declare UTF-8, or nothing", "encoding %q is not supported", encoding)
}

// encoding returns the encoding that the source declares, or "", and where. It
// looks no further than it must; declaration reads properly.
func (p *parser) encoding() (name string, off int) {
	s := p.d.source
	if !strings.HasPrefix(s, "<?xml") || len(s) < 6 || !isSpace(s[5]) {
		return "", 0
	}
	s, _, _ = strings.Cut(s, "?>")
	i := strings.Index(s, "encoding")
	if i < 0 {
		return "", 0
	}
	quoted := strings.TrimLeft(s[i+len("encoding"):], "= \t\r\n")
	if quoted == "" || quoted[0] != '"' && quoted[0] != '\'' {
		return "", 0
	}
	off = len(s) - len(quoted) + 1
	name, _, _ = strings.Cut(quoted[1:], quoted[:1])
	return name, off
}

// utf16 decodes UTF-16 whose units have their high and low byte there.
func (p *parser) utf16(src []byte, low, high int) bool {
	if len(src)%2 != 0 {
		return p.problem(-1, "XML002", "the source was cut, or is not UTF-16", "UTF-16 has an odd number of bytes")
	}
	units := make([]uint16, len(src)/2)
	for i := range units {
		units[i] = uint16(src[2*i+high])<<8 | uint16(src[2*i+low])
	}
	for i := 0; i < len(units); i++ {
		if r := rune(units[i]); utf16.IsSurrogate(r) {
			if i+1 == len(units) || utf16.DecodeRune(r, rune(units[i+1])) == utf8.RuneError {
				return p.problem(-1, "XML002", "the source was cut, or is not UTF-16", "UTF-16 has half a surrogate pair at byte %d", 2*i+2)
			}
			i++
		}
	}
	p.d.source = string(utf16.Decode(units))
	if name, off := p.encoding(); name != "" && !strings.HasPrefix(strings.ToUpper(name), "UTF-16") {
		return p.problem(off, "XML001", "declare UTF-16, or nothing", "encoding %q is declared but the source is UTF-16", name)
	}
	return p.valid("UTF-16")
}

// valid checks the characters of the source and makes it what is read.
func (p *parser) valid(encoding string) bool {
	s := p.d.source
	if !utf8.ValidString(s) {
		for i := 0; i < len(s); {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				return p.problem(i, "XML002", "save it as UTF-8, or declare the encoding it has", "byte 0x%02X is not valid %s", s[i], encoding)
			}
			i += n
		}
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c >= ' ' && c != 0xEF:
		case c == '\r':
			p.returns = true
		case c == '\t' || c == '\n':
		case c == 0xEF && (s[i+1] != 0xBF || s[i+2] < 0xBE):
		default:
			r, _ := utf8.DecodeRuneInString(s[i:])
			return p.problem(i, "XML003", "XML allows tab, line feed, carriage return and the characters from blank on; send other bytes as base64", "character U+%04X is not allowed", r)
		}
	}
	p.s = s
	return true
}

// declaration reads <?xml version="1.0" encoding="…" standalone="…"?>.
func (p *parser) declaration() bool {
	const hint = `write <?xml version="1.0" encoding="UTF-8"?>`
	p.i = len("<?xml")
	wrong := func(off int, what string, args ...any) bool {
		return p.problem(off, "XML004", hint, "%s", "the XML declaration "+fmt.Sprintf(what, args...))
	}
	done := -1 // index of the last part seen
	parts := []string{"version", "encoding", "standalone"}
	for {
		spaced := p.space()
		if p.looking("?>") {
			p.i += 2
			if done < 0 {
				return wrong(0, "has no version")
			}
			return true
		}
		start := p.i
		n := nameLength(p.rest())
		if n == 0 {
			return wrong(start, "is not closed with ?>")
		}
		name := p.s[start : start+n]
		part := -1
		for i, known := range parts {
			if name == known {
				part = i
			}
		}
		switch {
		case part < 0:
			return wrong(start, "cannot have %q", name)
		case part <= done || done < 0 && part > 0:
			return wrong(start, "has %q in the wrong place; the order is version, encoding, standalone", name)
		case !spaced:
			return wrong(start, "has no white space before %q", name)
		}
		done = part
		p.i += n
		p.space()
		if !p.looking("=") {
			return wrong(p.i, "has no = after %q", name)
		}
		p.i++
		p.space()
		if !p.looking(`"`) && !p.looking(`'`) {
			return wrong(p.i, "has no quoted value for %q", name)
		}
		end := strings.IndexByte(p.s[p.i+1:], p.s[p.i])
		if end < 0 {
			return wrong(p.i, "has no closing quote for %q", name)
		}
		value := p.s[p.i+1 : p.i+1+end]
		if !declarable(name, value) {
			return wrong(p.i+1, "cannot have %s=%q", name, clipped(value))
		}
		p.i += end + 2
	}
}

// declarable reports whether a part of the XML declaration may have a value.
func declarable(part, value string) bool {
	switch part {
	case "version":
		minor, ok := strings.CutPrefix(value, "1.")
		return ok && isDigits(minor, 10)
	case "standalone":
		return value == "yes" || value == "no"
	}
	for i := 0; i < len(value); i++ {
		c := value[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return value != ""
}
