// Package security answers the two questions of every call: may this trustee
// call that procedure, and as whom does the provider act? Each answer is one
// pure function, so that a refusal can name the rule that refused.
//
// Access lists, rights and groups of an installation are not kept yet: until
// they are, members of MPFAdmins may do everything and nobody else anything.
package security

import (
	"slices"

	"sutler"
)

// Decision is the answer to "may they?", with the rule that decided.
type Decision struct {
	Allowed bool
	Rule    string // for people and the audit log
}

// Target is a procedure as the rules see it.
type Target struct {
	Namespace string
	Procedure string
	Public    bool // access="public"
	Nested    bool // called by a procedure of a namespace, not by the request itself
}

// MaySubmit decides whether from may submit a request of that kind at all
// (MPF: Execute Procedures, Execute Trusted Procedures; schema C.3.1, C.3.2).
func MaySubmit(from sutler.Caller, trusted bool) Decision {
	if from.In(sutler.MPFAdmins) {
		return Decision{true, "member of " + sutler.MPFAdmins}
	}
	if trusted {
		return Decision{false, "only members of " + sutler.MPFAdmins + " may submit trusted requests"}
	}
	return Decision{false, "only members of " + sutler.MPFAdmins + " may submit requests"}
}

// MayRegister decides whether from may check and register namespaces.
func MayRegister(from sutler.Caller) Decision {
	if from.In(sutler.MPFAdmins) {
		return Decision{true, "member of " + sutler.MPFAdmins}
	}
	return Decision{false, "only members of " + sutler.MPFAdmins + " may register namespaces"}
}

// MayResolve decides whether from may act on transactions that wait for an
// operator, on engines, and on other things of the installation.
func MayResolve(from sutler.Caller) Decision {
	if from.In(sutler.MPFAdmins) {
		return Decision{true, "member of " + sutler.MPFAdmins}
	}
	return Decision{false, "only members of " + sutler.MPFAdmins + " may resolve transactions"}
}

// MayCall decides whether who may call t (schema C.3.3).
func MayCall(who sutler.Trustee, t Target) Decision {
	if slices.Contains(who.Groups, sutler.MPFAdmins) {
		return Decision{true, "member of " + sutler.MPFAdmins}
	}
	return Decision{false, "only members of " + sutler.MPFAdmins + " may call procedures"}
}

// Settings are what the identity of a call depends on (schema C.3.4).
type Settings struct {
	Impersonate bool   // effective impersonate of the call
	ExecuteAs   string // account of the execute-as credential in force, or ""
	Basic       string // account of the basic credential of the request, or ""
	Caller      string // account of the calling user
}

// IdentityOf returns as whom a provider call runs: without impersonation the
// service account, else the execute-as credential, else the basic credential,
// else the calling user (schema C.3.4).
func IdentityOf(s Settings) sutler.Identity {
	switch {
	case !s.Impersonate:
		return sutler.Identity{Kind: sutler.ServiceAccount}
	case s.ExecuteAs != "":
		return sutler.Identity{Kind: sutler.ExecuteAs, Account: s.ExecuteAs}
	case s.Basic != "":
		return sutler.Identity{Kind: sutler.BasicAccount, Account: s.Basic}
	default:
		return sutler.Identity{Kind: sutler.CallingUser, Account: s.Caller}
	}
}
