//go:build linux

package hostile

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// What each case may take, and what there must be of them.
const (
	mostTime      = 2 * time.Second // of CPU
	mostHeld      = 64 << 20        // bytes above what was there before
	fewestCases   = 800
	fewestOfKinds = 15

	children   = 2 // at once
	casesEach  = 40
	patience   = 5 * time.Minute // for one child
	sutlerPath = "SUTLER_HOSTILE_PROGRAM"
)

var (
	update = flag.Bool("update", false, "write verdicts for the cases that have ? or several for one; they are to be read then")
	only   = flag.String("only", "", "run the cases whose path holds this")
)

// TestHostile sends each case to its door, in children that are built without
// the race detector, and compares what became of it with its verdict.
func TestHostile(t *testing.T) {
	all, err := allCases()
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, c := range all {
		kinds[c.head["family"]]++
	}
	if len(all) < fewestCases || len(kinds) < fewestOfKinds {
		t.Errorf("there are %d cases in %d families, want %d in %d", len(all), len(kinds), fewestCases, fewestOfKinds)
	}
	for kind := range kinds {
		if families[kind].rule == "" {
			t.Fatalf("family %s has no rule", kind)
		}
	}
	all = slices.DeleteFunc(all, func(c *hostileCase) bool { return !strings.Contains(c.path, *only) })
	reports := runAll(t, all)
	for _, c := range all {
		t.Run(strings.TrimSuffix(c.path, ".txtar"), func(t *testing.T) { judge(t, c, reports[c.path]) })
	}
	show(t, "slowest", reports, func(r *report) int64 { return int64(r.CPU) })
	show(t, "largest", reports, func(r *report) int64 { return r.Memory })
}

// judge compares what became of c with what should have.
func judge(t *testing.T, c *hostileCase, r *report) {
	if r == nil {
		t.Fatal("there is no report")
	}
	open := c.head["verdict"] == "?" || strings.Contains(c.head["verdict"], "|") && c.fits(r.Verdict)
	if *update && open && verdictForm.MatchString(r.Verdict) {
		if err := c.write(r.Verdict); err != nil {
			t.Fatal(err)
		}
	}
	if !c.fits(r.Verdict) {
		t.Errorf("the verdict is %s, want %s: %s", r.Verdict, c.head["verdict"], r.Said)
	}
	if r.Breach != "" {
		t.Errorf("%s: %s", r.Breach, r.Said)
	}
	if reason := families[c.head["family"]].breach(r); reason != "" {
		t.Errorf("the rule of the family is broken, %q: %s: %s", families[c.head["family"]].rule, reason, r.Said)
	}
	t.Logf("%v, %d KiB, %s: %.300s", r.CPU, r.Memory>>10, r.Verdict, r.Said)
	if r.CPU > mostTime {
		t.Errorf("it takes %v of CPU, want at most %v", r.CPU, mostTime)
	}
	if r.Memory > mostHeld {
		t.Errorf("it takes %d MiB, want at most %d", r.Memory>>20, mostHeld>>20)
	}
}

// write puts a verdict into the file of c.
func (c *hostileCase) write(verdict string) error {
	path := filepath.Join(corpus, c.path)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	old := "\n# verdict: " + c.head["verdict"] + "\n"
	c.head["verdict"] = verdict
	return os.WriteFile(path, bytes.Replace(text, []byte(old), []byte("\n# verdict: "+verdict+"\n"), 1), 0o644)
}

// build builds the program, and this test once more, without the race detector.
func build(t *testing.T) (test, program string) {
	dir := t.TempDir()
	test, program = filepath.Join(dir, "hostile.test"), filepath.Join(dir, "sutler")
	for _, args := range [][]string{
		{"test", "-c", "-o", test, "."},
		{"build", "-o", program, "sutler/cmd/sutler"},
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return test, program
}

// runAll runs all cases, some in each child, and returns the reports by path.
func runAll(t *testing.T, all []*hostileCase) map[string]*report {
	test, program := build(t)
	var mu sync.Mutex
	reports := map[string]*report{}
	parts := make(chan []string)
	var running sync.WaitGroup
	for range children {
		running.Go(func() {
			for paths := range parts {
				for len(paths) > 0 {
					got, err := runChild(t.Context(), test, program, paths)
					mu.Lock()
					for _, r := range got {
						reports[r.Path] = r
					}
					if err != nil && len(got) < len(paths) { // the next one ended it
						reports[paths[len(got)]] = &report{Path: paths[len(got)], Verdict: "the child died", Said: err.Error()}
						got = append(got, nil)
					} else if err != nil {
						t.Errorf("a child did all of its cases and then ended with %v", err)
					}
					mu.Unlock()
					paths = paths[len(got):]
				}
			}
		})
	}
	for part := range slices.Chunk(all, casesEach) {
		var paths []string
		for _, c := range part {
			paths = append(paths, c.path)
		}
		parts <- paths
	}
	close(parts)
	running.Wait()
	return reports
}

// runChild runs the cases at paths in one child.
func runChild(ctx context.Context, test, program string, paths []string) (got []*report, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, test)
	cmd.Env = append(os.Environ(), childMode+"=1", sutlerPath+"="+program, "TMPDIR="+filepath.Dir(program))
	cmd.Stdin = strings.NewReader(strings.Join(paths, "\n") + "\n")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err = cmd.Run(); err != nil {
		err = fmt.Errorf("%w: %.3000s", err, errs.String())
	}
	in := bufio.NewReader(&out)
	for {
		line, lineErr := in.ReadBytes('\n')
		if lineErr != nil {
			break
		}
		r := new(report)
		if err := json.Unmarshal(line, r); err != nil {
			return got, err
		}
		got = append(got, r)
	}
	if err == nil && len(got) < len(paths) {
		err = fmt.Errorf("it ended early: %.3000s", errs.String())
	}
	return got, err
}

// show logs the cases that took most of what size tells.
func show(t *testing.T, what string, reports map[string]*report, size func(*report) int64) {
	var list []*report
	for _, r := range reports {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b *report) int { return cmp.Compare(size(b), size(a)) })
	for _, r := range list[:min(10, len(list))] {
		t.Logf("%s: %4d ms %3d MiB %s: %s", what, r.CPU.Milliseconds(), r.Memory>>20, r.Path, r.Verdict)
	}
}
