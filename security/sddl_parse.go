package security

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"sutler"
)

// ParseSDDL reads a security descriptor in the language of MS-DTYP 2.5.1.
//
// The parts O:, G:, D: and S: may stand in any order, each at most once, or be
// absent. Small and capital letters are the same. White space (9 to 13 and 32)
// may stand around parts, flags, entries, fields and codes, and not within a
// SID, code, GUID or number. Rights are codes, or a hexadecimal (0x), octal (0)
// or decimal number of 32 bits. A GUID is refused where the type of the entry
// has none, since to ignore it would widen the entry.
//
// String of the result is the canonical form: no white space, capital letters,
// flags in the order of their bits, aliases for SIDs that have one, other
// numbers in hexadecimal. Parsing that gives an equal value.
//
// A text has at most 65,536 bytes, in its canonical form too, and a list at most
// 1,820 entries. An error is of code BadInput and names the column, in
// characters from 1, what is wrong there and what is allowed.
func ParseSDDL(text string) (Descriptor, error) {
	p := parser{text: text}
	if len(text) > maxText {
		return Descriptor{}, p.wrong(maxText, "the text has %d bytes: at most %d are allowed", len(text), maxText)
	}
	for at, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[at:], string(utf8.RuneError)) {
			return Descriptor{}, p.wrong(at, "%q is not UTF-8", text[at:at+1])
		}
	}
	d, err := p.descriptor()
	if err != nil {
		return Descriptor{}, err
	}
	if n := len(d.String()); n > maxText {
		return Descriptor{}, p.wrong(0, "the canonical form of the text has %d bytes: at most %d are allowed", n, maxText)
	}
	return d, nil
}

// parser reads text from byte at on.
type parser struct {
	text string
	at   int
}

// wrong returns the error for what stands at a byte.
func (p *parser) wrong(at int, format string, args ...any) error {
	column := utf8.RuneCountInString(p.text[:at]) + 1
	return sutler.Errorf(sutler.BadInput, "cannot read SDDL at column %d: %w", column, fmt.Errorf(format, args...))
}

// found returns what a message calls what stands at a byte.
func (p *parser) found(at int) string {
	if at == len(p.text) {
		return "the end"
	}
	return strconv.Quote(short(wordOf(p.text[at:])))
}

// space skips white space.
func (p *parser) space() {
	p.at += leading(p.text[p.at:], "\t\n\v\f\r ")
}

// take skips word, in small or capital letters, if it is next.
func (p *parser) take(word string) bool {
	rest := p.text[p.at:]
	if len(rest) < len(word) || !strings.EqualFold(rest[:len(word)], word) {
		return false
	}
	p.at += len(word)
	return true
}

// need skips mark and the white space on both sides of it.
func (p *parser) need(mark, after string) error {
	p.space()
	if !p.take(mark) {
		return p.wrong(p.at, "%s after %s: want %q", p.found(p.at), after, mark)
	}
	p.space()
	return nil
}

// part returns the letter of the part that begins here, or 0.
func (p *parser) part() byte {
	rest := p.text[p.at:]
	if len(rest) < 2 || rest[1] != ':' {
		return 0
	}
	if letter := rest[0] &^ 0x20; strings.IndexByte("OGDS", letter) >= 0 {
		return letter
	}
	return 0
}

func (p *parser) descriptor() (Descriptor, error) {
	var d Descriptor
	seen := ""
	for p.space(); p.at < len(p.text); p.space() {
		letter := p.part()
		if letter == 0 {
			return d, p.wrong(p.at, "%s begins no part: want O: (owner), G: (group), D: (DACL) or S: (SACL)", p.found(p.at))
		}
		if strings.IndexByte(seen, letter) >= 0 {
			return d, p.wrong(p.at, "a second \"%c:\": each part may stand once", letter)
		}
		seen += string(letter)
		p.at += 2
		p.space()
		var err error
		switch letter {
		case 'O':
			d.Owner, err = p.sid()
		case 'G':
			d.Group, err = p.sid()
		case 'D':
			d.DACL, err = p.acl()
		case 'S':
			d.SACL, err = p.acl()
		}
		if err != nil {
			return d, err
		}
	}
	return d, nil
}

func (p *parser) sid() (SID, error) {
	sid, used, err := readSID(p.text[p.at:])
	if err != nil {
		return "", p.wrong(p.at, "%w", err)
	}
	p.at += used
	return sid, nil
}

func (p *parser) acl() (*ACL, error) {
	l := new(ACL)
flags:
	for ; ; p.space() {
		if p.part() != 0 || p.at == len(p.text) || p.text[p.at] == '(' {
			break
		}
		if p.take(noAccessControl) {
			l.Null = true
			break
		}
		for _, f := range aclFlags {
			if p.take(f.code) {
				l.Flags |= ACLFlags(f.bits)
				continue flags
			}
		}
		return nil, p.wrong(p.at, "%s is no flag of a list: want %s, %s or entries in parentheses", p.found(p.at), listOf(aclFlags), noAccessControl)
	}
	for p.space(); p.at < len(p.text) && p.text[p.at] == '('; p.space() {
		if l.Null {
			return nil, p.wrong(p.at, "an entry after %s: such a list has none", noAccessControl)
		}
		if len(l.ACEs) == maxACEs {
			return nil, p.wrong(p.at, "more than %d entries in a list", maxACEs)
		}
		a, err := p.ace()
		if err != nil {
			return nil, err
		}
		l.ACEs = append(l.ACEs, a)
	}
	return l, nil
}

func (p *parser) ace() (ACE, error) {
	var a ACE
	p.at++ // (
	p.space()
	start := p.at
	n := leading(p.text[start:], letters+digits+"_-")
	a.Type = strings.ToUpper(p.text[start : start+n])
	guids, data, err := p.aceType(a.Type)
	if err != nil {
		return a, err
	}
	p.at += n
	if err := p.need(";", "the type"); err != nil {
		return a, err
	}
	if a.Flags, err = p.aceFlags(); err != nil {
		return a, err
	}
	if err := p.need(";", "the flags"); err != nil {
		return a, err
	}
	if a.Rights, err = p.rights(a.Type == "ML"); err != nil {
		return a, err
	}
	if err := p.need(";", "the rights"); err != nil {
		return a, err
	}
	if a.ObjectType, err = p.guid(a.Type, guids); err != nil {
		return a, err
	}
	if err := p.need(";", "the object type"); err != nil {
		return a, err
	}
	if a.InheritType, err = p.guid(a.Type, guids); err != nil {
		return a, err
	}
	if err := p.need(";", "the inheriting object type"); err != nil {
		return a, err
	}
	if a.Trustee, err = p.sid(); err != nil {
		return a, err
	}
	if data {
		if err := p.need(";", "the trustee of an entry of type "+a.Type); err != nil {
			return a, err
		}
		if a.Data, err = p.data(); err != nil {
			return a, err
		}
	}
	return a, p.need(")", "the last field of an entry of type "+a.Type)
}

// aceType returns whether entries of a type may have GUIDs, and have a seventh
// field.
func (p *parser) aceType(name string) (guids, data bool, err error) {
	var all []string
	for _, t := range aceTypes {
		if t.name == name {
			return t.guids, t.data, nil
		}
		all = append(all, t.name)
	}
	return false, false, p.wrong(p.at, "%s is no type of an entry: want one of %s", p.found(p.at), strings.Join(all, " "))
}

// code reads the next two-letter code of a field; "" if the field is at its end.
func (p *parser) code() string {
	p.space()
	n := min(2, leading(p.text[p.at:], letters))
	return strings.ToUpper(p.text[p.at : p.at+n])
}

func (p *parser) aceFlags() (ACEFlags, error) {
	var flags ACEFlags
	for code := p.code(); code != ""; code = p.code() {
		bits, ok := bitsOf(code, aceFlags)
		if !ok {
			return 0, p.wrong(p.at, "%q is no flag of an entry: want %s", p.text[p.at:p.at+len(code)], listOf(aceFlags))
		}
		flags |= ACEFlags(bits)
		p.at += len(code)
	}
	return flags, nil
}

// rights reads a number or codes, of a mandatory label also its own.
func (p *parser) rights(label bool) (Rights, error) {
	if rest := p.text[p.at:]; leading(rest, digits) > 0 {
		number := rest[:leading(rest, letters+digits)]
		base := 10
		plain := number
		switch {
		case len(number) > 1 && number[0] == '0' && number[1]|0x20 == 'x':
			base, plain = 16, number[2:]
		case number[0] == '0':
			base = 8
		}
		mask, err := strconv.ParseUint(plain, base, 32)
		if err != nil {
			return Rights{}, p.wrong(p.at, "%q is no number of 32 bits: want 0x and hexadecimal, 0 and octal, or decimal digits", short(number))
		}
		p.at += len(number)
		return Rights{Mask: uint32(mask)}, nil
	}
	var r Rights
	var codes strings.Builder
	allowed := [][]named[uint32]{rights}
	if label {
		allowed = append(allowed, labelRights)
	}
	for code := p.code(); code != ""; code = p.code() {
		known := false
		for _, list := range allowed {
			if bits, ok := bitsOf(code, list); ok {
				r.Mask |= bits
				known = true
			}
		}
		if !known {
			return r, p.wrong(p.at, "%q is no right: want %s, or a number", p.text[p.at:p.at+len(code)], listOf(allowed...))
		}
		codes.WriteString(code)
		p.at += len(code)
	}
	r.Codes = codes.String()
	return r, nil
}

// guid reads a GUID or nothing.
func (p *parser) guid(aceType string, allowed bool) (string, error) {
	rest := p.text[p.at:]
	word := rest[:leading(rest, letters+digits+"-")]
	switch {
	case word == "":
		return "", nil
	case !allowed:
		return "", p.wrong(p.at, "%q in an entry of type %s: only OA, OD, OU, OL and ZA have the GUID of a type", short(word), aceType)
	case !isGUID(word):
		return "", p.wrong(p.at, "%q is no GUID: want hexadecimal digits in groups of 8-4-4-4-12", short(word))
	}
	p.at += len(word)
	return strings.ToLower(word), nil
}

func isGUID(text string) bool {
	groups := strings.Split(text, "-")
	if len(groups) != 5 {
		return false
	}
	for i, size := range []int{8, 4, 4, 4, 12} {
		if len(groups[i]) != size || leading(groups[i], hexDigits) != size {
			return false
		}
	}
	return true
}

// data reads a condition or attribute in its parentheses. Within "…" a
// parenthesis is a character like others.
func (p *parser) data() (string, error) {
	start, depth, quoted := p.at, 0, false
	for at := start; at < len(p.text); at++ {
		switch c := p.text[at]; {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		}
		if depth == 0 {
			if at == start {
				break // it begins with something else
			}
			p.at = at + 1
			return p.text[start:p.at], nil
		}
	}
	if start < len(p.text) && p.text[start] == '(' {
		return "", p.wrong(start, "%q has no end: want as many ) as (, outside of quotes", short(p.text[start:]))
	}
	return "", p.wrong(start, "%s is no condition or attribute: want one in parentheses", p.found(start))
}
