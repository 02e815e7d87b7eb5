package admin

import (
	"maps"
	"slices"
	"strings"

	"sutler"
	"sutler/security"
)

// View returns who may do what without hashes and passwords.
func View(a *security.Access) sutler.AccessView {
	v := sutler.AccessView{
		Revision: a.Revision, DefaultDeny: a.DefaultDeny,
		Accounts: []sutler.AccountView{}, Lists: []sutler.ListView{}, Procedures: []sutler.ProcedureView{}, Credentials: []sutler.CredentialView{},
	}
	for _, u := range slices.Concat(a.Accounts(false), a.Accounts(true)) {
		v.Accounts = append(v.Accounts, sutler.AccountView{Name: u.Name, Group: u.Group, Disabled: u.Disabled, Password: u.Hash != "", MemberOf: u.MemberOf, Changed: u.Changed})
	}
	objects := a.Objects()
	for _, usual := range []string{security.Engines, security.Queues} {
		if !slices.Contains(objects, usual) {
			objects = append(objects, usual)
		}
	}
	for _, object := range objects {
		l := a.List(object)
		lv := sutler.ListView{Object: objectName(object), Protected: l.Protected, Entries: []sutler.EntryView{}, Usual: !slices.Contains(a.Objects(), object)}
		for _, e := range l.Entries {
			lv.Entries = append(lv.Entries, sutler.EntryView{Deny: e.Deny, Who: e.Who, Rights: e.Rights.Words()})
		}
		if !isRight(object) {
			lv.SDDL = l.SDDL()
		}
		v.Lists = append(v.Lists, lv)
	}
	all := a.ProcedureSettings()
	for _, object := range slices.Sorted(maps.Keys(all)) {
		s := all[object]
		v.Procedures = append(v.Procedures, sutler.ProcedureView{
			Procedure: objectName(object), ExecuteAs: s.ExecuteAs, Access: s.Access, Audit: s.Audit, Perf: s.Perf, SaveRollback: s.SaveRollback,
		})
	}
	for _, c := range a.Credentials() {
		v.Credentials = append(v.Credentials, sutler.CredentialView{Name: c.Name, Account: c.Account, Changed: c.Changed})
	}
	return v
}

// objectName is what people call an object.
func objectName(object string) string {
	_, name, _ := strings.Cut(object, ":")
	return name
}
