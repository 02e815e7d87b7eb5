package admin

import (
	"maps"
	"slices"
	"strings"

	"sutler"
	"sutler/security"
)

// View returns who may do what without hashes and passwords. Namespaces and
// procedures have their names in the case as registered, and in small letters
// when they are registered no more.
func (a *Admin) View() sutler.AccessView {
	now := a.Engine.Access()
	v := sutler.AccessView{
		Revision: now.Revision, DefaultDeny: now.DefaultDeny,
		Accounts: []sutler.AccountView{}, Lists: []sutler.ListView{}, Procedures: []sutler.ProcedureView{}, Credentials: []sutler.CredentialView{},
	}
	for _, u := range slices.Concat(now.Accounts(false), now.Accounts(true)) {
		v.Accounts = append(v.Accounts, sutler.AccountView{Name: u.Name, Group: u.Group, Disabled: u.Disabled, Password: u.Hash != "", MemberOf: u.MemberOf, Changed: u.Changed})
	}
	objects := now.Objects()
	for _, usual := range []string{security.Engines, security.Queues} {
		if !slices.Contains(objects, usual) {
			objects = append(objects, usual)
		}
	}
	for _, object := range objects {
		l := now.List(object)
		lv := sutler.ListView{Object: a.objectName(object), Protected: l.Protected, Entries: []sutler.EntryView{}, Usual: !slices.Contains(now.Objects(), object)}
		for _, e := range l.Entries {
			lv.Entries = append(lv.Entries, sutler.EntryView{Deny: e.Deny, Who: e.Who, Rights: e.Rights.Words()})
		}
		if !isRight(object) {
			lv.SDDL = l.SDDL()
		}
		v.Lists = append(v.Lists, lv)
	}
	all := now.ProcedureSettings()
	for _, object := range slices.Sorted(maps.Keys(all)) {
		s := all[object]
		v.Procedures = append(v.Procedures, sutler.ProcedureView{
			Procedure: a.objectName(object), ExecuteAs: s.ExecuteAs, Access: s.Access, Audit: s.Audit, Perf: s.Perf, SaveRollback: s.SaveRollback,
		})
	}
	for _, c := range now.Credentials() {
		v.Credentials = append(v.Credentials, sutler.CredentialView{Name: c.Name, Account: c.Account, Changed: c.Changed})
	}
	return v
}

// objectName is what people call an object.
func (a *Admin) objectName(object string) string {
	kind, name, _ := strings.Cut(object, ":")
	if kind == "right" {
		return name
	}
	namespace, procedure, ofProcedure := strings.Cut(name, "/")
	if namespace, procedure = a.Engine.Registered(namespace, procedure); ofProcedure {
		return namespace + "/" + procedure
	}
	return namespace
}
