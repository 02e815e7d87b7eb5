package admin_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/admin"
	"sutler/engine"
	"sutler/security"
	"sutler/sutlertest"
)

// root is the holder of the data directory, who is in no row.
var root = sutler.Caller{Account: "local", Groups: []string{security.Administrators}}

// cheap makes hashes that cost next to nothing.
var cheap = security.Params{MemoryKiB: 8, Passes: 1, Lanes: 1}

// good is a password that the policy takes.
const good = "four grey geese graze"

const namespaces = `<namespace name="Mail" providerSource="fake"><procedure name="Create" type="write" access="public"/><procedure name="Delete" type="write"/></namespace>
<namespace name="Fixed" providerSource="fake" readOnly="1"><procedure name="Get" type="read" access="public"/></namespace>`

// installation is an engine with its administration.
type installation struct {
	*admin.Admin
	engine *engine.Engine
	log    *sutlertest.Log
	config *sutlertest.Config
	keys   *security.Keys
	faster *racer
}

// racer is an access store in which somebody else changes something first.
type racer struct {
	*sutlertest.Config
	first func() // called once, before the next PutAccess; nil: nobody is faster
	puts  int
}

func (r *racer) PutAccess(ctx context.Context, revision int64, rows ...sutler.AccessRow) (int64, error) {
	r.puts++
	if do := r.first; do != nil {
		r.first = nil
		do()
	}
	return r.Config.PutAccess(ctx, revision, rows...)
}

func install(t *testing.T, changes ...sutler.AccessChange) *installation {
	t.Helper()
	keys, err := security.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	in := &installation{log: sutlertest.NewLog(), config: &sutlertest.Config{}, keys: keys}
	in.faster = &racer{Config: in.config}
	lease, err := in.log.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	ids := 0
	now := func() time.Time { return time.Unix(1_700_000_000, 0) }
	in.engine, err = engine.New(t.Context(), engine.Options{
		Lease: lease, Log: in.log, Config: in.config, Access: in.faster, Sealer: keys, Grace: time.Millisecond, Pauses: []time.Duration{},
		Providers: map[string]sutler.Provider{"fake": sutlertest.NewFake()},
		Now:       now,
		NewID: func() sutler.TransactionID {
			ids++
			return sutler.TransactionID(fmt.Sprintf("{%d}", ids))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range strings.Split(namespaces, "\n") {
		if problems, err := in.engine.Register(t.Context(), root, sutler.Source{File: fmt.Sprintf("n%d.xml", i), Text: []byte(text)}); err != nil {
			t.Fatalf("Register: %v %v", err, problems)
		}
	}
	in.Admin = &admin.Admin{
		Engine: in.engine, Hasher: security.Hasher{Params: cheap}, Sealer: keys, Now: now,
		Random: bytes.NewReader(bytes.Repeat([]byte("a salt of 16 by."), 64)),
	}
	for _, c := range changes {
		in.must(t, c)
	}
	return in
}

func (in *installation) must(t *testing.T, c sutler.AccessChange) {
	t.Helper()
	if err := in.Change(t.Context(), root, c); err != nil {
		t.Fatalf("%s %q: %v", c.Verb, c.Name, err)
	}
}

// shown is who may do what, one item a line; built-in groups without members
// of their own and usual lists are left out.
func (in *installation) shown() []string {
	var lines []string
	add := func(format string, args ...any) {
		lines = append(lines, strings.TrimRight(fmt.Sprintf(format, args...), " "))
	}
	v := in.View()
	for _, a := range v.Accounts {
		kind, more := "user", ""
		if a.Group {
			kind = "group"
		}
		if a.Password {
			more += " password"
		}
		if a.Disabled {
			more += " disabled"
		}
		if len(a.MemberOf) > 0 {
			more += " in " + strings.Join(a.MemberOf, ",")
		}
		if !a.Group || more != "" || !strings.HasPrefix(a.Name, "MPF") && a.Name != security.Administrators {
			add("%s %s%s", kind, a.Name, more)
		}
	}
	for _, l := range v.Lists {
		if l.Usual {
			continue
		}
		protected := ""
		if l.Protected {
			protected = " protected"
		}
		add("list %s%s", l.Object, protected)
		for _, e := range l.Entries {
			verb := "allow"
			if e.Deny {
				verb = "deny"
			}
			add("list %s: %s %s %s", l.Object, verb, e.Who, strings.Join(e.Rights, ","))
		}
	}
	for _, p := range v.Procedures {
		text := fmt.Sprintf("procedure %s as=%q access=%q", p.Procedure, p.ExecuteAs, p.Access)
		for _, s := range []struct {
			name string
			on   *bool
		}{{"audit", p.Audit}, {"perf", p.Perf}, {"saveRollback", p.SaveRollback}} {
			if s.on != nil {
				text += fmt.Sprintf(" %s=%t", s.name, *s.on)
			}
		}
		add("%s", text)
	}
	for _, c := range v.Credentials {
		add("credential %s %s", c.Name, c.Account)
	}
	return lines
}

// changed returns what is in only one of two pictures, marked - and +.
func changed(before, after []string) []string {
	out := []string{}
	for _, l := range before {
		if !slices.Contains(after, l) {
			out = append(out, "- "+l)
		}
	}
	for _, l := range after {
		if !slices.Contains(before, l) {
			out = append(out, "+ "+l)
		}
	}
	return out
}

func text(s string) *string { return &s }

func user(name string, groups ...string) sutler.AccessChange {
	return sutler.AccessChange{Verb: sutler.AddUser, Name: name, Secret: good, Groups: groups}
}

func group(name string, groups ...string) sutler.AccessChange {
	return sutler.AccessChange{Verb: sutler.AddGroup, Name: name, Groups: groups}
}

func member(name, who string) sutler.AccessChange {
	return sutler.AccessChange{Verb: sutler.AddMember, Name: name, Who: who}
}

func allow(object, who string, rights ...string) sutler.AccessChange {
	return sutler.AccessChange{Verb: sutler.AllowAccess, Name: object, Who: who, Rights: rights}
}

func credential(name string) sutler.AccessChange {
	return sutler.AccessChange{Verb: sutler.SetCredential, Name: name, Account: `corp\` + name, Secret: good}
}
