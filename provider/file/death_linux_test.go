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
	"time"

	"sutler"
	"sutler/provider/file"
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
		defer syscall.Kill(pid, syscall.SIGKILL) // when it did survive
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
		mute: "signal: killed", chatty: "makes no sense", liar: "not asked", boaster: "the limit between engine and helper", thief: "not for it", deaf: "did not end a call within 1ms",
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
		flushes := 0
		c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error { flushes++; return nil })
		err := p.Process(ctx, c)
		if sutler.CodeOf(err) != sutler.NoAnswer || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: Process = %v (%v), want %s", part, err, sutler.CodeOf(err), text)
		}
		if flushes > 8 {
			t.Errorf("%s: the helper has flushed %d times", part, flushes)
		}
		for _, pair := range c.Rollback.Pairs() {
			if pair.Name != "as" && pair.Name != "asName" || pair.Value != numbers(bobUID) {
				t.Errorf("%s: the helper had %v remembered", part, pair)
			}
		}
		if left := helpers(t, bobUID); len(left) > 0 {
			t.Errorf("%s: there are still %v", part, left)
		}
	}
}
