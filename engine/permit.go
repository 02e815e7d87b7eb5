package engine

import (
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

// inForce returns the lists in force now: a transaction that runs for long
// sees what was changed meanwhile.
func (w *walk) inForce() *lists {
	now := w.world.access()
	if w.lists.access != now {
		w.lists = lists{
			access: now, caller: now.Caller(w.caller), trustee: now.Who(w.trustee.Account, w.trustee.Groups), allowed: map[permission]bool{},
		}
		if w.caller.Unknown && w.trustee.Account == w.caller.Account {
			w.lists.trustee = w.lists.caller
		}
	}
	return &w.lists
}

// permit finds the target of a call and decides whether it may be made: before
// anything is transformed, fetched or called for it (MPF: order of all checks).
func (w *walk) permit(f *frame, in *invocation) error {
	if w.depth >= w.limits.CallDepth {
		return &sutler.Error{Code: sutler.LimitReached, Err: fmt.Errorf(
			"cannot call %s/%s: calls are nested %d deep (limit CallDepth, setting limit.callDepth)", in.namespace, in.procedure, w.limits.CallDepth)}
	}
	p, err := w.catalog.procedure(in.namespace, in.procedure)
	if err != nil {
		return err
	}
	in.namespace, in.procedure, in.target = p.Namespace.Name, p.Name, p // as registered
	now := w.inForce()
	in.settings = now.access.Settings(p.Namespace.Name, p.Name)
	if key := (permission{p, in.nested}); !now.allowed[key] {
		t := security.Target{Namespace: p.Namespace.Name, Procedure: p.Name, Public: p.Public, Nested: in.nested}
		if d := security.Last(now.access.MayCall(now.caller, now.trustee, security.Engines, t)); !d.Allowed {
			w.world.refuse(w.seq+1, p.Namespace.Name, p.Name, d, choose(in.settings.Audit, p.Audit))
			return sutler.Errorf(sutler.Denied, "cannot call %s/%s as %q: %s", p.Namespace.Name, p.Name, w.trustee.Account, neutral)
		}
		now.allowed[key] = true
	}
	var secret sutler.Secret
	credential := now.access.ExecuteAs(p.Namespace.Name, p.Name)
	if credential != nil {
		if secret, err = w.world.secret(credential); err != nil {
			return err
		}
	}
	in.identity = f.identity.Enter(in.impersonate, credential, secret)
	return nil
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
