package xmltree

import "strings"

// attlist is what the DTD says of the attributes of one element.
type attlist struct {
	attrs  []attdef
	values []int          // those of attrs that have a default
	index  map[string]int // by name as written
	round  int            // tags that were read
}

// attdef is one declared attribute.
type attdef struct {
	name   string
	value  string // the default
	has    bool   // there is one
	tokens bool   // its type is not CDATA
	id     bool
	round  int // the last tag that had it
}

// attlistDecl reads the name and the attributes of <!ATTLIST>.
func (p *parser) attlistDecl() bool {
	element, ok := p.name("element")
	if !ok {
		return false
	}
	for {
		spaced := p.gap()
		if p.looking(">") || p.i == len(p.s) {
			return true
		}
		if !spaced {
			return p.malformed("white space is missing before %q", clipped(p.rest()))
		}
		var a attdef
		if a.name, ok = p.name("attribute"); !ok {
			return false
		}
		if !p.gap() {
			return p.malformed("white space and the type of attribute %q are missing", a.name)
		}
		if !p.attType(&a) {
			return false
		}
		if !p.gap() {
			return p.malformed("white space and the default of attribute %q are missing", a.name)
		}
		if !p.attDefault(&a) {
			return false
		}
		p.dtd.add(element, a, p.counts())
	}
}

// counts reports whether what is declared now counts: XML 1.0, 5.1.
func (p *parser) counts() bool { return !p.dtd.unread || p.standalone }

// add keeps an attribute of an element; its first declaration is the one that
// counts.
func (d *dtd) add(element string, a attdef, counts bool) {
	list := d.lists[element]
	if list == nil {
		list = &attlist{index: map[string]int{}}
		d.lists[element] = list
	}
	if _, ok := list.index[a.name]; ok || !counts {
		return
	}
	list.index[a.name] = len(list.attrs)
	if a.has {
		list.values = append(list.values, len(list.attrs))
	}
	list.attrs = append(list.attrs, a)
}

// attType reads the type of an attribute.
func (p *parser) attType(a *attdef) bool {
	a.tokens = true
	notation := false
	switch {
	case p.word("CDATA"):
		a.tokens = false
		return true
	case p.word("ID"):
		a.id = true
		return true
	case p.word("IDREF"), p.word("IDREFS"), p.word("ENTITY"), p.word("ENTITIES"), p.word("NMTOKEN"), p.word("NMTOKENS"):
		return true
	case p.word("NOTATION"):
		if notation = true; !p.gap() {
			return p.malformed("white space is missing after NOTATION")
		}
	}
	if !p.looking("(") {
		return p.malformed("the type of attribute %q is CDATA, ID, IDREF, IDREFS, ENTITY, ENTITIES, NMTOKEN, NMTOKENS, NOTATION (…) or (…), not %q", a.name, clipped(p.rest()))
	}
	for {
		p.i++
		p.gap()
		if !p.choice(notation) {
			return false
		}
		p.gap()
		if p.looking(")") {
			p.i++
			return true
		}
		if !p.looking("|") {
			return p.malformed("the values of attribute %q go on with | or end with ), not %q", a.name, clipped(p.rest()))
		}
	}
}

// choice reads one value of an enumeration.
func (p *parser) choice(notation bool) bool {
	if notation {
		_, ok := p.plainName("notation")
		return ok
	}
	n := 0
	for i, r := range p.rest() {
		if !isNameChar(r) {
			break
		}
		n = i + len(string(r))
	}
	if n == 0 {
		return p.malformed("a value made of name characters is missing before %q", clipped(p.rest()))
	}
	p.i += n
	return true
}

// attDefault reads #REQUIRED, #IMPLIED, #FIXED "…" or "…".
func (p *parser) attDefault(a *attdef) bool {
	if p.looking("#") {
		p.i++
		switch {
		case p.word("REQUIRED"), p.word("IMPLIED"):
			return true
		case !p.word("FIXED"):
			return p.malformed("the default of attribute %q is #REQUIRED, #IMPLIED, #FIXED \"…\" or \"…\"", a.name)
		case !p.gap():
			return p.malformed("white space is missing after #FIXED")
		}
	}
	if !p.looking(`"`) && !p.looking(`'`) {
		return p.malformed("the default of attribute %q is #REQUIRED, #IMPLIED, #FIXED \"…\" or \"…\"", a.name)
	}
	value, ok := p.attrValue(a.name)
	a.value, a.has = value, true
	if a.tokens {
		a.value = tokens(value)
	}
	return ok
}

// tokens takes away the blanks at both ends and all but one in between, as
// the types other than CDATA ask for.
func tokens(s string) string {
	if !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " ") && !strings.Contains(s, "  ") {
		return s
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ' ' }), " ")
}

// defaults gives the attributes of the tag that was read at start the form of
// their type, and adds those that have a default and are not there.
func (p *parser) defaults(element string, start int) bool {
	list := p.dtd.lists[element]
	if list == nil {
		return true
	}
	list.round++
	for i := range p.tag {
		a := &p.tag[i]
		k, ok := list.index[a.name.raw]
		if !ok {
			continue
		}
		def := &list.attrs[k]
		def.round = list.round
		def.apply(a)
	}
	for _, i := range list.values {
		def := &list.attrs[i]
		if def.round == list.round {
			continue
		}
		a := attr{name: p.symbols.symbol(def.name), value: def.value, off: p.place(start), flags: elsewhere}
		def.apply(&a)
		p.tag = append(p.tag, a)
		p.declaring = p.declaring || a.name.declares != nil
		p.defaulted += int64(len(def.name) + len(def.value))
	}
	if most := p.options.MaxEntityBytes + 8*p.read(); p.defaulted > most {
		return p.limit(start, "XML027", &LimitError{Limit: "bytes of default attributes", Value: most, Setting: "EntityBytes"})
	}
	return true
}

// apply makes a an attribute of the declared type.
func (def *attdef) apply(a *attr) {
	if def.id {
		a.flags |= typeID
	}
	if !def.tokens {
		return
	}
	if value := tokens(a.value); len(value) != len(a.value) {
		a.value = value
		a.flags |= elsewhere
	}
}
