package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A server that runs as root acts as the accounts of file-accounts.json; one
// that does not says that it cannot.
func TestFileAccounts(t *testing.T) {
	const service, local = 412345, 412346
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	s := &server{t: t, program: built(t), data: filepath.Join(dir, "data"), args: []string{"--root", root}}
	request := filepath.Join(dir, "request.xml")
	for _, err := range []error{
		os.Chmod(filepath.Dir(dir), 0o711), os.Chmod(dir, 0o711), os.Mkdir(root, 0o755), os.Chmod(root, 0o777), os.Mkdir(s.data, 0o700),
		os.WriteFile(filepath.Join(s.data, "file-accounts.json"), []byte(`{"accounts": {"Local": "412346:412346"}, "service": "412345:412345"}`), 0o600),
		os.WriteFile(request, []byte(`<request><procedure>
			<execute namespace="File System Provider" procedure="CreateFile">
				<executeData><fileName>service</fileName><sourcePath path="."/></executeData>
			</execute>
			<execute namespace="File System Provider" procedure="CreateFile" impersonate="1">
				<executeData><fileName>local</fileName><sourcePath path="."/></executeData>
			</execute>
		</procedure></request>`), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() != 0 {
		out, err := exec.Command(s.program, "serve", "--data", s.data, "--listen", "127.0.0.1:0", "--root", root).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "file-accounts.json): only root can start processes as others") {
			t.Errorf("serve = %v, %s", err, out)
		}
		return
	}
	t.Cleanup(s.kill)
	s.start()
	submit := func() (string, error) {
		out, err := exec.Command(s.program, "submit", "--data", s.data, "--trusted", request).CombinedOutput()
		return string(out), err
	}
	if out, err := submit(); err != nil {
		t.Fatalf("submit = %v, %s\n%s", err, out, s.logged())
	}
	for name, uid := range map[string]uint32{"service": service, "local": local} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Sys().(*syscall.Stat_t).Uid; got != uid {
			t.Errorf("file %s belongs to %d, want %d", name, got, uid)
		}
	}

	// The second step fails, and the first is undone.
	if err := os.Remove(filepath.Join(root, "service")); err != nil {
		t.Fatal(err)
	}
	if out, err := submit(); err == nil || !strings.Contains(out, "local") {
		t.Errorf("submit = %v, %s, want that a file exists", err, out)
	}
	if _, err := os.Stat(filepath.Join(root, "service")); err == nil {
		t.Error("the first step was not undone")
	}
}
