package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sutler/samples"
)

// TestHangUp closes the terminal of a try in the middle of its request: like
// an interrupt, that undoes what was done.
func TestHangUp(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, samples.Files); err != nil {
		t.Fatal(err)
	}
	request := filepath.Join(dir, "request-ok.xml")
	text, err := os.ReadFile(request)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("</data>"), []byte("<pause>600000</pause></data>"), 1)
	if err := os.WriteFile(request, text, 0o600); err != nil {
		t.Fatal(err)
	}
	root, temp := t.TempDir(), t.TempDir()
	c := exec.CommandContext(t.Context(), "sutler", "try", "--namespaces", filepath.Join(dir, "hosting.xml"),
		"--namespace", "Hosting", "--procedure", "Create Customer", "--root", root, request)
	c.Env = append(os.Environ(), "TMPDIR="+temp)
	var talk strings.Builder
	c.Stderr = &talk
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for begun := false; !begun; time.Sleep(2 * time.Millisecond) {
		_, err := os.Stat(filepath.Join(root, "customers", "litware", "backup"))
		begun = err == nil
	}
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); c.ProcessState.ExitCode() != 6 || !strings.Contains(talk.String(), "interrupted") {
		t.Errorf("try ended with %v, want exit code 6; it said\n%s", err, &talk)
	}
	for _, d := range []string{root, temp} {
		if left, err := os.ReadDir(d); err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v %v", d, left, err)
		}
	}
}
