//go:build unix

package main_test

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sutler/samples"
)

// TestKill kills a server with SIGKILL at random moments of the sample
// request and starts it again: each time the world must be whole or untouched,
// with nothing hidden left in it. SUTLER_SOAK makes it 500 rounds.
func TestKill(t *testing.T) {
	rounds := 40
	if os.Getenv("SUTLER_SOAK") != "" {
		rounds = 500
	}
	program := built(t)
	files := t.TempDir()
	if err := os.CopyFS(files, samples.Files); err != nil {
		t.Fatal(err)
	}
	run := func(root, temp string) *exec.Cmd {
		c := exec.Command(program, "try", "--namespaces", filepath.Join(files, "hosting.xml"), "--namespace", "Hosting",
			"--procedure", "Create Customer", "--root", root, filepath.Join(files, "request-ok.xml"))
		c.Env = append(os.Environ(), "TMPDIR="+temp)
		return c
	}
	start := time.Now()
	whole := t.TempDir()
	if out, err := run(whole, t.TempDir()).CombinedOutput(); err != nil {
		t.Fatalf("without a kill: %v\n%s", err, out)
	}
	length := time.Since(start)
	want := tree(t, whole)
	if len(want) < 8 {
		t.Fatalf("the sample leaves only %v", want)
	}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	undone, kept := 0, 0
	for round := range rounds {
		root, temp := t.TempDir(), t.TempDir()
		c := run(root, temp)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(r.Int64N(int64(length))))
		_ = c.Process.Kill()
		_ = c.Wait()
		left, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range left {
			recovery := exec.Command(program, "serve", "--data", filepath.Join(temp, e.Name()), "--root", root, "--recover-only")
			if out, err := recovery.CombinedOutput(); err != nil {
				t.Fatalf("round %d of seed %d: recovery: %v\n%s", round, seed, err, out)
			}
		}
		switch got := tree(t, root); {
		case len(got) == 0:
			undone++
		case strings.Join(got, "\n") == strings.Join(want, "\n"):
			kept++
		default:
			t.Fatalf("round %d of seed %d: half a customer is left:\n%s", round, seed, strings.Join(got, "\n"))
		}
	}
	t.Logf("%d rounds: undone or never begun %d, whole %d", rounds, undone, kept)
}

// tree lists what is below a folder, hidden things too.
func tree(t *testing.T, root string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		all = append(all, rel)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
