package engine

import (
	"context"
	"slices"

	"sutler"
	"sutler/security"
)

// asker is somebody who asks about access, and what he may learn.
type asker struct {
	access *security.Access
	as     sutler.Caller // whom he asks about
	all    bool          // he may learn everything, about everybody
}

// asker decides whether from may ask about an account.
func (e *Engine) asker(from sutler.Caller, as string, groups []string) (asker, error) {
	a := asker{access: e.access.Load(), as: from}
	a.all = mayAsk(a.access, a.access.Caller(from))
	switch self := security.Fold(as) == security.Fold(from.Account); {
	case self && (!a.all || groups == nil):
		return a, nil
	case !a.all:
		return a, sutler.Errorf(sutler.Denied, "cannot explain access of %q as %q: only those who may configure or read the audit log may ask about others", as, from.Account)
	}
	a.as = sutler.Caller{Account: as, Groups: groups, Reach: from.Reach, Unknown: as == ""}
	return a, nil
}

// auditor lets those ask about everybody who may.
func (e *Engine) auditor(from sutler.Caller, what string) (asker, error) {
	a := asker{access: e.access.Load(), as: from, all: true}
	if !mayAsk(a.access, a.access.Caller(from)) {
		return a, sutler.Errorf(sutler.Denied, "cannot say %s as %q: only those who may configure or read the audit log may ask", what, from.Account)
	}
	return a, nil
}

// mayAsk reports whether w may learn what there is, and who may call it.
func mayAsk(access *security.Access, w *security.Who) bool {
	return access.MayConfigure(w).Allowed || access.MayAudit(w).Allowed
}

func askCancelled(ctx context.Context) error {
	return sutler.Errorf(sutler.Cancelled, "cannot answer: %w", context.Cause(ctx))
}

// byList is all that the rules about others come to for those who may not read them.
const byList = "refused by the access list"

// unseen is the refusal of a procedure that may not be called or is not there.
var unseen = security.Decision{Check: security.CheckList, Rule: byList}

// neutral returns a decision without what the asker may not learn.
func (a asker) neutral(d security.Decision) security.Decision {
	switch {
	case a.all:
		return d
	case d.Allowed:
		d.Rule = "allowed"
	case d.Check == security.CheckRight || d.Check == security.CheckCredentials || d.Check == security.CheckAccessType || d.Check == security.CheckList:
		d.Rule = byList
	default:
		d.Rule = "refused"
	}
	return d
}

// show returns an explanation without what the asker may not learn.
func (a asker) show(out *security.AccessExplanation, x *explainer) *security.AccessExplanation {
	if a.all {
		return out
	}
	if end := slices.Index(x.own, false); end >= 0 {
		out.Steps, out.More = out.Steps[:end], true
		if x.first >= end { // whatever refused it, it looks the same
			out.Checks = out.Checks[:len(out.Checks)-len(x.checks[x.first])]
			if !out.Allowed {
				out.Checks = append(out.Checks, unseen)
			}
		}
	}
	for i, d := range out.Checks {
		out.Checks[i] = a.neutral(d)
	}
	for i := range out.Steps {
		s := &out.Steps[i]
		s.Decision, s.Why = a.neutral(s.Decision), ""
		if s.Identity.Kind == sutler.ExecuteAs {
			s.Identity.Account, s.Identity.Credential = "", ""
		}
	}
	return out
}
