package file_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sutler"
	"sutler/provider/file"
	"sutler/sutlertest"
)

// all are the procedures with input that is right as long as from and to are.
var all = map[string]string{
	"CreateDirectory":        `<dirName>NAME</dirName><sourcePath path="FROM"/>`,
	"CopyDirectory":          `<dirName>NAME</dirName><newName>n</newName><sourcePath path="FROM"/><destPath path="TO"/>`,
	"MoveDirectory":          `<dirName>NAME</dirName><sourcePath path="FROM"/><destPath path="TO"/>`,
	"RenameDirectory":        `<currentName>NAME</currentName><newName>n</newName><sourcePath path="FROM"/>`,
	"DeleteDirectory":        `<dirName>NAME</dirName><sourcePath path="FROM"/>`,
	"CreateFile":             `<fileName>NAME</fileName><sourcePath path="FROM"/>`,
	"CopyFile":               `<fileName>NAME</fileName><newName>n</newName><sourcePath path="FROM"/><destPath path="TO"/>`,
	"MoveFile":               `<fileName>NAME</fileName><sourcePath path="FROM"/><destPath path="TO"/>`,
	"RenameFile":             `<currentName>NAME</currentName><newName>n</newName><sourcePath path="FROM"/>`,
	"DeleteFile":             `<fileName>NAME</fileName><sourcePath path="FROM"/>`,
	"SetDirectoryAttributes": `<dirName>NAME</dirName><sourcePath path="FROM"/><properties mode="0700"/>`,
	"SetFileAttributes":      `<fileName>NAME</fileName><sourcePath path="FROM"/><properties mode="0700"/>`,
	"GetDirectoryAttributes": `<dirName>NAME</dirName><sourcePath path="FROM"/>`,
	"GetFileAttributes":      `<fileName>NAME</fileName><sourcePath path="FROM"/>`,
	"ListDirectory":          `<dirName>NAME</dirName><sourcePath path="FROM"/>`,
	"Exists":                 `<dirName>NAME</dirName><sourcePath path="FROM"/>`,
}

func input(procedure, name, from, to string) string {
	return strings.NewReplacer("NAME", name, "FROM", from, "TO", to).Replace(all[procedure])
}

// There is no way out of the root, whatever the procedure.
func TestOutsideRoot(t *testing.T) {
	type attempt struct {
		what, name, from, to string
		code                 sutler.Code
	}
	attempts := []attempt{
		{"parent as name", "..", ".", ".", sutler.OutsideRoot},
		{"path as name", "../outside", ".", ".", sutler.OutsideRoot},
		{"absolute name", "/etc", ".", ".", sutler.OutsideRoot},
		{"parent as path", "x", "..", ".", sutler.OutsideRoot},
		{"way back up", "x", "in/../..", ".", sutler.OutsideRoot},
		{"way up and down", "x", "in/../in", ".", sutler.OutsideRoot},
		{"absolute path", "x", "/etc", ".", sutler.OutsideRoot},
		{"link out", "secret", "out", ".", sutler.OutsideRoot},
		{"absolute link", "secret", "abs", ".", sutler.OutsideRoot},
		{"link over link", "secret", "in/over", ".", sutler.OutsideRoot},
		{"nothing as name", ".", ".", ".", sutler.BadInput},
		{"name of the provider", ".sutler-trash", ".", ".", sutler.BadInput},
		{"name of the provider in capitals", ".SUTLER-trash", ".", ".", sutler.BadInput},
		{"name of the provider with a long s", ".\u017futler-trash", ".", ".", sutler.BadInput},
		{"control character of Latin-1", "a\u009bb", ".", ".", sutler.BadInput},
		{"path of the provider", "x", "in/.sutler-trash", ".", sutler.BadInput},
		{"backslash", `in\x`, ".", ".", sutler.BadInput},
		{"control character", "a&#10;b", ".", ".", sutler.BadInput},
		{"long name", strings.Repeat("n", 256), ".", ".", sutler.BadInput},
		{"no name", "", ".", ".", sutler.BadInput},
		{"no path", "x", "", ".", sutler.BadInput},
	}
	to := []attempt{
		{"to parent", "d", ".", "..", sutler.OutsideRoot},
		{"to absolute", "d", ".", "/tmp", sutler.OutsideRoot},
		{"to link out", "d", ".", "out", sutler.OutsideRoot},
		{"to the provider", "d", ".", ".sutler-trash", sutler.BadInput},
	}
	d := newDisk(t)
	d.put(t, "d 0755 root/in", "d 0755 root/d", "l root/out ../outside", "l root/abs "+filepath.Join(d.dir, "outside"), "l root/in/over ../out")
	before := d.Snapshot(t)
	for procedure := range all {
		tries := attempts
		if strings.Contains(all[procedure], "TO") {
			tries = append(append([]attempt(nil), attempts...), to...)
		}
		for _, a := range tries {
			c := sutlertest.NewCall(t, procedure, input(procedure, a.name, a.from, a.to))
			err := d.Provider().Process(t.Context(), c)
			if got := sutler.CodeOf(err); got != a.code {
				t.Errorf("%s, %s: Process = %v (%v), want code %v", procedure, a.what, err, got, a.code)
			}
		}
	}
	if after := d.Snapshot(t); after != before {
		t.Errorf("the disk changed from\n%s to\n%s", before, after)
	}
}

// Somebody swaps a folder for a link out of the root, as fast as he can.
func TestSwappedForLink(t *testing.T) {
	d := newDisk(t)
	d.put(t, "d 0755 root/in", `f 0644 root/in/secret "ours"`)
	in, link, real := filepath.Join(d.dir, "root/in"), filepath.Join(d.dir, "link"), filepath.Join(d.dir, "real")
	if err := os.Symlink("../outside", link); err != nil {
		t.Fatal(err)
	}
	stop, swaps := make(chan struct{}), 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			err := errors.Join(os.Rename(in, real), os.Rename(link, in), os.Rename(in, link), os.Rename(real, in))
			if err != nil {
				t.Errorf("cannot swap: %v", err)
				return
			}
			swaps++
		}
	})
	p := file.New(d.root)
	escaped := 0
	for seq := range 300 {
		for procedure, name := range map[string]string{"CreateFile": "new", "DeleteFile": "secret", "SetFileAttributes": "secret"} {
			c := sutlertest.NewCall(t, procedure, input(procedure, name, "in", "."))
			c.Seq = seq
			if err := p.Process(t.Context(), c); err == nil {
				// A rollback that meets the link sees its folder as lying outside and may repeat.
				for p.Rollback(t.Context(), c) != nil {
				}
			} else if sutler.CodeOf(err) == sutler.OutsideRoot {
				escaped++
			}
		}
		if _, err := os.Lstat(filepath.Join(d.dir, "outside", "new")); err == nil {
			t.Fatal("a file came to lie outside of the root")
		}
	}
	close(stop)
	wg.Wait()
	d.has(t, `f 0644 outside/secret "theirs"`)
	if got, err := os.ReadDir(filepath.Join(d.dir, "outside")); err != nil || len(got) != 1 {
		t.Errorf("outside holds %v, %v, want the one file", got, err)
	}
	t.Logf("%d swaps, %d calls met the link", swaps, escaped)
}

func TestBadInput(t *testing.T) {
	const create = `<dirName>a</dirName><sourcePath path="."/>`
	for _, c := range []struct {
		procedure, data string
		code            sutler.Code
		text            string
	}{
		{"CreateDirectory", `<sourcePath path="."/>`, sutler.BadInput, `cannot call "CreateDirectory": input dirName is missing or empty: it is required`},
		{"CreateDirectory", `<dirName>a</dirName>`, sutler.BadInput, `input sourcePath@path is missing`},
		{"CreateDirectory", create + `<properties mode="rwx"/>`, sutler.BadInput, `input properties@mode is "rwx"`},
		{"CreateDirectory", create + `<properties mode="0989"/>`, sutler.BadInput, `"0989"`},
		{"CreateDirectory", create + `<properties mode="4755"/>`, sutler.BadInput, `the greatest mode is 3777`},
		{"CreateDirectory", create + `<properties mode="7"/>`, sutler.BadInput, `three or four octal digits`},
		{"CreateDirectory", create + `<properties hidden="true"/>`, sutler.BadInput, `properties@hidden`},
		{"CreateDirectory", create + `<properties encompress="encrypt"/>`, sutler.BadInput, `properties@encompress`},
		{"CreateDirectory", create + `<properties encompress="zip"/>`, sutler.BadInput, `"zip"`},
		{"CreateDirectory", create + `<properties readOnly="maybe"/>`, sutler.BadInput, `"maybe"`},
		{"CreateDirectory", create + `<security><acl/></security>`, sutler.NotYet, `input security`},
		{"SetDirectoryAttributes", create, sutler.BadInput, `mode or readOnly is required`},
		{"SetFileAttributes", `<fileName>f</fileName><sourcePath path="."/><properties mode="1777"/>`, sutler.BadInput, `no mode above 0777`},
		{"CopyFile", `<fileName>f</fileName><sourcePath path="."/><destPath path="."/><controlInfo replace="yes"/>`, sutler.BadInput, `controlInfo@replace is "yes"`},
		{"CopyDirectory", `<dirName>f</dirName><sourcePath path="."/><destPath path="."/><controlInfo recursive="2"/>`, sutler.BadInput, `controlInfo@recursive is "2"`},
		{"ListDirectory", `<sourcePath path="."/><filter>[</filter>`, sutler.BadInput, `input filter is "["`},
		{"CreateShare", `<shareName>s</shareName>`, sutler.NoProvider, `cannot call "CreateShare"`},
	} {
		d := newDisk(t)
		d.put(t, `f 0644 root/f ""`)
		before := d.Snapshot(t)
		err := d.Provider().Process(t.Context(), sutlertest.NewCall(t, c.procedure, c.data))
		if got := sutler.CodeOf(err); got != c.code || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s %s: Process = %v (%v), want %s (%v)", c.procedure, c.data, err, got, c.text, c.code)
		}
		if after := d.Snapshot(t); after != before {
			t.Errorf("%s %s changed the disk to\n%s", c.procedure, c.data, after)
		}
	}
}

// A call cancelled between its last flush and its act does not act.
func TestCancelledAtFlush(t *testing.T) {
	for procedure, name := range map[string]string{
		"CreateDirectory": "new", "CreateFile": "new", "CopyFile": "f", "CopyDirectory": "a", "RenameFile": "f",
		"DeleteDirectory": "a", "DeleteFile": "f", "SetFileAttributes": "f",
	} {
		d := newDisk(t)
		d.put(t, `f 0644 root/f "text"`, "d 0755 root/a", `f 0644 root/a/x "ex"`)
		before := d.Snapshot(t)
		ctx, cancel := context.WithCancel(t.Context())
		c := sutlertest.NewCall(t, procedure, input(procedure, name, ".", "."))
		c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error { cancel(); return nil })
		if err := d.Provider().Process(ctx, c); sutler.CodeOf(err) != sutler.Cancelled {
			t.Errorf("%s: Process = %v, want code %v", procedure, err, sutler.Cancelled)
		}
		if after := d.Snapshot(t); after != before {
			t.Errorf("%s: the disk changed to\n%s", procedure, after)
		}
	}
}

// What a dead process leaves between two steps of its act or of its undoing is
// brought back, or left and reported.
func TestUndoFromTheMiddle(t *testing.T) {
	const hidden = "root/.sutler-3F0C5B7E-0000-4000-8000-000000000001-7"
	before := []string{`f 0600 root/f "new"`, "d 0755 root/b", `f 0644 root/b/f "old"`}
	for _, c := range []struct {
		what, procedure, name string
		then                  func(d *disk) error // undoes part of the act, or does part of the undoing
		code                  sutler.Code
		want                  []string // nil: as before
	}{
		{"displaced, not placed", "CopyFile", "f", func(d *disk) error {
			return os.Rename(filepath.Join(d.dir, "root/b/n"), filepath.Join(d.dir, strings.Replace(hidden, "root/", "root/b/", 1)))
		}, 0, nil},
		{"moved aside while undoing", "CopyFile", "f", func(d *disk) error {
			return os.Rename(filepath.Join(d.dir, "root/b/n"), filepath.Join(d.dir, strings.Replace(hidden, "root/", "root/b/", 1)+"-back"))
		}, 0, nil},
		{"somebody takes the place of what was replaced", "CopyFile", "f", func(d *disk) error {
			return errors.Join(os.Remove(filepath.Join(d.dir, "root/b/n")), os.WriteFile(filepath.Join(d.dir, "root/b/n"), []byte("mine"), 0o644))
		}, sutler.Exists, []string{"d 0700 root/.sutler-trash", `f 0644 root/.sutler-trash/` + filepath.Base(hidden) + ` "old"`,
			"d 0755 root/b", `f 0644 root/b/f "old"`, `f 0644 root/b/n "mine"`, `f 0600 root/f "new"`}},
		{"the folder is gone", "CopyFile", "f", func(d *disk) error {
			return os.RemoveAll(filepath.Join(d.dir, "root/b"))
		}, sutler.NoSuchFile, []string{"d 0700 root/.sutler-trash", `f 0644 root/.sutler-trash/` + filepath.Base(hidden) + ` "old"`, `f 0600 root/f "new"`}},
		{"the folder is a file now", "CreateDirectory", "made", func(d *disk) error {
			return errors.Join(os.RemoveAll(filepath.Join(d.dir, "root/b")), os.WriteFile(filepath.Join(d.dir, "root/b"), nil, 0o644))
		}, 0, []string{`f 0644 root/b ""`, `f 0600 root/f "new"`}},
		{"the old folder is gone", "MoveDirectory", "b", func(d *disk) error {
			return os.RemoveAll(filepath.Join(d.dir, "root/from"))
		}, sutler.NoSuchFile, []string{"d 0755 root/b", "d 0755 root/b/b", `f 0600 root/f "new"`, `f 0644 root/b/f "old"`}},
	} {
		t.Run(c.what, func(t *testing.T) {
			d := newDisk(t)
			d.put(t, before...)
			data := input(c.procedure, c.name, ".", "b") + `<controlInfo replace="true"/>`
			switch c.procedure {
			case "CopyFile":
				d.put(t, `f 0644 root/b/n "old"`)
			case "CreateDirectory":
				data = input(c.procedure, c.name, "b", "")
			case "MoveDirectory":
				d.put(t, "d 0755 root/from", "d 0755 root/from/b")
				data = input(c.procedure, c.name, "from", "b")
			}
			snapshot := d.Snapshot(t)
			call := sutlertest.NewCall(t, c.procedure, data)
			if err := d.Provider().Process(t.Context(), call); err != nil {
				t.Fatal(err)
			}
			if err := c.then(d); err != nil {
				t.Fatal(err)
			}
			if c.want != nil {
				snapshot = sorted(lines(c.want...))
			}
			for range 2 {
				err := d.Provider().Rollback(t.Context(), call)
				if got := sutler.CodeOf(err); got != c.code {
					t.Errorf("Rollback = %v (%v), want code %v", err, got, c.code)
				}
				if got := d.Snapshot(t); sorted(got) != sorted(snapshot) {
					t.Errorf("the disk holds\n%s want\n%s", got, snapshot)
				}
			}
		})
	}
}

func sorted(s string) string {
	ls := strings.Split(s, "\n")
	for i := range ls {
		for j := i; j > 0 && ls[j] < ls[j-1]; j-- {
			ls[j], ls[j-1] = ls[j-1], ls[j]
		}
	}
	return strings.Join(ls, "\n")
}

// Two transactions that use the trash at once do not pull it from under each other.
func TestManyAtOnce(t *testing.T) {
	d := newDisk(t)
	p := file.New(d.root)
	before := d.Snapshot(t)
	var wg sync.WaitGroup
	for i := range 8 {
		name := string(rune('a' + i))
		wg.Go(func() {
			for n := range 25 {
				for seq, procedure := range []string{"CreateFile", "DeleteFile"} {
					c := sutlertest.NewCall(t, procedure, input(procedure, name, ".", ""))
					c.Seq = i*1000 + n*10 + seq
					err := p.Process(t.Context(), c)
					if procedure == "DeleteFile" && err == nil {
						if n%2 == 0 {
							err = errors.Join(p.Rollback(t.Context(), c), p.Process(t.Context(), c))
						}
						err = errors.Join(err, p.Commit(t.Context(), c))
					}
					if err != nil {
						t.Errorf("%s %s: %v", procedure, name, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if after := d.Snapshot(t); after != before {
		t.Errorf("the disk changed to\n%s", after)
	}
}
