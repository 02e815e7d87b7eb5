package sql

import (
	"encoding/json"
	"strings"

	"sutler"
)

// What a call on PostgreSQL remembers of as whom it acted.
const (
	asPair   = "as"   // the kind of its identity, a colon, the account
	rolePair = "role" // of a calling user: the account of the server that it was mapped to
)

// as is what asPair holds for who: no secret, and the same for ever.
func as(who sutler.Identity) string {
	account := who.Account
	switch who.Kind {
	case sutler.ServiceAccount:
		account = "" // a name for messages alone
	case sutler.CallingUser:
		account = fold(account)
	}
	return string(who.Kind) + ":" + account
}

// remember puts t, and as whom c acts there, into the rollback data of c;
// recall is its reverse. role is the account of the server; SQLite has none,
// and its databases go by their name alone.
func (t target) remember(c *sutler.Call, role string) {
	if !t.postgres() {
		c.Rollback.Set("database", t.Database)
		return
	}
	c.Rollback.Set("connection", t.key())
	c.Rollback.Set(asPair, as(c.Identity))
	if c.Identity.Kind == sutler.CallingUser {
		c.Rollback.Set(rolePair, role)
	}
}

// recall returns the target of c, and c as the identity that it ran as; ok is
// false when it never came to act.
//
// Before there was asPair, all calls ran as the account of the connection: those
// without it are the service account's, whoever called.
//
// When a calling user has gone, c comes as the service account. Then c is that
// user's again, so that its session, its prepared transaction and its marker
// have the names that they were given, and connecting looks up what the file of
// connections maps the user to. The account of the connection never takes the
// place of another.
func recall(c *sutler.Call) (_ *sutler.Call, t target, ok bool, err error) {
	text := c.Rollback.Get("connection")
	if text == "" {
		t.Database = c.Rollback.Get("database")
		return c, t, t.Database != "", nil
	}
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return c, target{}, false, sutler.Errorf(sutler.Corrupt, "cannot read the connection of the call: %w", err)
	}
	ran := *c
	was := c.Rollback.Get(asPair)
	kind, account, _ := strings.Cut(was, ":")
	switch {
	case was == "":
		ran.Identity = sutler.Identity{Kind: sutler.ServiceAccount}
	case sutler.IdentityKind(kind) == c.Identity.Kind:
	case c.Identity.Kind == sutler.ServiceAccount && sutler.IdentityKind(kind) == sutler.CallingUser:
		ran.Identity = sutler.Identity{Kind: sutler.CallingUser, Account: account}
	default:
		return c, t, false, sutler.Errorf(sutler.Denied, "cannot go on with %q on %s as %s: its record does not say that it ran as that (%q)", c.Procedure, t.title(), c.Identity, was)
	}
	return &ran, t, true, nil
}
