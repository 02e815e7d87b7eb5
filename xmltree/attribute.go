package xmltree

import (
	"strings"
	"unicode/utf8"
)

// attrs reads the attributes of a tag up to its > or />.
func (p *parser) attrs(element string) bool {
	p.tag = p.tag[:0]
	for {
		spaced := p.space()
		if p.i == len(p.s) {
			return p.problem(p.i, "XML008", "end the tag with >", "the start tag <%s> is not closed", element)
		}
		switch c := p.s[p.i]; c {
		case '>':
			return true
		case '/':
			if p.looking("/>") {
				return true
			}
			fallthrough
		case '<', '"', '\'', '=':
			return p.problem(p.i, "XML008", "a start tag is <name attribute=\"value\">; check the quotes before this place", "unexpected %q in the start tag <%s>", c, element)
		}
		if !spaced {
			return p.problem(p.i, "XML008", "put a blank before each attribute", "white space is missing in the start tag <%s>", element)
		}
		off := p.place(p.i)
		name, ok := p.symbol("attribute")
		if !ok {
			return false
		}
		if p.i+1 < len(p.s) && p.s[p.i] == '=' {
			p.i++
		} else if p.space(); p.looking("=") {
			p.i++
			p.space()
		} else {
			return p.problem(p.i, "XML008", "write "+clipped(name.raw)+"=\"…\"", "attribute %q of element %q has no value", name.raw, element)
		}
		if p.i < len(p.s) && p.s[p.i] != '"' && p.s[p.i] != '\'' {
			p.space()
		}
		if !p.looking(`"`) && !p.looking(`'`) {
			return p.problem(p.i, "XML008", "write "+clipped(name.raw)+"=\"…\"", "the value of attribute %q of element %q is not in quotes", name.raw, element)
		}
		value, ok := p.attrValue(name.raw)
		if !ok {
			return false
		}
		p.tag = append(p.tag, attr{name: name, value: value, off: off})
		if name.declares != nil {
			p.declaring = true
		}
		// Looking for doubles takes as much again as the nodes.
		if n := len(p.tag); n&(manyAttrs-1) == 0 && !p.affordable(2*n) {
			return false
		}
		if p.mask == 0 || p.replaced {
			p.tag[len(p.tag)-1].flags, p.replaced = elsewhere, false
		}
	}
}

// manyAttrs is after how many attributes of one element the budget is asked
// whether it has that many nodes.
const manyAttrs = 256

// affordable reports whether the budget has room for n more nodes, and notes a
// problem if not.
func (p *parser) affordable(n int) bool {
	b := p.d.budget
	if b == nil {
		return true
	}
	b.nodes += int64(n)
	err := b.Err()
	b.nodes -= int64(n)
	if err != nil {
		return p.limit(p.i, "XML021", err)
	}
	return true
}

// attrValue reads a quoted value and normalises it.
func (p *parser) attrValue(name string) (string, bool) {
	start, quote := p.i, p.s[p.i]
	from := start + 1
	end := from
	for end < len(p.s) && !valueStop[p.s[end]] {
		end++
	}
	if end < len(p.s) && p.s[end] == quote {
		p.i = end + 1
		return p.s[from:end], true
	}
	n := strings.IndexByte(p.s[end:], quote)
	if n < 0 {
		p.i = from
		return "", p.problem(start, "XML008", "add the closing "+string(quote), "the value of attribute %q is not closed", name)
	}
	end += n
	p.i = end + 1
	p.buf = p.buf[:0]
	if !p.normalise(name, from, end) {
		return "", false
	}
	return p.keepBuf(), true
}

// valueStop tells the bytes that end the plain part of a value.
var valueStop = [256]bool{'<': true, '&': true, '\t': true, '\n': true, '\r': true, '"': true, '\'': true}

// keepBuf returns what is in buf as a string. Small ones share their memory.
func (p *parser) keepBuf() string {
	if p.made.Cap()-p.made.Len() < len(p.buf) {
		size := min(max(128, 2*p.made.Cap()), 4096)
		p.made = strings.Builder{}
		p.made.Grow(max(size, len(p.buf)))
	}
	from := p.made.Len()
	p.made.Write(p.buf)
	return p.made.String()[from:]
}

// normalise adds a part of the input, which is in the value of an attribute,
// to buf: white space becomes blanks, references what they stand for.
func (p *parser) normalise(name string, from, to int) bool {
	for i := from; i < to; i++ {
		switch c := p.s[i]; c {
		case '<':
			return p.problem(i, "XML008", "write &lt;, or check that the quote before it is closed", "the value of attribute %q holds <", name)
		case '&':
			r, e, length, ok := p.reference(i, to)
			switch {
			case !ok:
				return false
			case e == nil:
				p.buf = utf8.AppendRune(p.buf, r)
			case !p.includeInValue(e, i, name):
				return false
			}
			i += length - 1
		case '\r':
			if !p.returns || i+1 == to || p.s[i+1] != '\n' {
				p.buf = append(p.buf, ' ')
			}
		case '\t', '\n':
			p.buf = append(p.buf, ' ')
		default:
			p.buf = append(p.buf, c)
		}
	}
	return true
}
