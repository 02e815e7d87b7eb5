package xmltree

import (
	"math"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

const utf8Hint = "save it as UTF-8 and declare UTF-8, or nothing"

// decode turns what is read into UTF-8, by byte order mark, the first bytes
// and the declaration, and checks that it holds only characters that XML
// allows. The text becomes that of s and what is read next.
func (p *parser) decode(s *source, src []byte) bool {
	if limit := min(p.options.MaxBytes, math.MaxUint32-1-int64(s.base)); int64(len(src)) > limit {
		return p.limit(-1, "XML019", &LimitError{Limit: "bytes of XML", Value: limit, Setting: "RequestBytes"})
	}
	switch head := string(src[:min(4, len(src))]); {
	case head == "\x00\x00\xFE\xFF":
		return p.utf32(s, src, 4, 3, 2, 1, 0)
	case head == "\xFF\xFE\x00\x00":
		return p.utf32(s, src, 4, 0, 1, 2, 3)
	case head == "\x00\x00\x00<":
		return p.utf32(s, src, 0, 3, 2, 1, 0)
	case head == "<\x00\x00\x00":
		return p.utf32(s, src, 0, 0, 1, 2, 3)
	case strings.HasPrefix(head, "\xFE\xFF"):
		return p.utf16(s, src, 2, 1, 0)
	case strings.HasPrefix(head, "\xFF\xFE"):
		return p.utf16(s, src, 2, 0, 1)
	case strings.HasPrefix(head, "\x00<"):
		return p.utf16(s, src, 0, 1, 0)
	case strings.HasPrefix(head, "<\x00"):
		return p.utf16(s, src, 0, 0, 1)
	case head == "\x4C\x6F\xA7\x94": // <?xm in EBCDIC
		return p.ebcdic(s, src)
	}
	s.text = strings.TrimPrefix(p.text8(src), "\uFEFF")
	marked := len(s.text) != len(src)
	name, off := s.encoding()
	upper := strings.ToUpper(name)
	switch upper {
	case "", "UTF-8", "UTF8":
		return p.valid(s, "UTF-8")
	case "US-ASCII", "ASCII":
		for i := 0; i < len(s.text); i++ {
			if s.text[i] >= utf8.RuneSelf {
				return p.problem(i, "XML002", "declare the encoding that the source has", "byte 0x%02X is not US-ASCII", s.text[i])
			}
		}
		return p.valid(s, "US-ASCII")
	}
	enc := lookup(name)
	switch {
	case isUTF16(upper) || isUTF32(upper):
		return p.problem(off, "XML001", "the source has one byte for each ASCII character: declare UTF-8, or nothing", "encoding %q is declared but the source is not encoded so", name)
	case upper == "LATIN1" || upper == "LATIN-1" || upper == "ISO-8859-1":
		enc = charmap.ISO8859_1
	case enc == nil:
		return p.problem(off, "XML001", utf8Hint, "encoding %q is not supported", name)
	}
	if marked {
		return p.problem(off, "XML001", "declare UTF-8", "encoding %q does not go with a UTF-8 byte order mark", name)
	}
	return p.foreign(s, src, enc, name)
}

// text8 returns src as a string: a copy, or src itself if it was given away.
func (p *parser) text8(src []byte) string {
	if p.options.Own && p.src == &p.d.main {
		return unsafe.String(unsafe.SliceData(src), len(src))
	}
	return string(src)
}

// lookup returns the encoding of that name, by the registry of the IANA and
// then by the names that browsers know; nil if neither has it.
func lookup(name string) encoding.Encoding {
	if e, err := ianaindex.IANA.Encoding(name); err == nil && e != nil {
		return e
	}
	e, err := htmlindex.Get(name)
	if err != nil || e == encoding.Replacement {
		return nil
	}
	return e
}

// foreign decodes src, which is in the encoding of that name.
func (p *parser) foreign(s *source, src []byte, enc encoding.Encoding, name string) bool {
	text, err := enc.NewDecoder().Bytes(src)
	if err != nil {
		return p.problem(-1, "XML002", "save it as UTF-8", "the source is not valid %s: %v", name, err)
	}
	s.text = string(text)
	// Decoders put U+FFFD for what they do not understand. A few encodings
	// have that character too; then the source has as many of it as the text.
	if at := strings.IndexRune(s.text, utf8.RuneError); at >= 0 {
		mark, err := enc.NewEncoder().String("\uFFFD")
		if err != nil || strings.Count(string(src), mark) < strings.Count(s.text, "\uFFFD") {
			return p.problem(at, "XML002", "save it as UTF-8, or declare the encoding it has", "bytes that are not valid %s", name)
		}
	}
	return p.valid(s, name)
}

// ebcdic decodes a source whose declaration is in EBCDIC; the invariant part
// of that is enough to read which one it is.
func (p *parser) ebcdic(s *source, src []byte) bool {
	head, err := charmap.CodePage037.NewDecoder().Bytes(src[:min(len(src), 256)])
	if err != nil {
		return p.problem(-1, "XML001", utf8Hint, "the source begins as EBCDIC and cannot be decoded: %v", err)
	}
	s.text = string(head)
	name, off := s.encoding()
	enc := lookup(name)
	if back, err := charmap.CodePage037.NewEncoder().String("<?xm"); enc == nil || err != nil || !sameEncoded(enc, back) {
		return p.problem(off, "XML001", utf8Hint, "encoding %q of a source in EBCDIC is not supported", name)
	}
	return p.foreign(s, src, enc, name)
}

// sameEncoded reports whether enc has <?xm for the bytes head.
func sameEncoded(enc encoding.Encoding, head string) bool {
	s, err := enc.NewDecoder().String(head)
	return err == nil && s == "<?xm"
}

func isUTF16(upper string) bool {
	return strings.HasPrefix(upper, "UTF-16") || upper == "UTF16" || upper == "ISO-10646-UCS-2" || upper == "UCS-2"
}

func isUTF32(upper string) bool {
	return strings.HasPrefix(upper, "UTF-32") || upper == "UTF32" || upper == "ISO-10646-UCS-4" || upper == "UCS-4"
}

// encoding returns the encoding that the text declares, or "", and where. It
// looks no further than it must; declaration reads properly.
func (s *source) encoding() (name string, off int) {
	text := s.text
	if !strings.HasPrefix(text, "<?xml") || len(text) < 6 || !isSpace(text[5]) {
		return "", 0
	}
	text, _, _ = strings.Cut(text, "?>")
	i := strings.Index(text, "encoding")
	if i < 0 {
		return "", 0
	}
	quoted := strings.TrimLeft(text[i+len("encoding"):], "= \t\r\n")
	if quoted == "" || quoted[0] != '"' && quoted[0] != '\'' {
		return "", 0
	}
	off = len(text) - len(quoted) + 1
	name, _, _ = strings.Cut(quoted[1:], quoted[:1])
	return name, off
}

// utf16 decodes UTF-16 from a byte on; its units have their high and low byte there.
func (p *parser) utf16(s *source, src []byte, from, low, high int) bool {
	if len(src)%2 != 0 {
		return p.problem(-1, "XML002", "the source was cut, or is not UTF-16", "UTF-16 has an odd number of bytes")
	}
	var b strings.Builder
	b.Grow(len(src) / 2)
	for i := from; i < len(src); i += 2 {
		r := rune(src[i+high])<<8 | rune(src[i+low])
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if i+3 < len(src) {
				pair = utf16.DecodeRune(r, rune(src[i+2+high])<<8|rune(src[i+2+low]))
			}
			if pair == utf8.RuneError {
				return p.problem(-1, "XML002", "the source was cut, or is not UTF-16", "UTF-16 has half a surrogate pair at byte %d", i)
			}
			r = pair
			i += 2
		}
		b.WriteRune(r)
	}
	s.text = b.String()
	if name, off := s.encoding(); name != "" && !isUTF16(strings.ToUpper(name)) {
		return p.problem(off, "XML001", "declare UTF-16, or nothing", "encoding %q is declared but the source is UTF-16", name)
	}
	return p.valid(s, "UTF-16")
}

// utf32 decodes UTF-32 from a byte on; its units have their bytes there, the lowest first.
func (p *parser) utf32(s *source, src []byte, from, b0, b1, b2, b3 int) bool {
	if len(src)%4 != 0 {
		return p.problem(-1, "XML002", "the source was cut, or is not UTF-32", "UTF-32 has %d bytes more than whole characters", len(src)%4)
	}
	var b strings.Builder
	b.Grow(len(src) / 4)
	for i := from; i < len(src); i += 4 {
		c := uint32(src[i+b3])<<24 | uint32(src[i+b2])<<16 | uint32(src[i+b1])<<8 | uint32(src[i+b0])
		if c > utf8.MaxRune || utf16.IsSurrogate(rune(c)) {
			return p.problem(-1, "XML002", "the source was damaged, or is not UTF-32", "UTF-32 has 0x%X, which is no character, at byte %d", c, i)
		}
		b.WriteRune(rune(c))
	}
	s.text = b.String()
	if name, off := s.encoding(); name != "" && !isUTF32(strings.ToUpper(name)) {
		return p.problem(off, "XML001", "declare UTF-32, or nothing", "encoding %q is declared but the source is UTF-32", name)
	}
	return p.valid(s, "UTF-32")
}

// valid checks the characters of the text of s and makes it what is read.
func (p *parser) valid(s *source, encoding string) bool {
	text := s.text
	if most := math.MaxUint32 - 1 - s.base; len(text) > most {
		return p.limit(-1, "XML019", &LimitError{Limit: "bytes of XML as UTF-8", Value: int64(most)})
	}
	for i := plain(text, 0); i < len(text); i = plain(text, i) {
		c := text[i]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(text[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				return p.invalid(i, text[i], encoding)
			case !isChar(r):
				return p.forbidden(i, r)
			}
			i += n
			continue
		case c >= ' ' || c == '\t' || c == '\n':
		case c == '\r':
			p.returns = true
		default:
			return p.forbidden(i, rune(c))
		}
		i++
	}
	p.s = text
	return true
}

// plain returns the first place from i on where s may hold anything but ASCII
// without controls. It looks at eight bytes at a time.
func plain(s string, i int) int {
	const low, high = 0x2020202020202020, 0x8080808080808080
	for i+8 <= len(s) {
		b := s[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		if found := (w | (w - low)) & high; found != 0 {
			// A borrow can mark a byte above the first that is marked, not below.
			return i + bits.TrailingZeros64(found)/8
		}
		i += 8
	}
	return i
}

func (p *parser) invalid(off int, c byte, encoding string) bool {
	return p.problem(off, "XML002", "save it as UTF-8, or declare the encoding it has", "byte 0x%02X is not valid %s", c, encoding)
}

func (p *parser) forbidden(off int, r rune) bool {
	return p.problem(off, "XML003", "XML allows tab, line feed, carriage return and the characters from blank on; send other bytes as base64", "character U+%04X is not allowed", r)
}
