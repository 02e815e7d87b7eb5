package file_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sutler"
	"sutler/provider/file"
	"sutler/sutlertest"
)

// The accounts of these tests; nobody else has these numbers.
const (
	annUID = 412345
	bobUID = 412346
)

func pair(name, value string) sutler.Pair { return sutler.Pair{Name: name, Value: value} }

func numbers(uid int) string { return fmt.Sprintf("%d:%d", uid, uid) }

func annAndBob() file.Options {
	return file.Options{Accounts: map[string]string{`Corp\Ann`: numbers(annUID), "bob": numbers(bobUID)}, Setting: "accounts.json"}
}

// open opens a provider that acts as others. Where nobody can, that is what it
// says, which is all there is to see.
func (d *disk) open(t *testing.T, o file.Options) *file.Provider {
	t.Helper()
	p, err := file.Open(d.root, o)
	if os.Geteuid() != 0 {
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
		if strings.Contains(s, fmt.Sprintf("\nPPid:\t%d\n", os.Getpid())) && strings.Contains(s, fmt.Sprintf("\nUid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d\n", uid)) && !strings.Contains(s, "\nState:\tZ") {
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

// What was done as one account is undone as the same, whatever is mapped then.
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
	if err := p.Rollback(t.Context(), later(c)); sutler.CodeOf(err) != sutler.Denied {
		t.Errorf("Rollback = %v, want a denial", err)
	}
	d.has(t, `f 0600 root/ann/x "ex"`)
	d.give(t, "root/ann", annUID)

	for _, o := range []file.Options{{}, {Accounts: map[string]string{"bob": numbers(bobUID)}}, {Service: numbers(bobUID)}} {
		err := d.open(t, o).Rollback(t.Context(), later(c))
		if sutler.CodeOf(err) != sutler.Denied || !strings.Contains(err.Error(), numbers(annUID)) {
			t.Errorf("Rollback with %v = %v, want a denial", o, err)
		}
		d.has(t, `f 0600 root/ann/x "ex"`)
	}
	// She has another name now.
	must(t, d.open(t, file.Options{Accounts: map[string]string{"anna": numbers(annUID), `corp\ann`: numbers(bobUID)}}).Rollback(t.Context(), later(c)))
	d.put(t, `f 0600 root/ann/x "not there"`)

	// What the engine did before anything was mapped, the engine undoes.
	c = as(t, `corp\ann`, "CreateFile", create("engine"))
	must(t, d.open(t, file.Options{}).Process(t.Context(), c))
	must(t, p.Rollback(t.Context(), later(c)))
	d.put(t, `f 0600 root/engine/x "not there"`)
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
		{"nobody mapped", file.Options{}, caller("eve"), 0, ""},
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

// A helper has nothing of the engine.
func TestHelperInheritsNothing(t *testing.T) {
	t.Setenv("SUTLER_TEST_SECRET", "swordfish")
	d := newDisk(t)
	d.put(t, "d 0777 root/all")
	// Opened by somebody who does not think of children.
	fd, err := unix.Open(filepath.Join(d.dir, "outside/secret"), unix.O_RDONLY, 0)
	must(t, err)
	defer unix.Close(fd)
	p := d.open(t, annAndBob())
	if p == nil {
		return
	}
	must(t, p.Process(t.Context(), as(t, "bob", "CreateFile", create("all"))))
	pids := helpers(t, bobUID)
	if len(pids) != 1 {
		t.Fatalf("the helpers are %v, want one", pids)
	}
	proc := fmt.Sprintf("/proc/%d/", pids[0])
	env, err := os.ReadFile(proc + "environ")
	if err != nil || len(env) > 0 {
		t.Errorf("the environment of the helper is %q, %v", env, err)
	}
	fds, err := os.ReadDir(proc + "fd")
	must(t, err)
	root := filepath.Join(d.dir, "root")
	for _, fd := range fds {
		target, err := os.Readlink(proc + "fd/" + fd.Name())
		must(t, err)
		n, _ := strconv.Atoi(fd.Name())
		switch {
		case n <= 1 && strings.HasPrefix(target, "pipe:"), n == 2 && target == os.DevNull:
		case n > 2 && (target == root || strings.HasPrefix(target, "anon_inode:") || strings.HasPrefix(target, "/sys/fs/cgroup/")): // the runtime's
		default:
			t.Errorf("the helper holds descriptor %s, %s", fd.Name(), target)
		}
	}
	if cwd, err := os.Readlink(proc + "cwd"); cwd != "/" {
		t.Errorf("the helper works in %q, %v", cwd, err)
	}
	status, err := os.ReadFile(proc + "status")
	must(t, err)
	for _, line := range []string{fmt.Sprintf("Gid:\t%[1]d\t%[1]d\t%[1]d\t%[1]d", bobUID), "Groups:\t \n", "Umask:\t0077", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000"} {
		if !strings.Contains(string(status), line) {
			t.Errorf("the helper lacks %q in\n%s", line, status)
		}
	}
	if sid, err := unix.Getsid(pids[0]); sid != pids[0] || err != nil {
		t.Errorf("the helper belongs to session %d, %v", sid, err)
	}
	// Others of its account may not look into it.
	peek := exec.Command("cat", proc+"environ")
	peek.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: bobUID, Gid: bobUID}}
	if err := peek.Run(); err == nil {
		t.Error("another process of the account can look into the helper")
	}

	must(t, p.Close())
	if left := helpers(t, bobUID); len(left) > 0 {
		t.Errorf("after Close there are %v", left)
	}
	if err := p.Process(t.Context(), as(t, "bob", "Exists", `<fileName>x</fileName><sourcePath path="."/>`)); sutler.CodeOf(err) != sutler.Stopping {
		t.Errorf("Process after Close = %v", err)
	}
}

// A helper that dies in the middle of a call leaves it unknown, and the next
// call has another one.
func TestHelperKilled(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/all")
	before := d.Snapshot(t)
	p := d.open(t, annAndBob())
	if p == nil {
		return
	}
	for n := 1; n <= 2; n++ {
		c := as(t, "bob", "CreateFile", create("all"))
		flushes := 0
		var durable []sutler.Pair
		c.Rollback = sutler.NewRollbackData(nil, func(_ context.Context, pairs []sutler.Pair) error {
			durable = pairs
			if flushes++; flushes == n {
				pids := helpers(t, bobUID)
				if len(pids) != 1 {
					t.Errorf("the helpers are %v, want one", pids)
				}
				for _, pid := range pids {
					must(t, syscall.Kill(pid, syscall.SIGKILL))
				}
			}
			return nil
		})
		err := p.Process(t.Context(), c)
		for _, text := range []string{`cannot process "CreateFile" as account "412346:412346"`, "helper process has ended without an answer (signal: killed)", "is not known"} {
			if sutler.CodeOf(err) != sutler.NoAnswer || !strings.Contains(err.Error(), text) {
				t.Errorf("Process = %v (%v), want %s", err, sutler.CodeOf(err), text)
			}
		}
		c.Rollback = sutler.NewRollbackData(durable, nil)
		must(t, p.Rollback(t.Context(), later(c)))
		if after := d.Snapshot(t); after != before {
			t.Errorf("killed at flush %d and undone, the disk holds\n%s", n, after)
		}
	}
	must(t, p.Process(t.Context(), as(t, "bob", "CreateFile", create("all"))))
}

// Helpers that do not keep to the rules are ended, and so is what they do.
func TestHelperThatLies(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/all")
	for part, text := range map[string]string{
		liar: "not asked", boaster: "the limit between engine and helper", thief: "not for it", deaf: "did not end a call within 1ms",
	} {
		o := annAndBob()
		o.MessageBytes, o.Patience = 1<<20, time.Millisecond
		p := d.open(t, o)
		if p == nil {
			continue
		}
		file.UseArgument(p, part)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		if part == deaf {
			cancel()
		}
		c := as(t, "bob", "CreateFile", create("all"))
		c.Data.Child("content").AppendText(strings.Repeat("x", 1<<18)) // more than a pipe holds
		err := p.Process(ctx, c)
		if sutler.CodeOf(err) != sutler.NoAnswer || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: Process = %v (%v), want %s", part, err, sutler.CodeOf(err), text)
		}
		for _, pair := range c.Rollback.Pairs() {
			if pair.Name != "as" {
				t.Errorf("%s: the helper had %v remembered", part, pair)
			}
		}
		if left := helpers(t, bobUID); len(left) > 0 {
			t.Errorf("%s: there are still %v", part, left)
		}
	}
}

func TestMessageLimits(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/all")
	o := annAndBob()
	o.MessageBytes = 4096
	p := d.open(t, o)
	if p == nil {
		return
	}
	before := d.Snapshot(t)
	c := as(t, "bob", "CreateFile", create("all"))
	c.Data.Child("content").AppendText(strings.Repeat("x", 5000))
	if err := p.Process(t.Context(), c); sutler.CodeOf(err) != sutler.LimitReached || !strings.Contains(err.Error(), "4096") {
		t.Errorf("a great call: Process = %v", err)
	}
	if after := d.Snapshot(t); after != before {
		t.Errorf("a great call changed the disk to\n%s", after)
	}
	for i := range 100 {
		d.put(t, fmt.Sprintf(`f 0644 root/all/a-rather-long-name-%d ""`, i))
	}
	list := as(t, "bob", "ListDirectory", `<sourcePath path="all"/>`)
	if err := p.Process(t.Context(), list); sutler.CodeOf(err) != sutler.LimitReached || !strings.Contains(err.Error(), "4096") {
		t.Errorf("a great answer: Process = %v", err)
	}
	must(t, p.Process(t.Context(), as(t, "bob", "CreateFile", create("all"))))
}

// There are only so many helpers, and those that do nothing go.
func TestFewHelpers(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/all")
	o := annAndBob()
	o.Helpers = 1
	p := d.open(t, o)
	if p == nil {
		return
	}
	exists := `<fileName>x</fileName><sourcePath path="all"/>`
	c := as(t, "bob", "CreateFile", create("all"))
	c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error {
		if err := p.Process(t.Context(), as(t, `corp\ann`, "Exists", exists)); sutler.CodeOf(err) != sutler.Busy {
			t.Errorf("a second account while the first is at work: Process = %v", err)
		}
		return p.Process(t.Context(), as(t, "bob", "Exists", exists)) // of the same account many
	})
	must(t, p.Process(t.Context(), c))
	must(t, p.Process(t.Context(), as(t, `corp\ann`, "Exists", exists)))
	until(t, "the first helper has made room", func() bool { return len(helpers(t, bobUID)) == 0 })
	if got := helpers(t, annUID); len(got) != 1 {
		t.Errorf("the helpers of Ann are %v, want one", got)
	}

	o.Idle = time.Nanosecond
	p = d.open(t, o)
	must(t, p.Process(t.Context(), as(t, "bob", "Exists", exists)))
	until(t, "the helper without calls has ended", func() bool { return len(helpers(t, bobUID)) == 0 })
	must(t, p.Process(t.Context(), as(t, "bob", "Exists", exists)))
}

// Many calls go through one helper at once.
func TestManyInOneHelper(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/all")
	before := d.Snapshot(t)
	p := d.open(t, annAndBob())
	if p == nil {
		return
	}
	var wg sync.WaitGroup
	meet := make(chan struct{})
	var all sync.WaitGroup
	const n = 8
	all.Add(n)
	go func() { all.Wait(); close(meet) }()
	for i := range n {
		wg.Go(func() {
			c := as(t, "bob", "CreateFile", strings.Replace(create("all"), ">x<", fmt.Sprintf(">x%d<", i), 1))
			c.Seq = i
			first := true
			c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error {
				if first { // all are in the middle of their call
					all.Done()
					<-meet
				}
				first = false
				return nil
			})
			if err := errors.Join(p.Process(t.Context(), c), p.Rollback(t.Context(), later(c))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := helpers(t, bobUID); len(got) != 1 {
		t.Errorf("the helpers are %v, want one", got)
	}
	if after := d.Snapshot(t); after != before {
		t.Errorf("the disk changed to\n%s", after)
	}
}

// The root of the provider is that of the engine, and the helper stays in it.
func TestHelperRoot(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/in", "l root/out ../outside")
	must(t, os.Chmod(filepath.Join(d.dir, "outside"), 0o777))
	p := d.open(t, annAndBob())
	if p == nil {
		return
	}
	for path, code := range map[string]sutler.Code{"out": sutler.OutsideRoot, "../outside": sutler.OutsideRoot, "in/../..": sutler.OutsideRoot, "in/.sutler-x": sutler.BadInput, "/": sutler.OutsideRoot} {
		if err := p.Process(t.Context(), as(t, "bob", "CreateFile", create(path))); sutler.CodeOf(err) != code {
			t.Errorf("Process in %q = %v (%v), want code %v", path, err, sutler.CodeOf(err), code)
		}
	}
	p.Close()

	root := filepath.Join(d.dir, "root")
	try := func(what string, code sutler.Code, text string) {
		t.Helper()
		p := d.open(t, annAndBob())
		err := p.Process(t.Context(), as(t, "bob", "Exists", `<fileName>x</fileName><sourcePath path="."/>`))
		if sutler.CodeOf(err) != code || code != sutler.OK && !strings.Contains(err.Error(), text) {
			t.Errorf("%s: Process = %v (%v), want %s", what, err, sutler.CodeOf(err), text)
		}
	}
	must(t, os.Chmod(root, 0o700))
	try("a root that is closed", sutler.Denied, "needs to read and enter it")
	must(t, os.Chmod(root, 0o755))
	try("a root that is open", sutler.OK, "")
	must(t, os.Rename(root, root+"-old"))
	must(t, os.Mkdir(root, 0o777))
	try("another folder at the path of the root", sutler.Conflict, "no longer the folder")
}

// Nobody gets at the trash of another account, whoever made it first.
func TestTrashOfOthers(t *testing.T) {
	d := newDisk(t)
	must(t, os.Chmod(filepath.Join(d.dir, "root"), 0o777))
	remove := `<fileName>x</fileName><sourcePath path="."/>`
	trash := fmt.Sprintf("root/.sutler-trash-%d", bobUID)
	for _, made := range []struct {
		mode fs.FileMode
		uid  int
	}{{0o777, annUID}, {0o700, annUID}, {0o770, bobUID}} {
		p := d.open(t, annAndBob())
		if p == nil {
			continue
		}
		must(t, os.WriteFile(filepath.Join(d.dir, "root/x"), []byte("ex"), 0o600))
		d.give(t, "root/x", bobUID)
		must(t, os.Mkdir(filepath.Join(d.dir, trash), 0o700))
		must(t, os.Chmod(filepath.Join(d.dir, trash), made.mode))
		d.give(t, trash, made.uid)
		if err := p.Process(t.Context(), as(t, "bob", "DeleteFile", remove)); err == nil {
			t.Errorf("with a trash of %d, mode %v, the file was deleted", made.uid, made.mode)
		}
		d.has(t, `f 0600 root/x "ex"`)
		must(t, os.RemoveAll(filepath.Join(d.dir, trash)))
		c := as(t, "bob", "DeleteFile", remove)
		must(t, p.Process(t.Context(), c))
		must(t, p.Commit(t.Context(), later(c)))
	}
}

// owned is a disk whose provider acts as Ann, to whom all below root belongs.
type owned struct {
	*disk
	p *file.Provider
}

func (o *owned) Provider() sutler.Provider { return o.p }

// The helper does all that the provider does, and undoes it, too.
func TestConformanceOfHelper(t *testing.T) {
	if os.Geteuid() != 0 {
		newDisk(t).open(t, annAndBob())
		return
	}
	newOwned := func(t *testing.T) *owned {
		t.Helper()
		d := newDisk(t)
		d.owner = annUID
		d.give(t, "root", annUID)
		return &owned{d, d.open(t, file.Options{Service: numbers(annUID)})}
	}
	var cases []sutlertest.ProviderCase[*owned]
	for _, c := range providerCases() {
		if !slices.Contains([]string{"", "CopyFile that replaces", "MoveFile that replaces", "Exists not"}, c.Name) {
			continue
		}
		o := sutlertest.ProviderCase[*owned]{
			Name: c.Name, Procedure: c.Procedure, Type: c.Type, Data: c.Data, Code: c.Code, Text: c.Text, Want: c.Want, Output: c.Output,
		}
		if c.Setup != nil {
			o.Setup = func(t *testing.T, w *owned) { t.Helper(); c.Setup(t, w.disk) }
		}
		for _, b := range c.Bystanders[:min(1, len(c.Bystanders))] {
			o.Bystanders = append(o.Bystanders, sutlertest.Bystander[*owned]{
				Name: b.Name,
				Act:  func(t *testing.T, w *owned) { t.Helper(); b.Act(t, w.disk) },
				Left: func(t *testing.T, w *owned) { t.Helper(); b.Left(t, w.disk) },
			})
		}
		cases = append(cases, o)
	}
	sutlertest.TestProvider(t, newOwned, cases)
}
