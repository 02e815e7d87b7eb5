package engine

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"sutler"
	"sutler/security"
	"sutler/xmltree"
)

// configNamespace names the doings of administrators in the audit log.
const configNamespace = "MPF Config"

// Access returns what the installation allows now.
func (e *Engine) Access() *security.Access { return e.access.Load() }

// RefreshAccess reads who may do what anew, as another engine may have changed
// it. It counts for running transactions from their next call on. After an
// error the picture of before stays in force.
func (e *Engine) RefreshAccess(ctx context.Context) error {
	e.register.Lock()
	defer e.register.Unlock()
	return e.loadAccess(ctx)
}

func (e *Engine) loadAccess(ctx context.Context) error {
	var rows []sutler.AccessRow
	var revision int64
	var err error
	if e.rules != nil {
		if rows, revision, err = e.rules.Access(ctx); err != nil {
			return err
		}
	}
	stored, err := e.config.Settings(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the settings: %w", err)
	}
	deny := sutler.DefaultDenyOf(stored)
	if now := e.access.Load(); now != nil && now.Revision == revision && now.DefaultDeny == deny {
		return nil
	}
	a, err := security.NewAccess(rows, revision, deny)
	if err != nil {
		return err
	}
	e.access.Store(a)
	return nil
}

// mayConfigure refuses whoever may not change the configuration, and leaves a
// record of that.
func (e *Engine) mayConfigure(from sutler.Caller, what string) error {
	a := e.access.Load()
	d := a.MayConfigure(a.Caller(from))
	if d.Allowed {
		return nil
	}
	j := e.configuring(from, what)
	j.hold(sutler.Record{Kind: sutler.Refused, Namespace: configNamespace, Procedure: what, Code: sutler.Denied, Text: d.Check + ": " + d.Rule, Audited: true})
	if err := j.must(sutler.Record{Kind: sutler.RollingBackTx, Code: sutler.Denied, Text: d.Rule}, sutler.Record{Kind: sutler.RolledBackTx}); err != nil {
		e.logger.Error("cannot record a refusal", slog.String("caller", from.Account), slog.String("what", what), slog.String("error", err.Error()))
	}
	return sutler.Errorf(sutler.Denied, "cannot %s as %q: %s", what, from.Account, neutral)
}

// configuring begins the record of what an administrator does.
func (e *Engine) configuring(from sutler.Caller, what string) *journal {
	j := e.journal(e.newID(), e.Lease())
	j.hold(sutler.Record{Kind: sutler.Began, Caller: from.Account, Trustee: from.Account, Namespace: configNamespace, Procedure: what, Revision: e.catalog.Load().revision})
	return j
}

// ChangeAccess changes who may do what: make returns the rows to change, made
// from the picture it is given, and is called again when somebody else was
// faster. Only those who may configure may; what is done is recorded before it
// is in force, under the name what with the text detail, which must hold no
// secret. It counts at once here, for running transactions too, and within
// seconds in other engines. After an error nothing was changed, unless it has
// code LogFailed: then the change may be in force without its last record.
func (e *Engine) ChangeAccess(ctx context.Context, from sutler.Caller, what, detail string, make func(*security.Access) ([]sutler.AccessRow, error)) error {
	if err := e.mayConfigure(from, what); err != nil {
		return err
	}
	if e.rules == nil {
		return sutler.Errorf(sutler.NotYet, "cannot %s: this engine keeps no accounts and lists", what)
	}
	e.register.Lock()
	defer e.register.Unlock()
	doc := xmltree.New(nil)
	defer doc.Release()
	n := doc.NewElement(xmltree.Name{Local: "executeData"})
	n.AppendText(detail)
	j := e.configuring(from, what)
	if err := j.must(sutler.Record{Kind: sutler.StepStarted, Seq: 1, Namespace: configNamespace, Procedure: what, Type: sutler.Read, Audited: true,
		Identity: sutler.Identity{Kind: sutler.ServiceAccount}, Context: "<context/>", Before: n.String()}); err != nil {
		return &sutler.Error{Code: sutler.CodeOf(err), Err: fmt.Errorf("cannot %s: %w", what, err)}
	}
	err := e.changeAccess(ctx, make)
	if err != nil {
		err = &sutler.Error{Code: sutler.CodeOf(err), Err: fmt.Errorf("cannot %s: %w", what, err)}
		_ = j.must(sutler.Record{Kind: sutler.StepFailed, Seq: 1, Code: sutler.CodeOf(err), Text: err.Error()},
			sutler.Record{Kind: sutler.RollingBackTx, Code: sutler.CodeOf(err), Text: err.Error()}, sutler.Record{Kind: sutler.RolledBackTx})
		return err
	}
	if lost := j.must(sutler.Record{Kind: sutler.StepDone, Seq: 1}, sutler.Record{Kind: sutler.CommittedTx}); lost != nil {
		return &sutler.Error{Code: sutler.LogFailed, Err: fmt.Errorf("cannot record that it was done (%s): %w", what, lost)}
	}
	e.logger.Info("access changed", slog.String("caller", from.Account), slog.String("what", what), slog.String("detail", strings.TrimSpace(detail)))
	return nil
}

// mostTries bounds how often a change is made again after somebody was faster.
const mostTries = 10

func (e *Engine) changeAccess(ctx context.Context, make func(*security.Access) ([]sutler.AccessRow, error)) error {
	for try := 1; ; try++ {
		if err := e.loadAccess(ctx); err != nil {
			return err
		}
		now := e.access.Load()
		rows, err := make(now)
		if err != nil || len(rows) == 0 {
			return err
		}
		_, err = e.rules.PutAccess(ctx, now.Revision, rows...)
		if sutler.CodeOf(err) == sutler.Conflict && try < mostTries {
			continue
		}
		if err != nil {
			return err
		}
		return e.loadAccess(ctx)
	}
}
