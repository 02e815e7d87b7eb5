package xmltree

// elementDecl reads the name and the content of <!ELEMENT>.
func (p *parser) elementDecl() bool {
	if _, ok := p.name("element"); !ok {
		return false
	}
	if !p.gap() {
		return p.malformed("white space is missing after the name of the element")
	}
	switch {
	case p.word("EMPTY"), p.word("ANY"):
		return true
	case p.looking("("):
		return p.model(1)
	}
	return p.malformed("the content of the element is EMPTY, ANY or a group in parentheses, not %q", clipped(p.rest()))
}

// word reads a keyword if it comes next.
func (p *parser) word(s string) bool {
	if p.looking(s) && nameLength(p.rest()) == len(s) {
		p.i += len(s)
		return true
	}
	return false
}

// model reads a group of a content model and how often it may be there.
func (p *parser) model(depth int) bool {
	if depth > p.d.depth {
		return p.limit(p.i, "XML020", depthError(p.d.depth))
	}
	p.i++
	p.gap()
	if depth == 1 && p.looking("#") {
		return p.mixed()
	}
	var between byte
	for {
		switch {
		case p.looking("("):
			if !p.model(depth + 1) {
				return false
			}
		default:
			if _, ok := p.name("element"); !ok {
				return false
			}
			p.occurs()
		}
		p.gap()
		switch {
		case p.looking(")"):
			p.i++
			p.occurs()
			return true
		case !p.looking(",") && !p.looking("|"):
			return p.malformed("a group goes on with , or | or ends with ), not %q", clipped(p.rest()))
		case between != 0 && p.s[p.i] != between:
			return p.malformed("a group has , or | between its parts, not both")
		}
		between = p.s[p.i]
		p.i++
		p.gap()
	}
}

// occurs skips ?, * or +.
func (p *parser) occurs() {
	if p.looking("?") || p.looking("*") || p.looking("+") {
		p.i++
	}
}

// mixed reads a group that begins with #PCDATA.
func (p *parser) mixed() bool {
	if !p.looking("#PCDATA") {
		return p.malformed("%q is no content; there is #PCDATA", clipped(p.rest()))
	}
	p.i += len("#PCDATA")
	names := 0
	for {
		p.gap()
		switch {
		case p.looking(")*"):
			p.i += 2
			return true
		case p.looking(")") && names == 0:
			p.i++
			return true
		case !p.looking("|"):
			return p.malformed("mixed content is (#PCDATA) or (#PCDATA|name|…)*, not %q", clipped(p.rest()))
		}
		p.i++
		p.gap()
		if _, ok := p.name("element"); !ok {
			return false
		}
		names++
	}
}
