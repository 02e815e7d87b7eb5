package xmltree

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// defaultBytes is the size of a source that is allowed when nothing else is said.
const defaultBytes = 16 << 20

// maxProblems is how many problems Parse reports before it gives up.
const maxProblems = 20

// Options tell Parse what to read and how much.
type Options struct {
	File     string // name for problems
	MaxBytes int64  // size of the source; 0: 16 MiB
	MaxDepth int    // depth in elements, also after edits; 0: that of Budget, else 256

	// DropSpace drops text of white space alone, unless xml:space="preserve"
	// is in force, it is the content of xsl:text, or a part of it came from a
	// CDATA section or a character reference.
	DropSpace bool

	// NoSpace lists namespace URIs that become no namespace, for elements and
	// attributes of the whole document. Their declarations are dropped.
	NoSpace []string

	Budget *Budget // charged for the nodes; may be nil
}

// Parse reads an XML 1.0 document (5th edition) with Namespaces in XML 1.0.
// The encodings are UTF-8, UTF-16 with a byte order mark, ISO-8859-1 and
// US-ASCII. A document type declaration is refused, so the only entities are
// the five of XML itself. Adjacent text and CDATA sections become one text.
//
// The error is Problems, with the rules of Rules; that of a limit wraps a
// *LimitError. No nodes are left charged to the budget then. Undeclared
// prefixes, wrong declarations and double attributes are reported all at once;
// everything else ends the reading.
func Parse(src []byte, o Options) (*Document, error) {
	d := New(o.Budget)
	d.file = o.File
	if o.MaxDepth > 0 {
		d.depth = o.MaxDepth
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultBytes
	}
	p := &parser{
		d: d, at: d.root, options: o,
		scope:    map[string]string{"": "", "xml": XMLSpace},
		elements: map[string]*Name{}, attributes: map[string]*Name{},
	}
	if p.decode(src) {
		p.document()
	}
	if len(p.problems) > 0 {
		d.Release()
		return nil, p.problems
	}
	return d, nil
}

// parser reads one source. Its methods return false when the reading ends
// because of a problem, which they have noted then.
type parser struct {
	d        *Document
	options  Options
	problems Problems

	s       string // the source as UTF-8
	i       int    // byte offset of what is read next
	returns bool   // s holds carriage returns

	at   *Node  // the innermost open element, or the root
	open []open // the open elements

	scope map[string]string // namespace by prefix at this place
	undo  []binding         // what scope was before

	elements, attributes map[string]*Name // the last Name of a name as written

	tag  []attr        // attributes of the tag being read
	seen map[Name]bool // to find doubles among many attributes
	text pending       // text not yet made a node
	buf  []byte        // for values that are not a piece of the source
}

// open is an element whose end tag has not come.
type open struct {
	name     string // as written
	off      int
	undo     int  // length of parser.undo before its declarations
	preserve bool // white space is kept in it
}

type binding struct {
	prefix, uri string
	bound       bool
}

// attr is an attribute as written.
type attr struct {
	name, value string
	off         int
}

// pending is text that may still grow.
type pending struct {
	value string
	off   int
	parts []string // what came after value
	any   bool     // there is some, if only an empty CDATA section
	keep  bool     // from CDATA or a character reference
}

// problem notes a problem at a byte offset and returns false.
func (p *parser) problem(off int, rule, hint, format string, args ...any) bool {
	p.problems = append(p.problems, p.d.ProblemAt(off, rule, fmt.Sprintf(format, args...), hint))
	return false
}

// limit notes that a limit was reached and returns false.
func (p *parser) limit(off int, rule string, err error) bool {
	p.problem(off, rule, "make the document smaller, or raise the setting", "%v", err)
	p.problems[len(p.problems)-1].Err = err
	return false
}

func (p *parser) rest() string { return p.s[p.i:] }

func (p *parser) looking(at string) bool { return strings.HasPrefix(p.s[p.i:], at) }

// space skips white space and reports whether there was some.
func (p *parser) space() bool {
	from := p.i
	for p.i < len(p.s) && isSpace(p.s[p.i]) {
		p.i++
	}
	return p.i > from
}

// document reads the whole source.
func (p *parser) document() bool {
	if p.looking("<?xml") && len(p.s) > 5 && isSpace(p.s[5]) && !p.declaration() {
		return false
	}
	for p.i < len(p.s) {
		if !p.item() || len(p.problems) >= maxProblems {
			return false
		}
	}
	if n := len(p.open); n > 0 {
		o := p.open[n-1]
		return p.problem(o.off, "XML011", "add </"+o.name+"> where the element ends", "element %q is not closed", o.name)
	}
	if p.d.DocumentElement() == nil {
		return p.problem(len(p.s), "XML012", "the document needs one element that holds everything", "there is no element")
	}
	if err := p.d.budget.Err(); err != nil {
		return p.limit(0, "XML021", err)
	}
	return true
}

// item reads the next piece of markup or text.
func (p *parser) item() bool {
	if p.s[p.i] != '<' {
		return p.characters()
	}
	next := byte(0)
	if p.i+1 < len(p.s) {
		next = p.s[p.i+1]
	}
	switch {
	case next == '/':
		return p.flush() && p.endTag()
	case next == '?':
		return p.flush() && p.instruction()
	case next != '!':
		return p.flush() && p.startTag()
	case p.looking("<!--"):
		return p.flush() && p.comment()
	case p.looking("<![CDATA["):
		return p.cdata()
	case p.looking("<!DOCTYPE"):
		return p.problem(p.i, "XML005", "remove the document type declaration; what a DTD would add (entities, default attributes) must be written out",
			"a document type declaration is not allowed")
	}
	return p.problem(p.i, "XML008", "a literal < in text is written &lt;", "%q begins no markup", clipped(p.rest()))
}

// startTag reads <name attributes> or <name attributes/>.
func (p *parser) startTag() bool {
	start := p.i
	p.i++
	name, ok := p.name("element")
	if !ok || !p.attrs(name) {
		return false
	}
	if len(p.open) == 0 && p.d.DocumentElement() != nil {
		return p.problem(start, "XML012", "put it inside the first element, or wrap both in one", "there is a second document element %q", name)
	}
	if len(p.open) >= p.d.depth {
		return p.limit(start, "XML020", depthError(p.d.depth))
	}
	empty := p.looking("/>")
	if empty {
		p.i++
	}
	p.i++
	p.open = append(p.open, open{name, start, len(p.undo), p.preserves()})
	e := p.d.make(Element)
	e.off = uint32(start) + 1
	p.at.link(e, nil)
	p.at = e
	p.declare()
	p.resolve(e, name, start+1)
	if err := p.d.budget.Err(); err != nil {
		return p.limit(start, "XML021", err)
	}
	if empty {
		p.close()
	}
	return true
}

// endTag reads </name>.
func (p *parser) endTag() bool {
	start := p.i
	p.i += 2
	n := len(p.open)
	if n > 0 {
		if name := p.open[n-1].name; strings.HasPrefix(p.rest(), name) && len(p.rest()) > len(name) && p.s[p.i+len(name)] == '>' {
			p.i += len(name) + 1
			p.close()
			return true
		}
	}
	name, ok := p.name("end tag")
	if !ok {
		return false
	}
	if n == 0 {
		return p.problem(start, "XML010", "remove it", "end tag </%s> has no start tag", name)
	}
	if o := p.open[n-1]; o.name != name {
		return p.problem(start, "XML010", fmt.Sprintf("close <%s> of line %d first", o.name, p.d.pos(o.off).Line),
			"end tag </%s> does not match the start tag <%s>", name, o.name)
	}
	p.space()
	if !p.looking(">") {
		return p.problem(p.i, "XML008", "an end tag holds a name alone", "> of the end tag </%s> is missing", name)
	}
	p.i++
	p.close()
	return true
}

// close ends the innermost open element.
func (p *parser) close() {
	n := len(p.open) - 1
	from := p.open[n].undo
	for i := len(p.undo) - 1; i >= from; i-- {
		if b := p.undo[i]; b.bound {
			p.scope[b.prefix] = b.uri
		} else {
			delete(p.scope, b.prefix)
		}
	}
	p.undo, p.open, p.at = p.undo[:from], p.open[:n], p.at.parent
}

// attrs reads the attributes of a tag up to its > or />.
func (p *parser) attrs(element string) bool {
	p.tag = p.tag[:0]
	for {
		spaced := p.space()
		if p.looking(">") || p.looking("/>") {
			return true
		}
		if p.i == len(p.s) {
			return p.problem(p.i, "XML008", "end the tag with >", "the start tag <%s> is not closed", element)
		}
		if c := p.s[p.i]; c == '<' || c == '/' || c == '"' || c == '\'' || c == '=' {
			return p.problem(p.i, "XML008", "a start tag is <name attribute=\"value\">; check the quotes before this place", "unexpected %q in the start tag <%s>", c, element)
		}
		if !spaced {
			return p.problem(p.i, "XML008", "put a blank before each attribute", "white space is missing in the start tag <%s>", element)
		}
		a := attr{off: p.i}
		var ok bool
		if a.name, ok = p.name("attribute"); !ok {
			return false
		}
		p.space()
		if !p.looking("=") {
			return p.problem(p.i, "XML008", "write "+clipped(a.name)+"=\"…\"", "attribute %q of element %q has no value", a.name, element)
		}
		p.i++
		p.space()
		if !p.looking(`"`) && !p.looking(`'`) {
			return p.problem(p.i, "XML008", "write "+clipped(a.name)+"=\"…\"", "the value of attribute %q of element %q is not in quotes", a.name, element)
		}
		if a.value, ok = p.attrValue(a.name); !ok {
			return false
		}
		p.tag = append(p.tag, a)
	}
}

// attrValue reads a quoted value and normalises it.
func (p *parser) attrValue(name string) (string, bool) {
	start, quote := p.i, p.s[p.i]
	p.i++
	n := strings.IndexByte(p.rest(), quote)
	if n < 0 {
		return "", p.problem(start, "XML008", "add the closing "+string(quote), "the value of attribute %q is not closed", name)
	}
	from, end := p.i, p.i+n
	raw := p.s[from:end]
	p.i = end + 1
	if !strings.ContainsAny(raw, "<&\t\n\r") {
		return raw, true
	}
	p.buf = p.buf[:0]
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; c {
		case '<':
			return "", p.problem(from+i, "XML008", "write &lt;, or check that the quote before it is closed", "the value of attribute %q holds <", name)
		case '&':
			r, length, ok := p.reference(from+i, end)
			if !ok {
				return "", false
			}
			p.buf = utf8.AppendRune(p.buf, r)
			i += length - 1
		case '\r':
			if i+1 == len(raw) || raw[i+1] != '\n' {
				p.buf = append(p.buf, ' ')
			}
		case '\t', '\n':
			p.buf = append(p.buf, ' ')
		default:
			p.buf = append(p.buf, c)
		}
	}
	return string(p.buf), true
}

// preserves reports whether white space of the innermost open element is kept.
func (p *parser) preserves() bool {
	n := len(p.open)
	return n > 0 && p.open[n-1].preserve
}

// isXSLText reports whether n is an xsl:text.
func isXSLText(n *Node) bool {
	return n.Is("http://www.w3.org/1999/XSL/Transform", "text") || n.Is("https://www.w3.org/1999/XSL/Transform", "text")
}
