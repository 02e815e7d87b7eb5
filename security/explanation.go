package security

import "sutler"

// AccessQuery asks what would happen if As submitted a request.
type AccessQuery struct {
	As        string   `json:"as"`               // "" is a caller whom no door knows
	Groups    []string `json:"groups,omitempty"` // that the door would vouch for
	Namespace string   `json:"namespace"`
	Procedure string   `json:"procedure"`
	// Request is what would be submitted; nil: a simple request without a
	// context. Its Doc is read and released.
	Request *sutler.Request `json:"-"`
}

// AccessExplanation says how the engine would decide about a request.
type AccessExplanation struct {
	As      string `json:"as"`
	Trustee string `json:"trustee"`
	Allowed bool   `json:"allowed"` // no check in Checks refuses; Steps have what comes after
	// Checks are those of the submission and, of the first call that is sure to
	// be made, each with the rule that decided. The first refusal is the last.
	Checks []Decision `json:"checks"`
	// Steps are the calls, in document order, a caller before what it calls.
	// They stand there even below a call that is refused, each as if the calls
	// around it were allowed. There are none when the submission is refused.
	Steps []StepExplanation `json:"steps,omitempty"`
	More  bool              `json:"more,omitempty"` // there are more calls than are shown
}

// StepExplanation is one call of a request.
type StepExplanation struct {
	Depth       int             `json:"depth"` // 0 for calls of the request itself
	Namespace   string          `json:"namespace"`
	Procedure   string          `json:"procedure"`
	Provider    string          `json:"provider,omitempty"` // providerSource, of a provider call
	At          string          `json:"at,omitempty"`       // file:line:column of the step; empty for the procedure that a simple request names
	Allowed     bool            `json:"allowed"`
	Decision    Decision        `json:"decision"`            // what refused the call, else what its access lists said
	Identity    sutler.Identity `json:"identity,omitzero"`   // of a provider call, without its password
	Why         string          `json:"why,omitempty"`       // where Identity comes from
	Conditional bool            `json:"conditional"`         // the call may be left out: it stands behind when, forEach or repeat, in a catch, or below such a call
	Recursive   bool            `json:"recursive,omitempty"` // the procedure is running already; what it calls is not listed once more
}

// WhoCan is an account that may call a procedure, and the rule that lets it.
type WhoCan struct {
	Account string `json:"account"`
	Rule    string `json:"rule"`
}

// WhatCan is a procedure that an account may call, and the rule that lets it.
type WhatCan struct {
	Namespace string `json:"namespace"`
	Procedure string `json:"procedure"`
	Rule      string `json:"rule"`
}

// AccessEffect is a procedure that an account may call after an edit and could not
// before, or the other way round.
type AccessEffect struct {
	Account   string   `json:"account"`
	Namespace string   `json:"namespace"`
	Procedure string   `json:"procedure"`
	Before    Decision `json:"before"`
	After     Decision `json:"after"`
}
