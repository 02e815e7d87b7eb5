package security

import (
	"fmt"

	"sutler"
)

// Decision is the answer to "may they?", with the rule that decided. The rule
// is for administrators and the audit log; the caller is told a neutral text.
type Decision struct {
	Allowed bool   `json:"allowed"`
	Check   string `json:"check"` // which of the checks decided
	Rule    string `json:"rule"`
}

// The checks in their order (MPF: order of all checks).
const (
	CheckAccount     = "account"
	CheckRight       = "server right"
	CheckCredentials = "credentials"
	CheckContext     = "security context"
	CheckAccessType  = "access type"
	CheckList        = "access list"
	CheckRole        = "role"
)

func allow(check, format string, args ...any) Decision {
	return Decision{true, check, fmt.Sprintf(format, args...)}
}

func refuse(check, format string, args ...any) Decision {
	return Decision{false, check, fmt.Sprintf(format, args...)}
}

// Right decides whether w has a right on engines or queue managers.
func (a *Access) Right(w *Who, object string, right Right) Decision {
	check := CheckRight
	if right == CallersCredentials {
		check = CheckCredentials
	}
	if right == PrivateProcedures {
		check = CheckAccessType
	}
	if w.Disabled {
		return refuse(CheckAccount, "account %q is disabled", w.Account)
	}
	what := "engines"
	if object == Queues {
		what = "queue managers"
	}
	e, found := a.List(object).decide(w, right)
	switch {
	case !found:
		return refuse(check, "no entry on %s allows %s to %q or a group of it", what, right, w.Account)
	case e.Deny:
		return refuse(check, "an entry on %s denies %s to %q", what, right, e.Who)
	}
	return allow(check, "an entry on %s allows %s to %q", what, right, e.Who)
}

// Submission is what the rules look at in a request.
type Submission struct {
	Trusted     bool
	Context     bool   // it has a securityContext
	Credentials bool   // the context holds a credential
	NoPassword  bool   // the basic credential has no password
	StartValue  string // name of an attribute impersonate, sensitive or trusted that the context sets, or ""
	Trustee     string // that the context names, or ""
}

// MaySubmit decides whether w may submit s to object, Engines or Queues
// (MPF: Authorization During Request Submittal). The decisions are those of
// the checks made, in order; the last one counts.
func (a *Access) MaySubmit(w *Who, object string, s Submission) []Decision {
	right := ExecuteProcedures
	if s.Trusted {
		right = TrustedProcedures
	}
	made := []Decision{a.Right(w, object, right)}
	add := func(d Decision) bool {
		made = append(made, d)
		return d.Allowed
	}
	if !made[0].Allowed {
		return made
	}
	// Whoever lacks the right may bring no security context in a simple request
	// at all; in a trusted one the context may name a trustee and start values.
	if s.Credentials || s.Context && !s.Trusted {
		if !add(a.Right(w, object, CallersCredentials)) {
			return made
		}
	}
	if s.NoPassword {
		add(refuse(CheckCredentials, "the basic credential in the request has no password: credentials are not looked up by user name"))
		return made
	}
	if s.Trusted || !s.Context {
		return made
	}
	switch {
	case s.StartValue != "":
		add(refuse(CheckContext, "a simple request may not set %s on securityContext; only a trusted one may", s.StartValue))
	case s.Trustee != "" && Fold(s.Trustee) != Fold(w.Account):
		add(refuse(CheckContext, "a simple request may not name the trustee %q; only a trusted one may name another than the caller", s.Trustee))
	}
	return made
}

// Target is a procedure as the rules see it.
type Target struct {
	Namespace string
	Procedure string
	Public    bool // access="public" in the namespace; see ProcedureSettings.Access
	Nested    bool // called by a procedure of a namespace, not by the request itself
}

// MayCall decides whether caller may call t for trustee (schema C.3.3): the
// access type of what the request itself calls, then the access lists. The
// decisions are those of the checks made, in order; the last one counts.
func (a *Access) MayCall(caller, trustee *Who, object string, t Target) []Decision {
	var made []Decision
	public := t.Public
	if s := a.Settings(t.Namespace, t.Procedure).Access; s != "" {
		public = s == "public"
	}
	switch {
	case t.Nested:
	case public:
		made = append(made, allow(CheckAccessType, "%s/%s is public", t.Namespace, t.Procedure))
	default:
		d := a.Right(caller, object, PrivateProcedures)
		d.Rule = fmt.Sprintf("%s/%s is private, and %s", t.Namespace, t.Procedure, d.Rule)
		if made = append(made, d); !d.Allowed {
			return made
		}
	}
	return append(made, a.byList(trustee, t))
}

// byList decides by the lists of the procedure and the namespace: explicit
// before inherited, deny before allow, no match refuses, no list at all is
// open unless DefaultDeny.
func (a *Access) byList(w *Who, t Target) Decision {
	if w.Disabled {
		return refuse(CheckAccount, "account %q is disabled", w.Account)
	}
	own := a.lists[ProcedureObject(t.Namespace, t.Procedure)]
	if own != nil {
		if d, found := listed(own, w, "the procedure "+t.Namespace+"/"+t.Procedure); found {
			return d
		}
	}
	var above *List
	if own == nil || !own.Protected {
		if above = a.lists[NamespaceObject(t.Namespace)]; above != nil {
			if d, found := listed(above, w, "the namespace "+t.Namespace); found {
				return d
			}
		}
	}
	switch {
	case own != nil || above != nil:
		who := fmt.Sprintf("%q or a group of it", w.Account)
		if w.NameOnly {
			who = fmt.Sprintf("the name %q, which the installation does not know,", w.Account)
		}
		return refuse(CheckList, "no entry on %s/%s or inherited allows %s to execute", t.Namespace, t.Procedure, who)
	case a.DefaultDeny:
		return refuse(CheckList, "%s/%s has no access list, and access.defaultDeny is on", t.Namespace, t.Procedure)
	}
	return allow(CheckList, "%s/%s has no access list, and access.defaultDeny is off", t.Namespace, t.Procedure)
}

func listed(l *List, w *Who, on string) (Decision, bool) {
	e, found := l.decide(w, Execute)
	switch {
	case !found:
		return Decision{}, false
	case e.Deny:
		return refuse(CheckList, "an entry on %s denies %q", on, e.Who), true
	}
	return allow(CheckList, "an entry on %s allows %q", on, e.Who), true
}

// Last returns the decision that counts.
func Last(made []Decision) Decision { return made[len(made)-1] }

// MayConfigure decides whether w may change the configuration and act on
// transactions of others (MPFAdmins of MPF's matrix).
func (a *Access) MayConfigure(w *Who) Decision { return a.role(w, Administrators, sutler.MPFAdmins) }

// MayAudit decides whether w may read the audit log and the transactions of
// others (MPFAuditors of MPF's matrix).
func (a *Access) MayAudit(w *Who) Decision {
	return a.role(w, Administrators, sutler.MPFAdmins, sutler.MPFAuditors)
}

// MaySee decides whether w may see the state of the installation: its engines
// and settings.
func (a *Access) MaySee(w *Who) Decision {
	return a.role(w, Administrators, sutler.MPFAdmins, sutler.MPFAuditors, sutler.MPFServiceAccts)
}

func (a *Access) role(w *Who, groups ...string) Decision {
	if w.Disabled {
		return refuse(CheckAccount, "account %q is disabled", w.Account)
	}
	for _, g := range groups {
		if w.Is(g) {
			return allow(CheckRole, "%q is a member of %s", w.Account, g)
		}
	}
	return refuse(CheckRole, "%q is not a member of any of %v", w.Account, groups)
}
