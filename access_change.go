package sutler

import "time"

// AccessVerb says what an administrator does to who may do what.
type AccessVerb string

// The verbs. Each says which fields of AccessChange it takes.
const (
	AddUser          AccessVerb = "add-user"          // Name; Secret: the password, none for one who logs in otherwise; Groups
	AddGroup         AccessVerb = "add-group"         // Name; Groups it is a member of
	SetPassword      AccessVerb = "set-password"      // Name, Secret
	DisableAccount   AccessVerb = "disable"           // Name
	EnableAccount    AccessVerb = "enable"            // Name
	DeleteAccount    AccessVerb = "delete-account"    // Name; its memberships and entries go with it
	AddMember        AccessVerb = "add-member"        // Name of the group, Who
	RemoveMember     AccessVerb = "remove-member"     // Name of the group, Who
	AllowAccess      AccessVerb = "allow"             // Name of the object, Who, Rights
	DenyAccess       AccessVerb = "deny"              // Name of the object, Who, Rights
	RemoveAccess     AccessVerb = "remove"            // Name of the object, Who, Rights: neither allowed nor denied any more
	InheritAccess    AccessVerb = "inherit"           // Name of the procedure, On: whether the namespace's list counts too
	ImportAccess     AccessVerb = "import"            // Name of the object, SDDL
	ClearAccess      AccessVerb = "clear"             // Name of the object: it has no list any more
	SetProcedure     AccessVerb = "set-procedure"     // Name of the procedure, and what of the rest is not nil
	SetCredential    AccessVerb = "set-credential"    // Name, Account, Secret
	DeleteCredential AccessVerb = "delete-credential" // Name
)

// AccessChange is one change of who may do what. Objects are called engines,
// queues, NAMESPACE or NAMESPACE/PROCEDURE.
type AccessChange struct {
	Verb    AccessVerb `json:"verb"`
	Name    string     `json:"name"`
	Who     string     `json:"who,omitempty"`
	Groups  []string   `json:"groups,omitempty"`
	Rights  []string   `json:"rights,omitempty"` // of engines and queues: procedures, credentials, trusted, private, all; of others: execute or none
	On      bool       `json:"on,omitempty"`
	SDDL    string     `json:"sddl,omitempty"`
	Account string     `json:"account,omitempty"`
	Secret  string     `json:"secret,omitempty"` // a password; it never comes back

	ExecuteAs    *string `json:"executeAs,omitempty"` // name of a credential; "" takes it away
	Access       *string `json:"access,omitempty"`    // public, private, or "" for what the namespace says
	Audit        *string `json:"audit,omitempty"`     // on, off, or ""
	Perf         *string `json:"perf,omitempty"`
	SaveRollback *string `json:"saveRollback,omitempty"`
}

// AccessView is who may do what, as administrators and auditors see it:
// without hashes and passwords.
type AccessView struct {
	Revision    int64            `json:"revision"`
	DefaultDeny bool             `json:"defaultDeny"`
	Accounts    []AccountView    `json:"accounts"`
	Lists       []ListView       `json:"lists"`
	Procedures  []ProcedureView  `json:"procedures"`
	Credentials []CredentialView `json:"credentials"`
}

// AccountView is a user or a group.
type AccountView struct {
	Name     string    `json:"name"`
	Group    bool      `json:"group,omitempty"`
	Disabled bool      `json:"disabled,omitempty"`
	Password bool      `json:"password,omitempty"` // it can log in by password
	MemberOf []string  `json:"memberOf,omitempty"`
	Changed  time.Time `json:"changed,omitzero"`
}

// ListView is an access list.
type ListView struct {
	Object    string      `json:"object"`
	Protected bool        `json:"protected,omitempty"` // nothing is inherited
	Usual     bool        `json:"usual,omitempty"`     // nobody has changed it
	Entries   []EntryView `json:"entries"`
	SDDL      string      `json:"sddl,omitempty"`
}

// EntryView is one entry of a list.
type EntryView struct {
	Deny   bool     `json:"deny,omitempty"`
	Who    string   `json:"who"`
	Rights []string `json:"rights"`
}

// ProcedureView is what is set for a procedure.
type ProcedureView struct {
	Procedure    string `json:"procedure"` // NAMESPACE/PROCEDURE
	ExecuteAs    string `json:"executeAs,omitempty"`
	Access       string `json:"access,omitempty"`
	Audit        *bool  `json:"audit,omitempty"`
	Perf         *bool  `json:"perf,omitempty"`
	SaveRollback *bool  `json:"saveRollback,omitempty"`
}

// CredentialView is a stored credential without its password.
type CredentialView struct {
	Name    string    `json:"name"`
	Account string    `json:"account"`
	Changed time.Time `json:"changed,omitzero"`
}
