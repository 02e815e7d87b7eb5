package xmltree

import (
	"fmt"
	"strings"
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

	// Own gives the source away: it becomes the text of the document without
	// being copied, so nobody may change it while the document or a string
	// taken from it is in use. It saves memory for each source that was read for
	// this alone.
	Own bool

	// NoSpace lists namespace URIs that become no namespace, for elements and
	// attributes of the whole document. Their declarations are dropped.
	NoSpace []string

	// DTD reads the document type declaration, which is refused without it: its
	// entities are replaced, its default attributes added, and what it says of
	// IDs and unparsed entities is kept. See Parse.
	DTD bool

	// External hands in an external entity: the external subset of the DTD, or
	// what a reference leads to. It gets the system identifier as written and
	// the File of the entity that names it, in whose place it is to be looked
	// for. Nil bytes without an error mean that it is not to be read. A nil
	// External reads none.
	External func(system, base string) ([]byte, error)

	MaxEntityBytes int64 // text that entities and default attributes add; 0: 1 MiB
	MaxEntityDepth int   // entities in each other; 0: 32
	MaxEntities    int   // declared entities; 0: 10,000

	Budget *Budget // charged for the nodes; may be nil
}

// Parse reads an XML 1.0 document (5th edition) with Namespaces in XML 1.0.
// The encodings are UTF-8, UTF-16, UTF-32 and those that the registry of the
// IANA names, as far as golang.org/x/text has them; bytes that are not of the
// encoding are an error. Adjacent text and CDATA sections become one text.
//
// Without Options.DTD a document type declaration is refused, so the only
// entities are the five of XML itself. With it the declaration is read as a
// processor does that does not validate: it must be well-formed, its general
// and parameter entities are replaced, attributes get their defaults and the
// form of their type, and white space between elements stays. A reference to
// an entity that is not declared, or external and not handed in, is an error,
// since its text would be missing without a word. The external subset is left
// out if nobody hands it in; then, as XML says, declarations of entities and
// attributes after a parameter entity that was not read do not count, unless
// the document is standalone. Text that entities add is bounded by the options
// and to 64 times the bytes read, where it is more than 64 KiB.
//
// The error is Problems, with the rules of Rules; that of a limit wraps a
// *LimitError. No nodes are left charged to the budget then. Undeclared
// prefixes, wrong declarations and double attributes are reported all at once;
// everything else ends the reading.
func Parse(src []byte, o Options) (*Document, error) {
	d := New(o.Budget)
	d.main.file = o.File
	if o.MaxDepth > 0 {
		d.depth = o.MaxDepth
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = defaultBytes
	}
	if o.MaxEntityBytes <= 0 {
		o.MaxEntityBytes = defaultEntityBytes
	}
	if o.MaxEntityDepth <= 0 {
		o.MaxEntityDepth = defaultEntityDepth
	}
	if o.MaxEntities <= 0 {
		o.MaxEntities = defaultEntities
	}
	p := parsers.Get().(*parser)
	p.d, p.at, p.options = d, d.root, o
	p.input = input{src: &d.main, mask: -1}
	if p.decode(&d.main, src) {
		p.document()
	}
	problems := p.problems
	p.done()
	if len(problems) > 0 {
		d.Release()
		return nil, problems
	}
	return d, nil
}

// parser reads one source. Its methods return false when the reading ends
// because of a problem, which they have noted then.
type parser struct {
	d        *Document
	options  Options
	problems Problems

	input         // what is read now
	outer []input // what goes on when it ends

	at   *Node  // the innermost open element, or the root
	open []open // the open elements

	symbols *symbols // what names mean at this place
	undo    []shadow // what prefixes stood for before

	dtd        *dtd // nil: there was no document type declaration
	inDTD      bool // it is being read
	standalone bool
	included   int64 // bytes of text that entities have added
	defaulted  int64 // bytes that default attributes have added
	handed     int64 // bytes of external entities

	tag       []attr          // attributes of the tag being read
	declaring bool            // one of them declares a namespace
	replaced  bool            // the value just read had an entity in it
	seen      map[Name]bool   // to find doubles among many attributes
	text      pending         // text not yet made a node
	buf       []byte          // for values that are not a piece of the source
	made      strings.Builder // holds such values
}

// input is a text that is read: a source, or the text of an internal entity.
type input struct {
	s       string  // UTF-8
	i       int     // byte offset of what is read next
	returns bool    // s holds carriage returns
	base    int     // where s begins in the offsets of the document
	mask    int     // -1; 0 for an internal entity, all of which is where the reference is
	src     *source // whose text this is, or which refers to it
	entity  *entity // nil: the document
	floor   int     // how many elements were open when it began
}

// place returns the offset in the document of an offset in the input.
func (in *input) place(off int) int { return off&in.mask + in.base }

// open is an element whose end tag has not come.
type open struct {
	name     *symbol
	off      int  // in the document
	undo     int  // length of parser.undo before its declarations
	preserve bool // white space is kept in it
}

// attr is an attribute as written.
type attr struct {
	name  *symbol
	value string
	off   int  // in the document
	flags flag // of its node
}

// pending is text that may still grow.
type pending struct {
	value string
	off   int      // in the document
	parts []string // what came after value
	any   bool     // there is some, if only an empty CDATA section
	keep  bool     // from CDATA or a character reference
}

// problem notes a problem at a byte offset of the input and returns false. An
// offset below 0 is no place.
func (p *parser) problem(off int, rule, hint, format string, args ...any) bool {
	msg := fmt.Sprintf(format, args...)
	if p.mask == 0 {
		msg = fmt.Sprintf("in the text of entity %q: %s", p.entity.written(), msg)
	}
	if off < 0 {
		p.problems = append(p.problems, &Problem{Rule: rule, File: p.src.file, Msg: msg, Hint: hint})
		return false
	}
	return p.problemAt(p.place(off), rule, hint, "%s", msg)
}

// problemAt notes a problem at an offset of the document and returns false.
func (p *parser) problemAt(off int, rule, hint, format string, args ...any) bool {
	if p.inDTD && len(p.problems) > 0 {
		return false // the first is the one to see
	}
	if len(p.problems) >= maxProblems {
		return false // one tag may have any number of them
	}
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
	if p.d.main.declares() && !p.declaration(false) {
		return false
	}
	for p.i < len(p.s) {
		if !p.item() || len(p.problems) >= maxProblems {
			return false
		}
	}
	if n := len(p.open); n > 0 {
		o := p.open[n-1]
		return p.problemAt(o.off, "XML011", "add </"+o.name.raw+"> where the element ends", "element %q is not closed", o.name.raw)
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
	if next != '!' {
		if p.text.any {
			p.flush()
		}
		switch next {
		case '/':
			return p.endTag()
		case '?':
			return p.instruction()
		}
		return p.startTag()
	}
	switch {
	case p.looking("<!--"):
		p.flush()
		return p.comment()
	case p.looking("<![CDATA["):
		return p.cdata()
	case p.looking("<!DOCTYPE") && p.options.DTD:
		p.flush()
		return p.doctype()
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
	name, ok := p.symbol("element")
	if !ok || !p.attrs(name.raw) || p.dtd != nil && !p.defaults(name.raw, start) {
		return false
	}
	depth := len(p.open)
	if depth == 0 && p.d.DocumentElement() != nil {
		return p.problem(start, "XML012", "put it inside the first element, or wrap both in one", "there is a second document element %q", name.raw)
	}
	if depth >= p.d.depth {
		return p.limit(start, "XML020", depthError(p.d.depth))
	}
	empty := p.s[p.i] == '/'
	if empty {
		p.i++
	}
	p.i++
	p.open = append(p.open, open{name, p.place(start), len(p.undo), depth > 0 && p.open[depth-1].preserve})
	e := p.d.make(Element)
	e.off = uint32(p.place(start)) + 1
	p.at.push(e)
	p.at = e
	if p.declaring {
		p.declaring = false
		p.declare()
	}
	p.resolve(e, name, p.place(start+1))
	if b := p.d.budget; b != nil {
		if err := b.Err(); err != nil {
			return p.limit(start, "XML021", err)
		}
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
	if n > p.floor {
		name := p.open[n-1].name.raw
		if end := p.i + len(name); end < len(p.s) && p.s[end] == '>' && p.s[p.i:end] == name {
			p.i = end + 1
			p.close()
			return true
		}
	}
	name, ok := p.name("end tag")
	if !ok {
		return false
	}
	switch {
	case n == 0:
		return p.problem(start, "XML010", "remove it", "end tag </%s> has no start tag", name)
	case n <= p.floor:
		return p.problem(start, "XML025", balanced, "end tag </%s> closes an element that began outside of the entity", name)
	}
	if o := p.open[n-1]; o.name.raw != name {
		return p.problem(start, "XML010", fmt.Sprintf("close <%s> of line %d first", o.name.raw, p.d.pos(o.off).Line),
			"end tag </%s> does not match the start tag <%s>", name, o.name.raw)
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
		p.undo[i].back()
	}
	p.undo, p.open, p.at = p.undo[:from], p.open[:n], p.at.parent
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
