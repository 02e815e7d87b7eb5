package xslt

import (
	"strings"

	"sutler/xmltree"
	"sutler/xpath"
)

// textNode is text of the stylesheet or an xsl:text.
type textNode struct {
	value string
	raw   bool // disable-output-escaping
}

func (in *textNode) exec(r *run) error {
	if in.raw && r.out.final && in.value != "" {
		return r.write(rawBegin+in.value+rawEnd, place{})
	}
	return r.write(in.value, place{})
}

// valueOf is xsl:value-of.
type valueOf struct {
	sel *expr
	raw bool
}

func (in *valueOf) exec(r *run) error {
	s, err := r.str(in.sel)
	if err != nil {
		return err
	}
	if in.raw && r.out.final && s != "" {
		s = rawBegin + s + rawEnd
	}
	return r.write(s, in.sel.at)
}

// literal is a literal result element.
type literal struct {
	name  *xmltree.Name
	decls []decl
	sets  *setUse
	attrs []literalAttr
	body  []instr
	at    place
}

type literalAttr struct {
	name  *xmltree.Name
	value *avt
	at    place
}

func (in *literal) exec(r *run) error {
	if err := r.begin(in.name, in.at); err != nil {
		return err
	}
	for _, d := range in.decls {
		r.declare(d.prefix, d.uri)
	}
	r.declareName(in.name)
	if err := in.sets.exec(r); err != nil {
		return err
	}
	for i := range in.attrs {
		a := &in.attrs[i]
		s, err := a.value.eval(r)
		if err != nil {
			return err
		}
		if err := r.attribute(a.name, s, a.at); err != nil {
			return err
		}
	}
	if err := r.exec(in.body); err != nil {
		return err
	}
	return r.end(in.at)
}

// elementInstr is xsl:element.
type elementInstr struct {
	name computedName
	sets *setUse
	body []instr
	at   place
}

func (in *elementInstr) exec(r *run) error {
	name, err := in.name.eval(r)
	if err != nil {
		return err
	}
	if name == nil {
		return r.contentOnly(in.body)
	}
	if err := r.begin(name, in.at); err != nil {
		return err
	}
	r.declareName(name)
	if err := in.sets.exec(r); err != nil {
		return err
	}
	if err := r.exec(in.body); err != nil {
		return err
	}
	return r.end(in.at)
}

// contentOnly executes the body of an element that cannot be made, without the
// attributes at its beginning.
func (r *run) contentOnly(body []instr) error {
	if !r.out.open {
		return r.exec(body)
	}
	r.out.open = false
	if err := r.exec(body); err != nil {
		return err
	}
	r.out.open = r.out.b.At().First() == nil && r.out.one == "" && len(r.pending) == r.out.start
	return nil
}

// computedName is the name of an xsl:element or xsl:attribute (sections 7.1.2,
// 7.1.3).
type computedName struct {
	name, space *avt
	scope       map[string]string
	element     bool // a name without a prefix is in the default namespace
	fixed       *xmltree.Name
	told        bool // that it is wrong, when it was compiled
	at          place
}

// computedName compiles the name that n makes.
func (c *compiler) computedName(n *xmltree.Node, element bool) computedName {
	m := computedName{name: c.avt(n, "name"), space: c.avt(n, "namespace"), scope: c.scope(n), element: element, at: placeOf(n)}
	m.told = c.constantName(n, m.name)
	if m.told || m.space != nil || m.name == nil || m.name.parts != nil {
		return m
	}
	if name, ok := m.resolve(m.name.text); ok {
		m.fixed = &name
	}
	return m
}

// resolve returns the name that is written s, without a namespace of its own.
func (m *computedName) resolve(s string) (name xmltree.Name, ok bool) {
	name, ok = resolve(m.scope, s)
	if m.element && name.Prefix == "" {
		name.Space = m.scope[""]
	}
	return name, ok
}

// eval returns the name. It is nil after an error from which the run recovers,
// without a warning if that was told.
func (m *computedName) eval(r *run) (*xmltree.Name, error) {
	switch {
	case m.fixed != nil:
		return m.fixed, nil
	case m.told && !r.env.Strict && !r.out.strict:
		return nil, nil
	}
	s, err := m.name.eval(r)
	if err != nil {
		return nil, err
	}
	prefix, local, ok := splitName(s)
	if !ok {
		return nil, r.recoverable(m.at, "XT102", "a name begins with a letter and holds letters, digits, - _ and .", "%q is no name", s)
	}
	if m.space == nil {
		if name, ok := m.resolve(s); ok {
			return &name, nil
		}
		return nil, r.recoverable(m.at, "XT102", "declare it in the stylesheet or use the attribute namespace", "the prefix %q of the name %q is not declared", prefix, s)
	}
	uri, err := m.space.eval(r)
	if err != nil {
		return nil, err
	}
	switch {
	case isXSL(uri):
		uri = Space
	case uri == xmlnsSpace:
		return nil, r.recoverable(m.at, "XT102", "", "nothing can be in the namespace %q", uri)
	}
	switch {
	case uri == xmltree.XMLSpace:
		prefix = "xml"
	case uri == "" || prefix == "xmlns" || prefix == "xml":
		prefix = ""
	}
	return &xmltree.Name{Space: uri, Prefix: prefix, Local: local}, nil
}

// xmlnsSpace is the namespace of the attributes that declare namespaces.
const xmlnsSpace = "http://www.w3.org/2000/xmlns/"

// attributeInstr is xsl:attribute.
type attributeInstr struct {
	name computedName
	body []instr
	at   place
}

func (in *attributeInstr) exec(r *run) error {
	name, err := in.name.eval(r)
	if name == nil || err != nil {
		return err
	}
	if name.Local == "xmlns" && name.Prefix == "" {
		return r.recoverable(in.at, "XT102", "", `an attribute cannot be named "xmlns"`)
	}
	s, err := r.text(in.body, "an attribute")
	if err != nil {
		return err
	}
	return r.attribute(name, s, in.at)
}

// commentInstr is xsl:comment.
type commentInstr struct {
	at   place
	body []instr
}

func (in *commentInstr) exec(r *run) error {
	s, err := r.text(in.body, "a comment")
	if err != nil {
		return err
	}
	return r.comment(s, in.at)
}

// procInst is xsl:processing-instruction.
type procInst struct {
	at   place
	name *avt
	body []instr
}

func (in *procInst) exec(r *run) error {
	name, err := in.name.eval(r)
	if err != nil {
		return err
	}
	if !xmltree.IsName(name) || strings.EqualFold(name, "xml") {
		return r.recoverable(in.at, "XT102", "", "%q cannot be the target of a processing instruction", name)
	}
	s, err := r.text(in.body, "a processing instruction")
	if err != nil {
		return err
	}
	return r.procInst(name, s, in.at)
}

// copyInstr is xsl:copy.
type copyInstr struct {
	at   place
	sets *setUse
	body []instr
}

func (in *copyInstr) exec(r *run) error {
	n := r.node
	switch n.Kind() {
	case xmltree.Root:
		return r.exec(in.body)
	case xmltree.Element:
		if err := r.begin(n.NameRef(), in.at); err != nil {
			return err
		}
		if r.out.void == 0 {
			r.inherit(r.out.b.At(), n)
		}
		r.declareName(n.NameRef())
		if err := in.sets.exec(r); err != nil {
			return err
		}
		if err := r.exec(in.body); err != nil {
			return err
		}
		return r.end(in.at)
	}
	return r.copy(n, in.at)
}

// copyOf is xsl:copy-of.
type copyOf struct {
	sel *expr
	at  place
}

func (in *copyOf) exec(r *run) error {
	v, err := r.eval(in.sel)
	if err != nil {
		return err
	}
	if v.Type() != xpath.NodeSetType {
		return r.write(v.Str(), in.at)
	}
	for _, n := range v.Nodes() {
		if err := r.copy(n, in.at); err != nil {
			return err
		}
	}
	return nil
}

// message is xsl:message.
type message struct {
	at        place
	terminate bool
	body      []instr
}

func (in *message) exec(r *run) error {
	root, err := r.fragment(in.body, in.at)
	if err != nil {
		return err
	}
	text := root.Text()
	for c := root.First(); c != nil; c = c.Next() {
		if c.Kind() != xmltree.Text {
			text = root.String()
			break
		}
	}
	if r.env.Message != nil {
		r.env.Message(text)
	}
	if in.terminate {
		return wrong(in.at, "XT101", "", "the stylesheet ended the transformation: %s", text)
	}
	return nil
}
