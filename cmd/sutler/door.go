package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sutler"
	"sutler/admin"
	"sutler/audit"
	"sutler/client"
	"sutler/login"
	"sutler/security"
	"sutler/server"
)

// loginFile in the data directory says who else than local accounts may log in.
const loginFile = "login.json"

// loginConfig is the content of login.json.
type loginConfig struct {
	NoBasic bool `json:"noBasic"` // local accounts do not log in by HTTP Basic
	OpenID  *struct {
		Issuer       string            `json:"issuer"`
		Audiences    []string          `json:"audiences"`
		ClientID     string            `json:"clientID"`
		ClientSecret string            `json:"clientSecret"`
		RedirectURL  string            `json:"redirectURL"`
		Scopes       []string          `json:"scopes"`
		AccountClaim string            `json:"accountClaim"`
		Accounts     map[string]string `json:"accounts"`
		GroupsClaim  string            `json:"groupsClaim"`
		Groups       map[string]string `json:"groups"`
	} `json:"openID"`
	Certificates *struct {
		CAs      string              `json:"cas"`
		Revoked  string              `json:"revoked"`
		From     []string            `json:"from"`
		Accounts map[string]string   `json:"accounts"`
		Template string              `json:"template"`
		Groups   map[string][]string `json:"groups"`
		Units    map[string]string   `json:"units"`
	} `json:"certificates"`
}

// readLogin reads login.json; without the file local accounts alone log in.
func readLogin(data string) (loginConfig, error) {
	var c loginConfig
	file := filepath.Join(data, loginFile)
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("cannot read who may log in: %w", err)
	}
	defer f.Close()
	if err := ownersAlone(file); err != nil { // it may hold the secret of a client
		return c, err
	}
	dec := json.NewDecoder(f)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, sutler.Errorf(sutler.BadInput, "cannot read %s: %w", file, err)
	}
	return c, nil
}

// beside returns the path of a file that login.json names: relative ones are
// below the data directory, as it is.
func beside(data, file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(data, file)
}

// What logins by password take: memory and processors for hashes, places to
// wait, of all and of one account at one source, and how long how many that were right
// need no hash.
const (
	hashesAtOnce     = 4
	waitingLogins    = 256
	waitingOfAccount = 128
	rememberLogin    = time.Minute
	rememberedLogins = 1024
)

// gate makes what lets callers in: local accounts, and whom login.json names.
// While login.passportEnabled is off the second gate is asked, which knows no
// OpenID issuer.
func (h *host) gate(data string, secret func() string, logger *slog.Logger) (g, closed *login.Gate, cas func() (*x509.CertPool, error), err error) {
	c, err := readLogin(data)
	if err != nil {
		return nil, nil, nil, err
	}
	g = &login.Gate{Basic: !c.NoBasic, Known: h.known, Report: func(r *http.Request, err error) { h.notLetIn(r, err, logger) }}
	if c.Certificates != nil {
		cas = login.Pool(beside(data, c.Certificates.CAs))
		cc := login.CertificatesConfig{
			CAs: cas, From: c.Certificates.From, Accounts: c.Certificates.Accounts, Template: c.Certificates.Template,
			Groups: c.Certificates.Groups, Units: c.Certificates.Units, Now: time.Now,
		}
		if c.Certificates.Revoked != "" {
			cc.Revoked = login.Revoked(beside(data, c.Certificates.Revoked))
		}
		certificates, err := login.NewCertificates(cc)
		if err != nil {
			return nil, nil, nil, err
		}
		g.Chain = append(g.Chain, certificates)
	}
	before := *g
	closed = &before
	closed.Chain = slices.Clone(g.Chain)
	if c.OpenID != nil {
		o, err := login.NewOpenID(login.OpenIDConfig{
			Issuer: c.OpenID.Issuer, Audiences: c.OpenID.Audiences, ClientID: c.OpenID.ClientID, AccountClaim: c.OpenID.AccountClaim,
			Accounts: c.OpenID.Accounts, GroupsClaim: c.OpenID.GroupsClaim, Groups: c.OpenID.Groups, Now: time.Now,
		})
		if err != nil {
			return nil, nil, nil, err
		}
		g.Chain = append(g.Chain, o)
		if c.OpenID.RedirectURL != "" {
			g.Browser, err = login.NewBrowser(login.BrowserConfig{
				OpenID: o, ClientSecret: c.OpenID.ClientSecret, RedirectURL: c.OpenID.RedirectURL, Scopes: c.OpenID.Scopes, Sessions: &h.sessions,
			})
			if err != nil {
				return nil, nil, nil, err
			}
			g.Chain = append(g.Chain, g.Browser)
		}
	}
	proofs, err := admin.NewProofs(rand.Reader, rememberLogin, rememberedLogins)
	if err != nil {
		return nil, nil, nil, err
	}
	accounts := &login.Local{Basic: !c.NoBasic, Accounts: &admin.Accounts{
		Engine: h.Engine, Hasher: security.Hasher{Params: security.DefaultParams()}, Guard: security.NewGuard(security.Limits{}), Now: time.Now,
		Turns: &admin.Turns{AtOnce: hashesAtOnce, Waiting: waitingLogins, Share: waitingOfAccount}, Wrong: login.ErrWrong, Secret: secret, Local: administrator("json"),
		Proofs: proofs, Random: rand.Reader, Report: func(err error) { logger.Warn("password hash not renewed", "error", err.Error()) },
	}}
	closed.Chain = append(closed.Chain, accounts)
	g.Chain = append(g.Chain, accounts)
	return g, closed, cas, nil
}

// known reports whether a caller is not disabled, and an account of ours if it
// has the name of one: names from elsewhere have a colon. Nobody but who shows
// the token of the data directory, which has a door already, is local.
func (h *host) known(c sutler.Caller) bool {
	a := h.Access().Account(c.Account)
	if security.Fold(c.Account) == localAccount {
		return c.Door != ""
	}
	return strings.Contains(c.Account, ":") && a == nil || a != nil && !a.Disabled && !a.Group
}

// notLetIn notes a failed login in the log of the server and, if it failed
// because the proof was wrong, for the audit log. Those that nobody looked at,
// because too many come or the caller has gone, are counted.
func (h *host) notLetIn(r *http.Request, err error, logger *slog.Logger) {
	var f *login.Refusal
	refused := errors.As(err, &f)
	if !refused && (sutler.CodeOf(err) == sutler.Busy || r.Context().Err() != nil) {
		if n := h.turnedAway.note(time.Now()); n > 0 {
			logger.Warn("logins not looked at: too many come at once, or they have gone", "count", n, "reason", err.Error(), "from", r.RemoteAddr)
		}
		return
	}
	if !refused {
		logger.Warn("not let in", "method", "unknown", "reason", err.Error(), "from", r.RemoteAddr)
		return
	}
	logger.Warn("not let in", "method", f.Method, "account", f.Account, "reason", f.Reason, "from", r.RemoteAddr)
	what := "log in"
	if errors.Is(f.Cause, admin.ErrGuessing) {
		what = "log in while locked out"
	}
	h.refusals.Note(time.Now(), audit.Refused{What: what, Method: f.Method, Claimed: f.Account, Source: r.RemoteAddr, Reason: f.Reason})
}

// refused notes for the audit log what the door did not let a caller do.
func (h *host) refused(from sutler.Caller, r *http.Request, what, rule string) {
	h.refusals.Note(time.Now(), audit.Refused{What: what, Caller: from.Account, Source: r.RemoteAddr, Reason: rule})
}

// door makes the door behind the gates of gate, which answers to these names.
func (h *host) door(g, closed *login.Gate, names []string, logger *slog.Logger) (http.Handler, error) {
	return server.New(server.Options{
		Engine: h.Engine, Registrar: h.Engine, Monitor: h.Store, Config: configuration{h.Store, h.Engine},
		Resolver: h.Engine, Leases: h.Store, Audit: h.Store, Hosts: names,
		Admit: h.admitted(g, closed), Access: h.Engine.Access, Configure: h.Engine.Configure, Admin: h.admin(), Explainer: h.Engine, Rotate: h.keys.rotate,
		Refused: h.refused, Limits: h.Limits, Version: version, Health: h.health, Logger: logger,
	})
}

// admitted is the gate with the settings of clients: how far the engine may act
// as a caller, and whether it learns who that is.
func (h *host) admitted(g, closed *login.Gate) func(http.ResponseWriter, *http.Request) (sutler.Caller, bool) {
	return func(w http.ResponseWriter, r *http.Request) (sutler.Caller, bool) {
		if err := h.rights.current(r.Context()); err != nil {
			w.Header().Set("Retry-After", "5")
			refuse(w, http.StatusServiceUnavailable, &sutler.Error{Code: sutler.CodeOf(err), Err: fmt.Errorf("cannot let anybody in: %w", err)})
			return sutler.Caller{}, false
		}
		gate := closed
		if h.passport.Load() {
			gate = g
		}
		c, in := gate.Admit(w, r)
		if !in {
			return c, false
		}
		s := h.clients.Load().(security.ClientSettings)
		if d := s.MayConnect(r.TLS != nil, client.OnLoopback(r.RemoteAddr)); !d.Allowed {
			h.refused(c, r, "connect", d.Check+": "+d.Rule)
			refuse(w, http.StatusForbidden, sutler.Errorf(sutler.Denied,
				"cannot let the caller in: the setting %s does not let this connection in", sutler.SettingClientLevel))
			return c, false
		}
		if c.Door == "" { // the token of the data directory is no client's
			c.Reach, c.Unknown = s.Reach()
		}
		c.Door = "json"
		return c, true
	}
}

// refuse sends an error as JSON, as the operations of the server do.
func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": sutler.AsError(err)}) // who is gone hears nothing
}

// firstAdministrator makes the account admin with a password of its own when
// there is no user yet, and returns the password; "" when there is one.
func (h *host) firstAdministrator(ctx context.Context, a *admin.Admin) (string, error) {
	if len(h.Access().Accounts(false)) > 0 {
		return "", nil
	}
	password := rand.Text()
	err := a.Change(ctx, administrator("serve"), sutler.AccessChange{Verb: sutler.AddUser, Name: "admin", Groups: []string{security.Administrators}, Secret: password})
	if sutler.CodeOf(err) == sutler.Exists { // another engine of the store was faster
		return "", nil
	}
	return password, err
}

// admin changes who may do what.
func (h *host) admin() *admin.Admin {
	return &admin.Admin{
		Engine: h.Engine, Policy: func() security.Policy { return *h.passwords.Load() }, Hasher: security.Hasher{Params: security.DefaultParams()}, Sealer: h.keys, Random: rand.Reader, Now: time.Now,
	}
}

// tlsOf says how the door encrypts: not at all on loopback unless files are
// given, else with those, else with a certificate of the server's own authority.
func tlsOf(o serveOptions, cas func() (*x509.CertPool, error), logger *slog.Logger) (login.CertificateSource, string, error) {
	report := func(err error) { logger.Error("cannot renew the certificate of the server", "error", err.Error()) }
	switch {
	case o.tlsCert != "" && o.tlsKey != "":
		if err := notForAll(o.tlsKey); err != nil {
			return nil, "", err
		}
		return login.CertificateFiles(o.tlsCert, o.tlsKey, report), "", nil
	case o.tlsCert != "" || o.tlsKey != "":
		return nil, "", sutler.Errorf(sutler.BadInput, "cannot use TLS: --tls-cert and --tls-key go together")
	case client.OnLoopback(o.listen) && cas == nil && len(o.hosts) == 0:
		return nil, "", nil
	}
	hosts := append([]string{"localhost", "127.0.0.1", "::1"}, o.hosts...)
	if host, _, err := net.SplitHostPort(o.listen); err == nil {
		if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() && !ip.IsLoopback() {
			hosts = append(hosts, host)
		}
	}
	dir := filepath.Join(o.data, "tls")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("cannot make the directory of the certificates: %w", err)
	}
	ca, err := login.LocalCA(dir, hosts, time.Now, rand.Reader)
	if err != nil {
		return nil, "", err
	}
	source, err := ca.Source(hosts, report)
	return source, filepath.Join(dir, "ca.crt"), err
}
