package procedure

import (
	"fmt"
	"slices"
	"strings"

	"sutler/xmltree"
)

// Link checks the calls between nss, which are all namespaces that an engine
// has, and returns what it finds in the order of nss and, within a file, of
// places: calls to a namespace or procedure that does not exist and recursion
// without a condition are warnings, two namespaces of one name are an error.
// It changes nothing and may run as often as one likes.
func Link(nss []*Namespace) xmltree.Problems {
	l := &linker{
		byName: map[string]*Namespace{},
		of:     map[*xmltree.Document]*xmltree.Problems{},
		state:  map[*Procedure]visit{},
	}
	found := make([]xmltree.Problems, len(nss))
	for i, ns := range nss {
		l.of[ns.doc] = &found[i]
		l.add(ns)
	}
	for _, ns := range nss {
		for _, p := range ns.Procedures {
			l.calls(p.Body)
			l.walk(p)
		}
	}
	var all xmltree.Problems
	for _, ps := range found {
		ps.Sort()
		all = append(all, ps...)
	}
	return all
}

type linker struct {
	byName map[string]*Namespace
	names  []string                                // of the namespaces, as registered
	of     map[*xmltree.Document]*xmltree.Problems // what was found in each file
	state  map[*Procedure]visit
	way    []*Procedure // from the start of a walk to where it is
}

// visit is how far the search for recursion has come with a procedure.
type visit uint8

const (
	onTheWay visit = iota + 1
	finished
)

func (l *linker) add(ns *Namespace) {
	if other := l.byName[Fold(ns.Name)]; other != nil {
		at := ns.doc.DocumentElement().AttrNode("", "name")
		msg := fmt.Sprintf("namespace %q is there already, in %s", ns.Name, other.File)
		l.report(ns.doc.Problem(at, "PR030", msg, "names are compared without regard to case; rename one of them"), ns.doc)
		return
	}
	l.byName[Fold(ns.Name)] = ns
	l.names = append(l.names, ns.Name)
}

func (l *linker) warn(s *Step, attr, rule, msg, hint string) {
	doc := s.element.Document()
	p := doc.Problem(s.element.AttrNode("", attr), rule, msg, hint)
	p.Warning = true
	l.report(p, doc)
}

func (l *linker) report(p *xmltree.Problem, doc *xmltree.Document) {
	*l.of[doc] = append(*l.of[doc], p)
}

// full reports whether the file of s has as many problems as are reported.
func (l *linker) full(s *Step) bool {
	return len(*l.of[s.element.Document()]) >= xmltree.MostProblems
}

// target returns the procedure that s calls, or nil.
func (l *linker) target(s *Step) *Procedure {
	if ns := l.byName[Fold(s.Namespace)]; ns != nil {
		return ns.Procedure(s.Procedure)
	}
	return nil
}

// calls checks that everything called below body exists.
func (l *linker) calls(body []Node) {
	for _, n := range body {
		switch n := n.(type) {
		case *Try:
			l.calls(n.Body)
			l.calls(n.Catch)
		case *Step:
			if n.Kind != Transform && l.target(n) == nil {
				l.missing(n)
			}
		}
	}
}

func (l *linker) missing(s *Step) {
	if l.full(s) {
		return
	}
	ns := l.byName[Fold(s.Namespace)]
	if ns == nil {
		l.warn(s, "namespace", "PR031", fmt.Sprintf("namespace %q does not exist", s.Namespace),
			meant(s.Namespace, l.names, "import it before this procedure is called"))
		return
	}
	var names []string
	for _, p := range ns.Procedures[:min(len(ns.Procedures), 500)] {
		names = append(names, p.Name)
	}
	l.warn(s, "procedure", "PR032", fmt.Sprintf("namespace %q has no procedure %q", ns.Name, s.Procedure),
		meant(s.Procedure, names, "it has "+quoted(names)))
}

// walk follows the calls that p makes whatever its data are and reports those
// that lead back to a procedure on the way.
func (l *linker) walk(p *Procedure) {
	if l.state[p] != 0 {
		return
	}
	l.state[p] = onTheWay
	l.way = append(l.way, p)
	for _, n := range p.Body {
		s, ok := n.(*Step)
		if !ok || !s.always() {
			continue
		}
		switch next := l.target(s); {
		case next == nil:
		case l.state[next] == onTheWay:
			if l.full(s) {
				continue
			}
			l.warn(s, "procedure", "PR033", "recursion without a condition: "+l.circle(next), "add a when, forEach or repeat to a step on the way, or it runs until a limit stops it")
		default:
			l.walk(next)
		}
	}
	l.way = l.way[:len(l.way)-1]
	l.state[p] = finished
}

// always reports whether the step calls its procedure each time it is reached.
func (s *Step) always() bool {
	return s.Kind == Execute && len(s.When) == 0 && len(s.ForEach) == 0 && len(s.Repeat) == 0
}

// circle describes the way from p, which is on it, back to p. Of a long one it
// names the first procedures.
func (l *linker) circle(p *Procedure) string {
	const most = 8
	way := l.way[slices.Index(l.way, p):]
	var b strings.Builder
	for _, q := range way[:min(len(way), most)] {
		fmt.Fprintf(&b, "%s/%s → ", q.Namespace.Name, q.Name)
	}
	if len(way) > most {
		b.WriteString("… → ")
	}
	fmt.Fprintf(&b, "%s/%s", p.Namespace.Name, p.Name)
	return b.String()
}
