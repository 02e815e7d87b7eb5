package server

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sutler"
	"sutler/xmltree"
)

const healthPath = "/healthz"

// operation is one line of the table: what a method on a path does.
type operation struct {
	method, path string
	query        []string // the parameters that may stand behind ?
	do           func(*visit, *http.Request) (answer, error)
	role         role // who may, apart from what the engine checks
}

// answer is what an operation gives back: an HTTP status and a value for JSON.
type answer struct {
	status int
	body   any
}

// operations is the whole API.
var operations = []operation{
	{"POST", "/v1/requests", nil, (*visit).submit, anybody},
	{"GET", "/v1/transactions", []string{"status", "after", "limit"}, (*visit).transactions, anybody},
	{"GET", "/v1/transactions/{id}", nil, (*visit).transaction, anybody},
	{"POST", "/v1/transactions/{id}/resolve", nil, (*visit).resolve, configures},
	{"GET", "/v1/engines", nil, (*visit).engines, sees},
	{"PUT", "/v1/engines/{name}", nil, (*visit).setEngine, configures},
	{"GET", "/v1/audit", auditQuery, (*visit).audited, audits},
	{"GET", "/v1/audit/{id}", nil, (*visit).auditedTransaction, audits},
	{"GET", "/v1/bad-commands", nil, (*visit).badCommands, audits},
	{"GET", "/v1/namespaces", nil, (*visit).namespaces, sees},
	{"GET", "/v1/namespaces/{name}", nil, (*visit).namespace, sees},
	{"POST", "/v1/namespaces", nil, (*visit).register, configures},
	{"GET", "/v1/settings", nil, (*visit).settings, sees},
	{"PUT", "/v1/settings", nil, (*visit).setSetting, configures},
	{"GET", "/v1/access", nil, (*visit).access, audits},
	{"POST", "/v1/access", nil, (*visit).changeAccess, configures},
	{"POST", "/v1/access/explain", nil, (*visit).explain, anybody},
	{"GET", "/v1/access/can-i", []string{"as", "namespace", "procedure"}, (*visit).canI, anybody},
	{"GET", "/v1/access/who-can", []string{"namespace", "procedure"}, (*visit).whoCan, audits},
	{"POST", "/v1/access/diff", nil, (*visit).diff, audits},
	{"POST", "/v1/keys/rotate", nil, (*visit).rotateKeys, configures},
	{"GET", "/v1/whoami", nil, (*visit).whoami, anybody},
	{"GET", "/v1/version", nil, (*visit).version, anybody},
	{"GET", healthPath, nil, (*visit).health, open},
}

// submission is the body of POST /v1/requests.
type submission struct {
	Namespace string `json:"namespace"`
	Procedure string `json:"procedure"`
	Trusted   bool   `json:"trusted"`
	Request   string `json:"request"` // XML
	File      string `json:"file"`    // what messages call the text
}

// outcome is the answer to a submission. Once a transaction has begun the
// HTTP status is 200 whatever became of it, so that nothing between the two
// ends takes an undone transaction for a reason to send it again; before
// that, it is the status of the error's code.
type outcome struct {
	Transaction sutler.TransactionID `json:"transaction,omitempty"`
	Status      sutler.Status        `json:"status,omitempty"`
	Response    string               `json:"response,omitempty"` // XML
	Error       *sutler.Error        `json:"error,omitempty"`
	Repeated    bool                 `json:"repeated,omitempty"` // the answer to an earlier request with the same clientTransactionId
}

// submit runs a request as a transaction.
func (d *visit) submit(r *http.Request) (answer, error) {
	var in submission
	if err := decode(r, &in); err != nil {
		return answer{}, err
	}
	if err := shortEnough(in.Namespace, in.Procedure, in.File); err != nil {
		return answer{}, err
	}
	if in.Trusted && (in.Namespace != "" || in.Procedure != "") {
		return answer{}, sutler.Errorf(sutler.BadRequest, "cannot submit to %q of %q: a trusted request carries its procedure inside", in.Procedure, in.Namespace)
	}
	req, err := sutler.ParseRequest([]byte(in.Request), in.File, d.Limits)
	if err != nil {
		return answer{}, &sutler.Error{Code: sutler.BadRequest, Err: err}
	}
	req.Trusted, req.Namespace, req.Procedure = in.Trusted, in.Namespace, in.Procedure
	res, err := d.Engine.Submit(r.Context(), d.caller, req)
	if res == nil {
		return answer{}, err
	}
	out := outcome{Transaction: res.Transaction, Status: res.Status, Response: string(res.XML), Error: res.Err, Repeated: res.Repeated}
	if out.Error == nil && err != nil {
		out.Error = sutler.AsError(err)
	}
	status := http.StatusOK
	if out.Transaction == "" && out.Error != nil {
		status = statusOf(out.Error.Code)
	}
	return answer{status, out}, nil
}

// longestName is how many bytes a name may have that is only looked up or
// shown: each error names it, some more than once.
const longestName = 4096

// shortEnough refuses names that are too long.
func shortEnough(names ...string) error {
	for _, name := range names {
		if len(name) > longestName {
			return sutler.Errorf(sutler.BadInput, "cannot use a name of %d bytes, %.40q…: at most %d are allowed", len(name), name, longestName)
		}
	}
	return nil
}

// transactions lists transactions, newest first: whoever does not audit sees
// its own.
func (d *visit) transactions(r *http.Request) (answer, error) {
	q := r.URL.Query()
	limit, err := limitOf(q.Get("limit"))
	if err != nil {
		return answer{}, err
	}
	f := sutler.Filter{Status: sutler.Status(q.Get("status")), After: sutler.TransactionID(q.Get("after")), Limit: limit}
	if !d.may(audits).Allowed {
		f.Caller = d.caller.Account
	}
	if f.Status != "" && !slices.Contains(statuses, f.Status) {
		return answer{}, sutler.Errorf(sutler.BadInput, "cannot list transactions: no transaction can be %q; the states are %s", f.Status, join(statuses))
	}
	list, err := d.Monitor.Transactions(r.Context(), f)
	if err != nil {
		return answer{}, err
	}
	if !d.may(audits).Allowed {
		list = slices.Clone(list)
		for i := range list {
			list[i] = *shownToCaller(&list[i])
		}
	}
	return ok(struct {
		Transactions []sutler.Transaction `json:"transactions"`
	}{some(list)})
}

// transaction shows one transaction with its steps, of somebody else to
// auditors alone.
func (d *visit) transaction(r *http.Request) (answer, error) {
	id := sutler.TransactionID(r.PathValue("id"))
	tx, err := d.Monitor.Transaction(r.Context(), id)
	if !d.may(audits).Allowed && (err != nil || tx.Caller != d.caller.Account || tx.Namespace == sutler.ConfigNamespace) { // one of somebody else looks like none
		return answer{}, sutler.Errorf(sutler.NotFound, "cannot show transaction %s: there is none, or it is not yours", id)
	}
	if err != nil {
		return answer{}, err
	}
	if !d.may(audits).Allowed {
		tx = shownToCaller(tx)
	}
	return ok(tx)
}

// shownToCaller leaves out of a transaction what its caller may not know: as
// which stored accounts steps ran, the rules that refused, and what operators said.
func shownToCaller(tx *sutler.Transaction) *sutler.Transaction {
	shown := *tx
	shown.Text, shown.Refusals, shown.Resolved, shown.Steps = waiting(tx), nil, nil, slices.Clone(tx.Steps)
	for i := range shown.Steps {
		if s := &shown.Steps[i]; s.Identity.Kind == sutler.ExecuteAs {
			s.Identity.Account, s.Identity.Credential = "", ""
			if s.Text != "" {
				s.Text = "it failed"
			}
		}
	}
	return &shown
}

// waiting is the text of a transaction for its caller: why one waits, for an
// operator or for its next round, is for the operator.
func waiting(tx *sutler.Transaction) string {
	switch {
	case tx.Status.Waiting():
		return "it waits for an operator"
	case tx.Text != "" && !tx.Status.Final():
		return "it is not finished yet"
	}
	return tx.Text
}

// namespaces lists the namespaces without their text.
func (d *visit) namespaces(r *http.Request) (answer, error) {
	list, revision, err := d.Config.Namespaces(r.Context())
	if err != nil {
		return answer{}, err
	}
	return ok(struct {
		Revision   int64              `json:"revision"`
		Namespaces []sutler.Namespace `json:"namespaces"`
	}{revision, some(list)})
}

// namespace shows one namespace with its text, byte for byte.
func (d *visit) namespace(r *http.Request) (answer, error) {
	list, _, err := d.Config.Namespaces(r.Context())
	if err != nil {
		return answer{}, err
	}
	name := r.PathValue("name")
	for _, ns := range list {
		if strings.EqualFold(ns.Name, name) {
			return ok(struct {
				sutler.Namespace
				Text string `json:"text"`
			}{ns, string(ns.Text)})
		}
	}
	return answer{}, sutler.Errorf(sutler.NotFound, "cannot show the namespace: no namespace is called %q", name)
}

// sources is the body of POST /v1/namespaces.
type sources struct {
	Sources []struct {
		File string `json:"file"`
		Text string `json:"text"`
	} `json:"sources"`
	Check bool `json:"check"` // look for problems and store nothing
}

// register checks namespace files and, unless only a check is wanted,
// registers all of them or none.
func (d *visit) register(r *http.Request) (answer, error) {
	var in sources
	if err := decode(r, &in); err != nil {
		return answer{}, err
	}
	if len(in.Sources) == 0 {
		return answer{}, sutler.Errorf(sutler.BadInput, "cannot register namespaces: no namespace file was sent")
	}
	srcs := make([]sutler.Source, len(in.Sources))
	for i, s := range in.Sources {
		if err := shortEnough(s.File); err != nil {
			return answer{}, err
		}
		srcs[i] = sutler.Source{File: s.File, Text: []byte(s.Text)}
	}
	do := d.Registrar.Register
	if in.Check {
		do = d.Registrar.Lint
	}
	problems, err := do(r.Context(), d.caller, srcs...)
	if err != nil && len(problems) == 0 {
		return answer{}, err
	}
	out := struct {
		Registered bool             `json:"registered"`
		Problems   xmltree.Problems `json:"problems"`
		Error      *sutler.Error    `json:"error,omitempty"`
	}{err == nil && !in.Check, some(problems), sutler.AsError(err)}
	if err != nil {
		return answer{statusOf(sutler.CodeOf(err)), out}, nil
	}
	return ok(out)
}

// settings lists every setting there is with its value.
func (d *visit) settings(r *http.Request) (answer, error) {
	stored, err := d.Config.Settings(r.Context())
	if err != nil {
		return answer{}, err
	}
	return ok(struct {
		Settings []sutler.Setting `json:"settings"`
	}{sutler.Settings(stored)})
}

// setSetting sets one setting; an empty value brings the default back.
func (d *visit) setSetting(r *http.Request) (answer, error) {
	var in struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	if err := decode(r, &in); err != nil {
		return answer{}, err
	}
	name, err := sutler.CheckSetting(in.Name, in.Value)
	if err != nil {
		return answer{}, err
	}
	err = d.configure("set setting", fmt.Sprintf("%s %q", name, in.Value), func() error { return d.Config.SetSetting(r.Context(), name, in.Value) })
	if err != nil {
		return answer{}, err
	}
	return d.settings(r)
}

// version says which version of the program answers.
func (d *visit) version(*http.Request) (answer, error) {
	return ok(map[string]string{"version": d.Version})
}

// health says that the server is up and its store can be read and written. It
// is the one operation that needs no token and tells nothing else.
func (d *visit) health(r *http.Request) (answer, error) {
	_, err := d.Config.Settings(context.WithoutCancel(r.Context()))
	if err == nil && d.Health != nil {
		err = d.Health()
	}
	if err != nil {
		d.Logger.Error("health check", "err", err)
		return answer{http.StatusServiceUnavailable, map[string]string{"status": "failing"}}, nil
	}
	return ok(map[string]string{"status": "ok"})
}

var statuses = []sutler.Status{
	sutler.Active, sutler.Preparing, sutler.Committing, sutler.Committed,
	sutler.RollingBack, sutler.RolledBack, sutler.RollbackFailed, sutler.InDoubt,
}

func ok(body any) (answer, error) { return answer{http.StatusOK, body}, nil }

// some returns list, or an empty one for nil: JSON shall say [] and not null.
func some[S ~[]E, E any](list S) S {
	if list == nil {
		return S{}
	}
	return list
}

func join(ss []sutler.Status) string {
	words := make([]string, len(ss))
	for i, s := range ss {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}
