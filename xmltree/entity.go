package xmltree

import "strings"

// entity is a declared entity.
type entity struct {
	name      string
	parameter bool
	inside    bool // declared in the document itself, not in an entity of it

	text string // of an internal one: the replacement text

	external       bool
	system, public string
	base           string // the file that declares it
	notation       string // of an unparsed one

	source *source // of an external one that was read
	start  int     // where its text begins behind the text declaration
	unread bool    // nobody hands it in
	used   bool    // its text was included
	open   bool    // it is being included
}

// written returns the reference to e.
func (e *entity) written() string {
	if e.parameter {
		return "%" + e.name + ";"
	}
	return "&" + e.name + ";"
}

const (
	defaultEntityBytes = 1 << 20
	defaultEntityDepth = 32
	defaultEntities    = 10_000

	// entityFloor and entityFactor bound what a small document may grow to,
	// whatever the options say.
	entityFloor  = 64 << 10
	entityFactor = 64
)

// balanced is the hint for elements that do not end in the entity in which
// they began.
const balanced = "an entity holds whole elements: start tag and end tag stand in the same one"

// entityDecl reads what an <!ENTITY> declares.
func (p *parser) entityDecl() bool {
	e := &entity{inside: len(p.outer) == 0, base: p.src.file}
	at := p.place(p.i)
	if p.looking("%") {
		e.parameter = true
		p.i++
		if !p.gap() {
			return p.malformed("white space is missing after %%")
		}
	}
	var ok bool
	if e.name, ok = p.plainName("entity"); !ok {
		return false
	}
	if !p.gap() {
		return p.malformed("white space is missing after the name of entity %q", e.name)
	}
	if p.looking(`"`) || p.looking(`'`) {
		if !p.entityValue(e) {
			return false
		}
	} else if !p.externalID(e, true) || !p.notation(e) {
		return false
	}
	return p.predefined(e, at) && p.keep(e)
}

// notation reads NDATA and a name, if they come next.
func (p *parser) notation(e *entity) bool {
	spaced := p.gap()
	switch {
	case !p.looking("NDATA"):
		return true
	case !spaced:
		return p.malformed("white space is missing before NDATA")
	case e.parameter:
		return p.malformed("a parameter entity is always parsed: NDATA cannot follow")
	case !p.word("NDATA") || !p.gap():
		return p.malformed("white space is missing after NDATA")
	}
	var ok bool
	e.notation, ok = p.plainName("notation")
	return ok
}

// keep makes e known; its first declaration is the one that counts.
func (p *parser) keep(e *entity) bool {
	d := p.dtd
	if d.count++; d.count > p.options.MaxEntities {
		return p.limit(p.i, "XML027", &LimitError{Limit: "declared entities", Value: int64(p.options.MaxEntities), Setting: "Entities"})
	}
	all := d.entities
	if e.parameter {
		all = d.parameters
	}
	if all[e.name] != nil || !p.counts() {
		return true
	}
	all[e.name] = e
	if e.notation != "" {
		if p.d.unparsed == nil {
			p.d.unparsed = make(map[string]unparsed)
		}
		p.d.unparsed[e.name] = unparsed{resolve(e.base, e.system), e.public}
	}
	return true
}

// predefined checks a declaration of one of the entities that XML has itself:
// it cannot say anything else.
func (p *parser) predefined(e *entity, at int) bool {
	if e.parameter {
		return true
	}
	meant, ok := map[string]string{"lt": "<", "gt": ">", "amp": "&", "apos": "'", "quot": `"`}[e.name]
	if !ok || !e.external && e.text == meant && e.name != "lt" && e.name != "amp" {
		return true
	}
	if digits, ok := strings.CutPrefix(e.text, "&#"); ok && strings.HasSuffix(digits, ";") {
		if r, ok := character(strings.TrimSuffix(digits, ";")); ok && string(r) == meant {
			return true
		}
	}
	return p.problemAt(at, "XML022", "leave the declaration out; every XML document has this entity", "entity %q cannot be declared to be %q", e.name, clipped(e.text+e.system))
}

// entityValue reads the text of an internal entity.
func (p *parser) entityValue(e *entity) bool {
	from, to, ok := p.quoted("text of entity " + e.name)
	if !ok {
		return false
	}
	p.buf = p.buf[:0]
	if !p.entityText(from, to) {
		return false
	}
	e.text = string(p.buf)
	return true
}

// entityText adds a part of the input, which is in the text of an entity, to
// buf: character references and parameter entities are replaced.
func (p *parser) entityText(from, to int) bool {
	for i := from; i < to; {
		switch c := p.s[i]; {
		case c == '%':
			e, n, ok := p.parameter(i, to)
			if !ok {
				return false
			}
			if !p.outside() {
				return p.problem(i, "XML028", "in the internal subset a parameter entity can stand between declarations only; a literal % is written &#37;", "%s stands in the text of an entity", e.written())
			}
			entered, ok := p.enter(e, i)
			if !ok {
				return false
			}
			if entered {
				if !p.entityText(p.i, len(p.s)) {
					return false
				}
				p.leave()
			}
			i += n
		case c == '&' && strings.HasPrefix(p.s[i:to], "&#"):
			r, _, n, ok := p.reference(i, to)
			if !ok {
				return false
			}
			p.buf = append(p.buf, string(r)...)
			i += n
		case c == '&':
			n := strings.IndexByte(p.s[i:to], ';')
			if n < 0 || !isName(p.s[i+1:i+n]) {
				return p.problem(i, "XML006", "a literal & is written &#38;#38;", "& begins no reference: %q", clipped(p.s[i:to]))
			}
			p.buf = append(p.buf, p.s[i:i+n+1]...)
			i += n + 1
		case c == '\r' && p.returns:
			if i+1 == to || p.s[i+1] != '\n' {
				p.buf = append(p.buf, '\n')
			}
			i++
		default:
			p.buf = append(p.buf, c)
			i++
		}
	}
	return true
}

// parameter returns the parameter entity that is referred to at off and the
// length of the reference, which must end before end.
func (p *parser) parameter(off, end int) (e *entity, length int, ok bool) {
	s := p.s[off+1 : end]
	n := nameLength(s)
	if n == 0 || n == len(s) || s[n] != ';' {
		return nil, 0, p.problem(off, "XML006", "a reference to a parameter entity is %name;, a literal % in the text of an entity &#37;", "%q is no reference", clipped(p.s[off:end]))
	}
	e = p.dtd.parameters[s[:n]]
	switch {
	case e != nil:
	case p.dtd.unread:
		e = &entity{name: s[:n], parameter: true, external: true, unread: true}
	default:
		return nil, 0, p.problem(off, "XML006", "declare it before with <!ENTITY % name \"…\">", "parameter entity %q is not declared", "%"+s[:n]+";")
	}
	return e, n + 2, true
}

// general returns the general entity of that name, referred to at off.
func (p *parser) general(name string, off int) (*entity, bool) {
	e := p.dtd.entities[name]
	switch {
	case e == nil && p.dtd.unread:
		return nil, p.problem(off, "XML006", "a part of the document type declaration was not read, which may declare it: hand that in, or declare the entity in the document", "entity %q is not declared", "&"+name+";")
	case e == nil:
		return nil, p.problem(off, "XML006", "declare it in the document type declaration: <!ENTITY name \"…\">", "entity %q is not declared", "&"+name+";")
	case p.standalone && !e.inside && len(p.outer) == 0:
		return nil, p.problem(off, "XML006", "declare it in the document, or take standalone=\"yes\" out", "entity %q is declared outside of the document, which is to stand alone", e.written())
	case e.notation != "":
		return nil, p.problem(off, "XML024", "it is named by attributes of type ENTITY only", "entity %q is not parsed: it has no text to put here", e.written())
	}
	return e, true
}

// enter begins to read the text of e, which is referred to at off. Of one that
// is not handed in there is nothing to enter.
func (p *parser) enter(e *entity, off int) (entered, ok bool) {
	if e.open {
		return false, p.problem(off, "XML023", "take one of the references out", "entity %q holds a reference to itself", e.written())
	}
	if len(p.outer) >= p.options.MaxEntityDepth {
		return false, p.limit(off, "XML027", &LimitError{Limit: "entities in each other", Value: int64(p.options.MaxEntityDepth), Setting: "EntityDepth"})
	}
	if e.external && e.source == nil && !e.unread && !p.load(e, off) {
		return false, false
	}
	if e.unread {
		if e.parameter {
			p.dtd.unread = true
			return false, true
		}
		return false, p.problem(off, "XML026", "hand it in, or put its text into the document", "entity %q is external and is not read", e.written())
	}
	in := input{s: e.text, base: p.place(off), src: p.src, entity: e, floor: len(p.open)}
	if e.source != nil {
		in = input{s: e.source.text, i: e.start, base: e.source.base, mask: -1, src: e.source, entity: e, floor: len(p.open)}
	}
	if e.source == nil || e.used {
		p.included += int64(len(in.s))
	}
	e.used = true
	if err := p.includable(); err != nil {
		return false, p.limit(off, "XML027", err)
	}
	e.open = true
	p.outer = append(p.outer, p.input)
	p.input = in
	return true, true
}

// leave goes on behind the reference to the entity that was read.
func (p *parser) leave() {
	p.entity.open = false
	n := len(p.outer) - 1
	p.input, p.outer = p.outer[n], p.outer[:n]
}

// read returns how many bytes the document and its external entities have.
func (p *parser) read() int64 { return int64(len(p.d.main.text)) + p.handed }

// includable returns an error when entities have added too much text.
func (p *parser) includable() error {
	if most := p.options.MaxEntityBytes; p.included > most {
		return &LimitError{Limit: "bytes of entity text", Value: most, Setting: "EntityBytes"}
	}
	if most := max(entityFloor, entityFactor*p.read()); p.included > most {
		return &LimitError{Limit: "bytes of entity text for a document of this size", Value: most}
	}
	return nil
}

// include reads the text of e, which is referred to at off, as content.
func (p *parser) include(e *entity, off int) bool {
	if entered, _ := p.enter(e, off); !entered {
		return false
	}
	for p.i < len(p.s) {
		if !p.item() || len(p.problems) >= maxProblems {
			return false
		}
	}
	if n := len(p.open); n > p.floor {
		return p.problemAt(p.open[n-1].off, "XML025", balanced, "element %q of entity %q is not closed in it", p.open[n-1].name.raw, e.written())
	}
	p.leave()
	return true
}

// includeInValue reads the text of e, which is referred to at off, as part of
// the value of an attribute.
func (p *parser) includeInValue(e *entity, off int, attr string) bool {
	switch {
	case e.external:
		return p.problem(off, "XML024", "put the text into the document", "the value of attribute %q refers to %q, which is external", attr, e.written())
	case strings.Contains(e.text, "<"):
		return p.problem(off, "XML024", "write &#38;#60; in the entity, or do without it here", "the value of attribute %q gets a < from entity %q", attr, e.written())
	}
	if entered, _ := p.enter(e, off); !entered {
		return false
	}
	if !p.normalise(attr, 0, len(p.s)) {
		return false
	}
	p.leave()
	p.replaced = true
	return true
}
