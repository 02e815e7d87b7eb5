package file_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sutler"
	"sutler/provider/file"
)

// disk is a folder of its own for each run, with a provider below root and a
// neighbour outside of it that nobody may touch.
type disk struct {
	dir   string // holds root and outside
	root  *os.Root
	owner int // uid that what put makes belongs to; 0: that of the test
}

func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{dir: t.TempDir()}
	d.put(t, "d 0755 root", "d 0755 outside", `f 0644 outside/secret "theirs"`)
	root, err := os.OpenRoot(filepath.Join(d.dir, "root"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	d.root = root
	return d
}

func (d *disk) Provider() sutler.Provider { return file.New(d.root) }

// Snapshot lists everything below the disk in the form that put reads.
func (d *disk) Snapshot(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(d.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == d.dir {
			return err
		}
		name, _ := filepath.Rel(d.dir, path)
		info, err := e.Info()
		if err != nil {
			return err
		}
		switch mode := info.Mode(); {
		case mode.IsDir():
			fmt.Fprintf(&b, "d %s %s\n", octal(mode), name)
		case mode.IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "f %s %s %q\n", octal(mode), name, content)
		case mode&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "l %s %s\n", name, target)
		default:
			fmt.Fprintf(&b, "? %s\n", name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func octal(m fs.FileMode) string {
	n := uint32(m.Perm())
	if m&fs.ModeSetgid != 0 {
		n |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		n |= 0o1000
	}
	return fmt.Sprintf("%04o", n)
}

// put makes what the lines say: d MODE PATH, f MODE PATH "CONTENT", l PATH TARGET.
func (d *disk) put(t *testing.T, lines ...string) {
	t.Helper()
	for _, line := range lines {
		var path, arg string
		var n uint32
		var err error
		switch line[0] {
		case 'd':
			_, err = fmt.Sscanf(line, "d %o %s", &n, &path)
			if err == nil {
				err = os.Mkdir(filepath.Join(d.dir, path), 0o700)
			}
		case 'f':
			_, err = fmt.Sscanf(line, "f %o %s %q", &n, &path, &arg)
			if err == nil {
				err = os.WriteFile(filepath.Join(d.dir, path), []byte(arg), 0o600)
			}
		case 'l':
			_, err = fmt.Sscanf(line, "l %s %s", &path, &arg)
			if err == nil {
				err = os.Symlink(arg, filepath.Join(d.dir, path))
			}
		}
		if err == nil && d.owner != 0 {
			err = os.Lchown(filepath.Join(d.dir, path), d.owner, d.owner)
		}
		if err == nil && line[0] != 'l' {
			mode := fs.FileMode(n) & fs.ModePerm
			if n&0o2000 != 0 {
				mode |= fs.ModeSetgid
			}
			if n&0o1000 != 0 {
				mode |= fs.ModeSticky
			}
			err = os.Chmod(filepath.Join(d.dir, path), mode)
		}
		if err != nil {
			t.Fatalf("cannot put %q: %v", line, err)
		}
	}
}

// has fails the test unless the disk holds the line.
func (d *disk) has(t *testing.T, line string) {
	t.Helper()
	if all := d.Snapshot(t); !strings.Contains("\n"+all, "\n"+line+"\n") {
		t.Errorf("the disk does not hold %s, only\n%s", line, all)
	}
}

func lines(ls ...string) string {
	all := append([]string{"d 0755 outside", `f 0644 outside/secret "theirs"`, "d 0755 root"}, ls...)
	return strings.Join(all, "\n") + "\n"
}
