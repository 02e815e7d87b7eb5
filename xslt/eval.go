package xslt

import (
	"sutler/xmltree"
	"sutler/xpath"
)

// prepare brings the top-level variables that e reads into the frame.
func (r *run) prepare(e *expr) error {
	if e.wrong != nil {
		again := *e.wrong
		return &again
	}
	for _, u := range e.uses {
		v, err := r.global(u.global)
		if err != nil {
			return err
		}
		r.xc.Vars[u.slot] = v
	}
	r.expr = e
	return nil
}

func (r *run) str(e *expr) (string, error) {
	if err := r.prepare(e); err != nil {
		return "", err
	}
	s, err := e.Str(&r.xc)
	if err != nil {
		return "", r.failIn(e.at, e.base, err)
	}
	return s, nil
}

func (r *run) num(e *expr) (float64, error) {
	if err := r.prepare(e); err != nil {
		return 0, err
	}
	f, err := e.Num(&r.xc)
	if err != nil {
		return 0, r.failIn(e.at, e.base, err)
	}
	return f, nil
}

func (r *run) bool(e *expr) (bool, error) {
	if err := r.prepare(e); err != nil {
		return false, err
	}
	b, err := e.Bool(&r.xc)
	if err != nil {
		return false, r.failIn(e.at, e.base, err)
	}
	return b, nil
}

func (r *run) eval(e *expr) (xpath.Value, error) {
	if err := r.prepare(e); err != nil {
		return xpath.Value{}, err
	}
	v, err := e.Eval(&r.xc)
	if err != nil {
		return xpath.Value{}, r.failIn(e.at, e.base, err)
	}
	return v, nil
}

// value evaluates the value of a variable.
func (r *run) value(v *value) (xpath.Value, error) {
	switch {
	case v.expr != nil:
		return r.eval(v.expr)
	case len(v.body) == 0:
		return xpath.String(""), nil
	}
	root, err := r.fragment(v.body, v.at)
	if err != nil {
		return xpath.Value{}, err
	}
	return xpath.Fragment(root), nil
}

// fragment builds a result tree fragment (section 11.1).
func (r *run) fragment(body []instr, at place) (*xmltree.Node, error) {
	if r.trees == nil {
		r.trees = r.document()
	}
	root := r.trees.NewRoot()
	if err := r.hold(nodeBytes, at); err != nil {
		return nil, err
	}
	if err := r.step(1, at); err != nil {
		return nil, err
	}
	saved := r.out
	r.out = sink{start: len(r.pending)}
	r.out.b.Start(root)
	err := r.exec(body)
	if err == nil {
		err = r.flush(at)
	}
	r.out = saved
	return root, err
}

// global returns the value of a top-level variable, which is made when it is
// first read.
func (r *run) global(i int) (xpath.Value, error) {
	s := &r.globals[i]
	if s.done {
		return s.value, nil
	}
	g := r.p.globals[i]
	at := placeOf(g.node)
	if s.open {
		return xpath.Value{}, wrong(at, "XT106", "take one of the references out", "the variable %q is defined by itself", g.name)
	}
	if g.param {
		if v, ok := r.env.Params[g.key()]; ok {
			*s = globalState{value: v, done: true}
			return v, nil
		}
	}
	if err := r.deeper(at); err != nil {
		return xpath.Value{}, err
	}
	s.open = true
	here, vars, template, rule := r.focused(), r.xc.Vars, r.template, r.rule
	frame, mark := r.vars.push(g.slots)
	r.xc.Vars, r.template, r.rule = frame, nil, nil
	r.focus(focus{r.root, 1, 1})
	v, err := r.value(&g.value)
	if err != nil {
		return v, err
	}
	r.vars.pop(frame, mark)
	r.focus(here)
	r.xc.Vars, r.template, r.rule = vars, template, rule
	r.depth--
	*s = globalState{value: v, done: true}
	return v, nil
}

// deeper enters a template or top-level variable; the caller counts depth down.
func (r *run) deeper(at place) error {
	if r.depth >= r.env.Limits.Depth {
		return r.fail(at, &xmltree.LimitError{Limit: "nested templates", Value: int64(r.env.Limits.Depth), Setting: "TemplateDepth"})
	}
	r.depth++
	return nil
}

// longBody is from how many instructions on a body costs steps itself, as those
// may do nothing.
const longBody = 16

// exec executes a body.
func (r *run) exec(body []instr) error {
	if len(body) >= longBody {
		if err := r.step(int64(len(body)/4), place{}); err != nil {
			return err
		}
	}
	for _, in := range body {
		if err := in.exec(r); err != nil {
			return err
		}
	}
	return nil
}
