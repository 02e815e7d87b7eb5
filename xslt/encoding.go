package xslt

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// charset is an encoding of results. The zero value is UTF-8.
type charset struct {
	name   string            // as the stylesheet has it; empty: UTF-8
	coder  encoding.Encoding // nil for UTF-8, US-ASCII and those with a page
	narrow bool              // it lacks characters of Unicode
	page   *codePage         // of an encoding with a byte for each character
}

// codePage holds the bytes for characters below U+10000 by their high and low
// half. 0 is no byte.
type codePage [256]*[256]byte

func newCodePage(m *charmap.Charmap) *codePage {
	page := new(codePage)
	for b := range 256 {
		r := m.DecodeByte(byte(b))
		if r == utf8.RuneError || r > 0xFFFF {
			continue
		}
		if page[r>>8] == nil {
			page[r>>8] = new([256]byte)
		}
		page[r>>8][r&0xFF] = byte(b)
	}
	return page
}

// at returns the byte for r, 0 if there is none.
func (page *codePage) at(r rune) byte {
	if r > 0xFFFF || page[r>>8] == nil {
		return 0
	}
	return page[r>>8][r&0xFF]
}

// encode appends the bytes for text, which is UTF-8 and within the page, to b.
func (page *codePage) encode(b, text []byte) []byte {
	for len(text) > 0 {
		r, size := rune(text[0]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text)
		}
		b = append(b, page.at(r))
		text = text[size:]
	}
	return b
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
	page, paged := coder.(*charmap.Charmap)
	switch {
	case coder == unicode.UTF8:
		return cs, true
	case paged:
		cs.page = newCodePage(page)
	case coder != usASCII():
		cs.coder = coder
	}
	cs.narrow = true
	return cs, true
}

// usASCII returns the encoding of that name.
func usASCII() encoding.Encoding {
	c, _ := ianaindex.IANA.Encoding("US-ASCII") // it is there
	return c
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
		return usASCII(), true
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
	decoder *encoding.Decoder
	known   map[rune]bool
}

// has reports whether the encoding has r.
func (rp *repertoire) has(r rune) bool {
	cs := rp.charset
	switch {
	case r < 0x80 || !cs.narrow:
		return true
	case cs.page != nil:
		return cs.page.at(r) != 0
	case cs.coder == nil:
		return false
	}
	ok, known := rp.known[r]
	if !known {
		if rp.coder == nil {
			rp.coder, rp.decoder = cs.coder.NewEncoder(), cs.coder.NewDecoder()
		}
		if len(rp.known) >= 1<<14 || rp.known == nil {
			rp.known = map[rune]bool{}
		}
		// What would be read back as another character is not there either.
		coded, err := rp.coder.String(string(r))
		if err == nil {
			coded, err = rp.decoder.String(coded)
		}
		ok = err == nil && coded == string(r)
		rp.known[r] = ok
	}
	return ok
}
