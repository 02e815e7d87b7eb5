package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/admin"
	"sutler/engine"
	"sutler/security"
	"sutler/server"
	"sutler/sutlertest"
)

// roles are who asks: the columns of the matrix.
var roles = []struct {
	account string // "" shows no proof of who it is
	groups  []string
}{
	{"", nil},
	{"nobody", nil},
	{"client", []string{sutler.MPFClientAccts}},
	{"trusted", []string{sutler.MPFTrustedUsers}},
	{"service", []string{sutler.MPFServiceAccts}},
	{"auditor", []string{sutler.MPFAuditors}},
	{"mpfadmin", []string{sutler.MPFAdmins}},
	{"root", []string{security.Administrators}},
	{"disabled", []string{security.Administrators, sutler.MPFAuditors}},
}

// matrix says for each operation who gets what. A column is 1 for 401, 3 for
// 403, 4 for 404, d for a transaction that is undone as denied, and + for being
// let in. In paths and bodies OWN stands for the
// caller's transaction and ME for the caller.
var matrix = []struct {
	op, path, body string
	//              no proof, nobody, client, trusted, service, auditor, mpfadmin, root, disabled
	want string
	door string // where the door alone, without the engine behind it, lets in more
	done int    // status for those let in; 0: 200
}{
	{"POST /v1/requests", "/v1/requests", `{"namespace":"Mail","procedure":"Create","request":"<request/>"}`, "1d+++d++3", "1+++++++3", 0},
	{"POST /v1/requests", "/v1/requests", `{"namespace":"Mail","procedure":"Delete","request":"<request/>"}`, "1ddd+d++3", "1+++++++3", 0},
	{"POST /v1/requests", "/v1/requests", `{"trusted":true,"request":"<request><procedure/></request>"}`, "1dd+dd++3", "1+++++++3", 0},
	{"GET /v1/transactions", "/v1/transactions", "", "1+++++++3", "", 0},
	{"GET /v1/transactions", "/v1/transactions?status=committed&limit=3", "", "1+++++++3", "", 0},
	{"GET /v1/transactions/{id}", "/v1/transactions/OWN", "", "1+++++++3", "", 0},
	{"GET /v1/transactions/{id}", "/v1/transactions/foreign", "", "14444+++3", "", 0},
	{"GET /v1/transactions/{id}", "/v1/transactions/unknown", "", "144444443", "", 0},
	{"POST /v1/transactions/{id}/resolve", "/v1/transactions/OWN/resolve", `{"verb":"retry","reason":"why"}`, "133333++3", "", 404},
	{"POST /v1/transactions/{id}/resolve", "/v1/transactions/foreign/resolve", `{"verb":"retry","reason":"why"}`, "133333++3", "", 404},
	{"POST /v1/transactions/{id}/resolve", "/v1/transactions/unknown/resolve", `{"verb":"retry","reason":"why"}`, "133333++3", "", 404},
	{"GET /v1/engines", "/v1/engines", "", "1333++++3", "", 0},
	{"PUT /v1/engines/{name}", "/v1/engines/web1", `{"state":"disabled"}`, "133333++3", "", 0},
	{"GET /v1/audit", "/v1/audit", "", "13333+++3", "", 0},
	{"GET /v1/audit/{id}", "/v1/audit/OWN", "", "13333+++3", "", 404},
	{"GET /v1/audit/{id}", "/v1/audit/foreign", "", "13333+++3", "", 404},
	{"GET /v1/bad-commands", "/v1/bad-commands", "", "13333+++3", "", 0},
	{"GET /v1/namespaces", "/v1/namespaces", "", "1333++++3", "", 0},
	{"GET /v1/namespaces/{name}", "/v1/namespaces/mail%20box", "", "1333++++3", "", 0},
	{"POST /v1/namespaces", "/v1/namespaces", `{"sources":[{"file":"n.xml","text":"<namespace name='New' providerSource='fake'><procedure name='P' type='read'/></namespace>"}]}`, "133333++3", "", 0},
	{"POST /v1/namespaces", "/v1/namespaces", `{"check":true,"sources":[{"file":"n.xml","text":"<namespace name='New' providerSource='fake'><procedure name='P' type='read'/></namespace>"}]}`, "133333++3", "", 0},
	{"GET /v1/settings", "/v1/settings", "", "1333++++3", "", 0},
	{"PUT /v1/settings", "/v1/settings", `{"name":"limit.calls","value":"7"}`, "133333++3", "", 0},
	{"GET /v1/access", "/v1/access", "", "13333+++3", "", 0},
	{"POST /v1/access", "/v1/access", `{"verb":"enable","name":"disabled-too"}`, "133333++3", "", 0},
	{"POST /v1/access/explain", "/v1/access/explain", `{"namespace":"Mail","procedure":"Create"}`, "1+++++++3", "", 0},
	{"POST /v1/access/explain", "/v1/access/explain", `{"as":"ME","namespace":"Mail","procedure":"Create"}`, "1+++++++3", "", 0},
	{"POST /v1/access/explain", "/v1/access/explain", `{"as":"somebody","namespace":"Mail","procedure":"Create"}`, "13333+++3", "", 0},
	{"GET /v1/access/can-i", "/v1/access/can-i", "", "1+++++++3", "", 0},
	{"GET /v1/access/can-i", "/v1/access/can-i?namespace=Mail&procedure=Create&as=ME", "", "1+++++++3", "", 0},
	{"GET /v1/access/can-i", "/v1/access/can-i?as=somebody", "", "13333+++3", "", 0},
	{"GET /v1/access/can-i", "/v1/access/can-i?namespace=Mail&procedure=Create&as=somebody", "", "13333+++3", "", 0},
	{"GET /v1/access/who-can", "/v1/access/who-can?namespace=Mail&procedure=Create", "", "13333+++3", "", 0},
	{"POST /v1/access/diff", "/v1/access/diff", `{"verb":"allow","name":"Mail","who":"somebody"}`, "13333+++3", "", 0},
	{"POST /v1/keys/rotate", "/v1/keys/rotate", `{}`, "133333++3", "", 0},
	{"GET /v1/whoami", "/v1/whoami", "", "1+++++++3", "", 0},
	{"GET /v1/version", "/v1/version", "", "1+++++++3", "", 0},
	{"GET /healthz", "/healthz", "", "+++++++++", "", 0},
}

// TestMatrixIsWhole compares the operations there are with those in the matrix.
func TestMatrixIsWhole(t *testing.T) {
	var rows []string
	for _, m := range matrix {
		if len(m.want) != len(roles) || m.door != "" && len(m.door) != len(roles) {
			t.Errorf("%s: the row has not %d columns", m.path, len(roles))
		}
		rows = append(rows, m.op)
	}
	slices.Sort(rows)
	there := server.Operations()
	slices.Sort(there)
	if diff := cmp.Diff(there, slices.Compact(rows)); diff != "" {
		t.Errorf("operations without a row (-) and rows without an operation (+):\n%s", diff)
	}
}

// place is a door in front of an engine, or of nothing that refuses.
type place struct {
	*world
	address string
	log     *sutlertest.Log
	told    chan string // refusals of the door
}

// admitted lets in whom the header X-Account names.
func admitted(w http.ResponseWriter, r *http.Request) (sutler.Caller, bool) {
	name, proof := r.Header["X-Account"]
	if !proof {
		w.WriteHeader(http.StatusUnauthorized)
		return sutler.Caller{}, false
	}
	c := sutler.Caller{Account: name[0]}
	for _, role := range roles {
		if role.account == c.Account && c.Account != "" {
			c.Groups = role.groups
		}
	}
	return c, true
}

func newPlace(t *testing.T, behind bool) *place {
	t.Helper()
	p := &place{world: &world{response: &sutler.Response{Transaction: "{1}", Status: sutler.Committed, XML: []byte("<response/>")}}, log: sutlertest.NewLog(), told: make(chan string, 1000)}
	config := &sutlertest.Config{}
	if _, err := config.PutAccess(t.Context(), 0,
		security.Row(sutler.AccountRow, "disabled", &security.Account{Name: "disabled", Disabled: true, MemberOf: []string{security.Administrators}}),
		security.Row(sutler.AccountRow, "disabled-too", &security.Account{Name: "disabled-too", Disabled: true}),
		security.Row(sutler.AccountRow, "somebody", &security.Account{Name: "somebody"})); err != nil {
		t.Fatal(err)
	}
	lease, err := p.log.Lease(t.Context(), "web1")
	if err != nil {
		t.Fatal(err)
	}
	ids := 0
	e, err := engine.New(t.Context(), engine.Options{
		Lease: lease, Log: p.log, Config: config, Access: config, Grace: time.Millisecond, Pauses: []time.Duration{},
		Providers: map[string]sutler.Provider{"fake": sutlertest.NewFake()},
		Now:       func() time.Time { return time.Unix(1_700_000_000, 0) },
		NewID: func() sutler.TransactionID {
			ids++
			return sutler.TransactionID(fmt.Sprintf("{%d}", ids))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	mail := `<namespace name="Mail" providerSource="fake"><procedure name="Create" type="write" access="public"/><procedure name="Delete" type="write"/></namespace>`
	if problems, err := e.Register(t.Context(), sutler.Caller{Account: "root", Groups: []string{security.Administrators}}, sutler.Source{File: "m.xml", Text: []byte(mail)}); err != nil {
		t.Fatal(err, problems)
	}
	p.txs = []sutler.Transaction{{ID: "foreign", Caller: "somebody"}}
	for _, role := range roles {
		p.txs = append(p.txs, sutler.Transaction{ID: sutler.TransactionID("own-" + role.account), Caller: role.account})
	}
	o := server.Options{
		Engine: p.world, Registrar: p.world, Monitor: p.world, Config: p.world, Resolver: p.world, Leases: p.world, Audit: p.world,
		Admit: admitted, Access: e.Access, Explainer: e, Rotate: func(bool) error { return nil },
		Admin: &admin.Admin{Engine: e, Now: time.Now},
		Refused: func(from sutler.Caller, r *http.Request, what, rule string) {
			p.told <- fmt.Sprintf("%s from %t: %s: %s", from.Account, r.RemoteAddr != "", what, rule)
		},
	}
	if behind {
		o.Engine, o.Registrar, o.Resolver, o.Configure = e, e, e, e.Configure
	}
	h, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	p.address = strings.TrimPrefix(s.URL, "http://")
	return p
}

// ask sends a request as a role.
func (p *place) ask(t *testing.T, op, path, body, account string) (*http.Response, string) {
	t.Helper()
	header := map[string]string{}
	if account != "" {
		header["X-Account"] = account
	}
	if body != "" {
		header["Content-Type"] = "application/json"
	}
	method, _, _ := strings.Cut(op, " ")
	as := strings.NewReplacer("OWN", "own-"+account, "ME", account)
	return send(t, p.address, method, as.Replace(path), as.Replace(body), header, "")
}

// touched is what requests have done to the world.
func (w *world) touched() string {
	return fmt.Sprint(w.got != nil, len(w.sources), w.settings, w.filter, w.log)
}

func TestMatrix(t *testing.T) {
	for _, behind := range []bool{true, false} {
		for _, m := range matrix {
			t.Run(fmt.Sprintf("engine=%t/%s %s", behind, m.op, m.path), func(t *testing.T) {
				p := newPlace(t, behind)
				want := m.want
				if !behind && m.door != "" {
					want = m.door
				}
				for i, role := range roles {
					before := p.touched()
					res, body := p.ask(t, m.op, m.path, m.body, role.account)
					status := map[byte]int{'1': 401, '3': 403, '4': 404, 'd': 200, '+': 200}[want[i]]
					if want[i] == '+' && m.done != 0 && (behind || !strings.HasSuffix(m.path, "/resolve")) {
						status = m.done
					}
					if res.StatusCode != status {
						t.Errorf("%q gets %d, want %d: %s", role.account, res.StatusCode, status, body)
					}
					if denied := strings.Contains(body, `"name":"Denied"`); res.StatusCode != 401 && denied != (want[i] == '3' || want[i] == 'd') {
						t.Errorf("%q: denied is %t: %s", role.account, denied, body)
					}
					if after := p.touched(); want[i] != '+' && want[i] != '4' && after != before {
						t.Errorf("%q was refused, and yet the world has gone from %s to %s", role.account, before, after)
					}
				}
			})
		}
	}
}

// TestRefusedConfiguration looks for the record of each refusal of what only
// administrators may.
func TestRefusedConfiguration(t *testing.T) {
	p := newPlace(t, true)
	for _, m := range matrix {
		if m.want != "133333++3" {
			continue
		}
		for i, role := range roles {
			commits := len(p.log.Groups())
			p.ask(t, m.op, m.path, m.body, role.account)
			var refused []sutler.Record
			for _, r := range slices.Concat(p.log.Groups()[commits:]...) {
				if r.Kind == sutler.Refused {
					refused = append(refused, r)
				}
			}
			if m.want[i] != '3' {
				if len(refused) > 0 {
					t.Errorf("%s %s by %q: refusals on record: %+v", m.op, m.path, role.account, refused)
				}
				continue
			}
			rule := fmt.Sprintf("role: %q is not a member", role.account)
			if role.account == "disabled" {
				rule = `account: account "disabled" is disabled`
			}
			if len(refused) != 1 || !strings.HasPrefix(refused[0].Text, rule) || refused[0].Code != sutler.Denied || !refused[0].Audited {
				t.Errorf("%s %s by %q: on record is %+v, want one refusal by the rule %q", m.op, m.path, role.account, refused, rule)
			}
		}
	}
}

// TestEveryRefusalIsTold asks for everything as everybody: each refusal is
// either on record, by the engine, or told to those who record it, once.
func TestEveryRefusalIsTold(t *testing.T) {
	p := newPlace(t, true)
	for _, m := range matrix {
		for i, role := range roles {
			commits := len(p.log.Groups())
			p.ask(t, m.op, m.path, m.body, role.account)
			n := 0
			for _, r := range slices.Concat(p.log.Groups()[commits:]...) {
				if r.Kind == sutler.Refused {
					n++
				}
			}
			for ; len(p.told) > 0; n++ {
				if told := <-p.told; !strings.HasPrefix(told, role.account+" from true: use "+m.op+": ") {
					t.Errorf("%s by %q is told as %q", m.op, role.account, told)
				}
			}
			if want := map[bool]int{true: 1, false: 0}[m.want[i] == '3' || m.want[i] == 'd']; n != want {
				t.Errorf("%s %s by %q: told of %d times, want %d", m.op, m.path, role.account, n, want)
			}
		}
	}
}

// TestOwnTransactions: whoever does not audit lists its own, and one of
// somebody else looks like none.
func TestOwnTransactions(t *testing.T) {
	p := newPlace(t, false)
	for _, role := range roles[1 : len(roles)-1] {
		audits := role.account == "auditor" || role.account == "mpfadmin" || role.account == "root"
		p.filter = sutler.Filter{Caller: "not asked"}
		p.ask(t, "GET", "/v1/transactions?limit=4", "", role.account)
		want := sutler.Filter{Caller: role.account, Limit: 4}
		if audits {
			want.Caller = ""
		}
		if diff := cmp.Diff(want, p.filter); diff != "" {
			t.Errorf("%s asks for (-want +got):\n%s", role.account, diff)
		}
		if audits {
			continue
		}
		foreign, text := p.ask(t, "GET", "/v1/transactions/foreign", "", role.account)
		unknown, none := p.ask(t, "GET", "/v1/transactions/unknown", "", role.account)
		if foreign.StatusCode != unknown.StatusCode || strings.ReplaceAll(text, "foreign", "unknown") != none {
			t.Errorf("%s: one of somebody else is answered %d %s and none %d %s", role.account, foreign.StatusCode, text, unknown.StatusCode, none)
		}
	}
}

// TestNamelessCaller lets a door in that names nobody: what is for those whose
// name is known is not for it, and above all not the list of everybody's
// transactions.
func TestNamelessCaller(t *testing.T) {
	p := newPlace(t, true)
	for _, m := range matrix {
		method, _, _ := strings.Cut(m.op, " ")
		header := map[string]string{"X-Account": "", "Content-Type": "application/json"}
		res, body := send(t, p.address, method, m.path, m.body, header, "")
		if want := map[bool]int{true: 200, false: 403}[m.path == "/healthz"]; res.StatusCode != want {
			t.Errorf("%s %s: %d, want %d: %s", m.op, m.path, res.StatusCode, want, body)
		}
	}
}

// TestStoredAccountsStayInside sees that the caller of a request is not told as
// which stored account its steps ran, and an auditor is.
func TestStoredAccountsStayInside(t *testing.T) {
	p := newPlace(t, true)
	p.txs = append(p.txs, sutler.Transaction{ID: "stored", Caller: "nobody", Status: sutler.RollbackFailed, Text: "cannot go on as hidden", Resolved: []sutler.Resolution{{Verb: sutler.Retry, Reason: "hidden is back"}}, Steps: []sutler.Step{
		{Seq: 1, Procedure: "Act", Text: "cannot log in as hidden", Identity: sutler.Identity{Kind: sutler.ExecuteAs, Account: `corp\hidden`, Credential: "hidden-too"}},
		{Seq: 2, Procedure: "Act", Identity: sutler.Identity{Kind: sutler.CallingUser, Account: "nobody"}},
	}, Refusals: []sutler.Refusal{{Seq: 3, Namespace: "Mail", Procedure: "Delete", Rule: "access list: no entry allows hidden"}}})
	for _, c := range []struct {
		account string
		sees    bool
	}{{"nobody", false}, {"auditor", true}} {
		res, body := p.ask(t, "GET /v1/transactions/{id}", "/v1/transactions/stored", "", c.account)
		if res.StatusCode != 200 || strings.Contains(body, "hidden") != c.sees || !strings.Contains(body, `"kind":"executeAs"`) || !strings.Contains(body, `"account":"nobody"`) {
			t.Errorf("%s gets %d: %s", c.account, res.StatusCode, body)
		}
	}
	p.txs = append(p.txs, sutler.Transaction{ID: "paused", Caller: "nobody", Status: sutler.RollingBack, Text: "cannot go on as hidden"})
	stored := len(p.txs) - 2
	if _, body := p.ask(t, "GET /v1/transactions", "/v1/transactions", "", "nobody"); strings.Contains(body, "hidden") {
		t.Errorf("the list gives %s", body)
	}
	p.txs = append(p.txs, sutler.Transaction{ID: "deed", Caller: "nobody", Status: sutler.RolledBack, Namespace: sutler.ConfigNamespace, Text: "role: hidden"})
	for path, status := range map[string]int{"/v1/transactions/paused": 200, "/v1/transactions/deed": 404} {
		if res, body := p.ask(t, "GET /v1/transactions/{id}", path, "", "nobody"); res.StatusCode != status || strings.Contains(body, "hidden") {
			t.Errorf("%s gives %d: %s", path, res.StatusCode, body)
		}
	}
	if got := p.txs[stored].Steps[0].Identity.Credential; got != "hidden-too" {
		t.Errorf("the transaction itself has lost its credential: %q", got)
	}
}
