package engine

import (
	"fmt"
	"log/slog"
	"strings"

	"sutler"
	"sutler/security"
	"sutler/xmltree"
)

// How many bytes of a name and of a reason from outside go into a record of the
// doings of administrators.
const (
	mostName   = 200
	mostReason = 1000
)

// mayConfigure refuses whoever may not change the configuration, and leaves a
// record of that.
func (e *Engine) mayConfigure(from sutler.Caller, what string) error {
	a := e.access.Load()
	d := a.MayConfigure(a.Caller(from))
	if d.Allowed {
		return nil
	}
	what = security.Shown(what, mostName)
	if err := e.RecordRefusal(Refusal{Caller: from.Account, Trustee: from.Account, What: what, Text: d.Check + ": " + d.Rule}); err != nil {
		e.logger.Error("cannot record a refusal", slog.String("caller", from.Account), slog.String("what", what), slog.String("error", err.Error()))
	}
	return sutler.Errorf(sutler.Denied, "cannot %s as %q: %s", what, from.Account, neutral)
}

// Refusal is what somebody was not let do outside of requests.
type Refusal struct {
	Caller  string // who asked, as far as it was proved; "" when nothing was
	Trustee string // who that claimed to be; not to be trusted unless it is Caller
	What    string // what was not allowed
	Text    string // why, without secrets
}

// RecordRefusal leaves a record of r in the audit log, where it is durable when
// RecordRefusal returns. Names and texts are cut, and control characters in them
// escaped. An error with code LogRefused says that nothing was written.
func (e *Engine) RecordRefusal(r Refusal) error {
	what, text := security.Shown(r.What, mostName), security.Shown(r.Text, mostReason)
	j := e.journal(e.newID(), e.Lease())
	free, _ := e.claim(j.id) // so that nobody recovers it meanwhile
	defer free()
	j.hold(sutler.Record{
		Kind: sutler.Began, Caller: security.Shown(r.Caller, mostName), Trustee: security.Shown(r.Trustee, mostName),
		Namespace: sutler.ConfigNamespace, Procedure: what, Revision: e.catalog.Load().revision,
	})
	j.hold(sutler.Record{Kind: sutler.Refused, Namespace: sutler.ConfigNamespace, Procedure: what, Code: sutler.Denied, Text: text, Audited: true})
	return j.must(sutler.Record{Kind: sutler.RollingBackTx, Code: sutler.Denied, Text: text}, sutler.Record{Kind: sutler.RolledBackTx})
}

// Configure lets from, who must be one of those who may configure, do
// something to the configuration. It is recorded before it is done, under the
// name what with the text detail, which must hold no secret. An error of do
// says that nothing was changed, and is taken as it is when it begins with
// cannot, else put behind what; code LogFailed says that it was done and could
// not be recorded.
func (e *Engine) Configure(from sutler.Caller, what, detail string, do func() error) error {
	if err := e.mayConfigure(from, what); err != nil {
		return err
	}
	d, err := e.doing(from, what, deed{what, detail})
	if err != nil {
		return err
	}
	defer d.free()
	if err := do(); err != nil {
		if !strings.HasPrefix(err.Error(), "cannot ") {
			err = fmt.Errorf("cannot %s: %w", what, err)
		}
		err = &sutler.Error{Code: sutler.CodeOf(err), Err: err}
		d.failed(sutler.CodeOf(err), err.Error())
		return err
	}
	return d.done()
}

// deed is a part of what an administrator does.
type deed struct{ what, detail string }

// doing is something that an administrator does to the configuration. Its
// record is that of a transaction whose calls read: after a crash in the middle
// there is nothing to undo, and the record says that it was interrupted.
type doing struct {
	e     *Engine
	j     *journal
	from  sutler.Caller
	what  string
	deeds []deed
	free  func()
}

// doing makes it durable that from is about to do something that may be done.
// The caller calls free in the end, and done or failed before it.
func (e *Engine) doing(from sutler.Caller, what string, deeds ...deed) (*doing, error) {
	d := &doing{e: e, j: e.journal(e.newID(), e.Lease()), from: from, what: what, deeds: deeds}
	d.j.hold(sutler.Record{
		Kind: sutler.Began, Caller: from.Account, Trustee: from.Account, Namespace: sutler.ConfigNamespace, Procedure: security.Shown(what, mostName),
		Revision: e.catalog.Load().revision,
	})
	doc := xmltree.New(nil)
	defer doc.Release()
	for i, part := range deeds {
		n := doc.NewElement(xmltree.Name{Local: "executeData"})
		n.AppendText(part.detail)
		d.j.hold(sutler.Record{
			Kind: sutler.StepStarted, Seq: i + 1, Namespace: sutler.ConfigNamespace, Procedure: security.Shown(part.what, 2*mostName), Type: sutler.Read, Audited: true,
			Identity: sutler.Identity{Kind: sutler.ServiceAccount}, Context: "<context/>", Before: n.String(),
		})
	}
	d.free, _ = e.claim(d.j.id) // so that nobody recovers it meanwhile
	if err := d.j.must(); err != nil {
		d.free()
		return nil, &sutler.Error{Code: sutler.CodeOf(err), Err: fmt.Errorf("cannot %s: %w", what, err)}
	}
	return d, nil
}

// done records that it was done. An error has code LogFailed.
func (d *doing) done() error {
	for i := range d.deeds {
		d.j.hold(sutler.Record{Kind: sutler.StepDone, Seq: i + 1})
	}
	if lost := d.j.must(sutler.Record{Kind: sutler.CommittedTx}); lost != nil {
		return &sutler.Error{Code: sutler.LogFailed, Err: fmt.Errorf("cannot record that it was done (%s): %w", d.what, lost)}
	}
	for _, part := range d.deeds {
		d.e.logger.Debug("configuration changed", slog.String("caller", d.from.Account), slog.String("what", part.what), slog.String("detail", part.detail))
	}
	return nil
}

// failed records that nothing was changed. The text must hold no secret.
func (d *doing) failed(code sutler.Code, text string) {
	for i := range d.deeds {
		d.j.hold(sutler.Record{Kind: sutler.StepFailed, Seq: i + 1, Code: code, Text: text})
	}
	_ = d.j.must(sutler.Record{Kind: sutler.RollingBackTx, Code: code, Text: text}, sutler.Record{Kind: sutler.RolledBackTx})
}
