package xpath

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// kind is the kind of a token (section 3.7).
type kind uint8

const (
	end      kind = iota
	symbol        // ( ) [ ] . .. @ , :: / // | + - = != < <= > >= * (multiply) $
	operator      // and or mod div
	name          // a QName, *, or NCName:*, as the name of a node, function or axis
	number
	literal
)

type token struct {
	kind   kind
	text   string // as written; of a literal without its quotes
	prefix string // of a name
	at     int    // byte offset
}

// is reports whether t is that symbol or operator.
func (t token) is(text string) bool {
	return t.text == text && (t.kind == symbol || t.kind == operator)
}

// String returns t as messages name it.
func (t token) String() string {
	switch t.kind {
	case end:
		return "the end"
	case literal:
		return fmt.Sprintf("the literal %q", short(t.text))
	case name:
		return fmt.Sprintf("%q", short(t.full()))
	}
	return fmt.Sprintf("%q", short(t.text))
}

// full returns a name with its prefix.
func (t token) full() string {
	if t.prefix == "" {
		return t.text
	}
	return t.prefix + ":" + t.text
}

// maxLength is how many bytes an expression may have.
const maxLength = 256 << 10

// short cuts what a message quotes.
func short(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// tokens splits an expression by the rules of section 3.7: the longest token
// first; a * after an operand multiplies and a name after an operand is an
// operator. The last token is the end.
func tokens(src string) ([]token, error) {
	if len(src) > maxLength {
		return nil, &Error{Rule: ruleLong, Msg: fmt.Sprintf("the expression has %d bytes, more than %d", len(src), maxLength)}
	}
	toks := make([]token, 0, min(len(src)/2+2, 64))
	for at := 0; ; {
		for at < len(src) && strings.IndexByte(space, src[at]) >= 0 {
			at++
		}
		t, size, err := scan(src, at, operandBefore(toks))
		if err != nil {
			return nil, err
		}
		toks = append(toks, t)
		if t.kind == end {
			return toks, nil
		}
		at += size
	}
}

// operandBefore reports whether the last token ends an operand, so that what
// follows is an operator.
func operandBefore(toks []token) bool {
	if len(toks) == 0 {
		return false
	}
	switch t := toks[len(toks)-1]; t.kind {
	case name, number, literal:
		return true
	case symbol:
		return t.text == ")" || t.text == "]" || t.text == "." || t.text == ".."
	}
	return false
}

// symbols are the tokens of fixed characters, the longer ones first.
var symbols = [...]string{"..", "::", "//", "!=", "<=", ">=",
	"(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=", "<", ">", "$"}

// scan returns the token at the byte offset at and its size in bytes.
func scan(src string, at int, operand bool) (token, int, error) {
	rest := src[at:]
	if rest == "" {
		return token{at: at}, 0, nil
	}
	b := rest[0]
	switch {
	case b == '\'' || b == '"':
		n := strings.IndexByte(rest[1:], b)
		if n < 0 {
			return token{}, 0, unclosedLiteral(rest, at)
		}
		if i := invalid(rest[1 : 1+n]); i >= 0 {
			return token{}, 0, badCharacter(rest[1+i:], at+1+i)
		}
		return token{kind: literal, text: rest[1 : 1+n], at: at}, n + 2, nil
	case isDigit(b) || b == '.' && len(rest) > 1 && isDigit(rest[1]):
		n := numberSize(rest)
		return token{kind: number, text: rest[:n], at: at}, n, nil
	case b == '*' && operand:
		return token{kind: symbol, text: "*", at: at}, 1, nil
	case b == '*':
		return token{kind: name, text: "*", at: at}, 1, nil
	}
	if n := nameSize(rest); n > 0 {
		return scanName(rest, n, at, operand)
	}
	for _, s := range symbols {
		if strings.HasPrefix(rest, s) {
			return token{kind: symbol, text: s, at: at}, len(s), nil
		}
	}
	return token{}, 0, badCharacter(rest, at)
}

// scanName returns the name at the start of rest, whose first part has n bytes.
// After an operand it can only be the name of an operator.
func scanName(rest string, n, at int, operand bool) (token, int, error) {
	t := token{kind: name, text: rest[:n], at: at}
	if operand {
		switch t.text {
		case "and", "or", "mod", "div":
			t.kind = operator
			return t, n, nil
		}
	}
	if n == len(rest) || rest[n] != ':' || strings.HasPrefix(rest[n:], "::") {
		return t, n, nil
	}
	local := rest[n+1:]
	m := nameSize(local)
	switch {
	case m > 0:
		local = local[:m]
	case strings.HasPrefix(local, "*"):
		local = "*"
	default:
		return token{}, 0, &Error{Rule: ruleName, Offset: at,
			Msg:  fmt.Sprintf("the prefix %q is not followed by a name", short(t.text)),
			Hint: "write prefix:name or prefix:* without a space"}
	}
	t.prefix, t.text = t.text, local
	return t, n + 1 + len(local), nil
}

// invalid returns where s is not UTF-8, or -1.
func invalid(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[i:], string(utf8.RuneError)) {
			return i
		}
	}
	return -1
}

func unclosedLiteral(rest string, at int) error {
	return &Error{Rule: ruleLiteral, Offset: at,
		Msg:  fmt.Sprintf("the literal %s is not closed", short(rest)),
		Hint: fmt.Sprintf("add the closing %c; a literal cannot hold its own quote", rest[0])}
}

// badCharacter is the error of a character that begins no token.
func badCharacter(rest string, at int) error {
	r, size := utf8.DecodeRuneInString(rest)
	e := &Error{Rule: ruleCharacter, Offset: at, Msg: fmt.Sprintf("the character %q has no meaning here", r)}
	switch {
	case r == utf8.RuneError && size == 1:
		e.Msg = fmt.Sprintf("the byte 0x%02x is not UTF-8", rest[0])
	case r == '&':
		e.Hint = "write and; in an XML file a & is written &amp;"
	case r == '!':
		e.Hint = "write != or the function not()"
	case r == '%':
		e.Hint = "write mod"
	case r == ':':
		e.Hint = "a prefix, its colon and the name are written without spaces; an axis has two colons"
	case r == '#' || r == '?' || r == '~' || r == '^' || r == '\\':
		e.Hint = "text stands between quotes"
	case r == '{' || r == '}':
		e.Hint = "{ and } belong to attribute value templates; an expression is written without them"
	case r == ';':
		e.Hint = "an entity such as &lt; must be read by the XML parser first"
	case r == '‘' || r == '’' || r == '“' || r == '”':
		e.Hint = "literals stand between ' or \""
	}
	return e
}

// numberSize returns the length of the Number at the start of s.
func numberSize(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n < len(s) && s[n] == '.' {
		n++
		for n < len(s) && isDigit(s[n]) {
			n++
		}
	}
	return n
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// nameSize returns the length of the NCName at the start of s, or 0.
func nameSize(s string) int {
	for i, r := range s {
		if !isNameStart(r) && (i == 0 || !isNamePart(r)) {
			return i
		}
	}
	return len(s)
}

// isNameStart reports whether r may begin an NCName (XML 1.0, fifth edition).
func isNameStart(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_'
	case r == utf8.RuneError:
		return false
	}
	return 0xC0 <= r && r <= 0xD6 || 0xD8 <= r && r <= 0xF6 || 0xF8 <= r && r <= 0x2FF ||
		0x370 <= r && r <= 0x37D || 0x37F <= r && r <= 0x1FFF || r == 0x200C || r == 0x200D ||
		0x2070 <= r && r <= 0x218F || 0x2C00 <= r && r <= 0x2FEF || 0x3001 <= r && r <= 0xD7FF ||
		0xF900 <= r && r <= 0xFDCF || 0xFDF0 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0xEFFFF
}

// isNamePart reports whether r, which is no name start, may go on an NCName.
func isNamePart(r rune) bool {
	return '0' <= r && r <= '9' || r == '-' || r == '.' || r == 0xB7 ||
		0x300 <= r && r <= 0x36F || r == 0x203F || r == 0x2040
}
