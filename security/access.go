// Package security answers the two questions of every call: may this trustee
// call that procedure, and as whom does the provider act? Each answer is one
// pure function of an Access, the picture of what an installation allows, so
// that a refusal can name the rule that refused, and what explains a decision
// is what made it.
package security

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sutler"
)

// The principals that exist beside the five groups of MPF and are in no
// directory.
const (
	Administrators     = "Administrators"      // SDDL alias BA; may do everything
	AuthenticatedUsers = "Authenticated Users" // AU: everybody whose name is known
	Anonymous          = "Anonymous"           // AN: a caller of whom nothing is known
	Everyone           = "Everyone"            // WD: everybody but Anonymous
)

// builtinGroups are the groups that exist from the start and may have members.
var builtinGroups = []string{Administrators, sutler.MPFAdmins, sutler.MPFAuditors, sutler.MPFServiceAccts, sutler.MPFClientAccts, sutler.MPFTrustedUsers}

// Account is a user or a group of the installation.
type Account struct {
	Name     string    `json:"name"` // in the case as added; compared without regard to it
	Group    bool      `json:"group,omitempty"`
	Disabled bool      `json:"disabled,omitempty"`
	Hash     string    `json:"hash,omitempty"`     // of the password; "" for a user who cannot log in by password
	MemberOf []string  `json:"memberOf,omitempty"` // groups, by name
	Changed  time.Time `json:"changed,omitzero"`   // of the password or the state
}

// ProcedureSettings are what an administrator sets for a procedure; what is
// empty stays as the namespace says (MPF: properties of a procedure).
type ProcedureSettings struct {
	ExecuteAs    string `json:"executeAs,omitempty"` // name of a credential
	Access       string `json:"access,omitempty"`    // public or private
	Audit        *bool  `json:"audit,omitempty"`
	Perf         *bool  `json:"perf,omitempty"`
	SaveRollback *bool  `json:"saveRollback,omitempty"`
}

// Credential is an account that procedures can execute as. Its password is
// sealed and comes back through no door.
type Credential struct {
	Name    string    `json:"name"`
	Account string    `json:"account"`
	Sealed  []byte    `json:"sealed"`
	Changed time.Time `json:"changed,omitzero"`
}

// CredentialRecord returns the ID under which the password of a credential is sealed.
func CredentialRecord(name string) []byte { return []byte("credential/" + Fold(name)) }

// Access is what an installation allows at one moment. It never changes.
type Access struct {
	Revision    int64
	DefaultDeny bool // an object without a list is closed

	accounts    map[string]*Account
	lists       map[string]*List
	procedures  map[string]*ProcedureSettings
	credentials map[string]*Credential
}

// Fold returns the form in which names of principals and objects are compared.
func Fold(name string) string { return strings.ToLower(name) }

// NewAccess reads rows of an AccessStore. A row that cannot be read is an
// error with code Corrupt that names it: whoever may do what is never guessed.
func NewAccess(rows []sutler.AccessRow, revision int64, defaultDeny bool) (*Access, error) {
	a := &Access{
		Revision: revision, DefaultDeny: defaultDeny,
		accounts: map[string]*Account{}, lists: map[string]*List{}, procedures: map[string]*ProcedureSettings{}, credentials: map[string]*Credential{},
	}
	for _, name := range builtinGroups {
		a.accounts[Fold(name)] = &Account{Name: name, Group: true}
	}
	for _, r := range rows {
		var err error
		switch r.Kind {
		case sutler.AccountRow:
			err = readRow(a.accounts, r)
		case sutler.ListRow:
			err = readRow(a.lists, r)
		case sutler.ProcedureRow:
			err = readRow(a.procedures, r)
		case sutler.CredentialRow:
			err = readRow(a.credentials, r)
		default:
			err = fmt.Errorf("its kind is not known")
		}
		if err != nil {
			return nil, sutler.Errorf(sutler.Corrupt, "cannot read the access row %q of kind %q: %w", r.Name, r.Kind, err)
		}
	}
	for _, l := range a.lists {
		l.fold()
	}
	return a, nil
}

func readRow[T any](into map[string]*T, r sutler.AccessRow) error {
	v := new(T)
	if err := json.Unmarshal(r.Value, v); err != nil {
		return err
	}
	into[r.Name] = v
	return nil
}

// Row returns the row that keeps v, a pointer to an Account, List,
// ProcedureSettings or Credential, under name; nil removes it.
func Row[T any](kind sutler.AccessKind, name string, v *T) sutler.AccessRow {
	r := sutler.AccessRow{Kind: kind, Name: Fold(name)}
	if v != nil {
		b, err := json.Marshal(v)
		if err != nil {
			panic("plain data can be written: " + err.Error())
		}
		r.Value = b
	}
	return r
}

// Account returns the account of that name, or nil.
func (a *Access) Account(name string) *Account { return a.accounts[Fold(name)] }

// Accounts returns all users, or all groups, by name.
func (a *Access) Accounts(groups bool) []*Account {
	var all []*Account
	for _, key := range slices.Sorted(maps.Keys(a.accounts)) {
		if a.accounts[key].Group == groups {
			all = append(all, a.accounts[key])
		}
	}
	return all
}

// Settings returns what is set for a procedure; the zero value when nothing is.
func (a *Access) Settings(namespace, procedure string) ProcedureSettings {
	if s := a.procedures[ProcedureObject(namespace, procedure)]; s != nil {
		return *s
	}
	return ProcedureSettings{}
}

// Credential returns the credential of that name, or nil.
func (a *Access) Credential(name string) *Credential { return a.credentials[Fold(name)] }

// Credentials returns all credentials by name.
func (a *Access) Credentials() []*Credential {
	var all []*Credential
	for _, key := range slices.Sorted(maps.Keys(a.credentials)) {
		all = append(all, a.credentials[key])
	}
	return all
}

// ExecuteAs returns the credential that a procedure executes as, or nil. One
// that was deleted counts as not set (MPF: Administering credentials).
func (a *Access) ExecuteAs(namespace, procedure string) *Credential {
	name := a.Settings(namespace, procedure).ExecuteAs
	if name == "" {
		return nil
	}
	return a.Credential(name)
}

// ProcedureSettings returns all that is set for procedures, by object. It must
// not be changed.
func (a *Access) ProcedureSettings() map[string]*ProcedureSettings { return a.procedures }

// Within reports whether the account or group is group itself or a member of it.
func (a *Access) Within(account, group string) bool {
	w := &Who{Account: account, is: map[string]bool{}}
	a.join(w, Fold(account))
	return w.is[Fold(group)]
}
