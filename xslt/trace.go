package xslt

import (
	"errors"
	"fmt"
	"strings"

	"sutler/xmltree"
)

// Template names a template of a program, or a function of EXSLT. There is one
// for each, so that its address may serve as a key.
type Template struct {
	Name string // match="…", name="…" or function "…"
	File string
	Pos  xmltree.Pos
}

// place sets where the template is.
func (t *Template) place(n *xmltree.Node) { t.File, t.Pos = n.Document().File(), n.Pos() }

// String returns name and place, for messages.
func (t *Template) String() string {
	what := "template "
	if strings.HasPrefix(t.Name, "function ") {
		what = ""
	}
	if t.File == "" {
		return fmt.Sprintf("%s%s at %s", what, t.Name, t.Pos)
	}
	return fmt.Sprintf("%s%s at %s:%s", what, t.Name, t.File, t.Pos)
}

// Event is the begin or the end of a template, for Env.Trace.
type Event struct {
	Template *Template
	Node     *xmltree.Node // the current node
	Depth    int           // of templates, from 1
	End      bool
}

// maxTemplates is how many templates an error shows.
const maxTemplates = 10

// unwinding is what is known of an error on its way through the templates.
type unwinding struct {
	last  *template // shown last
	times int       // how often it came in a row
	shown int       // templates
}

// inTemplate adds t, in which err came up, to what the error shows: first the
// current node, then the templates from the innermost on.
func (r *run) inTemplate(err error, t *template) error {
	var p *xmltree.Problem
	if !errors.As(err, &p) {
		return err
	}
	u := &r.unwinding
	if len(p.Notes) == 0 {
		*u = unwinding{}
		p.Notes = append(p.Notes, "at the node "+r.node.Path())
	}
	switch {
	case u.last == t:
		u.times++
		p.Notes[len(p.Notes)-1] = fmt.Sprintf("in the %s, %d times", &t.info, u.times)
		return err
	case u.shown >= maxTemplates:
		u.shown++
		p.Notes = append(p.Notes[:maxTemplates+1], fmt.Sprintf("and %d more", u.shown-maxTemplates))
		return err
	}
	u.last, u.times = t, 1
	u.shown++
	p.Notes = append(p.Notes, "in the "+t.info.String())
	return err
}
