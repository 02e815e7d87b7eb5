package engine_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// What follows is the reference model of the rules of security: plain data and
// one walk through a call tree, written from the rules as they are documented.
// It shares nothing with the engine, so that the two can be compared.

// matrix is the list on engines as long as nobody has set one.
var matrix = []entry{
	{Who: "Administrators", Rights: []string{"simple", "credentials", "trusted", "private"}},
	{Who: "MPFAdmins", Rights: []string{"simple", "credentials", "trusted", "private"}},
	{Who: "MPFTrustedUsers", Rights: []string{"simple", "credentials", "trusted"}},
	{Who: "MPFServiceAccts", Rights: []string{"simple", "credentials", "private"}},
	{Who: "MPFClientAccts", Rights: []string{"simple", "credentials"}},
}

// subject is somebody as lists see them: what entries deny goes by is, what they
// allow by may, which leaves disabled groups out.
type subject struct {
	disabled bool
	is, may  map[string]bool
}

func lower(s string) string { return strings.ToLower(s) }
func (s *site) account(name string) *account {
	if i := slices.IndexFunc(s.Accounts, func(a account) bool { return lower(a.Name) == lower(name) }); i >= 0 {
		return &s.Accounts[i]
	}
	return nil
}

// subject returns an account that a door let in, with all its groups. Anonymous
// is nobody else, not even Everyone: lists must grant it explicitly.
func (s *site) subject(name string, vouched []string) subject {
	if a := s.account(name); a != nil && a.Disabled {
		return subject{disabled: true}
	}
	return subject{is: s.closure(name, vouched, true), may: s.closure(name, vouched, false)}
}

// closure returns everything that somebody is in, disabled groups too or not.
func (s *site) closure(name string, vouched []string, disabled bool) map[string]bool {
	is := map[string]bool{"everyone": true, "authenticated users": true}
	for next := append([]string{name}, vouched...); len(next) > 0; next = next[1:] {
		a := s.account(next[0])
		if is[lower(next[0])] || a != nil && a.Disabled && !disabled {
			continue
		}
		if is[lower(next[0])] = true; a != nil {
			next = append(next, a.In...)
		}
	}
	return is
}

// named returns a trustee that a request only names. Of one that no directory
// knows nothing but the name counts; no group or principal is one.
func (s *site) named(name string) subject {
	if a := s.account(name); a != nil && !a.Group {
		return s.subject(name, nil)
	}
	principal := slices.ContainsFunc(principals, func(p string) bool { return lower(p) == lower(name) })
	is := map[string]bool{lower(name): true}
	return subject{disabled: principal || s.account(name) != nil, is: is, may: is}
}

// verdict says what entries say of a right: deny wins over allow; "" is nothing.
func verdict(entries []entry, who subject, right string) string {
	said := ""
	for _, e := range entries {
		switch {
		case !who.is[lower(e.Who)] || !slices.Contains(e.Rights, right):
		case e.Deny:
			return "deny"
		case who.may[lower(e.Who)]:
			said = "allow"
		}
	}
	return said
}

func (s *site) list(on string) *list {
	if i := slices.IndexFunc(s.Lists, func(l list) bool { return lower(l.On) == lower(on) }); i >= 0 {
		return &s.Lists[i]
	}
	return nil
}

// holds reports whether somebody has a right on engines.
func (s *site) holds(who subject, right string) bool {
	entries := matrix
	if l := s.list(""); l != nil {
		entries = l.Entries
	}
	return verdict(entries, who, right) == "allow"
}

// open reports whether the lists let somebody call a procedure: its own before
// the inherited one, no match refuses, no list at all is open by default.
func (s *site) open(who subject, name string) bool {
	namespace, _, _ := strings.Cut(name, "/")
	own, above := s.list(name), s.list(namespace)
	if own != nil && own.Alone {
		above = nil
	}
	for _, l := range []*list{own, above} {
		if l != nil {
			if v := verdict(l.Entries, who, "execute"); v != "" {
				return v == "allow"
			}
		}
	}
	return own == nil && above == nil && !s.DefaultDeny
}

// trip is one request under way.
type trip struct {
	site            *site
	ask             *asking
	caller, trustee subject
	calls           int      // made so far
	did, undo       []string // what the outside sees; what a rollback adds, last first
}

// place is where a call comes from: what the calling procedure hands on.
type place struct {
	nested  bool // in a procedure of a namespace, not in the request
	on      bool // impersonation is in force
	basic   string
	stored  *credential // in force in place of basic
	trusted bool        // the authentication node is passed on
	handed  bool        // it has come so far
	sealed  bool        // what the log keeps is sensitive
}

// three returns what a three-state attribute makes of what is in force.
func three(attr string, now bool) bool { return attr == "1" || attr != "2" && now }

// expect returns what the outside must see of a request: every provider call
// with its identity, what it sees of the credentials and whether an effect is
// kept sealed, every refusal with its check, what is undone, and how it ends.
func (s *site) expect(a *asking) []string {
	anonymous := map[string]bool{"anonymous": true}
	t := &trip{site: s, ask: a, caller: subject{is: anonymous, may: anonymous}}
	name := ""
	if !a.Unknown {
		name, t.caller = a.Account, s.subject(a.Account, a.Groups)
	}
	if check := t.submission(name); check != "" {
		return []string{fmt.Sprintf("0 %s refused: %s", a.Simple, check), "denied"}
	}
	if a.Simple != "" && a.Steps != nil {
		return []string{"malformed"}
	}
	t.trustee = t.caller
	if a.Trustee != "" && lower(a.Trustee) != lower(a.Account) {
		t.trustee = s.named(a.Trustee)
	}
	from := place{basic: a.User, on: a.Impersonate == "1", trusted: a.Trusted == "1", sealed: a.Sensitive == "1", handed: true}
	steps := a.Steps
	if a.Simple != "" {
		steps = []call{{To: a.Simple}}
	}
	if end := t.steps(from, steps); end != "" {
		slices.Reverse(t.undo)
		return append(append(t.did, t.undo...), end)
	}
	return append(t.did, "committed")
}

// submission returns the check that refuses the request as such, or "".
func (t *trip) submission(caller string) string {
	a, right := t.ask, "trusted"
	if a.Simple != "" {
		right = "simple"
	}
	starts := func(v string) bool { return v == "1" || v == "2" }
	brings := a.User != "" || a.Passport
	switch {
	case t.caller.disabled:
		return "account"
	case !t.site.holds(t.caller, right):
		return "server right"
	case (brings || a.Context && a.Simple != "") && !t.site.holds(t.caller, "credentials"):
		return "credentials"
	case a.User != "" && a.Password == "":
		return "credentials"
	case a.Simple != "" && (starts(a.Impersonate) || starts(a.Trusted) || starts(a.Sensitive)):
		return "security context"
	case a.Simple != "" && a.Trustee != "" && lower(a.Trustee) != lower(caller):
		return "security context"
	}
	return ""
}

// steps makes calls until one fails, and returns how.
func (t *trip) steps(from place, steps []call) string {
	for _, c := range steps {
		if end := t.call(from, c); end != "" && !c.Caught {
			return end
		}
	}
	return ""
}

func (t *trip) call(from place, c call) string {
	i := slices.IndexFunc(t.site.Procedures, func(p program) bool { return lower(p.Name) == lower(c.To) })
	if i < 0 {
		t.calls++
		if is := t.caller.may; from.nested || is["administrators"] || is["mpfadmins"] || is["mpfauditors"] {
			return "unknown"
		}
		return t.refuse(c.To, "procedure") // like one that may not be called
	}
	p := &t.site.Procedures[i]
	check, access := "", cmp.Or(p.Override, p.Access)
	switch {
	case !from.nested && access != "public" && !t.site.holds(t.caller, "private"):
		check = "access type"
	case t.trustee.disabled:
		check = "account"
	case !t.site.open(t.trustee, p.Name):
		check = "access list"
	case c.Broken:
		return "broken"
	}
	t.calls++
	if check != "" {
		return t.refuse(p.Name, check)
	}
	to := from
	to.nested, to.on, to.trusted, to.sealed = true, three(c.Impersonate, from.on), three(c.Trusted, from.trusted), three(c.Sensitive, from.sealed)
	to.handed = from.handed && to.trusted
	for i := range t.site.Credentials {
		if k := &t.site.Credentials[i]; lower(k.Name) == lower(p.ExecuteAs) {
			to.stored = k
		}
	}
	if p.Steps != nil {
		return t.steps(to, p.Steps)
	}
	who := t.identity(to)
	if who == "" {
		return t.refuse(p.Name, "identity")
	}
	line := fmt.Sprintf("%d %s as %s sees %s", t.calls, p.Name, who, t.sees(to))
	if p.Write && (to.sealed || strings.Contains(line, " with ") || strings.Contains(line, ":")) {
		line += ", sealed" // passwords are, whatever the step says
	}
	t.did = append(t.did, line)
	if p.Write {
		t.undo = append(t.undo, fmt.Sprintf("%d %s undone as %s", t.calls, p.Name, who))
	}
	if p.Fails {
		return "failed"
	}
	return ""
}

func (t *trip) refuse(name, check string) string {
	t.did = append(t.did, fmt.Sprintf("%d %s refused: %s", t.calls, name, check))
	return "denied"
}

// identity returns as whom a provider acts, "" when it would be a caller whom
// nobody may act as.
func (t *trip) identity(at place) string {
	switch {
	case !at.on:
		return "service"
	case at.stored != nil:
		return "executeAs " + at.stored.Account + " by " + at.stored.Name + " with " + at.stored.Password
	case at.basic != "":
		return "basic " + at.basic + " with " + t.ask.Password
	case t.ask.Reach == "none":
		return ""
	}
	return "caller " + t.ask.Account + " reach " + t.ask.Reach
}

// sees returns what a provider finds in the authentication node.
func (t *trip) sees(at place) string {
	switch {
	case at.trusted && at.stored != nil:
		return at.stored.Account + ":" + at.stored.Password
	case at.handed && at.basic != "":
		return at.basic + ":" + t.ask.Password
	case at.handed && t.ask.Passport:
		return "passport"
	}
	return "nothing"
}
