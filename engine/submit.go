package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"sutler"
	"sutler/procedure"
	"sutler/security"
	"sutler/xmltree"
)

// Submit runs req for from as one transaction; see sutler.Engine. The walk,
// commit and rollback follow each other here and nowhere else.
func (e *Engine) Submit(ctx context.Context, from sutler.Caller, req *sutler.Request) (*sutler.Response, error) {
	resp, asked, err := e.submit(ctx, from, req)
	if resp == nil {
		return e.repeated(ctx, asked)
	}
	return resp, err
}

// submit is Submit for a request that is not a repetition. For one that is,
// there is no response, nothing was touched, and no place is held any more that
// others need while it waits.
func (e *Engine) submit(ctx context.Context, from sutler.Caller, req *sutler.Request) (resp *sutler.Response, asked repetition, failure error) {
	refusal := func(err error) (*sutler.Response, repetition, error) {
		resp, err := refusal(err)
		return resp, asked, err
	}
	var w *walk
	defer func() {
		if w == nil || !w.kept {
			req.Doc.Release()
		}
	}()
	leave, err := e.enter(ctx)
	if err != nil {
		return refusal(err)
	}
	defer leave()
	var inline *procedure.Procedure
	if err := e.current(ctx); err != nil {
		return refusal(&sutler.Error{Code: sutler.CodeOf(err), Err: fmt.Errorf("cannot run the request: %w", err)})
	}
	access := e.access.Load()
	may := security.Last(access.MaySubmit(access.Caller(from), security.Engines, submissionOf(req)))
	if may.Allowed {
		if inline, err = e.inline(req); err != nil {
			return refusal(err)
		}
	}
	if may.Allowed { // a request that is refused takes no clientTransactionId
		asked = e.asked(from, req)
		id, err := e.seen(ctx, asked)
		if err != nil {
			return refusal(err)
		}
		if id != "" {
			return nil, asked, nil
		}
	}
	w, f, j, err := e.begin(ctx, from, req, inline, asked)
	if err != nil {
		return refusal(err)
	}
	free, _ := e.claim(j.id)
	defer free()
	var a answer
	err = e.guarded(j, func() (err error) {
		if !may.Allowed {
			return w.denied(req, may)
		}
		if err := w.request(f, inline, req); err != nil {
			return err
		}
		a, err = w.answer(f)
		return err
	})
	if err := e.guarded(j, func() error {
		if err == nil {
			resp, failure = e.finish(j, a)
		} else {
			resp, failure = e.fail(j, err)
		}
		return nil
	}); err != nil {
		resp, failure = e.letGo(j, err)
		return resp, asked, failure
	}
	if sutler.CodeOf(j.lost) == sutler.Duplicate { // another one began meanwhile; this one has touched nothing
		return nil, asked, nil
	}
	return resp, asked, failure
}

// guarded runs f. A panic of the engine's own code becomes an error, which no
// catch has seen, so that a transaction is decided while the process lives on.
func (e *Engine) guarded(j *journal, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			e.logger.Error("the engine panicked", slog.String("transaction", string(j.id)), slog.String("panic", j.secrets.hide(fmt.Sprint(v))), slog.String("stack", string(debug.Stack())))
			err = sutler.Errorf(sutler.Unexpected, "cannot go on with transaction %s: the engine met a state that it should not be in", j.id)
		}
	}()
	return f()
}

// denied records that the request was not allowed.
func (w *walk) denied(req *sutler.Request, d security.Decision) error {
	w.world.refuse(0, req.Namespace, req.Procedure, d, false)
	return &sutler.Error{
		Code: sutler.Denied, Err: fmt.Errorf("cannot submit as %q: %s", w.caller.Account, neutral),
		Sources: []sutler.ErrorSource{{Namespace: req.Namespace, Procedure: req.Procedure}},
	}
}

// neutral is what a caller is told of a refusal; the audit log has the rule.
const neutral = "access is denied; the audit log says which rule refused"

// submissionOf returns what the rules look at in a request.
func submissionOf(req *sutler.Request) security.Submission {
	s := security.Submission{Trusted: req.Trusted}
	if req.Context == nil {
		return s
	}
	c := req.Context.Child("securityContext")
	if c == nil {
		return s
	}
	s.Context, s.Trustee = true, c.Attr("trustee")
	for _, name := range []string{"impersonate", "sensitive", "trusted"} {
		if v := c.Attr(name); v != "" && v != "0" {
			s.StartValue = name
		}
	}
	if a := c.Child("authentication"); a != nil {
		s.Credentials = true
		if b := a.Child("basic"); b != nil {
			s.NoPassword = b.Attr("password") == ""
		}
	}
	return s
}

// inline compiles the procedure of a trusted request, and refuses a request
// that is not of the kind it was submitted as (schema B.27).
func (e *Engine) inline(req *sutler.Request) (*procedure.Procedure, error) {
	switch {
	case req.Trusted && req.Steps == nil:
		return nil, sutler.Errorf(sutler.BadRequest, "cannot run the trusted request %s: it has no procedure element; name a namespace and a procedure to submit it as a simple one", req.File)
	case !req.Trusted && req.Steps != nil:
		return nil, sutler.Errorf(sutler.BadRequest, "cannot run the simple request %s: it has a procedure element; submit it as a trusted one", req.File)
	case !req.Trusted && (req.Namespace == "" || req.Procedure == ""):
		return nil, sutler.Errorf(sutler.BadRequest, "cannot run the simple request %s: it names no namespace and procedure", req.File)
	case !req.Trusted:
		return nil, nil
	}
	p, problems := procedure.CompileInline(req)
	if err := problems.Err(); err != nil {
		return nil, &sutler.Error{Code: sutler.BadRequest, Err: err}
	}
	return p, nil
}

// begin makes the transaction: its walk, the frame the request runs in and
// its journal, whose record that the transaction began may wait.
func (e *Engine) begin(ctx context.Context, from sutler.Caller, req *sutler.Request, inline *procedure.Procedure, asked repetition) (*walk, *frame, *journal, error) {
	j := e.journal(e.newID(), e.Lease())
	j.live = true
	cat := e.catalog.Load()
	w := &walk{
		ctx: ctx, world: &local{e: e, j: j}, catalog: cat, limits: e.limits, id: j.id, caller: from,
		asks: submissionOf(req), bag: &sutler.Bag{}, trace: e.trace, checks: e.validate,
		budget: e.limits.Budget(),
	}
	doc := req.Doc
	doc.ChargeTo(w.budget)
	f := &frame{cases: map[string]string{}, data: req.Data}
	if f.data == nil {
		f.data = doc.NewElement(xmltree.Name{Local: "data"})
	}
	f.data.Detach()
	if err := doc.NewRoot().Append(f.data); err != nil {
		return nil, nil, nil, err
	}
	if err := w.requestContext(f, req); err != nil {
		return nil, nil, nil, err
	}
	began := sutler.Record{
		Kind: sutler.Began, Caller: from.Account, Trustee: w.trustee, Client: asked.client, Digest: asked.digest,
		Namespace: req.Namespace, Procedure: req.Procedure, Revision: cat.revision,
	}
	if inline != nil {
		began.Programs = []string{inline.Hash}
		var err error
		if f.procedureData, err = private(doc, inline); err != nil {
			return nil, nil, nil, err
		}
	}
	j.secrets.learn(slices.Concat(secretsIn(f.data), secretsIn(f.context), secretsIn(f.procedureData))...)
	if f.sensitive {
		w.private = true
		j.secrets.learnAll(f.data)
	}
	j.hold(began)
	w.started = j.records[0].At
	return w, f, j, nil
}

// requestContext makes the context of the request's frame: what the request
// sent, with the transaction's own ID and the trustee filled in.
func (w *walk) requestContext(f *frame, req *sutler.Request) error {
	doc := req.Doc
	f.context = req.Context
	if f.context == nil {
		f.context = doc.NewElement(xmltree.Name{Local: "context"})
	}
	f.context.Detach()
	if err := doc.NewRoot().Append(f.context); err != nil {
		return err
	}
	if t := f.context.Child("transactionContext"); t != nil {
		t.Detach()
	}
	t := doc.NewElement(xmltree.Name{Local: "transactionContext"})
	t.SetAttr(xmltree.Name{Local: "transactionId"}, string(w.id))
	if err := f.context.InsertBefore(t, f.context.First()); err != nil {
		return err
	}
	st := startOf(w.caller, req)
	w.trustee, f.identity, f.sensitive, f.trusted = st.trustee, st.identity, st.sensitive, st.trusted
	if s := f.context.Child("securityContext"); s != nil && !req.Trusted {
		s.SetAttr(xmltree.Name{Local: "trustee"}, w.caller.Account)
	}
	return nil
}

// request runs the steps of a trusted request, or calls the procedure of a
// simple one with the request's data as its executeData (schema C.3.1, C.3.2).
func (w *walk) request(f *frame, inline *procedure.Procedure, req *sutler.Request) error {
	if inline != nil {
		return w.run(f, inline.Body)
	}
	f.data.Rename(xmltree.Name{Local: "executeData"})
	var err error
	in := &invocation{
		namespace: req.Namespace, procedure: req.Procedure, data: f.data, at: procedure.Place{File: req.File},
		impersonate: f.identity.Impersonate, sensitive: f.sensitive, trusted: f.trusted,
	}
	if err = w.permit(f, in); err != nil {
		return w.refused(in, err)
	}
	w.kept = true // after a panic nobody knows
	err, w.kept = w.callNamed(f, in)
	if err != nil {
		return err
	}
	f.data = in.data
	f.data.Rename(xmltree.Name{Local: "data"})
	return nil
}

// answer is the element response of a request that went well, as its caller
// gets it and as the log keeps it, without secrets.
type answer struct{ sent, kept string }

// secret returns the answer as it was sent, if what the log keeps readable is
// not the same.
func (a answer) secret() string {
	if a.sent == a.kept {
		return ""
	}
	return a.sent
}

func (w *walk) answer(f *frame) (answer, error) {
	doc := f.data.Document()
	r := doc.NewElement(xmltree.Name{Local: "response"})
	f.data.Detach()
	if err := r.Append(f.data); err != nil {
		return answer{}, err
	}
	sent, err := written(r)
	switch secrets := w.world.secrets(); {
	case err != nil:
		return answer{}, err
	case w.private:
		return answer{sent, hiddenResponse}, nil
	case holdsSecret(r) || secrets.within(r):
		return answer{sent, secrets.xml(r)}, nil
	}
	return answer{sent, sent}, nil
}

// finish commits and answers.
func (e *Engine) finish(j *journal, a answer) (*sutler.Response, error) {
	status, cause, err := e.commit(j, a)
	switch {
	case err != nil && j.lost == nil: // the log refused
		return e.fail(j, err)
	case err != nil:
		return e.letGo(j, err)
	case cause != nil:
		return e.fail(j, cause)
	case status == sutler.InDoubt || status == sutler.Preparing: // or it is not known yet
		return e.inDoubt(j, status)
	}
	return &sutler.Response{Transaction: j.id, Status: status, XML: []byte(a.sent)}, nil
}

// fail rolls back and answers with the error that ended the walk.
func (e *Engine) fail(j *journal, err error) (*sutler.Response, error) {
	if j.lost != nil {
		return e.letGo(j, j.lost)
	}
	cause := errorOf(err)
	cause.Transaction = j.id
	if errors.Is(err, errDoubt) {
		return answerOf(j.id, sutler.InDoubt, cause)
	}
	status, rerr := e.rollback(j, cause, errorResponse(j.secrets.hideError(cause)), false)
	if rerr != nil {
		return e.letGo(j, rerr)
	}
	return answerOf(j.id, status, cause)
}

// inDoubt answers for a transaction whose commit failed, and names the call.
func (e *Engine) inDoubt(j *journal, status sutler.Status) (*sutler.Response, error) {
	last := j.records[len(j.records)-1]
	answer := &sutler.Error{Code: last.Code, Err: errors.New(last.Text), Seq: last.Seq}
	if tx, err := j.transaction(); err == nil {
		for i := range tx.Steps {
			s := &tx.Steps[i]
			if s.Seq == last.Seq {
				answer.Sources = sourcesOf(s)
			}
			if s.Identity.Kind == sutler.ExecuteAs {
				answer.Err = errors.New(withoutNames(answer.Err.Error(), s.Identity.Account))
			}
		}
	}
	return answerOf(j.id, status, answer)
}

// letGo answers for a transaction whose log failed: nothing more is touched.
func (e *Engine) letGo(j *journal, err error) (*sutler.Response, error) {
	if sutler.CodeOf(err) == sutler.Duplicate {
		return refusal(err)
	}
	e.later(j.id, paused{at: j.now(), lease: j.lease, lost: j.lease})
	e.logger.Error("let go of a transaction", slog.String("transaction", string(j.id)), slog.String("error", j.secrets.hide(err.Error())))
	code := sutler.CodeOf(err)
	if code != sutler.LogRefused && code != sutler.Unexpected {
		code = sutler.LogFailed
	}
	status := sutler.Active
	if tx, ferr := sutler.Fold(j.records[:max(j.durable, 1)]); ferr == nil {
		status = tx.Status
	}
	return answerOf(j.id, status, &sutler.Error{Code: code, Err: fmt.Errorf(
		"cannot finish transaction %s: %w; recovery will finish it", j.id, err)})
}

// refusal answers a request that did not become a transaction.
func refusal(err error) (*sutler.Response, error) {
	return answerOf("", sutler.RolledBack, errorOf(err))
}

func answerOf(id sutler.TransactionID, status sutler.Status, e *sutler.Error) (*sutler.Response, error) {
	e.Transaction = id
	return &sutler.Response{Transaction: id, Status: status, Err: e, XML: []byte(errorResponse(e))}, e
}
