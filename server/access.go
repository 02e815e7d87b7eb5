package server

import (
	"net/http"

	"sutler"
)

// access shows who may do what.
func (d *visit) access(*http.Request) (answer, error) { return ok(d.Admin.View()) }

// changeAccess makes one change of who may do what.
func (d *visit) changeAccess(r *http.Request) (answer, error) {
	var in sutler.AccessChange
	if err := decode(r, &in); err != nil {
		return answer{}, err
	}
	if err := d.Admin.Change(r.Context(), d.caller, in); err != nil {
		return answer{}, err
	}
	return ok(struct {
		Revision int64 `json:"revision"`
	}{d.Access().Revision})
}

// whoami says who the caller is and what it is in.
func (d *visit) whoami(*http.Request) (answer, error) {
	a := d.Access()
	return ok(struct {
		Account string   `json:"account"`
		Groups  []string `json:"groups"`
		Admin   bool     `json:"configures"`
		Auditor bool     `json:"audits"`
	}{d.caller.Account, some(a.Groups(a.Caller(d.caller))), d.may(configures).Allowed, d.may(audits).Allowed})
}

// rotateKeys makes a new key to seal with, or prepares one.
func (d *visit) rotateKeys(r *http.Request) (answer, error) {
	var in struct {
		Prepare bool `json:"prepare"`
	}
	if err := decode(r, &in); err != nil {
		return answer{}, err
	}
	if d.Rotate == nil {
		return answer{}, sutler.Errorf(sutler.NotYet, "cannot rotate the keys: this server seals nothing")
	}
	what := "a new key seals from now on"
	if in.Prepare {
		what = "a new key is prepared"
	}
	if err := d.configure("rotate keys", what, func() error { return d.Rotate(in.Prepare) }); err != nil {
		return answer{}, err
	}
	return ok(struct {
		Rotated bool `json:"rotated"`
	}{!in.Prepare})
}
