package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sutler"
)

// What operators and auditors do.

// resolve records an operator's word on a transaction and goes on with it.
func (d *visit) resolve(r *http.Request) (answer, error) {
	var in struct {
		Verb   sutler.Verb `json:"verb"`
		Seq    int         `json:"seq"`
		Reason string      `json:"reason"`
	}
	if err := decode(r, &in); err != nil {
		return answer{}, err
	}
	status, err := d.Resolver.Resolve(r.Context(), d.caller, sutler.TransactionID(r.PathValue("id")), sutler.Resolution{Verb: in.Verb, Seq: in.Seq, Reason: in.Reason})
	if err != nil {
		return answer{}, err
	}
	return ok(struct {
		Transaction sutler.TransactionID `json:"transaction"`
		Status      sutler.Status        `json:"status"`
	}{sutler.TransactionID(r.PathValue("id")), status})
}

// engines lists the engines of the store.
func (d *visit) engines(r *http.Request) (answer, error) {
	list, err := d.Leases.Engines(r.Context())
	if err != nil {
		return answer{}, err
	}
	return ok(struct {
		Engines []sutler.EngineInfo `json:"engines"`
	}{some(list)})
}

// setEngine changes the state of an engine.
func (d *visit) setEngine(r *http.Request) (answer, error) {
	var in struct {
		State sutler.EngineState `json:"state"`
	}
	if err := decode(r, &in); err != nil {
		return answer{}, err
	}
	name := sutler.EngineID(r.PathValue("name"))
	err := d.configure("set engine state", fmt.Sprintf("%s %s", name, in.State), func() error { return d.Leases.SetEngineState(r.Context(), name, in.State) })
	if err != nil {
		return answer{}, err
	}
	return d.engines(r)
}

// auditQuery are the parameters of a search in the audit log.
var auditQuery = []string{"from", "to", "trustee", "caller", "namespace", "procedure", "outcome", "text", "after", "limit"}

// outcomes are what an audited transaction can have come to.
var outcomes = []sutler.Status{sutler.Committed, sutler.RolledBack, sutler.RollbackFailed, sutler.InDoubt, sutler.OutcomeRefused}

// audited searches the audit log, newest first.
func (d *visit) audited(r *http.Request) (answer, error) {
	q := r.URL.Query()
	limit, err := limitOf(q.Get("limit"))
	if err != nil {
		return answer{}, err
	}
	f := sutler.AuditFilter{
		Trustee: q.Get("trustee"), Caller: q.Get("caller"), Namespace: q.Get("namespace"), Procedure: q.Get("procedure"),
		Outcome: sutler.Status(q.Get("outcome")), Text: q.Get("text"), After: sutler.TransactionID(q.Get("after")), Limit: limit,
	}
	if f.Outcome != "" && !slices.Contains(outcomes, f.Outcome) {
		return answer{}, sutler.Errorf(sutler.BadInput, "cannot search the audit log: no transaction can have come to %q; want %s", f.Outcome, join(outcomes))
	}
	for name, t := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if text := q.Get(name); text != "" {
			if *t, err = time.Parse(time.RFC3339, text); err != nil {
				return answer{}, sutler.Errorf(sutler.BadInput, "cannot search the audit log: %q is no time; want 2026-01-31T15:04:05Z", text)
			}
		}
	}
	list, err := d.Audit.Audited(r.Context(), f)
	if err != nil {
		return answer{}, err
	}
	return ok(struct {
		Transactions []sutler.Transaction `json:"transactions"`
	}{some(list)})
}

// auditedTransaction shows one transaction as the audit log keeps it.
func (d *visit) auditedTransaction(r *http.Request) (answer, error) {
	tx, err := d.Audit.AuditedTransaction(r.Context(), sutler.TransactionID(r.PathValue("id")))
	if err != nil {
		return answer{}, err
	}
	return ok(tx)
}

// badCommands lists the commands for the audit database that have failed.
func (d *visit) badCommands(r *http.Request) (answer, error) {
	list, err := d.Audit.BadCommands(r.Context())
	if err != nil {
		return answer{}, err
	}
	return ok(struct {
		Commands []sutler.PendingCommand `json:"commands"`
	}{some(list)})
}

// missing names what Options must hold and does not.
func (o *Options) missing() string {
	var names []string
	for _, part := range []struct {
		name string
		set  bool
	}{
		{"Engine", o.Engine != nil}, {"Registrar", o.Registrar != nil}, {"Monitor", o.Monitor != nil}, {"Config", o.Config != nil},
		{"Resolver", o.Resolver != nil}, {"Leases", o.Leases != nil}, {"Audit", o.Audit != nil}, {"Admit", o.Admit != nil},
	} {
		if !part.set {
			names = append(names, part.name)
		}
	}
	return strings.Join(names, ", ")
}
