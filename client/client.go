// Package client is the other end of package server: the operations of the
// door as methods. Errors of the server come back as the *sutler.Error that
// it met, with code, description and sources; an error on the way has code
// Failed and says what could not be reached.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"

	"sutler"
	"sutler/xmltree"
)

// maxAnswer bounds what is read of one answer, so that a wrong address cannot
// fill the memory.
const maxAnswer = 1 << 30

// Client talks to one server. It is safe for many goroutines at once.
type Client struct {
	base  url.URL
	proof string // the header Authorization; "": a certificate is the proof
	http  *http.Client
}

var (
	_ sutler.Engine    = (*Client)(nil)
	_ sutler.Registrar = (*Client)(nil)
	_ sutler.Monitor   = (*Client)(nil)
	_ sutler.Resolver  = (*Client)(nil)
	_ sutler.AuditLog  = (*Client)(nil)
)

// Close lets go of idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Submission is a request as text, so that the server's messages show the
// places of the file. Namespace and Procedure are empty in a trusted one.
type Submission struct {
	Namespace string `json:"namespace,omitempty"`
	Procedure string `json:"procedure,omitempty"`
	Trusted   bool   `json:"trusted,omitempty"`
	Request   string `json:"request"`
	File      string `json:"file,omitempty"`
}

// Send submits a request as text. Like sutler.Engine's Submit it returns the
// response on failure too, together with the error that it holds. After an
// error without a response it is not known whether the request ran.
func (c *Client) Send(ctx context.Context, s Submission) (*sutler.Response, error) {
	var out struct {
		Transaction sutler.TransactionID `json:"transaction"`
		Status      sutler.Status        `json:"status"`
		Response    string               `json:"response"`
		Error       *sutler.Error        `json:"error"`
		Repeated    bool                 `json:"repeated"`
	}
	err := c.call(ctx, http.MethodPost, "/v1/requests", s, &out)
	if out.Transaction == "" && out.Response == "" {
		return nil, err
	}
	res := &sutler.Response{Transaction: out.Transaction, Status: out.Status, Err: out.Error, XML: []byte(out.Response), Repeated: out.Repeated}
	if out.Error != nil {
		return res, out.Error
	}
	return res, err
}

// Submit implements sutler.Engine. Who calls is decided by the token: from is
// not sent. The request is released.
func (c *Client) Submit(ctx context.Context, _ sutler.Caller, req *sutler.Request) (*sutler.Response, error) {
	defer req.Doc.Release()
	return c.Send(ctx, Submission{
		Namespace: req.Namespace, Procedure: req.Procedure, Trusted: req.Trusted,
		Request: req.Doc.Root().String(), File: req.File,
	})
}

// Transactions implements sutler.Monitor.
func (c *Client) Transactions(ctx context.Context, f sutler.Filter) ([]sutler.Transaction, error) {
	q := url.Values{}
	if f.Status != "" {
		q.Set("status", string(f.Status))
	}
	if f.After != "" {
		q.Set("after", string(f.After))
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	var out struct {
		Transactions []sutler.Transaction `json:"transactions"`
	}
	err := c.call(ctx, http.MethodGet, "/v1/transactions?"+q.Encode(), nil, &out)
	return out.Transactions, err
}

// Transaction implements sutler.Monitor.
func (c *Client) Transaction(ctx context.Context, id sutler.TransactionID) (*sutler.Transaction, error) {
	var tx sutler.Transaction
	if err := c.call(ctx, http.MethodGet, "/v1/transactions/"+url.PathEscape(string(id)), nil, &tx); err != nil {
		return nil, err
	}
	return &tx, nil
}

// Namespaces returns the namespaces of the server, those built in included,
// without their text, and the revision of the catalog.
func (c *Client) Namespaces(ctx context.Context) ([]sutler.Namespace, int64, error) {
	var out struct {
		Revision   int64              `json:"revision"`
		Namespaces []sutler.Namespace `json:"namespaces"`
	}
	err := c.call(ctx, http.MethodGet, "/v1/namespaces", nil, &out)
	return out.Namespaces, out.Revision, err
}

// Namespace returns one namespace with its text; code NotFound for an unknown one.
func (c *Client) Namespace(ctx context.Context, name string) (*sutler.Namespace, error) {
	var out struct {
		sutler.Namespace
		Source string `json:"text"`
	}
	if err := c.call(ctx, http.MethodGet, "/v1/namespaces/"+url.PathEscape(name), nil, &out); err != nil {
		return nil, err
	}
	out.Text = []byte(out.Source)
	return &out.Namespace, nil
}

// Register implements sutler.Registrar; from is not sent.
func (c *Client) Register(ctx context.Context, _ sutler.Caller, srcs ...sutler.Source) (xmltree.Problems, error) {
	return c.register(ctx, srcs, false)
}

// Lint implements sutler.Registrar; from is not sent.
func (c *Client) Lint(ctx context.Context, _ sutler.Caller, srcs ...sutler.Source) (xmltree.Problems, error) {
	return c.register(ctx, srcs, true)
}

func (c *Client) register(ctx context.Context, srcs []sutler.Source, check bool) (xmltree.Problems, error) {
	type source struct {
		File string `json:"file"`
		Text string `json:"text"`
	}
	in := struct {
		Sources []source `json:"sources"`
		Check   bool     `json:"check"`
	}{Check: check}
	for _, s := range srcs {
		in.Sources = append(in.Sources, source{s.File, string(s.Text)})
	}
	var out struct {
		Registered bool             `json:"registered"`
		Problems   xmltree.Problems `json:"problems"`
	}
	err := c.call(ctx, http.MethodPost, "/v1/namespaces", in, &out)
	return out.Problems, err
}

// Settings returns every setting with its value.
func (c *Client) Settings(ctx context.Context) ([]sutler.Setting, error) {
	var out struct {
		Settings []sutler.Setting `json:"settings"`
	}
	err := c.call(ctx, http.MethodGet, "/v1/settings", nil, &out)
	return out.Settings, err
}

// SetSetting sets one setting; the empty value brings its default back.
func (c *Client) SetSetting(ctx context.Context, name, value string) error {
	in := struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}{name, value}
	return c.call(ctx, http.MethodPut, "/v1/settings", in, nil)
}

// Version returns the version of the server.
func (c *Client) Version(ctx context.Context) (string, error) {
	var out struct {
		Version string `json:"version"`
	}
	err := c.call(ctx, http.MethodGet, "/v1/version", nil, &out)
	return out.Version, err
}

// call sends in, if there is one, and reads the answer into out, if there is
// one. An answer with an error is read into out too and the error returned.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	req, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return sutler.Errorf(sutler.Cancelled, "cannot wait for the server at %s: %w", c.base.Host, cause)
		}
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return c.unanswered(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return sutler.Errorf(sutler.Failed, "cannot read the answer of the server at %s: %w", c.base.Host, err)
	}
	if res.StatusCode == http.StatusBadRequest && c.base.Scheme == "http" && bytes.Contains(body, []byte("HTTPS server")) { // the words of net/http
		return sutler.Errorf(sutler.Failed, "cannot talk to the server at %s without TLS: nothing was asked; say https://%[1]s", c.base.Host)
	}
	if media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); media != "application/json" {
		return sutler.Errorf(sutler.Failed, "cannot read the answer of the server at %s: %s without JSON; is it a Sutler server?", c.base.Host, res.Status)
	}
	if out != nil {
		if err := json.Unmarshal(body, out); err != nil {
			return sutler.Errorf(sutler.Failed, "cannot read the answer of the server at %s: %w", c.base.Host, err)
		}
	}
	if res.StatusCode/100 == 2 {
		return nil
	}
	var refusal struct {
		Error *sutler.Error `json:"error"`
	}
	if err := json.Unmarshal(body, &refusal); err != nil || refusal.Error == nil {
		return sutler.Errorf(sutler.Failed, "cannot read the answer of the server at %s: %s without an error in it", c.base.Host, res.Status)
	}
	return refusal.Error
}

// unanswered says why no answer came, and whether the server got the question.
func (c *Client) unanswered(err error) error {
	fail := func(verb, hint string) error {
		return sutler.Errorf(sutler.Failed, "cannot %s the server at %s: %w; %s", verb, c.base.Host, err, hint)
	}
	var dial *net.OpError
	var cert *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return fail("reach", "is it running? sutler serve starts one")
	case errors.As(err, &cert):
		err = cert.Err
		return fail("trust", "nothing was asked; --ca names the authority of its certificate, and serve --host the names that are in it")
	case errors.As(err, &plain):
		return fail("talk TLS with", "nothing was asked; leave https:// out if it has none")
	}
	return fail("read the answer of", "whether it did what was asked is not known")
}

func (c *Client) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	var body io.Reader
	if in != nil {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(in); err != nil {
			return nil, fmt.Errorf("cannot encode a request: %w", err)
		}
		body = &b
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, body)
	if err != nil {
		return nil, sutler.Errorf(sutler.BadInput, "cannot use address %q: %w", c.base.Host, err)
	}
	if c.proof != "" {
		req.Header.Set("Authorization", c.proof)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}
