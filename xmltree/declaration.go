package xmltree

import (
	"fmt"
	"strings"
)

// declares reports whether the text begins with an XML declaration.
func (s *source) declares() bool {
	return strings.HasPrefix(s.text, "<?xml") && len(s.text) > 5 && isSpace(s.text[5])
}

// declaration reads <?xml version="1.0" encoding="…" standalone="…"?> or, of
// an external entity, the text declaration <?xml version="1.0" encoding="…"?>,
// whose version can be left out but not its encoding.
func (p *parser) declaration(external bool) bool {
	const hint = `write <?xml version="1.0" encoding="UTF-8"?>`
	p.i = len("<?xml")
	wrong := func(off int, what string, args ...any) bool {
		return p.problem(off, "XML004", hint, "%s", "the XML declaration "+fmt.Sprintf(what, args...))
	}
	done := -1 // index of the last part seen
	parts := []string{"version", "encoding", "standalone"}
	for {
		spaced := p.space()
		if p.looking("?>") {
			p.i += 2
			if done < 0 {
				return wrong(0, "has no version")
			}
			if external && done == 0 {
				return wrong(0, "of an external entity has no encoding")
			}
			return true
		}
		start := p.i
		n := nameLength(p.rest())
		if n == 0 {
			return wrong(start, "is not closed with ?>")
		}
		name := p.s[start : start+n]
		part := -1
		for i, known := range parts {
			if name == known {
				part = i
			}
		}
		switch {
		case part < 0:
			return wrong(start, "cannot have %q", name)
		case external && part == 2:
			return wrong(start, "of an external entity cannot have %q", name)
		case part <= done || done < 0 && part > 0 && !external:
			return wrong(start, "has %q in the wrong place; the order is version, encoding, standalone", name)
		case !spaced:
			return wrong(start, "has no white space before %q", name)
		}
		done = part
		p.i += n
		p.space()
		if !p.looking("=") {
			return wrong(p.i, "has no = after %q", name)
		}
		p.i++
		p.space()
		if !p.looking(`"`) && !p.looking(`'`) {
			return wrong(p.i, "has no quoted value for %q", name)
		}
		end := strings.IndexByte(p.s[p.i+1:], p.s[p.i])
		if end < 0 {
			return wrong(p.i, "has no closing quote for %q", name)
		}
		value := p.s[p.i+1 : p.i+1+end]
		if !declarable(name, value) {
			return wrong(p.i+1, "cannot have %s=%q", name, clipped(value))
		}
		if part == 2 {
			p.standalone = value == "yes"
		}
		p.i += end + 2
	}
}

// declarable reports whether a part of the XML declaration may have a value.
func declarable(part, value string) bool {
	switch part {
	case "version":
		minor, ok := strings.CutPrefix(value, "1.")
		return ok && isDigits(minor, 10)
	case "standalone":
		return value == "yes" || value == "no"
	}
	for i := 0; i < len(value); i++ {
		c := value[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return value != ""
}
