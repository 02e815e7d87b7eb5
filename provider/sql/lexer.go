package sql

import "strings"

// lexer splits SQL as SQLite does (https://www.sqlite.org/lang.html), dropping
// white space and comments. It decides about convenience only, never about
// what a command may do; except that PostgreSQL has nothing like SQLite's
// authorizer, and the first word of a statement counts there (see verbs).
type lexer struct {
	src        string
	postgres   bool // as PostgreSQL does: nested comments, dollar quotes, E'', no quoting by ` and [
	start, end int  // of the current token
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
	case l.postgres && (b == '`' || b == '['):
		l.kind = other
	case l.postgres && b == '$' && l.dollarQuoted():
	case l.postgres && (b == ':' || b == '@') && !l.beforeLetter():
		l.kind = other
		l.skipWhile(func(next byte) bool { return next == b }) // the :: of a cast
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
		if l.postgres && strings.EqualFold(l.token(), "e") && strings.HasPrefix(l.src[l.end:], "'") {
			l.end++
			l.escaped()
		}
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

// escaped goes behind the closing quote of an E”, in which a backslash takes
// the meaning of the character behind it.
func (l *lexer) escaped() {
	for l.kind = literal; l.end < len(l.src); l.end++ {
		switch l.src[l.end] {
		case '\\':
			l.end++
		case '\'':
			l.end++
			if !strings.HasPrefix(l.src[l.end:], "'") {
				return
			}
		}
	}
	l.kind, l.end = open, len(l.src)
}

// dollarQuoted reports whether $$ or $tag$ begins here, and goes behind its end.
func (l *lexer) dollarQuoted() bool {
	i := l.end
	for i < len(l.src) && isNameByte(l.src[i]) && l.src[i] != '$' {
		i++
	}
	if i == len(l.src) || l.src[i] != '$' || i > l.end && isDigit(l.src[l.end]) {
		return false
	}
	tag := l.src[l.start : i+1]
	end := strings.Index(l.src[i+1:], tag)
	if end < 0 {
		l.kind, l.end = open, len(l.src)
		return true
	}
	l.kind, l.end = literal, i+1+end+len(tag)
	return true
}

// beforeLetter reports whether a letter comes next.
func (l *lexer) beforeLetter() bool {
	return l.end < len(l.src) && isNameByte(l.src[l.end]) && !isDigit(l.src[l.end]) && l.src[l.end] != '$'
}

func (l *lexer) skipSpace() {
	for {
		l.skipWhile(func(b byte) bool { return strings.IndexByte(" \t\n\f\r", b) >= 0 || l.postgres && b == '\v' })
		closing := ""
		switch rest := l.src[l.end:]; {
		case l.postgres && strings.HasPrefix(rest, "/*"):
			l.nestedComment()
			continue
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

func (l *lexer) nestedComment() {
	for depth := 0; l.end < len(l.src); {
		switch rest := l.src[l.end:]; {
		case strings.HasPrefix(rest, "/*"):
			depth++
			l.end += 2
		case strings.HasPrefix(rest, "*/"):
			l.end += 2
			if depth--; depth == 0 {
				return
			}
		default:
			l.end++
		}
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
