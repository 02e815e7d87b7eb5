package engine_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Who is in a random site, and what they may be in.
var (
	usersOfSite  = []string{"ann", "Bob", "cy", `corp\dee`, "Eve"}
	groupsOfSite = []string{"staff", "People", "temps", "ops", "boss"}
	builtIn      = []string{"Administrators", "MPFAdmins", "MPFTrustedUsers", "MPFServiceAccts", "MPFClientAccts", "MPFAuditors"}
	principals   = []string{"Everyone", "Authenticated Users", "Anonymous"}
)

// one returns one of several.
func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// some returns up to n of several.
func some(r *rand.Rand, n int, of ...string) []string {
	var all []string
	for range r.IntN(n + 1) {
		all = append(all, cased(r, one(r, of...)))
	}
	return all
}

// chance is true in so many of a hundred cases.
func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

// cased returns a name, sometimes in another case.
func cased(r *rand.Rand, name string) string {
	switch r.IntN(8) {
	case 0:
		return strings.ToUpper(name)
	case 1:
		return strings.ToLower(name)
	}
	return name
}

// deepest is how many calls lie within each other at most: of composite
// procedures on so many levels but one, and of a provider.
const deepest = 6

// newSite makes the procedures of a site, over two to four namespaces: those
// of providers first, then those that call them, then those that call these.
func newSite(r *rand.Rand) *site {
	s := &site{}
	namespaces := 2 + r.IntN(3)
	levels := make([][]string, deepest)
	add := func(level int, p program) {
		p.Name = fmt.Sprintf("N%d/%s", r.IntN(namespaces), p.Name)
		p.Access = one(r, "public", "public", "public", "private", "")
		levels[level] = append(levels[level], p.Name)
		s.Procedures = append(s.Procedures, p)
	}
	for i := range 2 + r.IntN(3) {
		add(0, program{Name: fmt.Sprintf("Read%d", i)})
		add(0, program{Name: fmt.Sprintf("Write%d", i), Write: true})
	}
	add(0, program{Name: "Fail", Fails: true})
	for level := 1; level < deepest; level++ {
		for i := range 2 + r.IntN(2) {
			p := program{Name: fmt.Sprintf("Level%d-%d", level, i)}
			for range 1 + r.IntN(3) {
				below := level - 1
				if chance(r, 30) {
					below = r.IntN(level)
				}
				p.Steps = append(p.Steps, newCall(r, levels[below]))
			}
			add(level, p)
		}
	}
	return s
}

func newCall(r *rand.Rand, to []string) call {
	return call{
		To: cased(r, one(r, to...)), Impersonate: threeState(r), Trusted: threeState(r), Sensitive: threeState(r),
		Broken: chance(r, 2), Caught: chance(r, 35),
	}
}

// threeState returns the value of a three-state attribute.
func threeState(r *rand.Rand) string { return one(r, "", "", "0", "1", "1", "2") }

// changeAccess makes accounts, lists, credentials and settings anew.
func (s *site) changeAccess(r *rand.Rand) {
	s.Accounts, s.Lists, s.Credentials, s.DefaultDeny = nil, nil, nil, chance(r, 10)
	for _, name := range usersOfSite[:len(usersOfSite)-1] { // the last one is in no directory
		s.Accounts = append(s.Accounts, account{Name: name, Disabled: chance(r, 4), In: append(some(r, 2, groupsOfSite...), some(r, 1, builtIn...)...)})
	}
	for _, name := range groupsOfSite { // in circles, too
		a := account{Name: name, Group: true, Disabled: chance(r, 8), In: some(r, 1, groupsOfSite...)}
		if chance(r, 15) {
			a.In = append(a.In, one(r, builtIn...))
		}
		s.Accounts = append(s.Accounts, a)
	}
	if chance(r, 50) {
		l := list{}
		for i := range 2 + r.IntN(4) {
			e := s.newEntry(r)
			if i == 0 {
				e = entry{Who: "Authenticated Users"}
			}
			e.Rights = nil
			for _, right := range []string{"simple", "credentials", "trusted", "private"} {
				if chance(r, 80) {
					e.Rights = append(e.Rights, right)
				}
			}
			l.Entries = append(l.Entries, e)
		}
		s.Lists = append(s.Lists, l)
	}
	namespaces := map[string]bool{}
	for i := range s.Procedures {
		p := &s.Procedures[i]
		namespace, _, _ := strings.Cut(p.Name, "/")
		if !namespaces[namespace] && chance(r, 40) {
			s.Lists = append(s.Lists, s.newList(r, namespace))
		}
		namespaces[namespace] = true
		if chance(r, 15) {
			l := s.newList(r, p.Name)
			l.Alone = chance(r, 40)
			s.Lists = append(s.Lists, l)
		}
		p.Override, p.ExecuteAs = "", ""
		if chance(r, 15) {
			p.Override = one(r, "public", "private")
		}
		if chance(r, 15) {
			p.ExecuteAs = cased(r, one(r, "key0", "Key1", "key2", "gone"))
		}
	}
	for i, name := range []string{"key0", "Key1", "key2"} {
		s.Credentials = append(s.Credentials, credential{Name: name, Account: one(r, fmt.Sprint("svc", i), fmt.Sprint(`corp\svc`, i)), Password: fmt.Sprint("sesame", i)})
	}
}

func (s *site) newList(r *rand.Rand, on string) list {
	l := list{On: on, Entries: []entry{}}
	for range r.IntN(6) {
		l.Entries = append(l.Entries, s.newEntry(r))
	}
	if chance(r, 50) { // or too few get far
		l.Entries = append(l.Entries, entry{Who: one(r, principals...), Rights: []string{"execute"}})
	}
	return l
}

func (s *site) newEntry(r *rand.Rand) entry {
	kinds := [][]string{usersOfSite, groupsOfSite, groupsOfSite, builtIn, principals, principals}
	e := entry{Deny: chance(r, 20), Rights: []string{"execute"}}
	if e.Deny {
		kinds = kinds[:4] // or hardly anybody is left
	}
	e.Who = cased(r, one(r, one(r, kinds...)...))
	return e
}

// newAsking makes a request to a site.
func (s *site) newAsking(r *rand.Rand) *asking {
	a := &asking{Account: cased(r, one(r, usersOfSite...)), Groups: some(r, 1, groupsOfSite...), Reach: one(r, "host", "host", "all", "none")}
	if chance(r, 90) {
		a.Groups = append(a.Groups, one(r, append(builtIn[:len(builtIn)-1:len(builtIn)-1], "MPFAdmins", "MPFTrustedUsers", "MPFTrustedUsers")...))
	}
	if chance(r, 10) {
		a.Unknown, a.Reach = true, "none"
	}
	// What the request calls itself is mostly what calls the most.
	door := func() []string {
		var names []string
		for _, p := range s.Procedures[len(s.Procedures)-1-r.IntN(len(s.Procedures)):] {
			names = append(names, p.Name)
		}
		if chance(r, 2) {
			return []string{"N0/None", "None/Read0"}
		}
		return names
	}
	a.Context = chance(r, 50)
	if chance(r, 40) {
		a.Simple = cased(r, one(r, door()...))
		a.Context = chance(r, 30)
		if !a.Context && chance(r, 2) {
			a.Steps = []call{newCall(r, door())}
		}
	} else {
		for range 1 + r.IntN(3) {
			a.Steps = append(a.Steps, newCall(r, door()))
		}
	}
	if !a.Context {
		return a
	}
	if often := 50; a.Simple == "" || chance(r, 15) { // a simple request may not
		for _, v := range []*string{&a.Impersonate, &a.Trusted, &a.Sensitive} {
			if chance(r, often) {
				*v = one(r, "0", "1", "1", "2")
			}
		}
		if chance(r, often) {
			a.Trustee = cased(r, one(r, usersOfSite...))
			if chance(r, 10) { // who is nobody
				a.Trustee = cased(r, one(r, one(r, groupsOfSite, principals)...))
			}
		}
	} else if chance(r, 20) {
		a.Trustee = cased(r, a.Account)
	}
	switch r.IntN(10) {
	case 0, 1, 2, 3:
		a.User, a.Password = one(r, "una", `corp\uwe`), one(r, "p1", "p2", "p3", "p4", "")
	case 4:
		a.Passport = true
	}
	return a
}
