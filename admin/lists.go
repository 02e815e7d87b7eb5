package admin

import (
	"strings"

	"sutler"
	"sutler/security"
)

// target splits NAMESPACE or NAMESPACE/PROCEDURE. Names of namespaces have no
// slash.
func (a *Admin) target(name string) (namespace, procedure string, err error) {
	namespace, procedure, _ = strings.Cut(name, "/")
	if found, _ := a.Engine.HasProcedure(namespace, procedure); !found {
		return "", "", sutler.Errorf(sutler.NotFound, "no such namespace or procedure is registered")
	}
	return namespace, procedure, nil
}

// object returns the object that a name stands for.
func (a *Admin) object(name string) (string, error) {
	switch {
	case strings.EqualFold(name, "engines"):
		return security.Engines, nil
	case strings.EqualFold(name, "queues"):
		return security.Queues, nil
	}
	namespace, procedure, err := a.target(name)
	switch {
	case err != nil:
		return "", err
	case procedure == "":
		return security.NamespaceObject(namespace), nil
	}
	return security.ProcedureObject(namespace, procedure), nil
}

func (a *Admin) list(now *security.Access, c *sutler.AccessChange) ([]sutler.AccessRow, error) {
	object, err := a.object(c.Name)
	if err != nil {
		return nil, err
	}
	l := now.List(object)
	switch c.Verb {
	case sutler.ClearAccess:
		return []sutler.AccessRow{security.Row[security.List](sutler.ListRow, object, nil)}, nil
	case sutler.InheritAccess:
		if !strings.HasPrefix(object, "procedure:") {
			return nil, sutler.Errorf(sutler.BadInput, "only a procedure inherits: from its namespace")
		}
		next := l.Without("", 0)
		next.Protected = !c.On
		if c.On && len(next.Entries) == 0 {
			next = nil // nothing of its own: as if it never had a list
		}
		return []sutler.AccessRow{security.Row(sutler.ListRow, object, next)}, nil
	case sutler.ImportAccess:
		next, err := security.ListOf(c.SDDL, now, l)
		if err != nil {
			return nil, err
		}
		if isRight(object) {
			return nil, sutler.Errorf(sutler.BadInput, "SDDL has no rights for engines and queue managers; use sutler right")
		}
		return []sutler.AccessRow{security.Row(sutler.ListRow, object, next)}, nil
	}
	rights, err := rightsOf(object, c.Rights)
	if err != nil {
		return nil, err
	}
	if err := goodName(c.Who); err != nil {
		return nil, err
	}
	who := now.Principal(c.Who, l)
	if l == nil && c.Verb == sutler.RemoveAccess {
		return nil, nil // an empty list would let nobody in
	}
	next := l.Without(c.Who, rights).Without(who, rights) // it may stand there as a SID
	switch c.Verb {
	case sutler.AllowAccess:
		next = next.With(false, who, rights)
	case sutler.DenyAccess:
		next = next.With(true, who, rights)
	}
	return []sutler.AccessRow{security.Row(sutler.ListRow, object, next)}, nil
}

func isRight(object string) bool { return object == security.Engines || object == security.Queues }

// rightsOf reads the rights of a change: those of the object's kind.
func rightsOf(object string, words []string) (security.Right, error) {
	if !isRight(object) {
		for _, w := range words {
			if !strings.EqualFold(w, "execute") {
				return 0, sutler.Errorf(sutler.BadInput, "namespaces and procedures have the right execute alone, not %q", w)
			}
		}
		return security.Execute, nil
	}
	var rights security.Right
	for _, w := range words {
		r, err := security.ParseRight(w)
		if err != nil || r == security.Execute {
			return 0, sutler.Errorf(sutler.BadInput, "no right on engines and queue managers is called %q; want procedures, credentials, trusted, private or all", w)
		}
		rights |= r
	}
	if rights == 0 {
		return 0, sutler.Errorf(sutler.BadInput, "no right is named; want procedures, credentials, trusted, private or all")
	}
	return rights, nil
}
