package sql

import "strings"

// lexer splits SQL as SQLite does (https://www.sqlite.org/lang.html), dropping
// white space and comments. It decides about convenience only, never about
// what a command may do.
type lexer struct {
	src        string
	start, end int // of the current token
	kind       tokenKind
}

type tokenKind uint8

const (
	word      tokenKind = iota // keyword or plain identifier
	literal                    // number, string or quoted identifier
	variable                   // ?, ?7, :name, @name, $name
	semicolon                  // ;
	other                      // any other character
	open                       // a string or quoted identifier that does not end
)

func (l *lexer) token() string { return l.src[l.start:l.end] }

// next goes to the next token and reports whether there is one.
func (l *lexer) next() bool {
	l.skipSpace()
	if l.end == len(l.src) {
		return false
	}
	l.start = l.end
	b := l.src[l.start]
	l.end++
	switch {
	case b == ';':
		l.kind = semicolon
	case b == '\'' || b == '"' || b == '`':
		l.quoted(b)
	case b == '[':
		l.quoted(']')
	case b == '?':
		l.kind = variable
		l.skipWhile(isDigit)
	case b == ':' || b == '@' || b == '$':
		l.kind = variable
		l.skipWhile(isNameByte)
	case isDigit(b):
		l.kind = literal
		l.skipWhile(isNameByte)
	case isNameByte(b):
		l.kind = word
		l.skipWhile(isNameByte)
	default:
		l.kind = other
	}
	return true
}

// quoted goes behind the closing quote; a doubled one is part of the text,
// except the bracket.
func (l *lexer) quoted(quote byte) {
	l.kind = literal
	for {
		i := strings.IndexByte(l.src[l.end:], quote)
		if i < 0 {
			l.kind, l.end = open, len(l.src)
			return
		}
		l.end += i + 1
		if quote == ']' || l.end == len(l.src) || l.src[l.end] != quote {
			return
		}
		l.end++
	}
}

func (l *lexer) skipSpace() {
	for {
		l.skipWhile(func(b byte) bool { return strings.IndexByte(" \t\n\f\r", b) >= 0 })
		closing := ""
		switch rest := l.src[l.end:]; {
		case strings.HasPrefix(rest, "--"):
			closing = "\n"
		case strings.HasPrefix(rest, "/*"):
			closing = "*/"
		default:
			return
		}
		i := strings.Index(l.src[l.end+2:], closing)
		if i < 0 {
			l.end = len(l.src)
			return
		}
		l.end += 2 + i + len(closing)
	}
}

func (l *lexer) skipWhile(is func(byte) bool) {
	for l.end < len(l.src) && is(l.src[l.end]) {
		l.end++
	}
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isNameByte(b byte) bool {
	return isDigit(b) || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b == '$' || b >= 0x80
}
