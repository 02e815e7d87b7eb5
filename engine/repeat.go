package engine

import (
	"cmp"
	"context"
	"time"

	"sutler"
)

// repetition is what tells a repeated request from a new one.
type repetition struct {
	trustee, client, digest string // all empty without a clientTransactionId
}

// asked returns what tells whether req was submitted before.
func (e *Engine) asked(from sutler.Caller, req *sutler.Request) repetition {
	client := req.Client()
	if client == "" {
		return repetition{}
	}
	trustee := from.Account
	if s := req.Context.Child("securityContext"); s != nil && req.Trusted && s.Attr("trustee") != "" {
		trustee = s.Attr("trustee")
	}
	return repetition{trustee, client, req.Digest()}
}

// The pauses between looks at a transaction that another engine works on.
const (
	firstLook = 20 * time.Millisecond
	lastLook  = time.Second
)

// seen returns the transaction that the trustee began under the same
// clientTransactionId before, "" for a new request.
func (e *Engine) seen(ctx context.Context, asked repetition) (sutler.TransactionID, error) {
	if asked.client == "" {
		return "", nil
	}
	return e.log.Find(ctx, asked.trustee, asked.client)
}

// repeated answers a request whose clientTransactionId the trustee has used
// before: as the first one was answered, once it is. It is asked only when
// there is one, and holds no place among the running requests.
func (e *Engine) repeated(ctx context.Context, asked repetition) (*sutler.Response, error) {
	id, err := e.seen(ctx, asked)
	if err != nil {
		return refusal(err)
	}
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		end := e.atWork(id)
		_, tx, err := e.read(ctx, id)
		switch code := sutler.CodeOf(err); {
		case code == sutler.NotFound && id == "": // cut off by retention in this very moment
			return refusal(sutler.Errorf(sutler.Conflict, "cannot run the request: the log has just forgotten the clientTransactionId %q; submit it again", asked.client))
		case code == sutler.NotFound: // another engine has begun it just now
		case err != nil:
			return refusal(err)
		case tx.Digest != asked.digest:
			return refusal(sutler.Errorf(sutler.Duplicate, "cannot run the request: %q has used the clientTransactionId %q for another request, transaction %s",
				asked.trustee, asked.client, id))
		case tx.Status.Final(), tx.Status.Waiting(), !tx.Due.IsZero():
			return repeatedAnswer(tx)
		}
		timer := time.NewTimer(pause)
		if end != nil { // it runs here
			timer.Stop()
		}
		select {
		case <-end:
		case <-timer.C:
		case <-e.stopped:
			timer.Stop()
			resp, err := answerOf(id, sutler.Active, sutler.Errorf(sutler.Stopping, "cannot wait for transaction %s, which the same request began before: the engine is stopping", id))
			resp.Repeated = true
			return resp, err
		case <-ctx.Done():
			timer.Stop()
			resp, err := answerOf(id, sutler.Active, sutler.Errorf(sutler.Cancelled, "cannot wait for transaction %s, which the same request began before: %w", id, context.Cause(ctx)))
			resp.Repeated = true
			return resp, err
		}
	}
}

// repeatedAnswer answers as a transaction was answered. Where nothing is
// sealed, elements marked do-not-log are masked in it, because the log keeps
// them so.
func repeatedAnswer(tx *sutler.Transaction) (*sutler.Response, error) {
	if tx.Status == sutler.Committed || tx.Forward && !tx.Status.Waiting() {
		return &sutler.Response{Transaction: tx.ID, Status: tx.Status, XML: []byte(cmp.Or(tx.Answer, tx.Response)), Repeated: true}, nil
	}
	text := tx.Text
	if tx.Status.Waiting() || !tx.Due.IsZero() { // why is for operators
		text = "the transaction that the same request began before is not finished; an operator can see why"
	}
	resp, err := answerOf(tx.ID, tx.Status, sutler.Errorf(tx.Code, "%s", text))
	if tx.Response != "" && !tx.Status.Waiting() {
		resp.XML = []byte(tx.Response)
	}
	resp.Repeated = true
	return resp, err
}
