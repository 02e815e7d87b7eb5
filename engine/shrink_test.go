package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// smallest takes away from a site and a request what can go without the engine
// and the model agreeing again.
func smallest(t testing.TB, s *site, a *asking) (*site, *asking) {
	t.Helper()
	differ := func(s *site, a *asking) bool { return !slices.Equal(s.expect(a), newStand(t, s).submit(t, a)) }
	if !differ(s, a) {
		t.Log("alone the request shows no difference: it needs those before it")
		return s, a
	}
	for smaller := true; smaller; {
		smaller = false
		for n := 0; ; n++ {
			s2, a2, more := without(s, a, n)
			if !more {
				break
			}
			if differ(s2, a2) {
				s, a, smaller = s2, a2, true
				n--
			}
		}
	}
	return s, a
}

// without returns copies of both without their n-th part, and whether there is
// such a part. A copy that would not compile, or would ask for nothing, is left
// as it was.
func without(s *site, a *asking, n int) (*site, *asking, bool) {
	s, a = copied(s), copied(a)
	cut := func(length int, f func(i int)) {
		if n >= 0 && n < length {
			f(n)
		}
		n -= length
	}
	clear := func(fields ...*string) {
		for _, f := range fields {
			if *f != "" {
				cut(1, func(int) { *f = "" })
			}
		}
	}
	unset := func(fields ...*bool) {
		for _, f := range fields {
			if *f {
				cut(1, func(int) { *f = false })
			}
		}
	}
	steps := func(list *[]call) {
		if len(*list) > 1 {
			cut(len(*list), func(i int) { *list = slices.Delete(*list, i, i+1) })
		}
		for i := range *list {
			c := &(*list)[i]
			clear(&c.Impersonate, &c.Trusted, &c.Sensitive)
			unset(&c.Broken, &c.Caught)
			for _, p := range s.Procedures { // what it calls in place of it
				if lower(p.Name) == lower(c.To) {
					cut(len(p.Steps), func(i int) { *c = p.Steps[i] })
				}
			}
		}
	}
	called := func(name string) bool {
		all := slices.Clone(a.Steps)
		for _, p := range s.Procedures {
			all = append(all, p.Steps...)
		}
		return lower(a.Simple) == lower(name) || slices.ContainsFunc(all, func(c call) bool { return lower(c.To) == lower(name) })
	}
	cut(len(s.Lists), func(i int) { s.Lists = slices.Delete(s.Lists, i, i+1) })
	cut(len(s.Accounts), func(i int) { s.Accounts = slices.Delete(s.Accounts, i, i+1) })
	cut(len(s.Credentials), func(i int) { s.Credentials = slices.Delete(s.Credentials, i, i+1) })
	for i := range s.Lists {
		l := &s.Lists[i]
		cut(len(l.Entries), func(i int) { l.Entries = slices.Delete(l.Entries, i, i+1) })
		unset(&l.Alone)
	}
	for i := range s.Accounts {
		u := &s.Accounts[i]
		cut(len(u.In), func(i int) { u.In = slices.Delete(u.In, i, i+1) })
		unset(&u.Disabled)
	}
	cut(len(a.Groups), func(i int) { a.Groups = slices.Delete(a.Groups, i, i+1) })
	unset(&s.DefaultDeny, &a.Unknown, &a.Passport)
	clear(&a.Trustee, &a.Impersonate, &a.Trusted, &a.Sensitive, &a.User)
	steps(&a.Steps)
	for i := range s.Procedures {
		p := &s.Procedures[i]
		clear(&p.Override, &p.ExecuteAs)
		steps(&p.Steps)
	}
	for i := range s.Procedures {
		if len(s.Procedures) > 1 && !called(s.Procedures[i].Name) {
			cut(1, func(int) { s.Procedures = slices.Delete(s.Procedures, i, i+1) })
			if n < 0 {
				break
			}
		}
	}
	return s, a, n < 0
}

// copied returns a copy that shares nothing.
func copied[T any](v *T) *T {
	text, err := json.Marshal(v)
	if err != nil {
		panic("plain data can be written: " + err.Error())
	}
	next := new(T)
	if err := json.Unmarshal(text, next); err != nil {
		panic("plain data can be read: " + err.Error())
	}
	return next
}

// shown returns a site and a request as an installation would have them.
func shown(s *site, a *asking) string {
	var b strings.Builder
	for _, text := range s.namespaces() {
		fmt.Fprintln(&b, text)
	}
	for _, r := range s.rows() {
		fmt.Fprintf(&b, "%s %s %s\n", r.Kind, r.Name, r.Value)
	}
	fmt.Fprintf(&b, "default deny %t\ncaller %q groups %q unknown %t reach %s, simple %q\n%s", s.DefaultDeny, a.Account, a.Groups, a.Unknown, a.Reach, a.Simple, a.xml())
	return b.String()
}
