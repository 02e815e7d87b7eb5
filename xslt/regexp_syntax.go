package xslt

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"sutler/xpath"
)

// The classes of ECMAScript as ranges inside a class of Go.
const (
	digitRanges    = `0-9`
	notDigitRanges = `\x00-\x{2F}\x{3A}-\x{10FFFF}`
	wordRanges     = `0-9A-Z_a-z`
	notWordRanges  = "\\x00-\\x{2F}\\x{3A}-\\x{40}\\x{5B}-\\x{5E}\\x{60}\\x{7B}-\\x{10FFFF}"
	spaceRanges    = `\x{09}-\x{0D}\x{20}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}\x{FEFF}`
	notSpaceRanges = `\x00-\x08\x{0E}-\x{1F}\x{21}-\x{9F}\x{A1}-\x{167F}\x{1681}-\x{1FFF}\x{200B}-\x{2027}\x{202A}-\x{202E}` +
		`\x{2030}-\x{205E}\x{2060}-\x{2FFF}\x{3001}-\x{FEFE}\x{FF00}-\x{10FFFF}`
	anyRanges     = `\x00-\x{10FFFF}`
	lineEndRanges = `\n\r\x{2028}\x{2029}`
)

// translatePattern turns a regular expression of ECMAScript (third edition,
// and the named groups of later ones) into one of Go, which takes linear time.
// Characters are those of Unicode, not UTF-16 units. With fold, letters match
// both cases; Go's own flag would look at each character of each range, which
// takes minutes for a hostile pattern.
func translatePattern(src string, fold bool) (expr string, groups int, err error) {
	if len(src) > maxPattern {
		return "", 0, fmt.Errorf("it is longer than %d bytes", maxPattern)
	}
	p := &patternReader{src: src, fold: fold, groups: groupsIn(src)}
	if p.groups > maxGroups {
		return "", 0, fmt.Errorf("it has more than %d groups", maxGroups)
	}
	if err := p.all(); err != nil {
		return "", 0, err
	}
	return p.out.String(), p.groups, nil
}

// groupsIn counts the capturing groups of a pattern.
func groupsIn(src string) (n int) {
	class := false
	for i := 0; i < len(src); i++ {
		switch src[i] {
		case '\\':
			i++
		case '[':
			class = true
		case ']':
			class = false
		case '(':
			rest := src[i+1:]
			if !class && (!strings.HasPrefix(rest, "?") || strings.HasPrefix(rest, "?<") && !lookbehind(rest)) {
				n++
			}
		}
	}
	return n
}

// lookbehind reports whether what follows a ( is ?<= or ?<!.
func lookbehind(rest string) bool {
	return strings.HasPrefix(rest, "?<=") || strings.HasPrefix(rest, "?<!")
}

// patternReader translates a pattern from src at i to out.
type patternReader struct {
	src    string
	i      int
	out    strings.Builder
	fold   bool
	groups int
	open   int
	atom   bool // what was written last can be repeated
}

// next takes the next character.
func (p *patternReader) next() rune {
	r, n := utf8.DecodeRuneInString(p.src[p.i:])
	p.i += n
	return r
}

func (p *patternReader) accept(s string) bool {
	if !strings.HasPrefix(p.src[p.i:], s) {
		return false
	}
	p.i += len(s)
	return true
}

func (p *patternReader) all() error {
	for p.i < len(p.src) {
		var err error
		switch r := p.next(); r {
		case '(':
			err = p.group()
		case ')':
			if p.open--; p.open < 0 {
				return errors.New(`")" closes nothing`)
			}
			p.write(")", true)
		case '|':
			p.write("|", false)
		case '^':
			p.write(`\A`, false)
		case '$':
			p.write(`\z`, false)
		case '.':
			p.write("[^"+lineEndRanges+"]", true)
		case '*', '+', '?':
			err = p.repeat(string(r))
		case '{':
			var q string
			if q, err = p.counts(); q != "" {
				err = p.repeat(q)
			} else if err == nil {
				p.write(`\{`, true)
			}
		case '[':
			err = p.class()
		case '\\':
			err = p.escape()
		default:
			p.literal(r)
		}
		if err != nil {
			return err
		}
	}
	if p.open > 0 {
		return errors.New(`a "(" is not closed`)
	}
	return nil
}

// write appends to the translation; atom says whether it can be repeated.
func (p *patternReader) write(s string, atom bool) {
	p.out.WriteString(s)
	p.atom = atom
}

// literalRune returns r so that it means itself, inside a class too.
func literalRune(r rune) string {
	if r == '_' || r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
		return string(r)
	}
	return fmt.Sprintf(`\x{%X}`, r)
}

// literal writes a character that means itself.
func (p *patternReader) literal(r rune) {
	if p.fold && unicode.SimpleFold(r) != r {
		p.write("["+foldedRange(r, r)+"]", true)
		return
	}
	p.write(literalRune(r), true)
}

// rangeOf returns the characters from low to high as the inside of a class.
func (p *patternReader) rangeOf(low, high rune) string {
	switch {
	case p.fold:
		return foldedRange(low, high)
	case low == high:
		return literalRune(low)
	}
	return literalRune(low) + "-" + literalRune(high)
}

// foldedRange returns the characters from low to high and those that differ
// from them in case alone. As in ECMAScript, ASCII has no case outside of it.
func foldedRange(low, high rune) string {
	var b strings.Builder
	b.WriteString(literalRune(low) + "-" + literalRune(high))
	var first, last rune = -1, -1 // the others that were not written yet
	flush := func() {
		if first >= 0 {
			b.WriteString(literalRune(first) + "-" + literalRune(last))
		}
	}
	eachCased(low, high, func(r rune) {
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			switch {
			case low <= f && f <= high || (f < utf8.RuneSelf) != (r < utf8.RuneSelf):
			case first >= 0 && f == last+1:
				last = f
			default:
				flush()
				first, last = f, f
			}
		}
	})
	flush()
	return b.String()
}

// eachCased calls f for the characters from low to high that have a case.
func eachCased(low, high rune, f func(rune)) {
	for _, t := range []*unicode.RangeTable{unicode.Upper, unicode.Lower, unicode.Title, unicode.Other_Uppercase, unicode.Other_Lowercase} {
		for _, x := range t.R16 {
			eachBetween(rune(x.Lo), rune(x.Hi), rune(x.Stride), low, high, f)
		}
		for _, x := range t.R32 {
			eachBetween(rune(x.Lo), rune(x.Hi), rune(x.Stride), low, high, f)
		}
	}
}

// eachBetween calls f for each stride-th character from lo to hi that lies from
// low to high.
func eachBetween(lo, hi, stride, low, high rune, f func(rune)) {
	if hi < low || lo > high {
		return
	}
	for r := lo; r <= min(hi, high); r += stride {
		if r >= low {
			f(r)
		}
	}
}

// group reads what follows an opening bracket.
func (p *patternReader) group() error {
	p.open++
	rest := p.src[p.i:]
	switch {
	case p.accept("?:"):
		p.write("(?:", false)
	case strings.HasPrefix(rest, "?=") || strings.HasPrefix(rest, "?!"):
		return lookaround(rest[:2])
	case lookbehind(rest):
		return lookaround(rest[:3])
	case p.accept("?<"):
		name, _, closed := strings.Cut(p.src[p.i:], ">")
		if !closed || !groupName(name) {
			return errors.New(`the name of a group is letters and digits between "(?<" and ">"`)
		}
		p.i += len(name) + 1
		p.write("(", false)
	case strings.HasPrefix(rest, "?"):
		return fmt.Errorf("a group cannot begin with %q", "("+string([]rune(rest)[:min(2, len([]rune(rest)))]))
	default:
		p.write("(", false)
	}
	return nil
}

func lookaround(how string) error {
	return fmt.Errorf("it looks around with \"(%s\", which cannot be done in linear time; use a group, contains() or a second test", how)
}

func groupName(s string) bool {
	for i, r := range s {
		if r != '_' && r != '$' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

// repeat writes a quantifier, lazy if a question mark follows.
func (p *patternReader) repeat(q string) error {
	if !p.atom {
		return fmt.Errorf("there is nothing that %q could repeat", q)
	}
	if p.accept("?") {
		q += "?"
	}
	p.write(q, false)
	return nil
}

// counts reads {n}, {n,} or {n,m} behind its brace, "" if it is none: then the
// brace means itself.
func (p *patternReader) counts() (string, error) {
	inside, _, closed := strings.Cut(p.src[p.i:], "}")
	low, high, ranged := strings.Cut(inside, ",")
	if !closed || !digitsOnly(low) || low == "" || ranged && !digitsOnly(high) {
		return "", nil
	}
	least, most := xpath.ParseNumber(low), xpath.ParseNumber(high)
	switch {
	case least > maxRepeat || most > maxRepeat:
		return "", fmt.Errorf("a repetition counts to %d at most, not {%s}", maxRepeat, inside)
	case most < least:
		return "", fmt.Errorf("the repetition {%s} is out of order", inside)
	}
	p.i += len(inside) + 1
	q := "{" + strconv.Itoa(int(least))
	if ranged {
		q += ","
	}
	if high != "" {
		q += strconv.Itoa(int(most))
	}
	return q + "}", nil
}

func digitsOnly(s string) bool { return strings.Trim(s, "0123456789") == "" }

// escape reads what follows a backslash outside of a class.
func (p *patternReader) escape() error {
	if p.i == len(p.src) {
		return errors.New("a backslash stands at its end")
	}
	switch b := p.src[p.i]; {
	case b == 'b' || b == 'B':
		p.i++
		p.write(`\`+string(b), false)
		return nil
	case b == 'k' || '1' <= b && b <= '9':
		return fmt.Errorf("it refers back with \"%s\", which cannot be done in linear time; compare the groups that regexp:match() gives", p.src[p.i-1:p.i+1])
	}
	if ranges := p.classEscape(); ranges != "" {
		p.write("["+ranges+"]", true)
		return nil
	}
	r, err := p.character()
	p.literal(r)
	return err
}

// classEscape reads d, D, s, S, w or W and returns its ranges, else "".
func (p *patternReader) classEscape() (ranges string) {
	switch p.src[p.i] {
	case 'd':
		ranges = digitRanges
	case 'D':
		ranges = notDigitRanges
	case 's':
		ranges = spaceRanges
	case 'S':
		ranges = notSpaceRanges
	case 'w':
		ranges = wordRanges
	case 'W':
		ranges = notWordRanges
	default:
		return ""
	}
	p.i++
	return ranges
}

// character reads an escape that is one character.
func (p *patternReader) character() (rune, error) {
	switch r := p.next(); r {
	case 't':
		return '\t', nil
	case 'n':
		return '\n', nil
	case 'v':
		return '\v', nil
	case 'f':
		return '\f', nil
	case 'r':
		return '\r', nil
	case '0':
		if p.i == len(p.src) || p.src[p.i] < '0' || p.src[p.i] > '9' {
			return 0, nil
		}
		return 0, errors.New(`octal escapes are not known; write \x and two digits`)
	case 'c':
		if p.i < len(p.src) && uriLetter(p.src[p.i]) && p.src[p.i] > '9' {
			p.i++
			return rune(p.src[p.i-1] & 31), nil
		}
		return 0, errors.New(`\c needs a letter`)
	case 'x':
		return p.hex(2)
	case 'u':
		r, err := p.hex(4)
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if p.accept(`\u`) {
			low, err := p.hex(4)
			if pair := utf16.DecodeRune(r, low); err != nil || pair != unicode.ReplacementChar {
				return pair, err
			}
		}
		return 0, errors.New("half of a surrogate pair is no character")
	default:
		if r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			return 0, fmt.Errorf("the escape \"\\%c\" has no meaning", r)
		}
		return r, nil
	}
}

// hex reads so many hexadecimal digits.
func (p *patternReader) hex(digits int) (rune, error) {
	if p.i+digits > len(p.src) {
		return 0, fmt.Errorf("an escape needs %d hexadecimal digits", digits)
	}
	var r rune
	for range digits {
		d := hexDigit(p.src[p.i])
		if d < 0 {
			return 0, fmt.Errorf("an escape needs %d hexadecimal digits", digits)
		}
		r = r<<4 | rune(d)
		p.i++
	}
	return r, nil
}

// class reads a class behind its opening bracket. Unlike in Go ] closes it at
// once, and [ means itself.
func (p *patternReader) class() error {
	not := p.accept("^")
	var in strings.Builder
	for {
		if p.i == len(p.src) {
			return errors.New(`a "[" is not closed`)
		}
		if p.accept("]") {
			break
		}
		low, ranges, err := p.member()
		if err != nil {
			return err
		}
		rest := p.src[p.i:]
		if !strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "-]") || rest == "-" {
			in.WriteString(p.written(low, ranges))
			continue
		}
		p.i++
		high, others, err := p.member()
		switch {
		case err != nil:
			return err
		case ranges != "" || others != "": // as in [\w-.] the hyphen means itself
			in.WriteString(p.written(low, ranges) + `\-` + p.written(high, others))
		case low > high:
			return fmt.Errorf("the range %q is out of order", string(low)+"-"+string(high))
		default:
			in.WriteString(p.rangeOf(low, high))
		}
	}
	ranges := in.String()
	if ranges == "" { // [] is nothing, [^] anything
		ranges, not = anyRanges, !not
	}
	if not {
		ranges = "^" + ranges
	}
	p.write("["+ranges+"]", true)
	return nil
}

// written returns what member read as the inside of a class.
func (p *patternReader) written(r rune, ranges string) string {
	if ranges != "" {
		return ranges
	}
	return p.rangeOf(r, r)
}

// member reads a character of a class, or an escape that is several.
func (p *patternReader) member() (r rune, ranges string, err error) {
	if !p.accept(`\`) {
		return p.next(), "", nil
	}
	switch {
	case p.i == len(p.src):
		return 0, "", errors.New(`a "[" is not closed`)
	case p.accept("b"):
		return '\b', "", nil
	case p.accept("-"):
		return '-', "", nil
	}
	if ranges = p.classEscape(); ranges != "" {
		return 0, ranges, nil
	}
	r, err = p.character()
	return r, "", err
}
