package engine

import (
	"errors"
	"fmt"

	"sutler"
	"sutler/procedure"
	"sutler/security"
)

// lists is what a walk has found of who may do what, as long as that is in force.
type lists struct {
	access          *security.Access
	caller, trustee *security.Who
	submit          security.Decision // whether the request may be submitted
	allowed         map[permission]bool
}

// permission is a call that was allowed under the lists in force.
type permission struct {
	target *procedure.Procedure
	nested bool
}

// start is what a request brings along for its calls.
type start struct {
	trustee            string
	identity           security.Frame
	sensitive, trusted bool
}

// startOf reads the securityContext of a request that caller may submit.
func startOf(caller sutler.Caller, req *sutler.Request) start {
	st := start{trustee: caller.Account}
	if req.Context == nil {
		return st
	}
	s := req.Context.Child("securityContext")
	if s == nil {
		return st
	}
	if a := s.Child("authentication"); a != nil {
		if b := a.Child("basic"); b != nil {
			st.identity.Basic = b.Attr("username")
			if d := b.Attr("domain"); d != "" {
				st.identity.Basic = d + `\` + st.identity.Basic
			}
			st.identity.Secret = sutler.NewSecret(b.Attr("password"))
		}
	}
	if !req.Trusted { // neither another trustee nor start values: see security.MaySubmit
		return st
	}
	st.identity.Impersonate = s.Attr("impersonate") == "1"
	st.sensitive = s.Attr("sensitive") == "1"
	st.trusted = s.Attr("trusted") == "1"
	if name := s.Attr("trustee"); name != "" && security.Fold(name) != security.Fold(caller.Account) {
		st.trustee = name
	}
	return st
}

// inForce returns the lists in force now: a transaction that runs for long
// sees what was changed meanwhile, and goes no further when its request would
// be refused by now.
func (w *walk) inForce() *lists {
	now := w.world.access()
	if w.lists.access != now {
		w.lists = listsOf(now, w.caller, w.trustee)
		w.lists.submit = security.Last(now.MaySubmit(w.lists.caller, security.Engines, w.asks))
	}
	return &w.lists
}

// listsOf returns what access says of a request of caller for trustee. Nobody
// vouches for groups of a trustee other than the caller.
func listsOf(access *security.Access, caller sutler.Caller, trustee string) lists {
	l := lists{access: access, caller: access.Caller(caller), allowed: map[permission]bool{}}
	if l.trustee = l.caller; security.Fold(trustee) != security.Fold(caller.Account) {
		l.trustee = access.Trustee(trustee)
	}
	return l
}

// mayCall decides whether p may be called.
func (l *lists) mayCall(p *procedure.Procedure, nested bool) []security.Decision {
	return l.access.MayCall(l.caller, l.trustee, security.Engines,
		security.Target{Namespace: p.Namespace.Name, Procedure: p.Name, Public: p.Public, Nested: nested})
}

// enter returns what a call of p and its steps inherit from f, with the
// password of the credential that p executes as, which open returns.
func (l *lists) enter(f security.Frame, p *procedure.Procedure, impersonate bool, open func(*security.Credential) (sutler.Secret, error)) (security.Frame, error) {
	credential := l.access.ExecuteAs(p.Namespace.Name, p.Name)
	if credential == nil {
		return f.Enter(impersonate, nil, sutler.Secret{}), nil
	}
	secret, err := open(credential)
	if err != nil {
		return security.Frame{}, err
	}
	return f.Enter(impersonate, credential, secret), nil
}

// tooDeep is the error of a call that is nested as deep as is allowed.
func tooDeep(namespace, procedure string, most int) error {
	return &sutler.Error{Code: sutler.LimitReached, Err: fmt.Errorf(
		"cannot call %s/%s: calls are nested %d deep (limit CallDepth, setting limit.callDepth)", namespace, procedure, most)}
}

// permit finds the target of a call and decides whether it may be made: before
// anything is transformed, fetched or called for it (MPF: order of all checks).
func (w *walk) permit(f *frame, in *invocation) error {
	if w.depth >= w.limits.CallDepth {
		return tooDeep(in.namespace, in.procedure, w.limits.CallDepth)
	}
	if err := w.world.current(w.ctx); err != nil {
		return errors.Join(errLimit, &sutler.Error{Code: sutler.CodeOf(err), Err: fmt.Errorf("cannot call %s/%s: %w", in.namespace, in.procedure, err)})
	}
	now := w.inForce()
	p, err := w.catalog.procedure(in.namespace, in.procedure)
	if err != nil {
		if hidden := w.hidden(in); hidden != nil {
			w.world.refuse(w.seq+1, in.namespace, in.procedure, security.Decision{Check: checkProcedure, Rule: err.Error()}, false)
			return hidden
		}
		return err
	}
	in.settings = now.access.Settings(p.Namespace.Name, p.Name)
	refuse := func(d security.Decision, as string) error {
		w.world.refuse(w.seq+1, p.Namespace.Name, p.Name, d, choose(in.settings.Audit, p.Audit))
		if hidden := w.hidden(in); hidden != nil {
			return hidden
		}
		in.namespace, in.procedure = p.Namespace.Name, p.Name
		return sutler.Errorf(sutler.Denied, "cannot call %s/%s as %q: %s", p.Namespace.Name, p.Name, as, neutral)
	}
	if !now.submit.Allowed {
		return refuse(now.submit, w.caller.Account)
	}
	if key := (permission{p, in.nested}); !now.allowed[key] {
		if d := security.Last(now.mayCall(p, in.nested)); !d.Allowed {
			return refuse(d, w.trustee)
		}
		now.allowed[key] = true
	}
	anew, d := f.identity.Stored(now.access)
	if !d.Allowed {
		return refuse(d, f.identity.Basic)
	}
	if anew != nil {
		secret, err := w.world.secret(anew)
		if err != nil {
			return err
		}
		f.identity = f.identity.Enter(f.identity.Impersonate, anew, secret)
	}
	in.namespace, in.procedure, in.target = p.Namespace.Name, p.Name, p // as registered
	in.identity, err = now.enter(f.identity, p, in.impersonate, w.world.secret)
	return err
}

// hidden is the error of a call that the request itself makes and that may not
// be made, or of what is not there: one and the same, under the name that the
// request has for it, unless the caller may read what there is and who may call
// it. Nil: it is told the reason. What a namespace calls is no secret of it.
func (w *walk) hidden(in *invocation) error {
	if in.nested || mayAsk(w.lists.access, w.lists.caller) {
		return nil
	}
	return sutler.Errorf(sutler.Denied, "cannot call %s/%s as %q: there is no such procedure, or it may not be called; the audit log says which", in.namespace, in.procedure, w.trustee)
}

// refused is the error of a call that permit did not let happen. It counts as
// a call that failed.
func (w *walk) refused(in *invocation, err error) error {
	w.seq++
	if w.trace != nil {
		w.trace(Event{Depth: w.depth, Kind: "call", Name: in.namespace + "/" + in.procedure, Seq: w.seq, At: in.at.String()})
	}
	return w.failed(in, w.seq, "", err)
}
