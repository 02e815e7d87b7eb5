package file_test

import (
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"testing"

	"sutler"
	"sutler/provider/file"
	"sutler/sutlertest"
)

// acting is a disk on which Ann has an account of the operating system that
// nobody else has, and to which all below root belongs.
type acting struct {
	*disk
	uid int
	p   *file.Provider
}

func (a *acting) Provider() sutler.Provider { return a.p }

// ActedAs tells of the account if a helper of it is there, and ends that: the
// next one is there for what is done next. What root itself does leaves none.
func (a *acting) ActedAs(t *testing.T) (who []string) {
	if len(helpers(t, a.uid)) > 0 {
		who = append(who, `corp\ann`)
	}
	must(t, a.p.Close())
	until(t, "the helper has ended", func() bool { return len(helpers(t, a.uid)) == 0 })
	a.open(t)
	return who
}

func (a *acting) open(t *testing.T) {
	t.Helper()
	a.p = a.disk.open(t, file.Options{Accounts: map[string]string{`Corp\Ann`: numbers(a.uid)}})
}

// Each phase of a call is carried out by a process of the caller's account.
func TestIdentity(t *testing.T) {
	if os.Geteuid() != 0 {
		newDisk(t).open(t, annAndBob())
		return
	}
	var used atomic.Int64
	newActing := func(t *testing.T) *acting {
		t.Helper()
		a := &acting{disk: newDisk(t), uid: 430000 + int(used.Add(1))}
		a.owner = a.uid
		a.give(t, "root", a.uid)
		a.open(t)
		return a
	}
	ann := sutler.Identity{Kind: sutler.CallingUser, Account: `corp\ann`}
	var cases []sutlertest.ProviderCase[*acting]
	for _, c := range providerCases() {
		if c.Code != sutler.OK || c.Name != "" || !slices.Contains([]string{"CreateFile", "DeleteFile", "SetFileAttributes", "ListDirectory"}, c.Procedure) {
			continue
		}
		a := sutlertest.ProviderCase[*acting]{Procedure: c.Procedure, Type: c.Type, Data: c.Data, Want: c.Want, Output: c.Output, Identity: ann}
		if c.Setup != nil {
			a.Setup = func(t *testing.T, w *acting) { t.Helper(); c.Setup(t, w.disk) }
		}
		cases = append(cases, a)
	}
	if len(cases) < 4 {
		t.Fatalf("only %d cases are there", len(cases))
	}
	for _, who := range []sutler.Identity{
		{Kind: sutler.CallingUser, Account: `corp\bob`}, {Kind: sutler.CallingUser},
		{Kind: sutler.BasicAccount, Account: `corp\ann`, Secret: sutler.NewSecret("ann's s3cr3t")},
		{Kind: sutler.ExecuteAs, Account: `corp\bob`, Secret: sutler.NewSecret("bob's s3cr3t")},
	} {
		cases = append(cases, sutlertest.ProviderCase[*acting]{
			Name: fmt.Sprintf("refuses %s", who), Procedure: "CreateFile", Data: create("."), Identity: who, Code: sutler.Denied, Text: "account",
		})
	}
	sutlertest.TestProvider(t, newActing, cases)
}
