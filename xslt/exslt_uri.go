package xslt

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/ianaindex"

	"sutler/xpath"
)

// encodeURI escapes what must not stand in a URI (RFC 2396), and what is
// reserved there if asked to. It knows UTF-8 and the encodings of one byte; by
// any other the result is empty, as EXSLT has it.
func encodeURI(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	s, err := argText(c, args, 0)
	if err != nil {
		return xpath.Value{}, err
	}
	code, ok := encodingOf(args, 2)
	if !ok {
		return xpath.String(""), nil
	}
	plain := "-_.!~*'()"
	if !args[1].Bool() {
		plain += ";/?:@&=+$,[]"
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf && (uriLetter(byte(r)) || strings.IndexByte(plain, byte(r)) >= 0) {
			b.WriteByte(byte(r))
			continue
		}
		var bytes [utf8.UTFMax]byte
		n := 1
		if code == nil {
			n = utf8.EncodeRune(bytes[:], r)
		} else if bytes[0], ok = code.EncodeRune(r); !ok {
			bytes[0] = '?'
		}
		for _, x := range bytes[:n] {
			b.Write([]byte{'%', hex[x>>4], hex[x&15]})
		}
	}
	return xpath.String(b.String()), room(c, b.Len()-len(s))
}

// decodeURI is the way back. A percent sign that two hexadecimal digits do not
// follow stays; where the bytes are no text that XML can hold there is none.
func decodeURI(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	s, err := argText(c, args, 0)
	if err != nil {
		return xpath.Value{}, err
	}
	code, ok := encodingOf(args, 1)
	if !ok {
		return xpath.String(""), nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		hi, lo := -1, -1
		if s[i] == '%' && i+2 < len(s) {
			hi, lo = hexDigit(s[i+1]), hexDigit(s[i+2])
		}
		switch {
		case hi < 0 || lo < 0:
			b.WriteByte(s[i])
			continue
		case code == nil:
			b.WriteByte(byte(hi<<4 | lo))
		default:
			b.WriteRune(code.DecodeByte(byte(hi<<4 | lo)))
		}
		i += 2
	}
	if out := b.String(); xmlText(out) {
		return xpath.String(out), nil
	}
	return xpath.String(""), nil
}

// encodingOf returns the encoding that argument i names, nil for UTF-8.
func encodingOf(args []xpath.Value, i int) (code *charmap.Charmap, ok bool) {
	if len(args) <= i || strings.EqualFold(args[i].Str(), "UTF-8") {
		return nil, true
	}
	e, err := ianaindex.IANA.Encoding(args[i].Str())
	if err != nil {
		return nil, false
	}
	code, ok = e.(*charmap.Charmap)
	return code, ok
}

func uriLetter(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9'
}

// hexDigit returns the value of a hexadecimal digit, -1 for anything else.
func hexDigit(b byte) int {
	switch {
	case '0' <= b && b <= '9':
		return int(b - '0')
	case 'a' <= b && b <= 'f':
		return int(b-'a') + 10
	case 'A' <= b && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}

// xmlText reports whether all of s may stand in an XML document.
func xmlText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return false
		}
	}
	return true
}
