package sql

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"sutler"
)

// A call on PostgreSQL connects as its identity: the service account as the
// account of the connection, a credential as itself with its password, the
// calling user as the account that the file of connections maps it to. SQLite
// has no accounts: there everything is done as the engine's own.

// anonymous is the name under which a caller without one is mapped.
const anonymous = "anonymous"

func fold(account string) string { return strings.ToLower(account) }

// hasSecret reports whether who brings a password of its own.
func hasSecret(who sutler.Identity) bool {
	return who.Kind == sutler.BasicAccount || who.Kind == sutler.ExecuteAs
}

// actor tells identities apart that must not share anything on t, of which was
// is what as returns. It is empty for the service account, and on SQLite for
// everybody.
func actor(t target, was string) string {
	if !t.postgres() || was == as(sutler.Identity{Kind: sutler.ServiceAccount}) {
		return ""
	}
	return was
}

// commitCall is the number by which the row stands in sutler_steps that tells
// of a commit, where calls count from 0 or more: that of the service account.
const commitCall = -1

// markNumber is that number for an actor: rows of two of them, written at the
// same time, must not wait for each other.
func markNumber(actor string) int {
	if actor == "" {
		return commitCall
	}
	sum := sha256.Sum256([]byte(actor))
	return commitCall - 1 - int(binary.BigEndian.Uint32(sum[:4])>>2)
}

// markOf is the number that c remembers.
func markOf(c *sutler.Call) int {
	if n, err := strconv.Atoi(c.Rollback.Get("mark")); err == nil {
		return n
	}
	return commitCall
}

// login returns how to connect to t as who. What of it is refused is refused
// before anything is sent.
func (f *connections) login(t target, who sutler.Identity) (*pgconn.Config, error) {
	switch who.Kind {
	case sutler.ServiceAccount:
		return f.open(t)
	case sutler.BasicAccount, sutler.ExecuteAs:
		return f.openWith(t, who)
	case sutler.CallingUser:
		return f.openFor(t, who)
	}
	return nil, sutler.Errorf(sutler.Denied, "cannot connect to %s as %q: the SQL Provider does not know this kind of identity", t.title(), who)
}

// open connects as the account of the connection.
func (f *connections) open(t target) (*pgconn.Config, error) {
	if t.Name != "" {
		e, err := f.entry(t)
		if err != nil {
			return nil, err
		}
		return e.parse(t, e.Address)
	}
	if err := f.allows(t); err != nil {
		return nil, err
	}
	return t.config()
}

// openWith connects as the account of a credential. Its password goes to no
// server but one that an administrator named, and that has proved its name or
// is on this computer; and the server must ask for it: one that lets accounts
// in by other means would take any name that a request brings.
func (f *connections) openWith(t target, who sutler.Identity) (*pgconn.Config, error) {
	refuse := func(why string) error {
		return sutler.Errorf(sutler.Denied, "cannot connect to %s as account %q: %s", t.title(), who.Account, why)
	}
	if who.Account == "" || who.Secret.Empty() {
		return nil, refuse("the credential lacks its account or its password")
	}
	if t.Server != "" {
		t.User = who.Account
	}
	cfg, err := f.open(t)
	if err != nil {
		return nil, err
	}
	for _, s := range servers(cfg) {
		if !onThisComputer(s.Host, s.Port) && (s.TLSConfig == nil || s.TLSConfig.InsecureSkipVerify) {
			return nil, refuse("its password could reach somebody else, for the server need not prove its name (use sslmode=verify-full)")
		}
	}
	cfg.User, cfg.Password = who.Account, who.Secret.Reveal()
	cfg.RequireAuth = "scram-sha-256,md5,password"
	return cfg, nil
}

// nameOf is the name of a calling user.
func nameOf(who sutler.Identity) string {
	if who.Account == "" {
		return anonymous
	}
	return who.Account
}

// openFor connects as the account that the calling user is mapped to.
func (f *connections) openFor(t target, who sutler.Identity) (*pgconn.Config, error) {
	name := nameOf(who)
	refuse := func(why string) error {
		return sutler.Errorf(sutler.Denied, "cannot connect to %s as the calling user %q: %s", t.title(), name, why)
	}
	switch {
	case who.Reach == sutler.ReachNone:
		return nil, refuse("the impersonation level of the client does not let an engine act as it")
	case t.Name == "":
		return nil, refuse("it has no password here (use connect/@Name, and an administrator maps the account in the file of connections; or call with a credential)")
	}
	e, err := f.entry(t)
	if err != nil {
		return nil, err
	}
	address, ok := e.Accounts[fold(name)]
	if !ok {
		return nil, refuse("nothing is mapped to it (an administrator adds it to the accounts of the connection in the file of connections; or call with a credential, or without impersonation)")
	}
	if u, err := url.Parse(address); err != nil || u.User.Username() == "" { // else the account would be that of the engine
		return nil, sutler.Errorf(ConnectFailed, "cannot use %s: the address that account %q is mapped to in the file of connections is none of the form postgres://user:password@host/database", t.title(), name)
	}
	cfg, err := e.parse(t, address)
	if err != nil {
		return nil, err
	}
	for _, s := range servers(cfg) {
		if who.Reach != sutler.ReachAll && !onThisComputer(s.Host, s.Port) {
			return nil, refuse("the server is on another computer, which the impersonation level of the client does not allow (it must be delegate)")
		}
	}
	return cfg, nil
}

// later is who as it undoes, commits and asks after what it did: how far it
// reached was decided when it did it.
func later(who sutler.Identity) sutler.Identity {
	who.Reach = sutler.ReachAll
	return who
}

// servers are those that cfg may try.
func servers(cfg *pgconn.Config) []*pgconn.FallbackConfig {
	first := &pgconn.FallbackConfig{Host: cfg.Host, Port: cfg.Port, TLSConfig: cfg.TLSConfig}
	return append([]*pgconn.FallbackConfig{first}, cfg.Fallbacks...)
}

// onThisComputer reports whether host is a socket of this computer or a loopback address.
func onThisComputer(host string, port uint16) bool {
	if network, _ := pgconn.NetworkAddress(host, port); network == "unix" || strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
