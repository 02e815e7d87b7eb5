package file_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sutler"
	"sutler/provider/file"
	"sutler/sutlertest"
)

// The accounts of these tests; nobody else has these numbers.
const (
	annUID = 412345
	bobUID = 412346
)

func numbers(uid int) string { return fmt.Sprintf("%d:%d", uid, uid) }

func annAndBob() file.Options {
	return file.Options{Accounts: map[string]string{`Corp\Ann`: numbers(annUID), "bob": numbers(bobUID)}, Setting: "accounts.json"}
}

// open opens a provider that acts as others. Where nobody can, that is what it
// says, which is all there is to see.
func (d *disk) open(t *testing.T, o file.Options) *file.Provider {
	t.Helper()
	p, err := file.Open(d.root, o)
	if os.Geteuid() != 0 && (o.Service != "" || len(o.Accounts) > 0) {
		if sutler.CodeOf(err) != sutler.BadInput || !strings.Contains(err.Error(), "only root") {
			t.Errorf("Open = %v, want that only root can", err)
		}
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	must(t, os.Chmod(filepath.Dir(d.dir), 0o711)) // package testing lets nobody else in
	return p
}

// give gives what is on the disk at path to an account.
func (d *disk) give(t *testing.T, path string, uid int) {
	t.Helper()
	if err := os.Chown(filepath.Join(d.dir, path), uid, uid); err != nil {
		t.Fatal(err)
	}
}

func as(t *testing.T, account, procedure, data string) *sutler.Call {
	t.Helper()
	c := sutlertest.NewCall(t, procedure, data)
	c.Identity = sutler.Identity{Kind: sutler.CallingUser, Account: account}
	return c
}

// later is c as it comes to Rollback or Commit.
func later(c *sutler.Call) *sutler.Call {
	l := *c
	l.Data, l.Rollback = nil, sutler.NewRollbackData(c.Rollback.Pairs(), nil)
	return &l
}

func owner(t *testing.T, path string) int {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Uid)
}

// helpers returns the processes that are children of this one as uid.
func helpers(t *testing.T, uid int) []int {
	t.Helper()
	return processes(t, uid, fmt.Sprintf("\nPPid:\t%d\n", os.Getpid()))
}

// processes returns the processes of uid that have that line in their status.
func processes(t *testing.T, uid int, line string) []int {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	var found []int
	for _, path := range all {
		text, err := os.ReadFile(path)
		if err != nil { // it has ended meanwhile
			continue
		}
		s := "\n" + string(text)
		if strings.Contains(s, line) && strings.Contains(s, fmt.Sprintf("\nUid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d\n", uid)) && !strings.Contains(s, "\nState:\tZ") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, pid)
		}
	}
	return found
}

// until waits until f is content.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

const createX = `<fileName>x</fileName><sourcePath path="PATH"/><content>ex</content><properties mode="0600"/>`

func create(path string) string { return strings.Replace(createX, "PATH", path, 1) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v (%v)", err, sutler.CodeOf(err))
	}
}

// Each account makes, reads and removes what it may, and nothing else.
func TestAccounts(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0700 root/ann", "d 0755 root/bob", "d 0755 root/engine")
	p := d.open(t, annAndBob())
	if p == nil {
		return
	}
	d.give(t, "root/ann", annUID)
	d.give(t, "root/bob", bobUID)
	ann := as(t, `corp\ANN`, "CreateFile", create("ann"))
	bob := as(t, "Bob", "CreateFile", create("bob"))
	service := sutlertest.NewCall(t, "CreateFile", create("engine"))
	for _, c := range []*sutler.Call{ann, bob, service} {
		must(t, p.Process(t.Context(), c))
	}
	for path, uid := range map[string]int{"ann/x": annUID, "bob/x": bobUID, "engine/x": 0} {
		if got := owner(t, filepath.Join(d.dir, "root", path)); got != uid {
			t.Errorf("%s belongs to %d, want %d", path, got, uid)
		}
		d.has(t, "f 0600 root/"+path+` "ex"`)
	}

	before := d.Snapshot(t)
	for _, c := range []struct{ account, procedure, data, text string }{
		{`corp\ann`, "CreateDirectory", `<dirName>y</dirName><sourcePath path="bob"/>`, `cannot create directory "bob/y"`},
		{`corp\ann`, "DeleteFile", `<fileName>x</fileName><sourcePath path="bob"/>`, `cannot delete file "bob/x"`},
		{`corp\ann`, "SetFileAttributes", `<fileName>x</fileName><sourcePath path="bob"/><properties mode="0644"/>`, `"bob/x"`},
		{`corp\ann`, "CopyFile", `<fileName>x</fileName><sourcePath path="bob"/><destPath path="ann"/><newName>stolen</newName>`, "permission denied"},
		{`corp\ann`, "CopyFile", `<fileName>x</fileName><sourcePath path="engine"/><destPath path="ann"/><newName>stolen</newName>`, "permission denied"},
		{"bob", "ListDirectory", `<sourcePath path="ann"/>`, `cannot open folder "ann"`},
		{"bob", "CreateFile", create("ann"), `cannot open folder "ann"`},
	} {
		err := p.Process(t.Context(), as(t, c.account, c.procedure, c.data))
		if sutler.CodeOf(err) != sutler.Denied || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %s = %v (%v), want %s (%v)", c.account, c.procedure, err, sutler.CodeOf(err), c.text, sutler.Denied)
		}
	}
	if after := d.Snapshot(t); after != before && after != strings.Replace(before, "d 0755 root\n", fmt.Sprintf("d 0755 root\nd 0700 root/.sutler-trash-%d\n", annUID), 1) {
		t.Errorf("the disk changed to\n%s", after)
	}

	list := as(t, `corp\ann`, "ListDirectory", `<sourcePath path="ann"/>`)
	must(t, p.Process(t.Context(), list))
	if got, want := list.Data.Child("result").String(), `<result><file name="x" mode="0600" size="2"/></result>`; got != want {
		t.Errorf("ListDirectory gave %s, want %s", got, want)
	}

	remove := as(t, `corp\ann`, "DeleteFile", `<fileName>x</fileName><sourcePath path="ann"/>`)
	remove.Seq++
	must(t, p.Process(t.Context(), remove))
	if got := owner(t, filepath.Join(d.dir, "root", fmt.Sprintf(".sutler-trash-%d", annUID))); got != annUID {
		t.Errorf("the trash belongs to %d", got)
	}
	must(t, p.Rollback(t.Context(), later(remove)))
	d.has(t, `f 0600 root/ann/x "ex"`)
	for _, c := range []*sutler.Call{ann, bob, service} {
		must(t, p.Rollback(t.Context(), later(c)))
	}
	if after := d.Snapshot(t); strings.Contains(after, "x \"ex\"") {
		t.Errorf("the disk still holds\n%s", after)
	}

	tasks, err := filepath.Glob("/proc/self/task/*/status")
	must(t, err)
	for _, path := range tasks {
		if text, err := os.ReadFile(path); err == nil && !strings.Contains(string(text), "\nUid:\t0\t0\t0\t0\n") {
			t.Errorf("a thread of the engine has changed its account:\n%s", text)
		}
	}
}

func TestWhoIsWho(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/all")
	with := func(service string, more ...string) file.Options {
		o := annAndBob()
		for i := 0; i < len(more); i += 2 {
			o.Accounts[more[i]] = more[i+1]
		}
		o.Service = service
		return o
	}
	caller := func(account string) sutler.Identity {
		return sutler.Identity{Kind: sutler.CallingUser, Account: account}
	}
	for _, c := range []struct {
		what string
		o    file.Options
		id   sutler.Identity
		uid  int    // who makes the file
		text string // or why nobody does
	}{
		{"service", with(""), sutler.Identity{Kind: sutler.ServiceAccount, Account: "bob"}, 0, ""},
		{"mapped service", with(numbers(bobUID)), sutler.Identity{Kind: sutler.ServiceAccount}, bobUID, ""},
		{"nobody mapped", file.Options{}, caller("eve"), os.Geteuid(), ""},
		{"service alone", file.Options{Service: numbers(bobUID)}, caller("eve"), bobUID, ""},
		{"stored credential", with(""), sutler.Identity{Kind: sutler.ExecuteAs, Account: "bob"}, bobUID, ""},
		{"unchecked credential", with(""), sutler.Identity{Kind: sutler.BasicAccount, Account: "bob"}, 0, `as account "bob": it comes from the basic credential`},
		{"not mapped", with(""), caller("eve"), 0, `cannot call "CreateFile" as account "eve": it has no account of the operating system; an administrator maps it to one in accounts.json`},
		{"not mapped, service is", with(numbers(bobUID)), caller("eve"), 0, `as account "eve"`},
		{"no name", with(""), caller(""), 0, `as account "anonymous"`},
		{"anonymous", with(""), caller("anonymous"), 0, `as account "anonymous"`},
		{"no name, mapped", with("", "Anonymous", numbers(bobUID)), caller(""), bobUID, ""},
		{"anonymous, mapped", with("", "anonymous", numbers(bobUID)), caller("Anonymous"), bobUID, ""},
	} {
		p := d.open(t, c.o)
		if p == nil {
			continue
		}
		call := as(t, "", "CreateFile", create("all"))
		call.Identity = c.id
		err := p.Process(t.Context(), call)
		if c.text != "" {
			if sutler.CodeOf(err) != sutler.Denied || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: Process = %v, want %s", c.what, err, c.text)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: Process = %v", c.what, err)
			continue
		}
		if got := owner(t, filepath.Join(d.dir, "root/all/x")); got != c.uid {
			t.Errorf("%s: the file belongs to %d, want %d", c.what, got, c.uid)
		}
		must(t, p.Rollback(t.Context(), later(call)))
	}
}

func TestRefusedAtStart(t *testing.T) {
	d := newDisk(t)
	for name, text := range map[string]string{
		"root": "uid 0 may do everything", "0:0": "uid 0", "0:412345": "uid 0", "+0:1": "two numbers", "x:y": "two numbers", "4294967295:1": "two numbers",
		"no such account here": "uid:gid", "": "uid:gid", "12345": "uid:gid", "-1:5": "two numbers", "1:2:3": "two numbers",
	} {
		for _, o := range []file.Options{{Accounts: map[string]string{"ann": name}}, {Service: name}} {
			if o.Service == "" && o.Accounts == nil {
				continue
			}
			_, err := file.Open(d.root, o)
			if os.Geteuid() != 0 {
				text = "only root"
			}
			if sutler.CodeOf(err) != sutler.BadInput || !strings.Contains(err.Error(), text) {
				t.Errorf("Open with %+v = %v, want %s", o, err, text)
			}
		}
	}
	for _, o := range []file.Options{{Accounts: map[string]string{"": numbers(annUID)}}, {Accounts: map[string]string{"ann": numbers(annUID), "Ann": numbers(annUID)}}} {
		if _, err := file.Open(d.root, o); sutler.CodeOf(err) != sutler.BadInput {
			t.Errorf("Open with %+v = %v", o, err)
		}
	}

	// Who is not root says so, whoever runs this test.
	cmd := exec.Command("/proc/self/exe", ordinary)
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: annUID, Gid: annUID}}
	}
	cmd.Dir, cmd.Env = "/", []string{}
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), "only root can start processes as others, and the engine runs as uid") {
		t.Errorf("Open as somebody = %s, %v", out, err)
	}
}
