package procedure

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sutler"
	"sutler/xmltree"
)

// Compile compiles the namespace file src, which its author calls file, within
// the size, depth, nodes and text of l. It returns all problems of the file at once (see
// xmltree.MostProblems), in the order of their places; the namespace is nil
// when one of them is an error.
// What it calls is not looked up: see Link.
func Compile(src []byte, file string, l sutler.Limits) (*Namespace, xmltree.Problems) {
	l = l.WithDefaults()
	doc, err := xmltree.Parse(src, xmltree.Options{
		File: file, MaxBytes: l.RequestBytes, MaxDepth: l.Depth, DropSpace: true, NoSpace: sutler.Spaces, Budget: l.Budget(),
	})
	if err != nil {
		return nil, asProblems(err, file)
	}
	doc.ChargeTo(nil) // it is never edited, and read by many at once
	c := &compiler{doc: doc, file: file}
	root := doc.DocumentElement()
	if !root.Is("", "namespace") {
		c.report(root, "PR001", rootHint(root), "the root element is %s and not \"namespace\"", xmltree.Describe(root))
		return nil, c.problems
	}
	c.problems = namespaceGrammar.Check(root)
	ns := c.namespace(root)
	c.checkSheets(root)
	c.problems.Sort()
	c.problems = once(c.problems)
	if c.problems.Err() != nil {
		return nil, c.problems
	}
	sum := sha256.Sum256(src)
	ns.Hash = hex.EncodeToString(sum[:])
	return ns, c.problems
}

func asProblems(err error, file string) xmltree.Problems {
	ps := xmltree.Problems{{File: file, Msg: err.Error()}}
	errors.As(err, &ps)
	return ps
}

func rootHint(root *xmltree.Node) string {
	switch {
	case root.Is("", "request"):
		return "this is a request: submit it, do not import it"
	case root.Local() == "namespace":
		return "take its XML namespace away"
	}
	return "write <namespace name=\"…\">…</namespace>"
}

// CompileInline compiles the procedure inside the trusted request req (schema
// B.21, C.3.2) and returns all problems at once; the procedure is nil when one
// of them is an error. The program refers to nodes of req.Doc and must not be
// used after its Release.
func CompileInline(req *sutler.Request) (*Procedure, xmltree.Problems) {
	c := &compiler{doc: req.Doc, file: req.File}
	for a := req.Steps.Attrs(); a != nil; a = a.Next() {
		if a.Space() == "" {
			c.report(a, "PR010", "take it out; only procedures of a namespace have attributes", "attribute %q is not allowed on the procedure of a request", a.Name())
		}
	}
	c.add(inlineGrammar.Check(req.Steps)...)
	p := c.procedure(req.Steps)
	p.Inline = true
	if p.Input != nil && p.Input.Forced {
		c.report(p.Input.Element.AttrNode("", "validate"), "PR035", "take it out", "the procedure of a request is not called, and so its input is not validated")
	}
	c.problems.Sort()
	req.Conceal(c.problems)
	if c.problems.Err() != nil {
		return nil, c.problems
	}
	p.Hash = canonicalHash(req.Steps)
	return p, c.problems
}

// canonicalHash hashes the canonical form of n and, because paths use
// prefixes, the namespace declarations above, at and below n.
func canonicalHash(n *xmltree.Node) string {
	h := sha256.New()
	h.Write([]byte(xmltree.Canonical(n)))
	for e := n.Parent(); e != nil; e = e.Parent() {
		writeDecls(h, e, 0)
	}
	last := 0
	writeDeclsBelow(h, n, &last)
	return hex.EncodeToString(h.Sum(nil))
}

// writeDeclsBelow writes the declarations of n and the elements below it, each
// with the number of its element in document order.
func writeDeclsBelow(w io.Writer, n *xmltree.Node, last *int) {
	*last++
	writeDecls(w, n, *last)
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		writeDeclsBelow(w, e, last)
	}
}

func writeDecls(w io.Writer, n *xmltree.Node, number int) {
	for d := n.Decls(); d != nil; d = d.Next() {
		fmt.Fprintf(w, "%d %q=%q\n", number, d.Local(), d.Value())
	}
}

// compiler turns one checked document into a program. The grammar has reported
// what is not well-shaped; the compiler passes over it in silence and reports
// what needs a wider view.
type compiler struct {
	doc      *xmltree.Document
	file     string
	problems xmltree.Problems

	// Of the procedure being compiled: what each select so far can give, and
	// the names of these selects in document order.
	cases   map[string]*cases
	selects []string
}

// add keeps problems while there are not too many. Half of the room is for
// errors alone, so that warnings never crowd out the one that matters.
func (c *compiler) add(ps ...*xmltree.Problem) {
	for _, p := range ps {
		room := xmltree.MostProblems - len(c.problems)
		if p.Warning {
			room -= xmltree.MostProblems / 2
		}
		if room > 0 {
			c.problems = append(c.problems, p)
		}
	}
}

// full reports whether no more problems are kept, so that none need be made.
func (c *compiler) full() bool { return len(c.problems) >= xmltree.MostProblems }

func (c *compiler) report(n *xmltree.Node, rule, hint, format string, args ...any) {
	if c.full() {
		return
	}
	c.add(c.doc.Problem(n, rule, fmt.Sprintf(format, args...), hint))
}

func (c *compiler) warn(n *xmltree.Node, rule, hint, format string, args ...any) {
	p := c.doc.Problem(n, rule, fmt.Sprintf(format, args...), hint)
	p.Warning = true
	c.add(p)
}

func (c *compiler) place(n *xmltree.Node) Place { return Place{c.file, n.Pos()} }

func (c *compiler) namespace(n *xmltree.Node) *Namespace {
	ns := &Namespace{
		Name:           n.Attr("name"),
		Description:    n.Attr("description"),
		ProviderSource: n.Attr("providerSource"),
		ReadOnly:       isTrue(n.Attr("readOnly")),
		Version:        1,
		Context:        n.Child("providerContext"),
		File:           c.file,
		byName:         map[string]*Procedure{},
		doc:            c.doc,
	}
	if v, err := strconv.Atoi(n.Attr("version")); err == nil {
		ns.Version = v
	}
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if !e.Is("", "procedure") {
			continue
		}
		p := c.procedure(e)
		p.Namespace = ns
		ns.Procedures = append(ns.Procedures, p)
		c.enter(ns, p, e)
	}
	return ns
}

// enter makes p known by its name and checks that something can carry it out.
func (c *compiler) enter(ns *Namespace, p *Procedure, n *xmltree.Node) {
	if p.Name != "" {
		if first := ns.byName[Fold(p.Name)]; first != nil {
			c.report(n.AttrNode("", "name"), "PR011", "names are compared without regard to case; rename one of them", "procedure %q is there already, at %s", p.Name, first.At.Pos)
		} else {
			ns.byName[Fold(p.Name)] = p
		}
	}
	if ns.ProviderSource == "" && !hasSteps(n) {
		c.report(n, "PR012", "give the procedure steps, or the namespace a providerSource", "procedure %q has no steps and its namespace no provider", p.Name)
	}
}

// hasSteps reports whether a procedure holds anything that is or was meant to
// be a step.
func hasSteps(n *xmltree.Node) bool {
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Local() != "Schema" && e.Local() != "procedureData" {
			return true
		}
	}
	return false
}

func (c *compiler) procedure(n *xmltree.Node) *Procedure {
	c.cases, c.selects = map[string]*cases{}, nil
	p := &Procedure{
		Name:        n.Attr("name"),
		Description: n.Attr("description"),
		Public:      n.Attr("access") == "public",
		Type:        procedureType(n.Attr("type")),
		SaveData:    isTrue(n.Attr("saveDataForRollback")),
		Audit:       isTrue(n.Attr("auditEnabled")),
		Perf:        isTrue(n.Attr("perfEnabled")),
		Data:        n.Child("procedureData"),
		At:          c.place(n),
	}
	c.schemas(p, n)
	p.Body = c.body(n)
	return p
}

func procedureType(v string) sutler.ProcedureType {
	switch v {
	case "write":
		return sutler.Write
	case "two-phase":
		return sutler.TwoPhase
	default:
		return sutler.Read
	}
}

// isTrue reads a boolean; anything that is not one counts as false.
func isTrue(v string) bool { return v == "1" || v == "true" }

// quoted joins names for a hint, each in quotes, the first dozen of them.
func quoted(names []string) string {
	var qs []string
	for _, name := range names[:min(len(names), 12)] {
		qs = append(qs, strconv.Quote(name))
	}
	if len(names) > len(qs) {
		qs = append(qs, "…")
	}
	return strings.Join(qs, ", ")
}
