package server

import (
	"context"
	"net/http"

	"sutler"
	"sutler/security"
)

// Explainer answers questions about access. The engine is the only one; what it
// tells depends on who asks.
type Explainer interface {
	ExplainAccess(ctx context.Context, from sutler.Caller, q security.AccessQuery) (*security.AccessExplanation, error)
	CanI(ctx context.Context, from sutler.Caller, as, namespace, procedure string) (security.Decision, error)
	WhoCan(ctx context.Context, from sutler.Caller, namespace, procedure string) ([]security.WhoCan, error)
	WhatCan(ctx context.Context, from sutler.Caller, as string) ([]security.WhatCan, error)
	AccessDiff(ctx context.Context, from sutler.Caller, rows []sutler.AccessRow) ([]security.AccessEffect, error)
}

// noted returns err, and tells Options.Refused if it refuses the question.
func (d *visit) noted(r *http.Request, err error) error {
	if sutler.CodeOf(err) == sutler.Denied {
		d.Refused(d.caller, r, "use "+r.Pattern, err.Error())
	}
	return err
}

// explain says how the engine would decide about a request, without running it.
func (d *visit) explain(r *http.Request) (answer, error) {
	var in struct {
		security.AccessQuery
		Trusted bool   `json:"trusted"`
		Text    string `json:"request"` // XML, or ""
		File    string `json:"file"`
	}
	if err := decode(r, &in); err != nil {
		return answer{}, err
	}
	if in.As == "" {
		in.As = d.caller.Account
	}
	if in.Text != "" {
		req, err := sutler.ParseRequest([]byte(in.Text), in.File, d.Limits)
		if err != nil {
			return answer{}, &sutler.Error{Code: sutler.BadRequest, Err: err}
		}
		req.Trusted, req.Namespace, req.Procedure = in.Trusted, in.Namespace, in.Procedure
		in.Request = req
	}
	x, err := d.Explainer.ExplainAccess(r.Context(), d.caller, in.AccessQuery)
	if err != nil {
		return answer{}, d.noted(r, err)
	}
	return ok(x)
}

// canI decides about one procedure, or lists all that an account may call.
func (d *visit) canI(r *http.Request) (answer, error) {
	q := r.URL.Query()
	as := q.Get("as")
	if as == "" {
		as = d.caller.Account
	}
	if q.Get("namespace") == "" {
		list, err := d.Explainer.WhatCan(r.Context(), d.caller, as)
		if err != nil {
			return answer{}, d.noted(r, err)
		}
		return ok(struct {
			Account    string             `json:"account"`
			Procedures []security.WhatCan `json:"procedures"`
		}{as, some(list)})
	}
	may, err := d.Explainer.CanI(r.Context(), d.caller, as, q.Get("namespace"), q.Get("procedure"))
	if err != nil {
		return answer{}, d.noted(r, err)
	}
	return ok(struct {
		Account string `json:"account"`
		security.Decision
	}{as, may})
}

// whoCan lists the accounts that may call a procedure.
func (d *visit) whoCan(r *http.Request) (answer, error) {
	list, err := d.Explainer.WhoCan(r.Context(), d.caller, r.URL.Query().Get("namespace"), r.URL.Query().Get("procedure"))
	if err != nil {
		return answer{}, err
	}
	return ok(struct {
		Accounts []security.WhoCan `json:"accounts"`
	}{some(list)})
}

// diff lists what a change of who may do what would change.
func (d *visit) diff(r *http.Request) (answer, error) {
	var in sutler.AccessChange
	if err := decode(r, &in); err != nil {
		return answer{}, err
	}
	in.Secret = "" // it changes nothing here
	rows, err := d.Admin.Rows(d.Access(), in)
	if err != nil {
		return answer{}, err
	}
	list, err := d.Explainer.AccessDiff(r.Context(), d.caller, rows)
	if err != nil {
		return answer{}, err
	}
	return ok(struct {
		Changes []security.AccessEffect `json:"changes"`
	}{some(list)})
}
