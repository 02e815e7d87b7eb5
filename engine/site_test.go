package engine_test

// site is an installation: who there is, what can be called, who may.
type site struct {
	Accounts    []account
	Lists       []list
	Procedures  []program
	Credentials []credential
	DefaultDeny bool
}

// account is a user or a group.
type account struct {
	Name            string
	Group, Disabled bool
	In              []string // groups
}

// list is an access list; Alone breaks the inheritance from the namespace.
type list struct {
	On      string // "" for the engines, a namespace, or namespace/procedure
	Alone   bool
	Entries []entry
}

// entry allows or denies rights: simple, credentials, trusted, private on
// engines; execute elsewhere.
type entry struct {
	Deny   bool
	Who    string
	Rights []string
}

// program is a procedure, of a provider when it has no steps.
type program struct {
	Name      string // namespace/procedure
	Access    string // in the namespace file: public, private or nothing
	Override  string // what an administrator set: public, private or nothing
	ExecuteAs string // name of a credential, which need not exist
	Write     bool   // of a provider: it has an effect, which a rollback undoes
	Fails     bool   // of a provider that does not write: it always fails
	Steps     []call
}

// call is a step of a procedure or of a trusted request.
type call struct {
	To                              string // namespace/procedure
	Impersonate, Trusted, Sensitive string // "", 0, 1 or 2
	Broken                          bool   // what it does before the call always fails
	Caught                          bool   // a catch handles its failure
}

// credential is a stored execute-as account.
type credential struct{ Name, Account, Password string }

// asking is a request and who submits it.
type asking struct {
	Account string
	Groups  []string // that the door vouches for
	Unknown bool     // the door does not know who it is
	Reach   string   // how far one may act as the caller: host, all or none

	Simple string // the procedure of a simple request; "" for a trusted one
	Steps  []call // of a trusted request; a simple one must have none

	Context                         bool // there is a security context
	Trustee                         string
	Impersonate, Trusted, Sensitive string // its start values
	User, Password                  string // of its basic credential
	Passport                        bool   // it has a passport instead
}
