package xslt

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// charset is an encoding of results. The zero value is UTF-8.
type charset struct {
	name   string // as the stylesheet has it; empty: UTF-8
	coder  encoding.Encoding
	narrow bool             // it lacks characters of Unicode
	page   *charmap.Charmap // coder, if it has a byte for each character
}

// charsetNamed returns the encoding with a name registered at IANA or common on
// the Web; ok is false, and the encoding UTF-8, if there is none of that name.
func charsetNamed(name string) (cs charset, ok bool) {
	cs = charset{name: name}
	switch strings.ToUpper(name) {
	case "UTF-8", "UTF8":
		return cs, true
	case "UTF-16", "UTF16", "ISO-10646-UCS-2", "UCS-2", "UNICODE": // with a byte order mark
		cs.coder = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
		return cs, true
	case "UTF-16LE":
		cs.coder = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
		return cs, true
	case "UTF-16BE":
		cs.coder = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
		return cs, true
	case "UTF-32", "ISO-10646-UCS-4", "UCS-4":
		cs.coder = utf32.UTF32(utf32.LittleEndian, utf32.UseBOM)
		return cs, true
	case "UTF-32LE":
		cs.coder = utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
		return cs, true
	case "UTF-32BE":
		cs.coder = utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
		return cs, true
	}
	coder, ok := coderNamed(name)
	if !ok {
		return charset{}, false
	}
	if coder == unicode.UTF8 {
		return cs, true
	}
	cs.coder = coder
	cs.narrow = coder != simplifiedchinese.GB18030
	cs.page, _ = coder.(*charmap.Charmap)
	return cs, true
}

// coderNamed returns the encoding with a name other than those of Unicode.
func coderNamed(name string) (encoding.Encoding, bool) {
	if c, err := ianaindex.IANA.Encoding(name); err == nil && c != nil {
		return c, true
	}
	// More spellings are common: ISO8859_1, ascii.
	lower := strings.ToLower(name)
	if _, part, ok := strings.Cut(lower, "8859"); ok {
		c, err := ianaindex.IANA.Encoding("ISO-8859-" + strings.TrimLeft(part, "-_"))
		return c, err == nil && c != nil
	}
	if strings.Contains(lower, "ascii") || strings.Contains(lower, "646") {
		c, err := ianaindex.IANA.Encoding("US-ASCII")
		return c, err == nil && c != nil
	}
	// The Web has other names, but gives some to encodings that are none.
	c, err := htmlindex.Get(name)
	return c, err == nil && c != encoding.Replacement && c != charmap.XUserDefined
}

// declared returns the name to declare.
func (cs *charset) declared() string {
	if cs.name == "" {
		return "UTF-8"
	}
	return cs.name
}

// repertoire tells which characters an encoding has. It is for one goroutine.
type repertoire struct {
	charset *charset
	coder   *encoding.Encoder
	known   map[rune]bool
}

// has reports whether the encoding has r.
func (rp *repertoire) has(r rune) bool {
	cs := rp.charset
	switch {
	case r < 0x80 || !cs.narrow:
		return true
	case cs.page != nil:
		_, ok := cs.page.EncodeRune(r)
		return ok
	}
	ok, known := rp.known[r]
	if !known {
		if rp.coder == nil {
			rp.coder = cs.coder.NewEncoder()
		}
		if len(rp.known) >= 1<<14 || rp.known == nil {
			rp.known = map[rune]bool{}
		}
		_, err := rp.coder.String(string(r))
		ok = err == nil
		rp.known[r] = ok
	}
	return ok
}
