package xmltree

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// characters reads text up to the next <.
func (p *parser) characters() bool {
	start := p.i
	end := strings.IndexByte(p.s[start:], '<')
	if end < 0 {
		end = len(p.s)
	} else {
		end += start
	}
	raw := p.s[start:end]
	p.i = end
	if len(p.open) == 0 {
		if blank(raw) {
			return true
		}
		off := start + len(raw) - len(strings.TrimLeft(raw, " \t\r\n"))
		return p.problem(off, "XML012", "text belongs inside the document element", "there is text outside of the document element: %q", clipped(p.s[off:]))
	}
	if isSpace(raw[0]) && !p.returns && blank(raw) {
		p.add(raw, start, false)
		return true
	}
	if strings.IndexByte(raw, ']') >= 0 {
		if i := strings.Index(raw, "]]>"); i >= 0 {
			return p.problem(start+i, "XML013", "write ]]&gt;", "]]> cannot stand in text")
		}
	}
	if strings.IndexByte(raw, '&') < 0 {
		p.add(p.lines(raw), start, false)
		return true
	}
	p.buf = p.buf[:0]
	keep := false
	for i := 0; i < len(raw); {
		if raw[i] != '&' {
			n := strings.IndexByte(raw[i:], '&')
			if n < 0 {
				n = len(raw) - i
			}
			p.buf = append(p.buf, p.lines(raw[i:i+n])...)
			i += n
			continue
		}
		keep = keep || strings.HasPrefix(raw[i:], "&#")
		r, e, length, ok := p.reference(start+i, end)
		if !ok {
			return false
		}
		if e != nil {
			// What stands before it may begin elsewhere than what comes after.
			p.add(p.keepBuf(), start, keep)
			if !p.include(e, start+i) {
				return false
			}
			p.buf, keep, start = p.buf[:0], false, start+i+length
			raw, i = raw[i+length:], 0
			continue
		}
		p.buf = utf8.AppendRune(p.buf, r)
		i += length
	}
	p.add(p.keepBuf(), start, keep)
	return true
}

// cdata reads <![CDATA[…]]>.
func (p *parser) cdata() bool {
	start := p.i
	if len(p.open) == 0 {
		return p.problem(start, "XML012", "text belongs inside the document element", "there is a CDATA section outside of the document element")
	}
	p.i += len("<![CDATA[")
	n := strings.Index(p.rest(), "]]>")
	if n < 0 {
		return p.problem(start, "XML015", "end it with ]]>", "the CDATA section is not closed")
	}
	p.add(p.lines(p.s[p.i:p.i+n]), start, true)
	p.i += n + len("]]>")
	return true
}

// add adds to the pending text.
func (p *parser) add(s string, off int, keep bool) {
	if !p.text.any {
		p.text.value, p.text.off, p.text.any, p.text.keep = s, p.place(off), true, keep
		return
	}
	if s != "" {
		p.text.parts = append(p.text.parts, s)
	}
	p.text.keep = p.text.keep || keep
}

// flush makes a node of the pending text.
func (p *parser) flush() {
	if !p.text.any {
		return
	}
	t := &p.text
	t.any = false
	if len(t.parts) > 0 {
		t.value += strings.Join(t.parts, "")
		clear(t.parts)
		t.parts = t.parts[:0]
	}
	if t.value == "" || p.options.DropSpace && !t.keep && blank(t.value) && !p.preserves() && !isXSLText(p.at) {
		return
	}
	n := p.d.makeValue(Text, t.value)
	n.off = uint32(t.off) + 1
	if t.keep {
		n.flags |= keepSpace
	}
	p.at.push(n)
}

// reference reads the entity or character reference at off, which must end
// before end, and returns the character or the declared entity that it stands
// for and its length.
func (p *parser) reference(off, end int) (r rune, e *entity, length int, ok bool) {
	const hint = "a literal & is written &amp;"
	n := strings.IndexByte(p.s[off:end], ';')
	if n < 0 {
		return 0, nil, 0, p.problem(off, "XML006", hint, "the reference %q has no ;", clipped(p.s[off:end]))
	}
	name := p.s[off+1 : off+n]
	switch name {
	case "lt":
		return '<', nil, n + 1, true
	case "gt":
		return '>', nil, n + 1, true
	case "amp":
		return '&', nil, n + 1, true
	case "apos":
		return '\'', nil, n + 1, true
	case "quot":
		return '"', nil, n + 1, true
	}
	if !strings.HasPrefix(name, "#") {
		if !isName(name) {
			return 0, nil, 0, p.problem(off, "XML006", hint, "& begins no reference: %q", clipped(p.s[off:end]))
		}
		if p.dtd != nil {
			e, ok := p.general(name, off)
			return 0, e, n + 1, ok
		}
		return 0, nil, 0, p.problem(off, "XML006", "there are &lt; &gt; &amp; &apos; &quot; and character references such as &#233;", "entity %q is not known", "&"+name+";")
	}
	r, ok = character(name[1:])
	switch {
	case !ok:
		return 0, nil, 0, p.problem(off, "XML006", "write &#233; or &#xE9;", "%q is no character reference", clipped(p.s[off:off+n+1]))
	case !isChar(r):
		return 0, nil, 0, p.problem(off, "XML003", "XML allows tab, line feed, carriage return and the characters from blank on", "%q stands for a character that XML does not allow", clipped(p.s[off:off+n+1]))
	}
	return r, nil, n + 1, true
}

// character returns the character of a reference that has these digits, -1 for
// one that is none.
func character(digits string) (r rune, ok bool) {
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	if !isDigits(digits, base) {
		return 0, false
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil || v > utf8.MaxRune {
		return -1, true
	}
	return rune(v), true
}

// comment reads <!-- … -->.
func (p *parser) comment() bool {
	start := p.i
	text, ok := p.commentText()
	if !ok {
		return false
	}
	c := p.d.makeValue(Comment, p.lines(text))
	c.off = uint32(p.place(start)) + 1
	p.at.push(c)
	return p.affordable(0)
}

// commentText reads a comment and returns what is in it.
func (p *parser) commentText() (string, bool) {
	start := p.i
	p.i += len("<!--")
	n := strings.Index(p.rest(), "--")
	if n < 0 {
		return "", p.problem(start, "XML014", "end it with -->", "the comment is not closed")
	}
	text := p.s[p.i : p.i+n]
	p.i += n
	if !p.looking("-->") {
		return "", p.problem(p.i, "XML014", "end the comment with -->, or write - - inside", "-- cannot stand in a comment")
	}
	p.i += len("-->")
	return text, true
}

// instruction reads <?target data?>.
func (p *parser) instruction() bool {
	start := p.i
	target, data, ok := p.instructionText()
	if !ok {
		return false
	}
	pi := p.d.makeNamed(ProcInst, Name{Local: target})
	pi.value, pi.off = p.lines(data), uint32(p.place(start))+1
	p.d.charge(len(pi.value))
	p.at.push(pi)
	return p.affordable(0)
}

// instructionText reads a processing instruction and returns its parts.
func (p *parser) instructionText() (target, data string, ok bool) {
	start := p.i
	p.i += len("<?")
	if target, ok = p.name("processing instruction"); !ok {
		return "", "", false
	}
	if strings.EqualFold(target, "xml") {
		return "", "", p.problem(start, "XML004", "the XML declaration is <?xml version=\"1.0\"?>, the very first characters of the source", "<?%s cannot stand here", target)
	}
	if strings.Contains(target, ":") {
		return "", "", p.problem(start, "XML007", "the name of a processing instruction has no prefix", "processing instruction %q has a colon", target)
	}
	spaced := p.space()
	n := strings.Index(p.rest(), "?>")
	if n < 0 {
		return "", "", p.problem(start, "XML016", "end it with ?>", "the processing instruction %q is not closed", target)
	}
	if !spaced && n > 0 {
		return "", "", p.problem(p.i, "XML016", "put a blank after the name", "white space is missing in the processing instruction %q", target)
	}
	data = p.s[p.i : p.i+n]
	p.i += n + len("?>")
	return target, data, true
}

// lines turns each line end into \n.
func (p *parser) lines(s string) string {
	if !p.returns || strings.IndexByte(s, '\r') < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}
