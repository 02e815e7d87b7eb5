package xmltree

import "strings"

// notationDecl reads the name and the identifier of <!NOTATION>.
func (p *parser) notationDecl() bool {
	if _, ok := p.plainName("notation"); !ok {
		return false
	}
	if !p.gap() {
		return p.malformed("white space is missing after the name of the notation")
	}
	return p.externalID(&entity{}, false)
}

// plainName reads a name without a colon.
func (p *parser) plainName(of string) (string, bool) {
	start := p.i
	name, ok := p.name(of)
	if ok && strings.Contains(name, ":") {
		return "", p.problem(start, "XML007", "only elements and attributes have a prefix", "the name of %s %q has a colon", of, name)
	}
	return name, ok
}

// externalID reads SYSTEM "…" or PUBLIC "…" "…". The second part can be left
// out of that of a notation.
func (p *parser) externalID(e *entity, whole bool) bool {
	public := p.looking("PUBLIC")
	if !p.word("SYSTEM") && !p.word("PUBLIC") {
		return p.malformed("SYSTEM or PUBLIC is missing before %q", clipped(p.rest()))
	}
	if !p.gap() {
		return p.malformed("white space is missing after SYSTEM or PUBLIC")
	}
	e.external = true
	if public {
		start := p.i + 1
		id, ok := p.literal("public identifier")
		if !ok {
			return false
		}
		for i := 0; i < len(id); i++ {
			if !isPubid(id[i]) {
				return p.problem(start+i, "XML022", "letters, digits, blanks and -'()+,./:=?;!*#@$_% are allowed", "a public identifier cannot hold %q", id[i:i+1])
			}
		}
		e.public = strings.Join(strings.Fields(id), " ")
		spaced := p.gap()
		quoted := p.looking(`"`) || p.looking(`'`)
		switch {
		case !whole && !quoted:
			return true
		case !spaced:
			return p.malformed("white space is missing after the public identifier")
		}
	}
	system, ok := p.literal("system identifier")
	e.system = system
	return ok
}

// isPubid reports whether a public identifier may hold c.
func isPubid(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(" \r\n-'()+,./:=?;!*#@$_%", c) >= 0
}

// literal reads text in quotes.
func (p *parser) literal(of string) (string, bool) {
	from, to, ok := p.quoted(of)
	if !ok {
		return "", false
	}
	return p.s[from:to], true
}

// quoted reads text in quotes and returns where it is.
func (p *parser) quoted(of string) (from, to int, ok bool) {
	if !p.looking(`"`) && !p.looking(`'`) {
		return 0, 0, p.malformed("the %s in quotes is missing before %q", of, clipped(p.rest()))
	}
	n := strings.IndexByte(p.s[p.i+1:], p.s[p.i])
	if n < 0 {
		return 0, 0, p.malformed("the %s has no closing quote", of)
	}
	from = p.i + 1
	p.i = from + n + 1
	return from, from + n, true
}

// load asks for the external entity e, which is referred to at off.
func (p *parser) load(e *entity, off int) bool {
	if p.options.External == nil {
		e.unread = true
		return true
	}
	src, err := p.options.External(e.system, e.base)
	if err != nil {
		p.problem(off, "XML026", "see to it that it is there, or take the reference out", "external entity %q cannot be read: %v", e.system, err)
		p.problems[len(p.problems)-1].Err = err
		return false
	}
	if src == nil {
		e.unread = true
		return true
	}
	if p.handed += int64(len(src)); p.handed > p.options.MaxBytes {
		return p.limit(off, "XML019", &LimitError{Limit: "bytes of external entities", Value: p.options.MaxBytes, Setting: "RequestBytes"})
	}
	last := &p.d.main
	if n := len(p.d.entities); n > 0 {
		last = p.d.entities[n-1]
	}
	s := &source{file: resolve(e.base, e.system), base: last.base + len(last.text) + 1}
	p.d.entities = append(p.d.entities, s)
	outer := p.input
	p.input = input{src: s, base: s.base, mask: -1, entity: e}
	ok := p.decode(s, src)
	if ok {
		s.text = p.lines(s.text)
		p.s = s.text
		ok = !s.declares() || p.declaration(true)
	}
	e.source, e.start = s, p.i
	p.input = outer
	return ok
}

// resolve returns the reference ref as it is meant in the file base.
func resolve(base, ref string) string {
	if i := strings.IndexAny(ref, ":/?#"); base == "" || i >= 0 && ref[i] == ':' || strings.HasPrefix(ref, "/") {
		return ref
	}
	if i := strings.Index(base, "://"); i >= 0 && strings.IndexByte(base[i+len("://"):], '/') < 0 {
		base += "/"
	}
	dir := base[:strings.LastIndexByte(base, '/')+1]
	root := 0 // how much of dir cannot be left
	if strings.HasPrefix(dir, "/") {
		root = 1
	} else if i := strings.Index(dir, "://"); i >= 0 {
		root = i + len("://") + strings.IndexByte(dir[i+len("://"):], '/') + 1
	}
	for {
		rest, ok := strings.CutPrefix(ref, "./")
		if !ok {
			if rest, ok = strings.CutPrefix(ref, "../"); !ok || root == 0 && (dir == "" || strings.HasSuffix(dir, "../")) {
				return dir + ref
			}
			if len(dir) > root {
				dir = dir[:strings.LastIndexByte(dir[:len(dir)-1], '/')+1]
			}
		}
		ref = rest
	}
}
