package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"sutler"
	"sutler/procedure"
	"sutler/security"
	"sutler/xmltree"
)

// registering is what a registration is called in the audit log.
const registering = "register namespaces"

// Register compiles and checks srcs, stores all of them or none, and puts them
// in force for requests that begin afterwards; see sutler.Registrar. It returns
// at most xmltree.MostProblems problems. It is recorded before it is done, and
// what came of it, as Configure does; a call for each namespace says which one
// is added or replaced, with the hashes of the texts. Code LogFailed says that
// it was done and could not be recorded.
func (e *Engine) Register(ctx context.Context, from sutler.Caller, srcs ...sutler.Source) (xmltree.Problems, error) {
	e.register.Lock()
	defer e.register.Unlock()
	if err := e.mayRegister(from, srcs); err != nil {
		return nil, err
	}
	next, fresh, problems, wrong := e.check(srcs)
	d, err := e.doing(from, registering, e.registrations(srcs, fresh)...)
	if err != nil {
		return problems, err
	}
	defer d.free()
	if wrong != nil {
		d.failed(sutler.CodeOf(wrong), reasonOf(wrong, problems))
		return problems, wrong
	}
	rows := make([]sutler.Namespace, len(fresh))
	for i, ns := range fresh {
		rows[i] = sutler.Namespace{
			Name: ns.Name, Hash: ns.Hash, File: ns.File, Text: srcs[i].Text, Description: ns.Description,
			ProviderSource: ns.ProviderSource, Version: ns.Version, ReadOnly: ns.ReadOnly,
			Procedures: len(ns.Procedures), Registered: e.now().UTC(),
		}
	}
	revision, err := e.config.PutNamespaces(ctx, next.revision, rows...)
	if err != nil {
		err = fmt.Errorf("cannot store the namespaces: %w", err)
		d.failed(sutler.CodeOf(err), reasonOf(err, nil))
		return problems, err
	}
	next.revision = revision
	e.catalog.Store(next)
	return problems, d.done()
}

// Lint does what Register does without storing and recording.
func (e *Engine) Lint(_ context.Context, from sutler.Caller, srcs ...sutler.Source) (xmltree.Problems, error) {
	if err := e.mayRegister(from, srcs); err != nil {
		return nil, err
	}
	_, _, problems, err := e.check(srcs)
	return problems, err
}

func (e *Engine) mayRegister(from sutler.Caller, srcs []sutler.Source) error {
	if err := e.mayConfigure(from, registering); err != nil {
		return err
	}
	if len(srcs) == 0 {
		return sutler.Errorf(sutler.BadInput, "cannot register namespaces: none is given")
	}
	return nil
}

// registrations says what becomes of each source, for the audit log. fresh are
// the namespaces that were compiled, nil or missing for those that were not.
func (e *Engine) registrations(srcs []sutler.Source, fresh []*procedure.Namespace) []deed {
	now := e.catalog.Load().namespaces
	deeds := make([]deed, len(srcs))
	for i, s := range srcs {
		sum := sha256.Sum256(s.Text)
		d := deed{"add namespace", fmt.Sprintf("file %s, SHA-256 %s", security.Shown(s.File, mostName), hex.EncodeToString(sum[:]))}
		if i < len(fresh) && fresh[i] != nil {
			if old := now[procedure.Fold(fresh[i].Name)]; old != nil {
				d.what = "replace namespace"
				d.detail += ", in place of " + old.Hash
			}
			d.what += " " + security.Shown(fresh[i].Name, mostName)
		}
		deeds[i] = d
	}
	return deeds
}

// reasonOf says for the audit log why namespaces were not registered. Of
// problems it shows places and rules only, as a file may hold secrets.
func reasonOf(err error, problems xmltree.Problems) string {
	if problems.Err() != nil {
		return fmt.Sprintf("cannot register namespaces: their files have errors (%s)", security.Shown(placesOf(problems, true), mostReason))
	}
	return security.Shown(err.Error(), mostReason)
}

// placesOf names the places of the first errors.
func placesOf(problems xmltree.Problems, files bool) string {
	var places []string
	for _, p := range problems {
		if !p.Warning {
			place := strings.TrimSpace(p.Pos.String() + " " + p.Rule)
			if files {
				place = p.File + ":" + place
			}
			places = append(places, place)
		}
	}
	more := ""
	if n := len(places) - 3; n > 0 {
		places, more = places[:3], fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(places, ", ") + more
}
