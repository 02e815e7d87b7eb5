package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/server"
)

// The fake world of the door, as operators and auditors see it.

func (w *world) Resolve(_ context.Context, from sutler.Caller, id sutler.TransactionID, r sutler.Resolution) (sutler.Status, error) {
	if id == "{NONE}" {
		return "", sutler.Errorf(sutler.NotFound, "cannot %s transaction %s: there is no such transaction", r.Verb, id)
	}
	w.did("resolve", from.Account, string(id), string(r.Verb), r.Reason)
	return sutler.RolledBack, nil
}

func (w *world) Engines(context.Context) ([]sutler.EngineInfo, error) {
	return []sutler.EngineInfo{{Name: "web1", State: sutler.EngineActive, Fence: 3, Alive: true}}, nil
}

func (w *world) SetEngineState(_ context.Context, name sutler.EngineID, s sutler.EngineState) error {
	if name != "web1" {
		return sutler.Errorf(sutler.NotFound, "cannot make engine %q %s: there is no engine of that name", name, s)
	}
	w.did("engine", string(name), string(s))
	return nil
}

func (w *world) Lease(context.Context, sutler.EngineID) (sutler.Lease, error) {
	panic("not for the door")
}
func (w *world) TakeOver(context.Context, sutler.EngineID, int64, sutler.EngineID) (sutler.Lease, error) {
	panic("not for the door")
}
func (w *world) Renew(context.Context, sutler.Lease) error   { panic("not for the door") }
func (w *world) Release(context.Context, sutler.Lease) error { panic("not for the door") }

func (w *world) Audited(_ context.Context, f sutler.AuditFilter) ([]sutler.Transaction, error) {
	w.did("audited", f.From.Format(time.RFC3339), f.Trustee, f.Caller, f.Namespace, f.Procedure, string(f.Outcome), f.Text, string(f.After))
	return nil, nil
}

func (w *world) AuditedTransaction(_ context.Context, id sutler.TransactionID) (*sutler.Transaction, error) {
	return nil, sutler.Errorf(sutler.NotFound, "cannot show transaction %s: the audit log does not keep it", id)
}

func (w *world) BadCommands(context.Context) ([]sutler.PendingCommand, error) {
	return []sutler.PendingCommand{{Transaction: "{A}", Seq: 2, SQL: "insert", Tries: 3, Error: "no such table"}}, nil
}

func (w *world) did(words ...string) { w.log = append(w.log, strings.Join(words, "|")) }

func TestOperate(t *testing.T) {
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		answer, did        string
	}{
		"resolve": {"POST", "/v1/transactions/%7BA%7D/resolve", `{"verb":"skip-step","seq":2,"reason":"gone"}`, http.StatusOK,
			`{"transaction":"{A}","status":"rolledBack"}`, "resolve|local|{A}|skip-step|gone"},
		"resolve nothing":       {"POST", "/v1/transactions/%7BNONE%7D/resolve", `{"verb":"retry","reason":"r"}`, http.StatusNotFound, "there is no such transaction", ""},
		"resolve with a typo":   {"POST", "/v1/transactions/%7BA%7D/resolve", `{"verb":"retry","raeson":"r"}`, http.StatusBadRequest, "raeson", ""},
		"engines":               {"GET", "/v1/engines", "", http.StatusOK, `"name":"web1","state":"active","fence":3`, ""},
		"drain":                 {"PUT", "/v1/engines/web1", `{"state":"draining"}`, http.StatusOK, `"name":"web1"`, "engine|web1|draining"},
		"drain nobody":          {"PUT", "/v1/engines/web9", `{"state":"draining"}`, http.StatusNotFound, "no engine of that name", ""},
		"search":                {"GET", "/v1/audit?from=2026-01-02T03:04:05Z&trustee=t&caller=c&namespace=n&procedure=p&outcome=refused&text=x&after=%7BA%7D", "", http.StatusOK, `{"transactions":[]}`, "audited|2026-01-02T03:04:05Z|t|c|n|p|refused|x|{A}"},
		"search a bad time":     {"GET", "/v1/audit?from=yesterday", "", http.StatusBadRequest, "yesterday", ""},
		"search a bad outcome":  {"GET", "/v1/audit?outcome=good", "", http.StatusBadRequest, "committed, rolledBack, rollbackFailed, inDoubt, refused", ""},
		"search a bad name":     {"GET", "/v1/audit?who=ann", "", http.StatusBadRequest, "who", ""},
		"show what is not kept": {"GET", "/v1/audit/%7BA%7D", "", http.StatusNotFound, "does not keep it", ""},
		"bad commands":          {"GET", "/v1/bad-commands", "", http.StatusOK, `"sql":"insert","tries":3`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{}
			res, answer := post(t, open(t, w, server.Options{}), c.method, c.path, c.body)
			status := res.StatusCode
			if status != c.status || !strings.Contains(answer, c.answer) {
				t.Errorf("%s %s = %d %s, want %d …%s…", c.method, c.path, status, answer, c.status, c.answer)
			}
			if got := strings.Join(w.log, "\n"); c.did != "" && got != c.did {
				t.Errorf("it did %q, want %q", got, c.did)
			}
		})
	}
}
