package procedure_test

import (
	"fmt"
	"strings"
	"testing"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
)

// TestCompile compares programs with one line for each construct, which shows
// every setting, the defaults too.
func TestCompile(t *testing.T) {
	eachCase(t, "program", func(t *testing.T, src []byte) string {
		ns, ps := procedure.Compile(src, "ns.xml", sutler.Limits{})
		if len(ps) > 0 {
			t.Fatalf("Compile: %v", ps)
		}
		for _, p := range ns.Procedures {
			if ns.Procedure(strings.ToUpper(p.Name)) != p {
				t.Errorf("procedure %q is not found by its name in capitals", p.Name)
			}
			if p.Namespace != ns || p.Inline || p.Hash != "" {
				t.Errorf("procedure %q looks like an inline one", p.Name)
			}
		}
		return dump(ns)
	})
}

func TestCompileInline(t *testing.T) {
	const src = `<request xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><data/>
  <procedure>
    <procedureData><n/></procedureData>
    <execute namespace="N" procedure="P"><before source="data" destination="executeData"><xsl:template match="/"><a/></xsl:template></before></execute>
  </procedure>
</request>`
	const want = `procedure "" private read at 2:3
  procedureData <procedureData><n/></procedureData>
  execute N/P impersonate=caller sensitive=caller trusted=caller at 4:5
    before data -> executeData mode=insert ifNull=fail allowNull=false templates at 4:42
`
	p := inline(t, src)
	if !p.Inline || !p.Composite() || p.Namespace != nil {
		t.Errorf("the procedure is no inline one: %+v", p)
	}
	var d dumper
	d.procedure(p)
	if got := d.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if empty := inline(t, `<request><procedure/></request>`); !empty.Composite() {
		t.Error("an empty inline procedure is not composite")
	}
}

// dump shows a namespace with one line for each construct.
func dump(ns *procedure.Namespace) string {
	var d dumper
	d.line("namespace %q version=%d readOnly=%v provider=%q description=%q", ns.Name, ns.Version, ns.ReadOnly, ns.ProviderSource, ns.Description)
	d.in(func() {
		d.tree("providerContext", ns.Context)
		for _, p := range ns.Procedures {
			d.procedure(p)
		}
	})
	return d.String()
}

type dumper struct {
	strings.Builder
	depth int
}

func (d *dumper) line(format string, args ...any) {
	d.WriteString(strings.Repeat("  ", d.depth))
	fmt.Fprintf(d, format+"\n", args...)
}

func (d *dumper) in(f func()) {
	d.depth++
	f()
	d.depth--
}

func (d *dumper) tree(what string, n *xmltree.Node) {
	if n != nil {
		d.line("%s %s", what, n)
	}
}

func (d *dumper) procedure(p *procedure.Procedure) {
	access := "private"
	if p.Public {
		access = "public"
	}
	flags := ""
	for _, f := range []struct {
		on   bool
		name string
	}{{p.SaveData, " saveData"}, {p.Audit, " audit"}, {p.Perf, " perf"}, {!p.Composite(), " provider"}} {
		if f.on {
			flags += f.name
		}
	}
	if p.Description != "" {
		flags += fmt.Sprintf(" description=%q", p.Description)
	}
	d.line("procedure %q %s %v%s at %v", p.Name, access, p.Type, flags, p.At.Pos)
	d.in(func() {
		d.tree("procedureData", p.Data)
		d.schema("inputSchema", p.Input)
		d.schema("outputSchema", p.Output)
		d.body(p.Body)
	})
}

func (d *dumper) schema(what string, s *procedure.Schema) {
	if s != nil {
		forced := ""
		if s.Forced {
			forced = " forced"
		}
		d.line("%s <%s>%s at %v", what, s.Element.Name(), forced, s.At.Pos)
	}
}

func (d *dumper) body(body []procedure.Node) {
	for _, n := range body {
		switch n := n.(type) {
		case *procedure.Select:
			d.selection(n)
		case *procedure.Step:
			d.step(n)
		case *procedure.Try:
			d.line("try at %v", n.Place().Pos)
			d.in(func() { d.body(n.Body) })
			d.line("catch at %v", n.CatchAt.Pos)
			d.in(func() { d.body(n.Catch) })
		}
	}
}

func (d *dumper) selection(s *procedure.Select) {
	d.line("select %q %s default=%s ifNull=%s at %v", s.Name, from(s.Source, s.Path), optional(s.Default), optional(s.IfNull), s.Place().Pos)
	d.in(func() {
		for _, w := range s.Where {
			d.line("where %q is %q", w.Value, w.Case)
		}
	})
}

func optional(s *string) string {
	if s == nil {
		return "none"
	}
	return fmt.Sprintf("%q", *s)
}

func (d *dumper) step(s *procedure.Step) {
	line := s.Kind.String()
	if s.Kind != procedure.Transform {
		line += fmt.Sprintf(" %s/%s impersonate=%s sensitive=%s trusted=%s", s.Namespace, s.Procedure,
			inherit(s.Impersonate), inherit(s.Sensitive), inherit(s.Trusted))
	}
	if s.Kind == procedure.Queue {
		line += fmt.Sprintf(" suspended=%v", s.Suspended)
	}
	d.line("%s at %v", line, s.Place().Pos)
	d.in(func() {
		d.tree("executeData", s.Literal)
		for _, f := range s.ForEach {
			d.line("forEach %q %s ifNull=%s at %v", f.Name, from(f.Root, f.Path), ifNull(f.IfNull), f.At.Pos)
		}
		for _, r := range s.Repeat {
			d.line("repeat %s ifNull=%s at %v", from(r.Source, r.Path), ifNull(r.IfNull), r.At.Pos)
		}
		for _, w := range s.When {
			if w.Select != "" {
				d.line("when select %q is %q at %v", w.Select, w.Case, w.At.Pos)
				continue
			}
			d.line("when %s at %v", from(w.Source, w.Path), w.At.Pos)
		}
		for _, b := range s.Before {
			d.transfer("before", b)
		}
		for _, a := range s.After {
			d.transfer("after", a)
		}
	})
}

func (d *dumper) transfer(what string, t procedure.Transfer) {
	templates := ""
	if t.Sheet != nil {
		templates = " templates"
	}
	d.line("%s %s -> %s mode=%v ifNull=%s allowNull=%v%s at %v", what, from(t.Source, t.SourcePath), from(t.Dest, t.DestPath),
		t.Mode, ifNull(t.IfNull), t.AllowNull, templates, t.At.Pos)
}

// from shows a scope and a path below it; a path of plain names is marked.
func from(s procedure.Scope, p *procedure.Path) string {
	text := s.Name
	if s.Kind == procedure.Loop {
		text = fmt.Sprintf("%s#%d", s.Name, s.Index)
	}
	if p == nil {
		return text
	}
	text += " {" + p.Text + "}"
	if p.Plain != nil {
		text += " plain"
	}
	return text
}

func inherit(i procedure.Inherit) string {
	return [...]string{"caller", "on", "off"}[i]
}

func ifNull(i procedure.IfNull) string {
	return [...]string{"fail", "skip", "ignore"}[i]
}
