package engine

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"sutler"
	"sutler/procedure"
	"sutler/security"
)

// Checks that are none of package security, in explanations.
const (
	checkProcedure = "procedure"  // is there such a procedure?
	checkDepth     = "call depth" // are calls nested too deep?
	checkQueue     = "queue"      // can the engine queue it?
	checkIdentity  = "identity"   // can it act as it should? Also that of security.MayActAs
)

// mostSteps bounds an explanation: procedures that call others several times
// unfold into more calls than anybody reads.
const mostSteps = 10_000

// ExplainAccess says how the engine would decide about a request, by the same
// functions that decide when it runs, and runs nothing: no provider and no
// transformation, and the log gets no record.
//
// The answer obeys the rights of from. Everybody may ask for his own account,
// and then with the groups and the reach that his door vouches for; for others,
// who reach as far as from does, only those who may configure or read the audit
// log. Whoever is neither learns of a rule only what it decided, and sees the
// calls up to the first that he could not make himself; a procedure that he may
// not call and one that does not exist are one and the same error with code
// Denied. A namespace or procedure that does not exist is for all others an
// error with code NotFound.
func (e *Engine) ExplainAccess(ctx context.Context, from sutler.Caller, q security.AccessQuery) (*security.AccessExplanation, error) {
	req := sutler.Request{Namespace: q.Namespace, Procedure: q.Procedure}
	if q.Request != nil {
		defer q.Request.Doc.Release()
		req = *q.Request
		req.Namespace, req.Procedure = cmp.Or(q.Namespace, req.Namespace), cmp.Or(q.Procedure, req.Procedure)
	}
	a, err := e.asker(from, q.As, q.Groups)
	if err != nil {
		return nil, err
	}
	if !req.Trusted && (req.Namespace == "" || req.Procedure == "") {
		return nil, sutler.Errorf(sutler.BadInput, "cannot explain access of %q: name a namespace and a procedure, or give a trusted request", q.As)
	}
	x := &explainer{ctx: ctx, e: e, catalog: e.catalog.Load(), as: a.as, first: -1}
	st := startOf(a.as, &req)
	x.lists = listsOf(a.access, a.as, st.trustee)
	made := a.access.MaySubmit(x.lists.caller, security.Engines, submissionOf(&req))
	out := &security.AccessExplanation{As: a.as.Account, Trustee: st.trustee, Checks: made, Allowed: security.Last(made).Allowed}
	if !out.Allowed {
		return a.show(out, x), nil
	}
	inline, err := e.inline(&req)
	if err != nil {
		return nil, err
	}
	f := origin{frame: &frame{identity: st.identity, sensitive: st.sensitive, trusted: st.trusted}}
	if st.identity.Impersonate {
		f.impersonate = `impersonate="1" on securityContext`
	}
	if st.identity.Basic != "" {
		f.credential = "basic credential of the request"
	}
	if inline != nil {
		x.body(f, inline.Body, false)
	} else {
		if _, err := x.catalog.procedure(req.Namespace, req.Procedure); err != nil && a.all {
			return nil, err
		}
		x.call(f, &invocation{namespace: req.Namespace, procedure: req.Procedure, impersonate: st.identity.Impersonate}, false)
	}
	if ctx.Err() != nil {
		return nil, askCancelled(ctx)
	}
	if inline == nil && !a.all && !x.own[0] {
		return nil, sutler.Errorf(sutler.Denied, "cannot explain a call of %s/%s as %q: there is no such procedure, or it may not be called", req.Namespace, req.Procedure, from.Account)
	}
	out.Steps, out.More = x.steps, x.more
	for i, s := range x.steps {
		if s.Depth == 0 && !s.Conditional {
			out.Checks, out.Allowed, x.first = append(out.Checks, x.checks[i]...), s.Allowed, i
			break
		}
	}
	return a.show(out, x), nil
}

// origin is a frame that knows where its identity comes from.
type origin struct {
	*frame
	impersonate string // what said whether impersonation is on; "": nothing
	inherited   bool   // it was not the call that entered the frame
	credential  string // what brought the credential in force; "": there is none
}

// explainer goes through the calls of a request as a walk does, without data.
type explainer struct {
	ctx     context.Context
	e       *Engine
	catalog *catalog
	lists   lists
	as      sutler.Caller
	path    []*procedure.Procedure // running, outermost first

	steps  []security.StepExplanation
	checks [][]security.Decision // of each step
	own    []bool                // of each step: the request could call the procedure itself
	first  int                   // the step that out.Checks end with, or -1
	more   bool
}

// body goes through the steps of a procedure.
func (x *explainer) body(f origin, body []procedure.Node, conditional bool) {
	for _, n := range body {
		switch n := n.(type) {
		case *procedure.Try:
			x.body(f, n.Body, conditional)
			x.body(f, n.Catch, true)
		case *procedure.Step:
			x.step(f, n, conditional || mayBeLeftOut(n))
		}
	}
}

// mayBeLeftOut reports whether a step may run without making its call.
func mayBeLeftOut(s *procedure.Step) bool {
	for i := range s.Before {
		if s.Before[i].IfNull == procedure.Skip {
			return true
		}
	}
	return len(s.When) > 0 || len(s.ForEach) > 0 || len(s.Repeat) > 0
}

func (x *explainer) step(f origin, s *procedure.Step, conditional bool) {
	if s.Kind == procedure.Transform {
		return
	}
	in := invocationOf(f.frame, s)
	f.inherited = true
	if s.Impersonate != procedure.AsCaller {
		f.impersonate, f.inherited = fmt.Sprintf(`impersonate="%d" on %s`, s.Impersonate, s.At), false
	}
	if s.Kind == procedure.Queue {
		x.refused(security.StepExplanation{Depth: len(x.path), Namespace: s.Namespace, Procedure: s.Procedure, At: s.At.String(), Conditional: conditional},
			checkQueue, "this engine has no queue manager yet")
		return
	}
	x.call(f, in, conditional)
}

// call lists a call and what it calls: permit and dispatch without data.
func (x *explainer) call(f origin, in *invocation, conditional bool) {
	s := security.StepExplanation{Depth: len(x.path), Namespace: in.namespace, Procedure: in.procedure, Conditional: conditional}
	if in.at != (procedure.Place{}) {
		s.At = in.at.String()
	}
	if len(x.path) >= x.e.limits.CallDepth {
		x.refused(s, checkDepth, tooDeep(in.namespace, in.procedure, x.e.limits.CallDepth).Error())
		return
	}
	p, err := x.catalog.procedure(in.namespace, in.procedure)
	if err != nil {
		x.refused(s, checkProcedure, err.Error())
		return
	}
	s.Namespace, s.Procedure, s.Recursive = p.Namespace.Name, p.Name, slices.Contains(x.path, p)
	checks := x.lists.mayCall(p, in.nested)
	s.Decision = security.Last(checks)
	check := func(d security.Decision) {
		if !s.Decision.Allowed {
			return
		}
		if checks = append(checks, d); !d.Allowed {
			s.Decision = d
		}
	}
	id, _ := x.lists.enter(f.identity, p, in.impersonate, func(c *security.Credential) (sutler.Secret, error) {
		f.credential = fmt.Sprintf("execute-as credential %q of %s/%s", c.Name, p.Namespace.Name, p.Name)
		if _, err := x.e.secretOf(c); err != nil {
			check(security.Decision{Check: checkIdentity, Rule: err.Error()})
		}
		return sutler.Secret{}, nil // nobody acts
	})
	if !p.Composite() {
		s.Provider, s.Identity = p.Namespace.ProviderSource, id.Identity(x.as.Account, x.as.Reach)
		s.Identity.Secret, s.Why = sutler.Secret{}, f.why(s.Identity)
		check(security.MayActAs(s.Identity, false))
	}
	s.Allowed = s.Decision.Allowed
	if !x.add(s, checks, security.Last(x.lists.mayCall(p, false)).Allowed) || s.Recursive || !p.Composite() {
		return
	}
	f.frame = &frame{
		parents:  append(slices.Clip(f.parents), sutler.Frame{Namespace: p.Namespace.Name, Procedure: p.Name}),
		identity: id, sensitive: in.sensitive, trusted: in.trusted,
	}
	x.path = append(x.path, p)
	x.body(f, p.Body, conditional)
	x.path = x.path[:len(x.path)-1]
}

// why says where the identity of a call in f comes from.
func (f origin) why(id sutler.Identity) string {
	w := "nothing turns impersonation on"
	if f.impersonate != "" {
		w = f.impersonate
		if f.inherited {
			w += ", inherited"
		}
	}
	if id.Kind != sutler.ServiceAccount {
		w += "; " + cmp.Or(f.credential, "no credential is in force")
	}
	return w
}

// refused lists a call that fails before any list is asked.
func (x *explainer) refused(s security.StepExplanation, check, rule string) {
	s.Decision = security.Decision{Check: check, Rule: rule}
	x.add(s, []security.Decision{s.Decision}, false)
}

// add lists a step, unless there are too many.
func (x *explainer) add(s security.StepExplanation, checks []security.Decision, own bool) bool {
	if len(x.steps) >= mostSteps || x.ctx.Err() != nil {
		x.more = true
		return false
	}
	x.steps, x.checks, x.own = append(x.steps, s), append(x.checks, checks), append(x.own, own)
	return true
}
