package xsd

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// pattern is one regular expression of a schema.
type pattern struct {
	text   string
	re     *regexp.Regexp
	states int // how many states its matching goes through at most
	size   int // what it takes of the memory that all patterns of a schema may take
}

// mostRepeat is the largest number in a quantifier that Go's regular
// expressions have.
const mostRepeat = 1000

// Bounds of one pattern: its states after the quantifiers are multiplied out,
// and how deep its parentheses lie in each other.
const (
	mostStates  = 50_000
	mostNesting = 200
)

// patternError says what is wrong with a pattern and at which byte.
type patternError struct {
	at  int
	msg string
}

// compilePattern translates a regular expression of XML Schema (part 2,
// appendix F), which matches whole values and knows neither anchors nor
// captures, and whose classes can be subtracted from each other.
func compilePattern(text string) (p *pattern, err *patternError) {
	t := &translator{s: text}
	defer func() {
		if e, ok := recover().(*patternError); ok {
			p, err = nil, e
		} else if e != nil {
			panic(e)
		}
	}()
	t.out.WriteString(`^(?:`)
	states := t.branches(0)
	if t.i < len(t.s) {
		t.fail("unexpected %q", t.s[t.i])
	}
	t.out.WriteString(`)$`)
	re, e := regexp.Compile(t.out.String())
	if e != nil {
		t.i = 0
		t.fail("it is too large for this engine")
	}
	return &pattern{text, re, states, states + t.ranges/3}, nil
}

// translator reads a pattern and writes the Go expression. It panics with a
// *patternError, which compilePattern catches.
type translator struct {
	s      string
	i      int
	out    strings.Builder
	ranges int // of all classes
}

func (t *translator) fail(format string, args ...any) {
	panic(&patternError{t.i, fmt.Sprintf(format, args...)})
}

// next returns the character that is read next, -1 at the end.
func (t *translator) next() rune {
	if t.i == len(t.s) {
		return -1
	}
	r, _ := utf8.DecodeRuneInString(t.s[t.i:])
	return r
}

func (t *translator) read() rune {
	r, n := utf8.DecodeRuneInString(t.s[t.i:])
	t.i += n
	return r
}

// branches reads branch|branch… and returns the number of states.
func (t *translator) branches(depth int) int {
	if depth > mostNesting {
		t.fail("parentheses are nested more than %d deep", mostNesting)
	}
	states := t.branch(depth)
	for t.next() == '|' {
		t.read()
		t.out.WriteByte('|')
		states += 1 + t.branch(depth)
	}
	return states
}

func (t *translator) branch(depth int) int {
	states := 1
	for {
		switch t.next() {
		case -1, '|', ')':
			return states
		case '?', '*', '+', '{':
			t.fail("%q stands behind nothing", t.next())
		case '}', ']':
			t.fail("%q must be written \\%c", t.next(), t.next())
		}
		states = t.count(states + t.piece(depth))
	}
}

func (t *translator) count(states int) int {
	if states > mostStates {
		t.fail("it is too large for this engine (%d states)", mostStates)
	}
	return states
}

// piece reads an atom and its quantifier.
func (t *translator) piece(depth int) int {
	states := 1
	switch c := t.next(); c {
	case '(':
		t.read()
		t.out.WriteString("(?:")
		states = 2 + t.branches(depth+1)
		if t.next() != ')' {
			t.fail("a ( is not closed")
		}
		t.read()
		t.out.WriteByte(')')
	case '[':
		states += t.one(t.class(depth))
	case '.':
		t.read()
		t.out.WriteString(`[^\n\r]`)
	case '\\':
		states += t.one(t.escape())
	default:
		t.out.WriteString(regexp.QuoteMeta(string(t.read())))
	}
	return t.quantifier(states)
}

// one writes an expression for one character of cs and returns how many states
// the search for it is worth.
func (t *translator) one(cs charset) int {
	t.out.WriteString(cs.expression())
	t.ranges += len(cs)
	return len(cs) / 8
}

// quantifier reads ?, *, + or {n,m} and returns the states of the piece.
func (t *translator) quantifier(states int) int {
	switch t.next() {
	case '?', '*', '+':
		t.out.WriteRune(t.read())
		// A second one would make the first lazy in Go; here it is an error,
		// which branch reports.
		return states + 1
	case '{':
	default:
		return states
	}
	at := t.i
	end := strings.IndexByte(t.s[t.i:], '}')
	if end < 0 {
		t.fail("a { is not closed")
	}
	inside := t.s[t.i+1 : t.i+end]
	low, high, two := strings.Cut(inside, ",")
	least, ok := t.bound(low)
	most, ok2 := least, true
	switch {
	case two && high == "":
		most = -1
	case two:
		most, ok2 = t.bound(high)
	}
	if !ok || !ok2 || most >= 0 && most < least {
		t.fail("%q is no quantifier: want {n}, {n,} or {n,m}", t.s[t.i:t.i+end+1])
	}
	if max(least, most) > mostRepeat {
		t.fail("a quantifier cannot ask for more than %d here", mostRepeat)
	}
	t.i += end + 1
	switch {
	case most < 0:
		fmt.Fprintf(&t.out, "{%d,}", least)
	default:
		fmt.Fprintf(&t.out, "{%d,%d}", least, most)
	}
	states = states*max(least, most, 1) + 1
	t.count(states)
	if c := t.next(); c == '?' || c == '*' || c == '+' || c == '{' {
		t.i = at
		t.fail("two quantifiers follow each other")
	}
	return states
}

func (t *translator) bound(s string) (int, bool) {
	if s == "" || !digits(s) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return mostRepeat + 1, true
	}
	return n, true
}

// class reads [group], [^group] and [group-[class]].
func (t *translator) class(depth int) charset {
	if depth > mostNesting {
		t.fail("classes are nested more than %d deep", mostNesting)
	}
	t.read()
	negative := t.next() == '^'
	if negative {
		t.read()
	}
	var cs charset
	first := true
	for ; ; first = false {
		switch c := t.next(); c {
		case -1:
			t.fail("a [ is not closed")
		case ']':
			if first {
				t.fail("a class is empty")
			}
			t.read()
			return t.finished(cs, negative)
		case '[':
			t.fail(`"[" must be written \[ in a class`)
		case '-':
			if strings.HasPrefix(t.s[t.i:], "-[") {
				if first {
					t.fail("nothing stands before the subtraction")
				}
				t.read()
				sub := t.class(depth + 1)
				if t.next() != ']' {
					t.fail("a subtraction must be the end of its class")
				}
				t.read()
				return t.finished(cs, negative).minus(sub)
			}
			if !first && !strings.HasPrefix(t.s[t.i:], "-]") {
				t.fail(`"-" must be written \- unless it begins or ends the class`)
			}
			t.read()
			cs = append(cs, interval{'-', '-'})
		default:
			cs = append(cs, t.item()...)
		}
	}
}

func (t *translator) finished(cs charset, negative bool) charset {
	cs = cs.tidy()
	if negative {
		return cs.invert()
	}
	return cs
}

// item reads one character, escape or range of a class.
func (t *translator) item() charset {
	at := t.i
	lo, cs := t.char()
	if cs != nil {
		return cs
	}
	if !strings.HasPrefix(t.s[t.i:], "-") || strings.HasPrefix(t.s[t.i:], "-[") || strings.HasPrefix(t.s[t.i:], "-]") {
		return charset{{lo, lo}}
	}
	t.read()
	if c := t.next(); c < 0 || c == '-' {
		t.fail("a range has no end")
	}
	hi, cs := t.char()
	if cs != nil || hi < lo {
		t.i = at
		t.fail("a range must go from one character to a later one")
	}
	return charset{{lo, hi}}
}

// char reads a character of a class, or an escape that stands for many.
func (t *translator) char() (rune, charset) {
	if t.next() != '\\' {
		return t.read(), nil
	}
	cs := t.escape()
	if len(cs) == 1 && cs[0].lo == cs[0].hi {
		return cs[0].lo, nil
	}
	if cs == nil {
		cs = charset{}
	}
	return 0, cs
}

// escape reads \ and what follows.
func (t *translator) escape() charset {
	at := t.i
	t.read()
	if t.next() < 0 {
		t.fail(`a \ ends the pattern`)
	}
	switch c := t.read(); c {
	case 'n':
		return set('\n', '\n')
	case 'r':
		return set('\r', '\r')
	case 't':
		return set('\t', '\t')
	case '\\', '|', '.', '-', '^', '?', '*', '+', '{', '}', '(', ')', '[', ']':
		return set(c, c)
	case 's':
		return spaceChars
	case 'S':
		return spaceChars.invert()
	case 'i':
		return nameStart
	case 'I':
		return nameStart.invert()
	case 'c':
		return nameChar
	case 'C':
		return nameChar.invert()
	case 'd':
		return numerals
	case 'D':
		return numerals.invert()
	case 'w':
		return wordChars
	case 'W':
		return wordChars.invert()
	case 'p', 'P':
		cs := t.property()
		if c == 'P' {
			return cs.invert()
		}
		return cs
	default:
		t.i = at
		t.fail(`\%c is no escape of a pattern`, c)
		return nil
	}
}

// property reads {Lu} or {IsBasicLatin}.
func (t *translator) property() charset {
	end := strings.IndexByte(t.s[t.i:], '}')
	if t.next() != '{' || end < 0 {
		t.fail(`want {…} behind \p`)
	}
	name := t.s[t.i+1 : t.i+end]
	cs, ok := charset(nil), false
	if b, is := strings.CutPrefix(name, "Is"); is {
		cs, ok = block(b)
	} else {
		cs, ok = category(name)
	}
	if !ok {
		t.fail("%q is no category or block of Unicode", clipped(name))
	}
	t.i += end + 1
	return cs
}

// fits reports whether the pattern matches the whole of s.
func (p *pattern) fits(s string) bool { return p.re.MatchString(s) }
