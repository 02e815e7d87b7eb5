package xmltree

import "strings"

// dtd is what a document type declaration says.
type dtd struct {
	entities   map[string]*entity // general ones
	parameters map[string]*entity
	lists      map[string]*attlist // by the name of the element as written

	form   string // how the declaration being read is written
	unread bool   // a part of it was not read
	count  int    // declared entities
	within int    // parameter entities that were entered within the declaration being read
	nested int    // INCLUDE sections that are open
}

// How the declarations are written, for hints.
const (
	doctypeForm   = `write <!DOCTYPE name SYSTEM "file" [declarations]>; SYSTEM "file" or PUBLIC "name" "file" and [declarations] can be left out`
	entityForm    = `write <!ENTITY name "text">, <!ENTITY name SYSTEM "file"> or <!ENTITY name PUBLIC "name" "file">; % before the name makes a parameter entity`
	attlistForm   = `write <!ATTLIST element attribute type default …>, for instance <!ATTLIST user id ID #REQUIRED kind (a|b) "a">`
	elementForm   = `write <!ELEMENT name EMPTY>, ANY, (#PCDATA|name)* or a group such as (first,second?,(third|fourth)*)`
	notationForm  = `write <!NOTATION name SYSTEM "file"> or <!NOTATION name PUBLIC "name">`
	conditionForm = `write <![INCLUDE[declarations]]> or <![IGNORE[declarations]]>`
)

// doctype reads <!DOCTYPE name SYSTEM "…" [internal subset]> and the external
// subset, which comes after the internal one.
func (p *parser) doctype() bool {
	start := p.i
	switch {
	case len(p.outer) > 0 || len(p.open) > 0 || p.d.DocumentElement() != nil:
		return p.problem(start, "XML005", "put it before the document element", "the document type declaration is in the wrong place")
	case p.dtd != nil:
		return p.problem(start, "XML005", "remove one of them", "there is a second document type declaration")
	}
	p.dtd = &dtd{entities: map[string]*entity{}, parameters: map[string]*entity{}, lists: map[string]*attlist{}}
	p.dtd.form = doctypeForm
	p.inDTD = true
	defer func() { p.inDTD = false }()
	p.i += len("<!DOCTYPE")
	if !p.space() {
		return p.malformed("white space is missing after <!DOCTYPE")
	}
	if _, ok := p.name("document type"); !ok {
		return false
	}
	spaced := p.space()
	var external *entity
	if p.looking("SYSTEM") || p.looking("PUBLIC") {
		if !spaced {
			return p.malformed("white space is missing before %q", clipped(p.rest()))
		}
		external = &entity{name: "[dtd]", parameter: true, external: true, base: p.d.main.file}
		if !p.externalID(external, true) {
			return false
		}
		p.space()
	}
	if p.looking("[") {
		p.i++
		if !p.declarations(start, "]") {
			return false
		}
		p.i++
		p.space()
	}
	if !p.looking(">") {
		return p.malformed("> of the document type declaration is missing")
	}
	if external != nil && !p.subset(external, start) {
		return false
	}
	p.i++
	return true
}

// includeDeclarations reads the declarations that a parameter entity holds.
func (p *parser) includeDeclarations() bool {
	start := p.i
	e, n, ok := p.parameter(start, len(p.s))
	if !ok {
		return false
	}
	p.i += n
	return p.subset(e, start)
}

// subset reads the declarations that e holds, which is referred to at off.
func (p *parser) subset(e *entity, off int) bool {
	entered, ok := p.enter(e, off)
	if !entered {
		return ok
	}
	if !p.declarations(0, "") {
		return false
	}
	p.leave()
	return true
}

// malformed notes that a declaration is wrong where the input is and returns
// false.
func (p *parser) malformed(format string, args ...any) bool {
	return p.problem(p.i, "XML022", p.dtd.form, format, args...)
}

// outside reports whether what is read belongs to the external subset or an
// external parameter entity, where more is allowed.
func (p *parser) outside() bool {
	if p.entity != nil && p.entity.external {
		return true
	}
	for _, in := range p.outer {
		if in.entity != nil && in.entity.external {
			return true
		}
	}
	return false
}

// declarations reads markup declarations up to stop, or to the end of the
// input if stop is empty. What they stand in began at an offset.
func (p *parser) declarations(start int, stop string) bool {
	for len(p.problems) == 0 {
		p.space()
		switch {
		case p.i == len(p.s) && stop == "":
			return true
		case p.i == len(p.s):
			return p.problem(start, "XML022", "end it with "+stop, "what begins with %q is not closed", clipped(p.s[start:]))
		case stop != "" && p.looking(stop):
			return true
		}
		if !p.declaredItem() {
			return false
		}
	}
	return false
}

// declaredItem reads one markup declaration, or what may stand in its place.
func (p *parser) declaredItem() bool {
	start := p.i
	switch {
	case p.looking("%"):
		return p.includeDeclarations()
	case p.looking("<!--"):
		_, ok := p.commentText()
		return ok
	case p.looking("<?"):
		_, _, ok := p.instructionText()
		return ok
	case p.looking("<!["):
		return p.conditional()
	}
	for _, d := range []struct {
		keyword, form string
		read          func() bool
	}{
		{"<!ENTITY", entityForm, p.entityDecl},
		{"<!ATTLIST", attlistForm, p.attlistDecl},
		{"<!ELEMENT", elementForm, p.elementDecl},
		{"<!NOTATION", notationForm, p.notationDecl},
	} {
		if p.looking(d.keyword) {
			p.dtd.form = d.form
			defer func() { p.dtd.form = doctypeForm }()
			return p.markup(d.keyword, d.read)
		}
	}
	return p.problem(start, "XML022", "there are ENTITY, ATTLIST, ELEMENT, NOTATION, comments, processing instructions and references such as %name;", "%q begins no declaration", clipped(p.rest()))
}

// markup reads a declaration that begins with keyword.
func (p *parser) markup(keyword string, read func() bool) bool {
	depth := len(p.outer)
	p.i += len(keyword)
	if !p.gap() {
		return p.malformed("white space is missing after %s", keyword)
	}
	if !read() {
		return false
	}
	p.gap()
	if !p.looking(">") {
		return p.malformed("> of the declaration %q is missing before %q", keyword, clipped(p.rest()))
	}
	if len(p.outer) != depth {
		return p.malformed("the declaration %q ends in another entity than it began in", keyword)
	}
	p.i++
	return true
}

// conditional reads <![INCLUDE[…]]> or <![IGNORE[…]]>.
func (p *parser) conditional() bool {
	start, depth := p.i, len(p.outer)
	if !p.outside() {
		return p.problem(start, "XML022", "put it into the external subset", "a conditional section cannot stand in the internal subset")
	}
	p.dtd.form = conditionForm
	p.i += len("<![")
	p.gap()
	word := p.s[p.i : p.i+nameLength(p.rest())]
	p.i += len(word)
	p.gap()
	if word != "INCLUDE" && word != "IGNORE" || !p.looking("[") || len(p.outer) != depth {
		return p.malformed("a conditional section begins with INCLUDE or IGNORE and [, not with %q", clipped(word+p.rest()))
	}
	p.dtd.form = doctypeForm
	p.i++
	if word == "INCLUDE" {
		p.dtd.nested++
		if p.dtd.nested > p.d.depth {
			return p.limit(start, "XML020", depthError(p.d.depth))
		}
		if !p.declarations(start, "]]>") {
			return false
		}
		p.dtd.nested--
		p.i += len("]]>")
		return true
	}
	for open := 1; open > 0; {
		n := strings.IndexAny(p.rest(), "<]")
		if n < 0 {
			return p.problem(start, "XML022", "end it with ]]>", "the conditional section is not closed")
		}
		p.i += n
		switch {
		case p.looking("<!["):
			open++
			p.i += len("<![")
		case p.looking("]]>"):
			open--
			p.i += len("]]>")
		default:
			p.i++
		}
	}
	return true
}

// gap skips white space within a declaration, and outside of the internal
// subset enters parameter entities and leaves them at their end. It reports
// whether there was any of it. After a problem it reports false.
func (p *parser) gap() bool {
	any := false
	for {
		any = p.space() || any
		switch {
		case p.i == len(p.s) && p.dtd.within > 0:
			p.leave()
			p.dtd.within--
			any = true
		case p.looking("%") && p.i+1 < len(p.s) && nameLength(p.s[p.i+1:]) > 0:
			start := p.i
			e, n, ok := p.parameter(start, len(p.s))
			if !ok {
				return false
			}
			if !p.outside() {
				p.problem(start, "XML028", "a parameter entity can stand between declarations there; in the external subset also in them", "%%%s; stands within a declaration of the internal subset", e.name)
				return false
			}
			p.i += n
			entered, ok := p.enter(e, start)
			if !ok {
				return false
			}
			if entered {
				p.dtd.within++
			}
			any = true
		default:
			return any
		}
	}
}
