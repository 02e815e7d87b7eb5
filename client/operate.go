package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sutler"
)

// Resolve implements sutler.Resolver; from is not sent.
func (c *Client) Resolve(ctx context.Context, _ sutler.Caller, id sutler.TransactionID, r sutler.Resolution) (sutler.Status, error) {
	in := struct {
		Verb   sutler.Verb `json:"verb"`
		Seq    int         `json:"seq,omitempty"`
		Reason string      `json:"reason"`
	}{r.Verb, r.Seq, r.Reason}
	var out struct {
		Status sutler.Status `json:"status"`
	}
	err := c.call(ctx, http.MethodPost, "/v1/transactions/"+url.PathEscape(string(id))+"/resolve", in, &out)
	return out.Status, err
}

// Engines returns the engines that share the server's store.
func (c *Client) Engines(ctx context.Context) ([]sutler.EngineInfo, error) {
	var out struct {
		Engines []sutler.EngineInfo `json:"engines"`
	}
	err := c.call(ctx, http.MethodGet, "/v1/engines", nil, &out)
	return out.Engines, err
}

// SetEngineState changes the state of an engine; code NotFound for an unknown one.
func (c *Client) SetEngineState(ctx context.Context, name sutler.EngineID, s sutler.EngineState) error {
	in := struct {
		State sutler.EngineState `json:"state"`
	}{s}
	return c.call(ctx, http.MethodPut, "/v1/engines/"+url.PathEscape(string(name)), in, nil)
}

// Audited implements sutler.AuditLog.
func (c *Client) Audited(ctx context.Context, f sutler.AuditFilter) ([]sutler.Transaction, error) {
	q := url.Values{}
	for name, value := range map[string]string{
		"trustee": f.Trustee, "caller": f.Caller, "namespace": f.Namespace, "procedure": f.Procedure,
		"outcome": string(f.Outcome), "text": f.Text, "after": string(f.After), "from": timeText(f.From), "to": timeText(f.To),
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Limit != 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	var out struct {
		Transactions []sutler.Transaction `json:"transactions"`
	}
	err := c.call(ctx, http.MethodGet, "/v1/audit?"+q.Encode(), nil, &out)
	return out.Transactions, err
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// AuditedTransaction implements sutler.AuditLog.
func (c *Client) AuditedTransaction(ctx context.Context, id sutler.TransactionID) (*sutler.Transaction, error) {
	var tx sutler.Transaction
	if err := c.call(ctx, http.MethodGet, "/v1/audit/"+url.PathEscape(string(id)), nil, &tx); err != nil {
		return nil, err
	}
	return &tx, nil
}

// BadCommands implements sutler.AuditLog.
func (c *Client) BadCommands(ctx context.Context) ([]sutler.PendingCommand, error) {
	var out struct {
		Commands []sutler.PendingCommand `json:"commands"`
	}
	err := c.call(ctx, http.MethodGet, "/v1/bad-commands", nil, &out)
	return out.Commands, err
}
