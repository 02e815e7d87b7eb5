package file_test

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"testing"

	"sutler"
	"sutler/provider/file"
)

// gone is later with nobody there any more that the call was for.
func gone(c *sutler.Call) *sutler.Call {
	l := later(c)
	l.Identity = sutler.Identity{Kind: sutler.ServiceAccount}
	return l
}

// What was done as one account is undone as the same, whatever is mapped then,
// and whatever the identity is.
func TestUndoneAsTheSame(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0755 root/ann", "d 0755 root/engine")
	p := d.open(t, annAndBob())
	if p == nil {
		return
	}
	d.give(t, "root/ann", annUID)
	c := as(t, `corp\ann`, "CreateFile", create("ann"))
	must(t, p.Process(t.Context(), c))

	// The folder is no longer Ann's: she cannot undo, and neither does the engine for her.
	d.give(t, "root/ann", bobUID)
	for _, l := range []*sutler.Call{later(c), gone(c)} {
		if err := p.Rollback(t.Context(), l); sutler.CodeOf(err) != sutler.Denied {
			t.Errorf("Rollback as %s = %v, want a denial", l.Identity, err)
		}
		d.has(t, `f 0600 root/ann/x "ex"`)
	}
	d.give(t, "root/ann", annUID)

	for _, o := range []file.Options{{}, {Accounts: map[string]string{"bob": numbers(bobUID)}}, {Service: numbers(bobUID)}} {
		q := d.open(t, o)
		for _, l := range []*sutler.Call{later(c), gone(c)} {
			err := q.Rollback(t.Context(), l)
			if sutler.CodeOf(err) != sutler.Denied || !strings.Contains(err.Error(), numbers(annUID)) {
				t.Errorf("Rollback with %v as %s = %v, want a denial", o, l.Identity, err)
			}
			d.has(t, `f 0600 root/ann/x "ex"`)
		}
	}
	// She has another name now, or has gone.
	must(t, d.open(t, file.Options{Accounts: map[string]string{"anna": numbers(annUID), `corp\ann`: numbers(bobUID)}}).Rollback(t.Context(), later(c)))
	for _, service := range []string{"", numbers(bobUID)} {
		c = as(t, `corp\ann`, "CreateFile", create("ann"))
		must(t, p.Process(t.Context(), c))
		o := annAndBob()
		o.Service = service
		must(t, d.open(t, o).Rollback(t.Context(), gone(c)))
	}
	d.put(t, `f 0600 root/ann/x "not there"`)

	// What the engine did before anything was mapped, the engine undoes.
	c = as(t, `corp\ann`, "CreateFile", create("engine"))
	must(t, d.open(t, file.Options{}).Process(t.Context(), c))
	must(t, p.Rollback(t.Context(), later(c)))
	d.put(t, `f 0600 root/engine/x "not there"`)
}

// Two accounts with the same numbers and other groups are not the same.
func TestUndoneWithTheSameGroups(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/all")
	u, err := user.Lookup("nobody")
	must(t, err)
	uid, err := strconv.Atoi(u.Uid)
	must(t, err)
	bare := u.Uid + ":" + u.Gid // has no groups
	open := func() *file.Provider {
		t.Helper()
		return d.open(t, file.Options{Accounts: map[string]string{bare: bare, "nobody": "nobody"}})
	}
	p := open()
	if p == nil {
		return
	}
	// groups returns those of the one helper, and ends it.
	groups := func() string {
		t.Helper()
		of := helpers(t, uid)
		if len(of) != 1 {
			t.Fatalf("the helpers are %v", of)
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", of[0]))
		must(t, err)
		_, rest, _ := strings.Cut(string(text), "\nGroups:")
		line, _, _ := strings.Cut(rest, "\n")
		must(t, p.Close())
		until(t, "the helper has ended", func() bool { return len(helpers(t, uid)) == 0 })
		p = open()
		return strings.TrimSpace(line)
	}
	seen := map[string]bool{}
	for _, account := range []string{bare, "nobody"} {
		c := as(t, account, "CreateFile", create("all"))
		must(t, p.Process(t.Context(), c))
		want := groups()
		seen[want] = true
		must(t, p.Rollback(t.Context(), gone(c)))
		if got := groups(); got != want {
			t.Errorf("what %s did with the groups %q was undone with %q", account, want, got)
		}
	}
	if len(seen) != 2 {
		t.Errorf("the groups of both are %v: this shows nothing", seen)
	}
}
