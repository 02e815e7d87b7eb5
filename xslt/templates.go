package xslt

import (
	"math"
	"slices"

	"sutler/xmltree"
)

// applyTemplates is xsl:apply-templates.
type applyTemplates struct {
	sel   *expr // nil: the children
	mode  *mode
	sorts []sortKey
	args  []arg
	at    place
}

func (in *applyTemplates) exec(r *run) error {
	lo, hi, err := r.pass(in.args)
	if err != nil {
		return err
	}
	if in.sel == nil && in.sorts == nil {
		err = r.applyChildren(in.mode, lo, hi, in.at)
		r.args = r.args[:lo]
		return err
	}
	from := len(r.lists)
	if in.sel == nil {
		for c := r.node.First(); c != nil; c = c.Next() {
			r.lists = append(r.lists, c)
		}
	} else if err := r.list(in.sel); err != nil {
		return err
	}
	if err := r.sortList(from, in.sorts); err != nil {
		return err
	}
	here, to := r.focused(), len(r.lists)
	if err := r.hold((to-from)*listBytes, in.at); err != nil {
		return err
	}
	for i := from; i < to; i++ {
		n := r.lists[i] // the list may move while others are put behind it
		r.focus(focus{n, i - from + 1, to - from})
		if err := r.apply(n, in.mode, lo, hi, in.at); err != nil {
			return err
		}
	}
	r.focus(here)
	r.lists = r.lists[:from]
	r.args = r.args[:lo]
	return r.hold((from-to)*listBytes, in.at)
}

// list puts the nodes of e behind r.lists.
func (r *run) list(e *expr) (err error) {
	if err := r.prepare(e); err != nil {
		return err
	}
	lists := r.lists
	r.lists = slices.Clip(lists) // a function of the stylesheet must not write where e does
	if r.lists, err = e.AppendNodes(&r.xc, lists); err != nil {
		return r.failIn(e.at, e.base, err)
	}
	return nil
}

// applyChildren processes the children of the current node without a list.
func (r *run) applyChildren(m *mode, lo, hi int, at place) error {
	size := 0
	for c := r.node.First(); c != nil; c = c.Next() {
		size++
	}
	here, pos := r.focused(), 0
	for c := r.node.First(); c != nil; c = c.Next() {
		pos++
		r.focus(focus{c, pos, size})
		if err := r.apply(c, m, lo, hi, at); err != nil {
			return err
		}
	}
	r.focus(here)
	return nil
}

// pass evaluates arguments. They are r.args[lo:hi] until the caller cuts r.args
// back to lo.
func (r *run) pass(args []arg) (lo, hi int, err error) {
	lo = len(r.args)
	if len(args) == 0 {
		return lo, lo, nil
	}
	for i := range args {
		v, err := r.value(&args[i].value)
		if err != nil {
			return lo, lo, err
		}
		r.args = append(r.args, passed{args[i].name, v})
	}
	return lo, len(r.args), nil
}

// apply processes n, the current node, with the best template of m or with the
// built-in one (section 5.8).
func (r *run) apply(n *xmltree.Node, m *mode, lo, hi int, at place) error {
	if err := r.step(1, at); err != nil {
		return err
	}
	t, err := r.match(n, m)
	if err != nil {
		return err
	}
	if t != nil {
		return r.callRule(t, m, lo, hi, at)
	}
	return r.builtIn(n, m, at)
}

// callRule runs t as the current template rule.
func (r *run) callRule(t *template, m *mode, lo, hi int, at place) error {
	rule, mode := r.rule, r.ruleMode
	r.rule, r.ruleMode = t, m
	err := r.call(t, lo, hi, at)
	r.rule, r.ruleMode = rule, mode
	return err
}

// builtIn processes n with the built-in template rule (section 5.8).
func (r *run) builtIn(n *xmltree.Node, m *mode, at place) error {
	switch n.Kind() {
	case xmltree.Root, xmltree.Element:
		return r.applyChildren(m, 0, 0, at)
	case xmltree.Text, xmltree.Attribute:
		return r.write(n.Value(), at)
	}
	return nil
}

// applyImports is xsl:apply-imports (section 5.6).
type applyImports struct{ at place }

func (in *applyImports) exec(r *run) error {
	rule, m := r.rule, r.ruleMode
	if rule == nil {
		return wrong(in.at, "XT112", "it belongs into a template with match, outside of xsl:for-each", "there is no current template rule whose imports could be applied")
	}
	if err := r.step(1, in.at); err != nil {
		return err
	}
	t, err := r.matchIn(r.node, m, rule.layer.lowest, rule.layer.precedence)
	if err != nil {
		return err
	}
	if t != nil {
		return r.callRule(t, m, 0, 0, in.at)
	}
	return r.builtIn(r.node, m, in.at)
}

// match returns the best template of m for n, or nil.
func (r *run) match(n *xmltree.Node, m *mode) (*template, error) {
	return r.matchIn(n, m, 0, math.MaxInt)
}

// matchIn is match among the templates of import precedence from lo to below hi.
func (r *run) matchIn(n *xmltree.Node, m *mode, lo, hi int) (*template, error) {
	named, other := r.candidates(n, m)
	for len(named)+len(other) > 0 {
		var rule *rule
		if len(other) == 0 || len(named) > 0 && named[0].order < other[0].order {
			rule, named = named[0], named[1:]
		} else {
			rule, other = other[0], other[1:]
		}
		if rule.precedence < lo || rule.precedence >= hi {
			r.ran++
			continue
		}
		if rule.sure {
			return rule.template, nil
		}
		ok, err := rule.pattern.Matches(&r.pc, n)
		if err != nil {
			return nil, r.fail(rule.template.at, err)
		}
		if ok {
			return rule.template, nil
		}
	}
	return nil, nil
}

// call runs t for the current node with the arguments r.args[lo:hi].
func (r *run) call(t *template, lo, hi int, at place) error {
	if err := r.deeper(at); err != nil {
		return err
	}
	size := len(t.params)*(hi-lo)/8 + t.slots/8
	if size > 0 { // looking for arguments, making room
		if err := r.step(int64(size), at); err != nil {
			return err
		}
		if err := r.hold(t.slots*valueBytes+(hi-lo)*argBytes, at); err != nil {
			return err
		}
	}
	vars, caller := r.xc.Vars, r.template
	frame, mark := r.vars.push(t.slots)
	r.xc.Vars, r.template = frame, t
	if r.env.Trace != nil {
		r.env.Trace(Event{&t.info, r.node, r.depth, false})
	}
	for i := range t.params {
		if err := r.bind(&t.params[i], lo, hi); err != nil {
			return r.inTemplate(err, t)
		}
	}
	if err := r.exec(t.body); err != nil {
		return r.inTemplate(err, t)
	}
	if r.env.Trace != nil {
		r.env.Trace(Event{&t.info, r.node, r.depth, true})
	}
	r.vars.pop(frame, mark)
	r.xc.Vars, r.template = vars, caller
	r.depth--
	if size > 0 {
		return r.hold(-t.slots*valueBytes-(hi-lo)*argBytes, at)
	}
	return nil
}

// bind gives the parameter p its argument or its own value.
func (r *run) bind(p *param, lo, hi int) error {
	for i := lo; i < hi; i++ {
		if a := &r.args[i]; a.name == p.name {
			r.xc.Vars[p.slot] = a.value
			return nil
		}
	}
	v, err := r.value(&p.value)
	if err != nil {
		return err
	}
	r.xc.Vars[p.slot] = v
	return nil
}

// callTemplate is xsl:call-template.
type callTemplate struct {
	template *template
	args     []arg
	at       place
}

func (in *callTemplate) exec(r *run) error {
	lo, hi, err := r.pass(in.args)
	if err != nil {
		return err
	}
	if err := r.step(1, in.at); err != nil {
		return err
	}
	if err := r.call(in.template, lo, hi, in.at); err != nil {
		return err
	}
	r.args = r.args[:lo]
	return nil
}

// forEach is xsl:for-each.
type forEach struct {
	sel   *expr
	sorts []sortKey
	body  []instr
}

func (in *forEach) exec(r *run) error {
	from := len(r.lists)
	if err := r.list(in.sel); err != nil {
		return err
	}
	if err := r.sortList(from, in.sorts); err != nil {
		return err
	}
	here, rule, to := r.focused(), r.rule, len(r.lists)
	r.rule = nil
	if err := r.hold((to-from)*listBytes, in.sel.at); err != nil {
		return err
	}
	for i := from; i < to; i++ {
		if err := r.step(1, in.sel.at); err != nil {
			return err
		}
		r.focus(focus{r.lists[i], i - from + 1, to - from})
		if err := r.exec(in.body); err != nil {
			return err
		}
	}
	r.focus(here)
	r.rule = rule
	r.lists = r.lists[:from]
	return r.hold((from-to)*listBytes, in.sel.at)
}

// ifInstr is xsl:if, or an xsl:when.
type ifInstr struct {
	test *expr
	body []instr
}

func (in *ifInstr) exec(r *run) error {
	ok, err := r.bool(in.test)
	if err != nil || !ok {
		return err
	}
	return r.exec(in.body)
}

// choose is xsl:choose.
type choose struct {
	whens     []ifInstr
	otherwise []instr
}

func (in *choose) exec(r *run) error {
	for i := range in.whens {
		ok, err := r.bool(in.whens[i].test)
		if err != nil {
			return err
		}
		if ok {
			return r.exec(in.whens[i].body)
		}
	}
	return r.exec(in.otherwise)
}

// variable is an xsl:variable in a body.
type variable struct {
	slot  int
	value value
}

func (in *variable) exec(r *run) error {
	v, err := r.value(&in.value)
	if err != nil {
		return err
	}
	r.xc.Vars[in.slot] = v
	return nil
}
