package file_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"sutler"
)

// A helper does not survive its engine, not even one that hears of nothing.
func TestEngineDies(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/all")
	if d.open(t, annAndBob()) == nil {
		return
	}
	cmd := exec.Command("/proc/self/exe", engine)
	cmd.Stdin = strings.NewReader(filepath.Join(d.dir, "root/all"))
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if line != "in the middle\n" {
		t.Errorf("the engine says %q, %v", line, err)
	}
	pids := processes(t, zoeUID, "")
	if len(pids) != 1 {
		t.Errorf("the helpers are %v, want one", pids)
	}
	for _, pid := range pids {
		must(t, syscall.Kill(pid, syscall.SIGSTOP))
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	until(t, "the helper has died with its engine", func() bool { return len(processes(t, zoeUID, "")) == 0 })
	if list, err := os.ReadDir(filepath.Join(d.dir, "root/all")); err != nil || len(list) > 0 {
		t.Errorf("the helper has left %v, %v", list, err)
	}
}

// The signals that end an engine in order do not end its helpers.
func TestHelperLeavesSignalsAlone(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0777 root/all")
	p := d.open(t, annAndBob())
	if p == nil {
		return
	}
	c := as(t, "bob", "CreateFile", create("all"))
	c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error {
		for _, pid := range helpers(t, bobUID) {
			for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
				must(t, syscall.Kill(pid, s))
			}
		}
		return nil
	})
	must(t, p.Process(t.Context(), c))
	d.has(t, `f 0600 root/all/x "ex"`)
}
