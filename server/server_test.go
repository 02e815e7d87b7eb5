package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/client"
	"sutler/server"
	"sutler/sutlertest"
	"sutler/xmltree"
)

const token = "a-token-of-sufficient-length"

// world is everything behind the door, made of values.
type world struct {
	response *sutler.Response
	err      error
	panics   bool
	got      *sutler.Request // the last request, of which the trees are gone
	text     string          // its data
	from     sutler.Caller
	problems xmltree.Problems
	regErr   error
	sources  []sutler.Source
	linted   bool
	settings map[string]string
	txs      []sutler.Transaction
	filter   sutler.Filter
	broken   bool
	log      []string // what operators and auditors asked for
}

func (w *world) Submit(_ context.Context, from sutler.Caller, req *sutler.Request) (*sutler.Response, error) {
	if w.panics {
		panic("what the caller must not see")
	}
	w.got, w.from = req, from
	if req.Data != nil {
		w.text = req.Data.String()
	}
	req.Doc.Release()
	return w.response, w.err
}

func (w *world) Register(_ context.Context, _ sutler.Caller, srcs ...sutler.Source) (xmltree.Problems, error) {
	w.sources, w.linted = srcs, false
	return w.problems, w.regErr
}

func (w *world) Lint(_ context.Context, _ sutler.Caller, srcs ...sutler.Source) (xmltree.Problems, error) {
	w.sources, w.linted = srcs, true
	return w.problems, w.regErr
}

func (w *world) Namespaces(context.Context) ([]sutler.Namespace, int64, error) {
	return []sutler.Namespace{{Name: "Mail Box", Text: []byte("<namespace name='Mail Box'>\xc3\xa9</namespace>"), Version: 1, Procedures: 2}}, 7, nil
}

func (w *world) PutNamespaces(context.Context, int64, ...sutler.Namespace) (int64, error) {
	return 0, errors.New("the door must go through the registrar")
}

func (w *world) Settings(context.Context) (map[string]string, error) {
	if w.broken {
		return nil, errors.New("disk on fire")
	}
	return w.settings, nil
}

func (w *world) SetSetting(_ context.Context, name, value string) error {
	if w.settings == nil {
		w.settings = map[string]string{}
	}
	w.settings[name] = value
	return nil
}

func (w *world) Transactions(_ context.Context, f sutler.Filter) ([]sutler.Transaction, error) {
	w.filter = f
	return w.txs, nil
}

func (w *world) Transaction(_ context.Context, id sutler.TransactionID) (*sutler.Transaction, error) {
	for i := range w.txs {
		if w.txs[i].ID == id {
			return &w.txs[i], nil
		}
	}
	return nil, sutler.Errorf(sutler.NotFound, "no transaction %s", id)
}

// open starts a door before w and returns its address.
func open(t *testing.T, w *world, o server.Options) string {
	t.Helper()
	o.Engine, o.Registrar, o.Monitor, o.Config = w, w, w, w
	o.Resolver, o.Leases, o.Audit = w, w, w
	o.Version = "1.2.3"
	o.Admit = sutlertest.Holder(token, sutler.Caller{Account: "local", Groups: []string{sutler.MPFAdmins}, Door: "json"})
	h, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func dial(t *testing.T, address string) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{Address: address, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestGuard sends what must not get in, and what must.
func TestGuard(t *testing.T) {
	const body = `{"namespace":"N","procedure":"P","request":"<request/>"}`
	type header map[string]string
	auth := header{"Authorization": "Bearer " + token, "Content-Type": "application/json"}
	with := func(more header) header {
		h := header{}
		for k, v := range auth {
			h[k] = v
		}
		for k, v := range more {
			h[k] = v
		}
		return h
	}
	cases := []struct {
		name         string
		method, path string
		body         string
		header       header
		host         string
		want         int
		code         string // of the error; "" for none
	}{
		{"let in", "POST", "/v1/requests", body, auth, "", 200, ""},
		{"charset", "POST", "/v1/requests", body, with(header{"Content-Type": "application/json; charset=UTF-8"}), "", 200, ""},
		{"same origin", "POST", "/v1/requests", body, with(header{"Origin": "http://localhost:99"}), "localhost:99", 200, ""},
		{"localhost", "GET", "/v1/version", "", auth, "localhost", 200, ""},
		{"other loopback", "GET", "/v1/version", "", auth, "127.1.2.3:80", 200, ""},
		{"IPv6 loopback", "GET", "/v1/version", "", auth, "[::1]:80", 200, ""},
		{"extra host", "GET", "/v1/version", "", auth, "Engine.example:80", 200, ""},
		{"health without token", "GET", "/healthz", "", header{}, "", 200, ""},
		{"HEAD", "HEAD", "/healthz", "", header{}, "", 200, ""},

		{"no token", "GET", "/v1/version", "", header{}, "", 401, "0x80070005"},
		{"wrong token", "GET", "/v1/version", "", with(header{"Authorization": "Bearer " + token + "x"}), "", 401, "0x80070005"},
		{"unknown path without token", "GET", "/nothing", "", header{}, "", 401, "0x80070005"},

		{"foreign host", "GET", "/v1/version", "", auth, "evil.example", 403, "0x80070005"},
		{"host that begins like ours", "GET", "/v1/version", "", auth, "localhost.evil.example", 403, "0x80070005"},
		{"foreign address", "GET", "/v1/version", "", auth, "192.0.2.1:7070", 403, "0x80070005"},
		{"foreign host at health", "GET", "/healthz", "", auth, "evil.example", 403, "0x80070005"},
		{"foreign origin", "POST", "/v1/requests", body, with(header{"Origin": "http://evil.example"}), "", 403, "0x80070005"},
		{"origin null", "POST", "/v1/requests", body, with(header{"Origin": "null"}), "", 403, "0x80070005"},
		{"origin of another port", "POST", "/v1/requests", body, with(header{"Origin": "http://localhost:1"}), "localhost:2", 403, "0x80070005"},
		{"cross-site", "GET", "/v1/version", "", with(header{"Sec-Fetch-Site": "cross-site"}), "", 403, "0x80070005"},
		{"cross-site link", "GET", "/v1/version", "", with(header{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}), "", 200, ""},
		{"cross-site frame", "GET", "/v1/version", "", with(header{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}), "", 403, "0x80070005"},
		{"cross-site form", "POST", "/v1/requests", `{"request":"<request/>"}`, with(header{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Content-Type": "application/json"}), "", 403, "0x80070005"},

		{"text", "POST", "/v1/requests", body, with(header{"Content-Type": "text/plain"}), "", 415, "0x80070057"},
		{"form", "POST", "/v1/requests", body, with(header{"Content-Type": "application/x-www-form-urlencoded"}), "", 415, "0x80070057"},
		{"multipart", "POST", "/v1/requests", body, with(header{"Content-Type": "multipart/form-data; boundary=x"}), "", 415, "0x80070057"},
		{"XML", "POST", "/v1/requests", body, with(header{"Content-Type": "application/xml"}), "", 415, "0x80070057"},
		{"no type", "POST", "/v1/requests", body, with(header{"Content-Type": ""}), "", 415, "0x80070057"},
		{"two types", "POST", "/v1/requests", body, with(header{"Content-Type": "application/json, text/plain"}), "", 415, "0x80070057"},
		{"UTF-16", "POST", "/v1/requests", body, with(header{"Content-Type": "application/json; charset=utf-16"}), "", 415, "0x80070057"},
		{"form to settings", "PUT", "/v1/settings", "{}", with(header{"Content-Type": "text/plain"}), "", 415, "0x80070057"},

		{"unknown path", "GET", "/v2/requests", "", auth, "", 404, "0x80070490"},
		{"wrong method", "DELETE", "/v1/requests", "", auth, "", 405, "0x80070057"},
		{"wrong method with pattern", "POST", "/v1/transactions/x", "{}", auth, "", 405, "0x80070057"},
		{"unknown parameter", "GET", "/v1/transactions?state=x", "", auth, "", 400, "0x80070057"},
		{"parameter twice", "GET", "/v1/transactions?limit=1&limit=2", "", auth, "", 400, "0x80070057"},
		{"parameters with a semicolon", "GET", "/v1/transactions?limit=1;status=x", "", auth, "", 400, "0x80070057"},
		{"parameter where none is", "GET", "/v1/version?x=1", "", auth, "", 400, "0x80070057"},
	}
	w := &world{response: &sutler.Response{Transaction: "{1}", Status: sutler.Committed, XML: []byte("<response/>")}}
	address := open(t, w, server.Options{Hosts: []string{"engine.example"}})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			res, got := send(t, address, c.method, c.path, c.body, c.header, c.host)
			if res.StatusCode != c.want {
				t.Fatalf("%s %s: status %d, want %d; body %s", c.method, c.path, res.StatusCode, c.want, got)
			}
			if c.want == 405 && res.Header.Get("Allow") == "" {
				t.Error("no Allow header")
			}
			if ct := res.Header.Get("Content-Type"); ct != "application/json" {
				t.Errorf("Content-Type = %q", ct)
			}
			if strings.Contains(got, token) {
				t.Error("the answer holds the token")
			}
			if c.code == "" {
				return
			}
			var body struct {
				Error map[string]any `json:"error"`
			}
			if err := json.Unmarshal([]byte(got), &body); err != nil {
				t.Fatal(err)
			}
			if body.Error["code"] != c.code || body.Error["name"] == "" || body.Error["description"] == "" || body.Error["hint"] == "" {
				t.Errorf("error = %v, want code %s, name, description and hint", body.Error, c.code)
			}
		})
	}
}

func send(t *testing.T, address, method, path, body string, header map[string]string, host string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	if host != "" {
		req.Host = host
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

// post sends a body with everything else in order.
func post(t *testing.T, address, method, path, body string) (*http.Response, string) {
	t.Helper()
	return send(t, address, method, path, body, map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json"}, "")
}

// TestBodies sends bodies that are not what the operation wants.
func TestBodies(t *testing.T) {
	cases := []struct {
		name, method, path, body string
		want                     int
		says                     string
	}{
		{"empty", "POST", "/v1/requests", "", 400, "EOF"},
		{"not JSON", "POST", "/v1/requests", "<request/>", 400, "invalid character"},
		{"not UTF-8", "POST", "/v1/requests", "{\"request\":\"<request>\xff</request>\"}", 400, "not valid UTF-8"},
		{"unknown field", "POST", "/v1/requests", `{"namespaces":"N"}`, 400, `unknown field \"namespaces\"`},
		{"wrong type", "POST", "/v1/requests", `{"request":7}`, 400, "cannot unmarshal"},
		{"two values", "POST", "/v1/requests", `{"request":"<request/>"} {}`, 400, "something follows"},
		{"trusted and named", "POST", "/v1/requests", `{"trusted":true,"namespace":"N","request":"<request/>"}`, 400, "carries its procedure inside"},
		{"not XML", "POST", "/v1/requests", `{"request":"<request>","file":"r.xml"}`, 400, "r.xml:1:"},
		{"not a request", "POST", "/v1/requests", `{"request":"<order/>","file":"r.xml"}`, 400, "order"},
		{"too long", "POST", "/v1/requests", `{"request":"` + strings.Repeat("x", 70<<10) + `"}`, 413, "limit.requestBytes"},
		{"no sources", "POST", "/v1/namespaces", `{}`, 400, "no namespace file"},
		{"unknown setting", "PUT", "/v1/settings", `{"name":"colour","value":"red"}`, 404, "no setting is called"},
		{"bad value", "PUT", "/v1/settings", `{"name":"limit.running","value":"0"}`, 400, "whole number of requests from 1"},
		{"validation", "PUT", "/v1/settings", `{"name":"validation","value":"yes"}`, 400, "want on or off"},
		{"bad status", "GET", "/v1/transactions?status=done", "", 400, "rolledBack"},
		{"bad limit", "GET", "/v1/transactions?limit=9999", "", 400, "from 1 to 1000"},
		{"no such transaction", "GET", "/v1/transactions/%7B9%7D", "", 404, "{9}"},
		{"no such namespace", "GET", "/v1/namespaces/mail", "", 404, "mail"},
	}
	w := &world{}
	address := open(t, w, server.Options{Limits: sutler.Limits{RequestBytes: 1 << 10}})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			res, got := post(t, address, c.method, c.path, c.body)
			if res.StatusCode != c.want || !strings.Contains(got, c.says) {
				t.Errorf("%s %s: status %d, want %d; body %s, want %q in it", c.method, c.path, res.StatusCode, c.want, got, c.says)
			}
			if w.got != nil {
				t.Error("the request reached the engine")
			}
		})
	}
}

// TestOutcomes shows how an end of a transaction and an error become HTTP.
func TestOutcomes(t *testing.T) {
	undone := &sutler.Error{
		Code: sutler.Exists, Err: errors.New("cannot create \"a\": it exists"), Seq: 3, Transaction: "{1}",
		Sources: []sutler.ErrorSource{{Namespace: "F", Procedure: "C"}, {Namespace: "N", Procedure: "P"}},
	}
	cases := []struct {
		name     string
		response *sutler.Response
		err      error
		want     int
	}{
		{"committed", &sutler.Response{Transaction: "{1}", Status: sutler.Committed, XML: []byte("<response><data/></response>")}, nil, 200},
		{"rolled back", &sutler.Response{Transaction: "{1}", Status: sutler.RolledBack, Err: undone, XML: []byte("<response><errorContext/></response>")}, undone, 200},
		{"in doubt", &sutler.Response{Transaction: "{1}", Status: sutler.InDoubt, Err: sutler.Errorf(sutler.Doubt, "in doubt"), XML: []byte("<response/>")}, sutler.Errorf(sutler.Doubt, "in doubt"), 200},
		{"denied", &sutler.Response{Status: sutler.RolledBack, Err: sutler.Errorf(sutler.Denied, "no"), XML: []byte("<response/>")}, sutler.Errorf(sutler.Denied, "no"), 403},
		{"busy", nil, sutler.Errorf(sutler.Busy, "busy"), 429},
		{"stopping", nil, sutler.Errorf(sutler.Stopping, "stopping"), 503},
		{"not found", nil, sutler.Errorf(sutler.NotFound, "no namespace"), 404},
		{"bad request", nil, sutler.Errorf(sutler.BadRequest, "bad"), 400},
		{"limit", nil, sutler.Errorf(sutler.LimitReached, "too many"), 422},
		{"not yet", nil, sutler.Errorf(sutler.NotYet, "queue"), 501},
		{"unknown", nil, errors.New("who knows"), 500},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := &world{response: c.response, err: c.err}
			address := open(t, w, server.Options{})
			res, body := post(t, address, "POST", "/v1/requests", `{"namespace":"N","procedure":"P","request":"<request><data><a b='é'/></data></request>","file":"r.xml"}`)
			if res.StatusCode != c.want {
				t.Fatalf("status %d, want %d; body %s", res.StatusCode, c.want, body)
			}
			if (res.Header.Get("Retry-After") != "") != (c.want == 429 || c.want == 503) {
				t.Errorf("Retry-After = %q", res.Header.Get("Retry-After"))
			}
			if w.from.Account != "local" || w.got.Namespace != "N" || w.got.Procedure != "P" || w.got.Trusted || w.got.File != "r.xml" || w.text != `<data><a b="é"/></data>` {
				t.Errorf("the engine got %+v with %s from %+v", w.got, w.text, w.from)
			}
			got, err := dial(t, address).Send(t.Context(), client.Submission{Namespace: "N", Procedure: "P", Request: "<request/>"})
			if sutler.CodeOf(err) != sutler.CodeOf(c.err) {
				t.Errorf("the client has error %v, want %v", err, c.err)
			}
			if c.response == nil {
				if got != nil {
					t.Errorf("the client has a response %v, want none", got)
				}
				return
			}
			inJSON := cmp.Transformer("JSON", func(e *sutler.Error) string { b, _ := json.Marshal(e); return string(b) })
			if diff := cmp.Diff(c.response, got, inJSON); diff != "" {
				t.Errorf("the client's response differs (-sent +got):\n%s", diff)
			}
		})
	}
}

// TestTrusted sees that a trusted request arrives as one.
func TestTrusted(t *testing.T) {
	w := &world{response: &sutler.Response{Transaction: "{1}", Status: sutler.Committed, XML: []byte("<response/>")}}
	c := dial(t, open(t, w, server.Options{}))
	_, err := c.Send(t.Context(), client.Submission{Trusted: true, Request: "<request><procedure><execute namespace='a' procedure='b'/></procedure></request>"})
	if err != nil || !w.got.Trusted || w.got.Steps == nil {
		t.Errorf("Send = %v, the engine got %+v", err, w.got)
	}
}

// TestPanic sees that a panic is an answer without its text.
func TestPanic(t *testing.T) {
	address := open(t, &world{panics: true}, server.Options{})
	res, body := post(t, address, "POST", "/v1/requests", `{"namespace":"N","procedure":"P","request":"<request/>"}`)
	if res.StatusCode != 500 || !strings.Contains(body, "0xC2100001") || strings.Contains(body, "must not see") {
		t.Errorf("status %d, body %s", res.StatusCode, body)
	}
}

// TestReading reads transactions, namespaces and settings through the client
// and compares them with what is behind the door.
func TestReading(t *testing.T) {
	tx := sutler.Transaction{
		ID: "{1}", Status: sutler.RolledBack, Caller: "ann", Namespace: "N", Procedure: "P", Code: sutler.Exists, Text: "it exists",
		Steps: []sutler.Step{{
			Seq: 2, Parents: []sutler.Frame{{Seq: 1, Namespace: "N", Procedure: "P"}}, Namespace: "F", Procedure: "C", Provider: "file",
			Type: sutler.TwoPhase, Policy: sutler.Probe, Identity: sutler.Identity{Kind: sutler.CallingUser, Account: "ann"}, Status: "undone",
			Context: "<context>secret</context>", Input: "secret", Rollback: []sutler.Pair{{Name: "secret", Value: "secret"}},
		}},
	}
	w := &world{txs: []sutler.Transaction{tx}, settings: map[string]string{"limit.running": "3"}}
	address := open(t, w, server.Options{})
	c := dial(t, address)
	ctx := t.Context()

	if _, body := post(t, address, "GET", "/v1/transactions/%7B1%7D", ""); strings.Contains(body, "secret") {
		t.Errorf("rollback data leave through the door: %s", body)
	}
	want := tx
	want.Steps = append([]sutler.Step(nil), tx.Steps...)
	want.Steps[0].Context, want.Steps[0].Input, want.Steps[0].Rollback = "", "", nil
	got, err := c.Transaction(ctx, "{1}")
	if diff := cmp.Diff(&want, got); err != nil || diff != "" {
		t.Errorf("Transaction = %v; (-want +got):\n%s", err, diff)
	}
	list, err := c.Transactions(ctx, sutler.Filter{Status: sutler.RolledBack, After: "{9}", Limit: 5})
	if err != nil || len(list) != 1 || w.filter != (sutler.Filter{Status: sutler.RolledBack, After: "{9}", Limit: 5}) {
		t.Errorf("Transactions = %v, %v with filter %v", list, err, w.filter)
	}
	nss, revision, err := c.Namespaces(ctx)
	if err != nil || revision != 7 || len(nss) != 1 || nss[0].Text != nil || nss[0].Procedures != 2 {
		t.Errorf("Namespaces = %+v, %d, %v", nss, revision, err)
	}
	ns, err := c.Namespace(ctx, "mail box")
	if err != nil || string(ns.Text) != "<namespace name='Mail Box'>é</namespace>" {
		t.Errorf("Namespace = %+v, %v", ns, err)
	}
	if err := c.SetSetting(ctx, "CallTime", "60000"); err != nil || w.settings["limit.callTime"] != "60000" {
		t.Errorf("SetSetting = %v, settings %v", err, w.settings)
	}
	settings, err := c.Settings(ctx)
	value := map[string]string{}
	for _, s := range settings {
		value[s.Name] = s.Value
	}
	if err != nil || value["limit.running"] != "3" || value["limit.callTime"] != "60000" || value["validation"] != "off" || value["limit.calls"] != "1000000" {
		t.Errorf("Settings = %v, %v", settings, err)
	}
	if v, err := c.Version(ctx); err != nil || v != "1.2.3" {
		t.Errorf("Version = %q, %v", v, err)
	}
}

// TestRegister sends namespaces and brings the problems back.
func TestRegister(t *testing.T) {
	problem := &xmltree.Problem{Rule: "PR001", File: "a.xml", Pos: xmltree.Pos{Line: 2, Col: 3}, Msg: "bad", Hint: "better", Line: "<a>"}
	src := sutler.Source{File: "a.xml", Text: []byte("<namespace/>")}
	cases := []struct {
		name     string
		problems xmltree.Problems
		err      error
		want     sutler.Code
	}{
		{"clean", nil, nil, sutler.OK},
		{"warning", xmltree.Problems{{Rule: "PR002", Msg: "hm", Warning: true}}, nil, sutler.OK},
		{"faulty", xmltree.Problems{problem}, sutler.Errorf(sutler.BadNamespace, "faulty"), sutler.BadNamespace},
		{"conflict", nil, sutler.Errorf(sutler.Conflict, "changed"), sutler.Conflict},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := &world{problems: c.problems, regErr: c.err}
			cl := dial(t, open(t, w, server.Options{}))
			for _, do := range []struct {
				f    func(context.Context, sutler.Caller, ...sutler.Source) (xmltree.Problems, error)
				lint bool
			}{{cl.Register, false}, {cl.Lint, true}} {
				got, err := do.f(t.Context(), sutler.Caller{}, src)
				if sutler.CodeOf(err) != c.want || w.linted != do.lint {
					t.Errorf("error %v, want code %v; linted %v, want %v", err, c.want, w.linted, do.lint)
				}
				if diff := cmp.Diff(len(c.problems), len(got)); diff != "" {
					t.Fatalf("problems %v", got)
				}
				for i := range got {
					if diff := cmp.Diff(c.problems[i].Error(), got[i].Error()); diff != "" {
						t.Errorf("problem differs (-sent +got):\n%s", diff)
					}
				}
				if diff := cmp.Diff([]sutler.Source{src}, w.sources); diff != "" {
					t.Errorf("sources differ: %s", diff)
				}
			}
		})
	}
}

// TestHealth tells nothing but whether the store can be read and written.
func TestHealth(t *testing.T) {
	for name, o := range map[string]struct {
		w *world
		f func() error
	}{
		"not to be read":    {&world{broken: true}, nil},
		"not to be written": {&world{}, func() error { return errors.New("disk on fire") }},
	} {
		t.Run(name, func(t *testing.T) {
			address := open(t, o.w, server.Options{Health: o.f})
			res, body := send(t, address, "GET", "/healthz", "", nil, "")
			if res.StatusCode != 503 || strings.Contains(body, "fire") {
				t.Errorf("status %d, body %s", res.StatusCode, body)
			}
		})
	}
}

// TestClientErrors shows what a client says when there is no server, or not ours.
func TestClientErrors(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/settings" {
			http.Redirect(w, r, "http://elsewhere.example/", http.StatusFound)
			return
		}
		io.WriteString(w, "<html>hello</html>")
	}))
	defer stranger.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	for _, c := range []struct{ address, says string }{
		{strings.TrimPrefix(stranger.URL, "http://"), "is it a Sutler server?"},
		{strings.TrimPrefix(closed.URL, "http://"), "sutler serve starts one"},
		{strings.TrimPrefix(cut.URL, "http://"), "whether it did what was asked is not known"},
	} {
		_, err := dial(t, c.address).Version(t.Context())
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Version at %s = %v, want %q in it", c.address, err, c.says)
		}
	}
	if _, err := dial(t, strings.TrimPrefix(stranger.URL, "http://")).Settings(t.Context()); err == nil || !strings.Contains(err.Error(), "302") {
		t.Errorf("a redirect is followed: %v", err)
	}
	dir := t.TempDir()
	if _, err := client.New(client.Options{Data: dir}); err == nil || !strings.Contains(err.Error(), "client.token") {
		t.Errorf("New without a token = %v", err)
	}
	if _, err := client.New(client.Options{Address: "nonsense", Token: token}); sutler.CodeOf(err) != sutler.BadInput {
		t.Errorf("New with a bad address = %v", err)
	}
}

// FuzzSubmit sees that no body brings the door down or gets to the engine
// without being a request.
func FuzzSubmit(f *testing.F) {
	for _, s := range []string{
		`{"namespace":"N","procedure":"P","request":"<request><data/></request>"}`, `{"trusted":true,"request":"<request><procedure/></request>"}`,
		`{"request":"<request"}`, `[]`, `{"request":null}`, `{"request":"\ud800"}`, `{`, ``, `{"Request":"<request/>","request":"<x/>"}`,
	} {
		f.Add(s)
	}
	w := &world{response: &sutler.Response{Transaction: "{1}", Status: sutler.Committed, XML: []byte("<response/>")}}
	h, err := server.New(server.Options{Engine: w, Registrar: w, Monitor: w, Config: w, Resolver: w, Leases: w, Audit: w, Admit: sutlertest.Holder(token, sutler.Caller{})})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w.got = nil
		r := httptest.NewRequest("POST", "http://localhost/v1/requests", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if !json.Valid(rec.Body.Bytes()) {
			t.Fatalf("%q: the answer is no JSON: %s", body, rec.Body)
		}
		if rec.Code == 500 || (rec.Code == 200) != (w.got != nil) {
			t.Fatalf("%q: status %d, reached the engine %v", body, rec.Code, w.got != nil)
		}
	})
}
