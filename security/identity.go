package security

import (
	"bytes"

	"sutler"
)

// Frame is what a running procedure hands to the calls it makes: whether
// impersonation is on, and the credential in force.
type Frame struct {
	Impersonate bool
	Basic       string // account of the credential in force, or ""
	Secret      sutler.Secret
	Credential  string // name of the stored credential it comes from, or "" when the request brought it
	sealed      []byte // the password, as it is stored
}

// Enter returns the frame in which a callee runs, whether its steps or its own
// provider call: impersonation as the call says, and the callee's execute-as
// credential, if it has one, in place of the credential in force. Nothing of
// it flows back or to siblings (schema C.3.4).
func (f Frame) Enter(impersonate bool, executeAs *Credential, secret sutler.Secret) Frame {
	f.Impersonate = impersonate
	if executeAs != nil {
		f.Basic, f.Secret, f.Credential, f.sealed = executeAs.Account, secret, executeAs.Name, executeAs.Sealed
	}
	return f
}

// Stored looks after the stored credential of f: one that was deleted since f was
// entered is not used any more, and one that was set anew is returned.
func (f Frame) Stored(a *Access) (*Credential, Decision) {
	if f.Credential == "" {
		return nil, allow(CheckCredentials, "no stored credential is in force")
	}
	now := a.Credential(f.Credential)
	switch {
	case now == nil:
		return nil, refuse(CheckCredentials, "the credential %q was deleted while the procedure ran that executes as it", f.Credential)
	case now.Account == f.Basic && bytes.Equal(now.Sealed, f.sealed):
		return nil, allow(CheckCredentials, "the credential %q is as it was", f.Credential)
	}
	return now, allow(CheckCredentials, "the credential %q was set anew", f.Credential)
}

// Identity returns as whom a provider call runs that was entered with f:
// without impersonation the service account, else the credential in force,
// else the calling user (schema C.3.4).
func (f Frame) Identity(caller string, reach sutler.Reach) sutler.Identity {
	switch {
	case !f.Impersonate:
		return sutler.Identity{Kind: sutler.ServiceAccount}
	case f.Credential != "":
		return sutler.Identity{Kind: sutler.ExecuteAs, Account: f.Basic, Credential: f.Credential, Secret: f.Secret}
	case f.Basic != "":
		return sutler.Identity{Kind: sutler.BasicAccount, Account: f.Basic, Secret: f.Secret}
	default:
		return sutler.Identity{Kind: sutler.CallingUser, Account: caller, Reach: reach}
	}
}

// ClientSettings are the security settings of all clients of engines, or of
// queue managers (MPF: Managing security).
type ClientSettings struct {
	Impersonation string // default, anonymous, identify, impersonate or delegate
	Cloaking      string // Capabilities: none, static or dynamic
	Level         string // Authentication Level: default, none, connect, call, packet, integrity or privacy
}

// Reach returns how far an engine may act as the caller of a client with these
// settings, and whether it learns who that is. Delegation needs dynamic
// cloaking; without it the level counts as impersonate. Default counts as
// impersonate: it is negotiated, and both sides can.
func (s ClientSettings) Reach() (reach sutler.Reach, unknown bool) {
	switch s.Impersonation {
	case "anonymous":
		return sutler.ReachNone, true
	case "identify":
		return sutler.ReachNone, false
	case "delegate":
		if s.Cloaking == "dynamic" {
			return sutler.ReachAll, false
		}
	}
	return sutler.ReachHost, false
}

// MayConnect decides by the Authentication Level: none is refused off
// loopback, every other level asks for TLS with authentication.
func (s ClientSettings) MayConnect(secure, loopback bool) Decision {
	if loopback || secure && s.Level != "none" {
		return allow(CheckAccount, "authentication level %s", s.Level)
	}
	if s.Level == "none" {
		return refuse(CheckAccount, "the authentication level none is for loopback only")
	}
	return refuse(CheckAccount, "the authentication level %s needs TLS", s.Level)
}

// MayActAs decides whether a step may run under an identity. Acting as the
// calling user needs a client that allows it, and a caller who is there: that
// of queued work has gone (MPF: queued work), and never is the service account
// taken in its place.
func MayActAs(i sutler.Identity, queued bool) Decision {
	switch {
	case i.Kind != sutler.CallingUser:
		return allow("identity", "the step runs as %s", i)
	case queued:
		return refuse("identity", "the step would run as the calling user, whose credentials queued work no longer has; give the procedure an execute-as credential")
	case i.Reach == sutler.ReachNone:
		return refuse("identity", "the step would run as the calling user, and the impersonation level of the client does not let an engine act as it")
	}
	return allow("identity", "the step runs as the calling user %q", i.Account)
}
