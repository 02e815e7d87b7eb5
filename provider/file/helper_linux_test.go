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

// The end of a call's context reaches the helper, and so does its reason.
func TestHelperCancelled(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/all", `f 0644 root/all/f ""`)
	before := d.Snapshot(t)
	p := d.open(t, annAndBob())
	if p == nil {
		return
	}
	late, stop := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer stop()
	if err := p.Process(late, as(t, "bob", "ListDirectory", `<sourcePath path="all"/>`)); sutler.CodeOf(err) != sutler.TimedOut {
		t.Errorf("ListDirectory too late: Process = %v (%v)", err, sutler.CodeOf(err))
	}
	for procedure, data := range map[string]string{"CreateFile": create("all"), "CreateDirectory": `<dirName>x</dirName><sourcePath path="all"/>`} {
		if err := p.Process(late, as(t, "bob", procedure, data)); sutler.CodeOf(err) != sutler.TimedOut || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s too late: Process = %v (%v)", procedure, err, sutler.CodeOf(err))
		}
		for n := 1; n <= 2; n++ {
			ctx, cancel := context.WithCancel(t.Context())
			c := as(t, "bob", procedure, data)
			flushes := 0
			c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error {
				if flushes++; flushes == n {
					cancel()
				}
				return nil
			})
			if err := p.Process(ctx, c); sutler.CodeOf(err) != sutler.Cancelled || !errors.Is(err, context.Canceled) {
				t.Errorf("%s cancelled at flush %d: Process = %v (%v)", procedure, n, err, sutler.CodeOf(err))
			}
		}
		if after := d.Snapshot(t); after != before {
			t.Errorf("%s has left\n%s", procedure, after)
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
