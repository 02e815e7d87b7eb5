package login

import (
	"encoding/json"
	"errors"
	"net/http"

	"sutler"
)

// Gate stands before a server and lets callers in.
type Gate struct {
	Chain   Chain
	Browser *Browser // logs browsers in; nil: nobody does. It has to be in Chain too.
	Basic   bool     // offer Basic beside Bearer to those who are not let in
	// Known reports whether an account whose proof is right may still come in;
	// nil: every one may. It is asked for each request, so that who is taken away
	// or disabled is out at once, whatever proof or session there is.
	Known func(sutler.Caller) bool
	// Report gets everything that kept a request out, but for requests without
	// any proof; nil: nobody gets it.
	Report func(r *http.Request, err error)
}

// Admit returns who asks, or answers r itself: a browser without a session is
// sent to the issuer and its way back is served, everybody else gets 401. A
// request that another site made a browser send gets 403, 429 with code Busy
// says that too many logins come at once, and 503 that the proof could not be
// checked for another reason. The answers of one status are the same to
// the byte, whatever was wrong.
func (g *Gate) Admit(w http.ResponseWriter, r *http.Request) (sutler.Caller, bool) {
	w.Header().Set("Cache-Control", "no-store")
	if g.Browser != nil && g.Browser.Serves(r) {
		g.serve(w, r)
		return sutler.Caller{}, false
	}
	caller, err := g.Chain.Authenticate(r)
	if err == nil && g.Known != nil && !g.Known(caller) {
		err = refuse("account", caller.Account, "the account is disabled or no longer there")
	}
	if err == nil {
		return caller, true
	}
	if g.Browser != nil && navigation(r) && unknown(err) {
		g.report(r, err)
		if err := g.Browser.start(w, r); err != nil {
			g.deny(w, r, err)
		}
		return sutler.Caller{}, false
	}
	g.deny(w, r, err)
	return sutler.Caller{}, false
}

// unknown reports whether err means that a login could help: not over plain
// HTTP, nor after a wrong secret.
func unknown(err error) bool {
	var f *Refusal
	return errors.Is(err, ErrNoProof) || errors.As(err, &f) && f.Method == "session" && !f.Foreign
}

// serve answers a browser that comes back from the issuer, or logs out.
func (g *Gate) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case !Secure(r):
		g.deny(w, r, refuse("transport", "", "plain HTTP from %s", r.RemoteAddr))
	case r.URL.Path == callbackPath && r.Method == http.MethodGet:
		next, err := g.Browser.finish(w, r)
		if err == nil {
			http.Redirect(w, r, next, http.StatusFound)
			return
		}
		// A page whose login went on in another one has a session by now.
		if _, has := g.Browser.Authenticate(r); has == nil {
			g.report(r, err)
			http.Redirect(w, r, "/", http.StatusFound)
			return
		}
		g.deny(w, r, err)
	case r.URL.Path == logoutPath && r.Method == http.MethodPost:
		if err := g.Browser.end(w, r); err != nil {
			g.deny(w, r, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		allowed := http.MethodGet
		if r.URL.Path == logoutPath {
			allowed = http.MethodPost
		}
		w.Header().Set("Allow", allowed)
		write(w, http.StatusMethodNotAllowed, sutler.Errorf(sutler.BadInput, "cannot use %s on %s: it takes %s", r.Method, r.URL.Path, allowed))
	}
}

// end ends the session of a browser and makes it forget the cookie.
func (b *Browser) end(w http.ResponseWriter, r *http.Request) error {
	if !sameSite(r) {
		f := refuse("session", "", "a logout sent for %q", r.Header.Get("Origin"))
		f.Foreign = true
		return f
	}
	if id, err := readCookie(r, sessionCookie); err == nil {
		if err := b.config.Sessions.Delete(r.Context(), hashOf(id)); err != nil {
			return err
		}
	}
	setCookie(w, r, sessionCookie, "", 0)
	return nil
}

// deny answers one who is not let in.
func (g *Gate) deny(w http.ResponseWriter, r *http.Request, err error) {
	g.report(r, err)
	var f *Refusal
	refused := errors.As(err, &f)
	busy := sutler.CodeOf(err) == sutler.Busy || refused && sutler.CodeOf(f.Cause) == sutler.Busy
	switch {
	case busy:
		w.Header().Set("Retry-After", "5")
		write(w, http.StatusTooManyRequests, sutler.Errorf(sutler.Busy, "cannot check who the caller is: too many logins come at once; try again in some seconds"))
	case refused && f.Foreign:
		write(w, http.StatusForbidden, sutler.Errorf(sutler.Denied, "cannot answer a page of another site: it may not call this server"))
	case refused, errors.Is(err, ErrNoProof):
		w.Header().Add("WWW-Authenticate", `Bearer realm="sutler"`)
		if g.Basic {
			w.Header().Add("WWW-Authenticate", `Basic realm="sutler", charset="UTF-8"`)
		}
		write(w, http.StatusUnauthorized, sutler.Errorf(sutler.Denied, notLetIn))
	default:
		w.Header().Set("Retry-After", "5")
		write(w, http.StatusServiceUnavailable, sutler.Errorf(sutler.Failed, "cannot check who the caller is: try again later; the log of the server has the details"))
	}
}

func (g *Gate) report(r *http.Request, err error) {
	if g.Report != nil && !errors.Is(err, ErrNoProof) {
		g.Report(r, err)
	}
}

// write sends an error as JSON, as the operations of the server do.
func write(w http.ResponseWriter, status int, e *sutler.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct {
		Error *sutler.Error `json:"error"`
	}{e}) // who is gone hears nothing
}
