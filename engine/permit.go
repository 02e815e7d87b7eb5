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
	allowed         map[permission]bool
}

// permission is a call that was allowed under the lists in force.
type permission struct {
	target *procedure.Procedure
	nested bool
}

// start is what a request brings along for its calls.
type start struct {
	trustee            sutler.Trustee
	identity           security.Frame
	sensitive, trusted bool
}

// startOf reads the securityContext of a request that caller may submit.
func startOf(caller sutler.Caller, req *sutler.Request) start {
	st := start{trustee: sutler.Trustee{Account: caller.Account, Groups: caller.Groups}}
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
		// Its groups are those of the installation: nobody vouches for others.
		st.trustee = sutler.Trustee{Account: name}
	}
	return st
}

// inForce returns the lists in force now: a transaction that runs for long
// sees what was changed meanwhile.
func (w *walk) inForce() *lists {
	now := w.world.access()
	if w.lists.access != now {
		w.lists = listsOf(now, w.caller, w.trustee)
	}
	return &w.lists
}

// listsOf returns what access says of a request of caller for trustee.
func listsOf(access *security.Access, caller sutler.Caller, trustee sutler.Trustee) lists {
	l := lists{
		access: access, caller: access.Caller(caller), trustee: access.Who(trustee.Account, trustee.Groups), allowed: map[permission]bool{},
	}
	if caller.Unknown && trustee.Account == caller.Account {
		l.trustee = l.caller
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
	p, err := w.catalog.procedure(in.namespace, in.procedure)
	if err != nil {
		return err
	}
	in.namespace, in.procedure, in.target = p.Namespace.Name, p.Name, p // as registered
	if err := w.world.current(w.ctx); err != nil {
		return errors.Join(errLimit, &sutler.Error{Code: sutler.CodeOf(err), Err: fmt.Errorf("cannot call %s/%s: %w", p.Namespace.Name, p.Name, err)})
	}
	now := w.inForce()
	in.settings = now.access.Settings(p.Namespace.Name, p.Name)
	if key := (permission{p, in.nested}); !now.allowed[key] {
		if d := security.Last(now.mayCall(p, in.nested)); !d.Allowed {
			w.world.refuse(w.seq+1, p.Namespace.Name, p.Name, d, choose(in.settings.Audit, p.Audit))
			return sutler.Errorf(sutler.Denied, "cannot call %s/%s as %q: %s", p.Namespace.Name, p.Name, w.trustee.Account, neutral)
		}
		now.allowed[key] = true
	}
	in.identity, err = now.enter(f.identity, p, in.impersonate, w.world.secret)
	return err
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
