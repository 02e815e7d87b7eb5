package server

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"sutler"
	"sutler/security"
)

// visit is one request: the door and who came through it.
type visit struct {
	*door
	caller sutler.Caller
}

// role is what a caller must be for an operation. What an operation then does
// the engine checks again, and more closely.
type role uint8

// The roles, from everybody up.
const (
	open       role = iota // needs no proof of who asks
	anybody                // whose name is known
	sees                   // the state of the installation
	audits                 // what others did
	configures             // changes the configuration
)

// may decides whether the caller has a role.
func (v *visit) may(r role) security.Decision {
	a := v.Access()
	who := a.Caller(v.caller)
	switch {
	case r == open:
		return security.Decision{Allowed: true, Rule: "open to all"}
	case who.Disabled:
		return security.Decision{Check: security.CheckAccount, Rule: fmt.Sprintf("account %q is disabled", who.Account)}
	case v.caller.Account == "":
		return security.Decision{Check: security.CheckAccount, Rule: "the caller has no name"}
	case r == anybody:
		return security.Decision{Allowed: true, Rule: "open to all whose name is known"}
	case r == sees:
		return a.MaySee(who)
	case r == audits:
		return a.MayAudit(who)
	}
	return a.MayConfigure(who)
}

// refusal says why the caller may not use an operation, or nil. What needs
// MPFAdmins the engine refuses, which records it.
func (v *visit) refusal(r *http.Request, op operation) error {
	if strings.HasPrefix(op.path, "/v1/access") && (v.Admin == nil || v.Explainer == nil) {
		return sutler.Errorf(sutler.NotYet, "cannot answer about who may do what: this server keeps no accounts and lists")
	}
	d := v.may(op.role)
	if d.Allowed || op.role == configures && v.door.records {
		return nil
	}
	v.Refused(v.caller, r, "use "+r.Pattern, d.Check+": "+d.Rule)
	v.Logger.Warn("refused", "account", v.caller.Account, "method", op.method, "path", op.path, "rule", d.Rule)
	return sutler.Errorf(sutler.Denied, "cannot use %s %s as %q: access is denied", op.method, op.path, v.caller.Account)
}

func (v *visit) configure(what, detail string, do func() error) error {
	return v.Configure(v.caller, what, detail, do)
}

// Admin changes who may do what; admin.Admin is the only one.
type Admin interface {
	Change(ctx context.Context, from sutler.Caller, c sutler.AccessChange) error
	View() sutler.AccessView
	Rows(now *security.Access, c sutler.AccessChange) ([]sutler.AccessRow, error)
}
