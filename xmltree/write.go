package xmltree

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// WriteOptions tell Write how.
type WriteOptions struct {
	Indent      bool // elements without text of their own on lines of their own, two blanks for each level
	Declaration bool // begin with <?xml version="1.0" encoding="UTF-8"?>
}

// Write writes n and all below as UTF-8. Reading it back gives the same tree:
// every name keeps its namespace, whatever declarations are missing or in the
// way are made up for, and the prefixes are those of the names where they are
// free. What XML cannot hold is made harmless: characters that are not allowed
// become U+FFFD, and a blank goes between the hyphens of a comment. Names that
// are no XML names are an error. An attribute is written as name="value".
func (n *Node) Write(w io.Writer, o WriteOptions) error {
	x := writers.Get().(*writer)
	defer x.done()
	x.out, x.indent = w, o.Indent
	if o.Declaration {
		x.put(`<?xml version="1.0" encoding="UTF-8"?>`)
		if !o.Indent {
			x.put("\n")
		}
	}
	x.tree(n)
	if o.Indent && n.kind <= Element {
		x.put("\n")
	}
	x.flush()
	if x.err != nil {
		return fmt.Errorf("cannot write %s: %w", n.Path(), x.err)
	}
	return nil
}

// String returns n as Write writes it, up to an error.
func (n *Node) String() string {
	x := writers.Get().(*writer)
	defer x.done()
	x.tree(n)
	x.flush()
	return string(x.buf[:x.flushed])
}

// writer writes one tree. After an error it writes nothing more.
type writer struct {
	spelling
	out     io.Writer // nil: all stays in buf
	buf     []byte
	flushed int // how much of buf is good, without an out
	err     error
	indent  bool
	open    []written
}

// written is an element whose end tag is not yet written.
type written struct {
	name   string
	undo   int
	broken bool // its content is broken into lines
}

// writers keeps what a writer can use again.
var writers = sync.Pool{New: func() any { return &writer{spelling: newSpelling()} }}

// done puts w back for the next tree.
func (w *writer) done() {
	w.reset()
	if len(w.prefixes) > 256 || cap(w.buf) > 4<<20 {
		return
	}
	w.out, w.err, w.indent, w.flushed = nil, nil, false, 0
	w.buf, w.open = w.buf[:0], emptied(w.open)
	writers.Put(w)
}

func (w *writer) put(s string) { w.buf = append(w.buf, s...) }

func (w *writer) flush() {
	switch {
	case w.err != nil:
	case w.out == nil:
		w.flushed = len(w.buf)
		return
	default:
		_, w.err = w.out.Write(w.buf)
		w.buf = w.buf[:0]
	}
}

func (w *writer) fail(format string, args ...any) {
	if w.err == nil {
		w.flush()
		w.err = fmt.Errorf(format, args...)
	}
}

// tree writes n and all below it.
func (w *writer) tree(n *Node) {
	for e := n; w.err == nil; {
		if len(w.buf) > 32<<10 && w.out != nil {
			w.flush()
		}
		w.node(e)
		if e.first != nil {
			e = e.first
			continue
		}
		for e != n && e.next == nil {
			e = e.parent
			w.end(e)
		}
		if e == n {
			return
		}
		e = e.next
	}
}

// node writes what comes before the children of n.
func (w *writer) node(n *Node) {
	if w.indent {
		w.line(n)
	}
	switch n.kind {
	case Element:
		w.start(n)
	case Text:
		if w.broken() {
			return
		}
		s := n.value
		if n.KeepsSpace() && s != "" && blank(s) {
			w.put("&#" + strconv.Itoa(int(s[0])) + ";")
			s = s[1:]
		}
		w.escape(s, false)
	case Comment:
		w.put("<!--")
		w.verbatim(n.value, "--", "- -")
		if strings.HasSuffix(n.value, "-") {
			w.put(" ")
		}
		w.put("-->")
	case ProcInst:
		if !IsName(n.name.Local) || strings.EqualFold(n.name.Local, "xml") {
			w.fail("%q is no name of a processing instruction", n.name.Local)
			return
		}
		w.put("<?")
		w.put(n.name.Local)
		if n.value != "" {
			w.put(" ")
			w.verbatim(n.value, "?>", "? >")
		}
		w.put("?>")
	case Attribute:
		w.attribute(n.name.String(), n.value)
	case Namespace:
		w.attribute(declarationName(n.Local()), n.value)
	}
}

// start writes the start tag of e, which is closed at once if e is empty.
func (w *writer) start(e *Node) {
	o := written{undo: len(w.undo)}
	w.tag++
	for x := e.decls; x != nil; x = x.next {
		prefix := x.name.Local
		switch {
		case prefix == "" && e.name.Space == "" && x.value != "":
		case prefix != "" && (x.value == "" || !IsName(prefix)):
		case x.value == XMLSpace || x.value == xmlnsSpace:
		default:
			w.declare(w.prefix(prefix), x.value)
		}
	}
	o.name = w.name(e)
	var room [8]string
	names := room[:0]
	for a := e.attrs; a != nil; a = a.next {
		names = append(names, w.name(a))
	}
	if w.err != nil {
		return
	}
	w.buf = append(w.buf, '<')
	w.put(o.name)
	for _, b := range w.undo[o.undo:] {
		w.put(" ")
		w.attribute(declarationName(b.of.name), b.of.uri)
	}
	i := 0
	for a := e.attrs; a != nil; a = a.next {
		w.buf = append(w.buf, ' ')
		w.attribute(names[i], a.value)
		i++
	}
	if e.first == nil {
		w.put("/>")
		w.leave(o.undo)
		return
	}
	w.buf = append(w.buf, '>')
	o.broken = w.indent && (len(w.open) == 0 || w.broken()) && breaks(e)
	w.open = append(w.open, o)
}

// end writes the end tag of e.
func (w *writer) end(e *Node) {
	if e.kind != Element {
		return
	}
	o := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	if o.broken {
		w.newline()
	}
	w.put("</")
	w.put(o.name)
	w.buf = append(w.buf, '>')
	w.leave(o.undo)
}

// name returns the name of the element or attribute n as it must be written
// here, and declares its prefix if that is necessary.
func (w *writer) name(n *Node) string {
	name, err := w.spell(n.name, n.kind)
	if err != nil {
		w.fail("%w", err)
	}
	return name
}

func declarationName(prefix string) string {
	if prefix == "" {
		return "xmlns"
	}
	return "xmlns:" + prefix
}

func (w *writer) attribute(name, value string) {
	w.put(name)
	w.put(`="`)
	w.escape(value, true)
	w.put(`"`)
}

// escape writes text or, with quotes, the value of an attribute.
func (w *writer) escape(s string, quotes bool) {
	plain := &plainText
	if quotes {
		plain = &plainValue
	}
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		size, instead := 1, ""
		switch {
		case c >= utf8.RuneSelf:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && size == 1 || !isChar(r) {
				instead = "\uFFFD"
			}
		case c == '&':
			instead = "&amp;"
		case c == '<':
			instead = "&lt;"
		case c == '>' && !quotes:
			instead = "&gt;"
		case c == '\r':
			instead = "&#13;"
		case c == '"' && quotes:
			instead = "&quot;"
		case c == '\t' && quotes:
			instead = "&#9;"
		case c == '\n' && quotes:
			instead = "&#10;"
		case c < ' ' && c != '\t' && c != '\n':
			instead = "\uFFFD"
		}
		if instead != "" {
			w.put(s[from:i])
			w.put(instead)
			from = i + size
		}
		i += size
	}
	w.put(s[from:])
}

// The bytes that stand for themselves in text and in values.
var (
	plainText  = plainBytes("&<>", "\t\n")
	plainValue = plainBytes("&<\"", "")
)

func plainBytes(not, also string) (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = !strings.ContainsRune(not, c)
	}
	for i := range len(also) {
		t[also[i]] = true
	}
	return t
}

// verbatim writes s, where nothing can be escaped, with old made harmless.
func (w *writer) verbatim(s, old, harmless string) {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case !isChar(r):
			return utf8.RuneError
		}
		return r
	}, s)
	for strings.Contains(s, old) {
		s = strings.ReplaceAll(s, old, harmless)
	}
	w.put(s)
}

// broken reports whether the content being written is broken into lines.
func (w *writer) broken() bool {
	n := len(w.open)
	return n > 0 && w.open[n-1].broken
}

// line begins a line for n where lines are broken.
func (w *writer) line(n *Node) {
	if n.kind == Root || n.kind == Text || len(w.open) > 0 && !w.broken() {
		return
	}
	if len(w.buf) > 0 || len(w.open) > 0 || n.prev != nil {
		w.newline()
	}
}

func (w *writer) newline() {
	w.put("\n")
	for range w.open {
		w.put("  ")
	}
}

// breaks reports whether the content of e may be broken into lines: it has no
// text but white space that nobody wants to keep.
func breaks(e *Node) bool {
	if v := e.AttrNode(XMLSpace, "space"); v != nil && v.value == "preserve" || isXSLText(e) {
		return false
	}
	for c := e.first; c != nil; c = c.next {
		if c.kind == Text && (c.KeepsSpace() || !blank(c.value)) {
			return false
		}
	}
	return true
}
