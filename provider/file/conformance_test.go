package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"sutler"
	"sutler/provider"
	"sutler/provider/file"
	"sutler/sutlertest"
)

type (
	testCase  = sutlertest.ProviderCase[*disk]
	bystander = sutlertest.Bystander[*disk]
)

func TestNamespace(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := provider.Match(file.Namespace(), file.New(root)); err != nil {
		t.Error(err)
	}
}

// has is a world as it is before a call.
func has(ls ...string) func(*testing.T, *disk) {
	return func(t *testing.T, d *disk) { t.Helper(); d.put(t, ls...) }
}

// creates is a bystander who makes an object of his own, in place of one that
// is there.
func creates(line, path string) bystander {
	return bystander{
		Name: "creates " + path,
		Act: func(t *testing.T, d *disk) {
			t.Helper()
			if err := os.RemoveAll(filepath.Join(d.dir, path)); err != nil {
				t.Fatal(err)
			}
			d.put(t, line)
		},
		Left: func(t *testing.T, d *disk) { t.Helper(); d.has(t, line) },
	}
}

// fills is a bystander who puts a file into a directory if that is there.
func fills(dir string) bystander {
	acted := false
	line := `f 0644 ` + dir + `/foreign "mine"`
	return bystander{
		Name: "fills " + dir,
		Act: func(t *testing.T, d *disk) {
			t.Helper()
			_, err := os.Stat(filepath.Join(d.dir, dir))
			if acted = err == nil; acted {
				d.put(t, line)
			}
		},
		Left: func(t *testing.T, d *disk) {
			t.Helper()
			if acted {
				d.has(t, line)
			}
		},
	}
}

// changes is a bystander who writes into a file, in place, if that is there.
// It may be at any of the paths afterwards.
func changes(path string, orAt ...string) bystander {
	acted := false
	return bystander{
		Name: "changes " + path,
		Act: func(t *testing.T, d *disk) {
			t.Helper()
			_, err := os.Stat(filepath.Join(d.dir, path))
			if acted = err == nil; acted {
				if err := os.WriteFile(filepath.Join(d.dir, path), []byte("changed"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		},
		Left: func(t *testing.T, d *disk) {
			t.Helper()
			if !acted {
				return
			}
			for _, at := range append(orAt, path) {
				if content, err := os.ReadFile(filepath.Join(d.dir, at)); err == nil && string(content) == "changed" {
					return
				}
			}
			t.Errorf("the change of %s is lost:\n%s", path, d.Snapshot(t))
		},
	}
}

// chmods is a bystander who gives an object the mode 0711; line is what it is then.
func chmods(path, line string) bystander {
	return bystander{
		Name: "chmods " + path,
		Act: func(t *testing.T, d *disk) {
			t.Helper()
			if err := os.Chmod(filepath.Join(d.dir, path), 0o711); err != nil {
				t.Fatal(err)
			}
		},
		Left: func(t *testing.T, d *disk) { t.Helper(); d.has(t, line) },
	}
}

func TestProvider(t *testing.T) { sutlertest.TestProvider(t, newDisk, providerCases()) }

func providerCases() []testCase {
	const dot = `<sourcePath path="."/>`
	tree := has("d 0755 root/a", "d 2750 root/a/deep", `f 0640 root/a/deep/y "why"`, "l root/a/link deep/y",
		`f 0600 root/a/x "ex"`, "d 0755 root/b")
	return []testCase{
		{
			Procedure: "CreateDirectory", Data: `<dirName>www</dirName>` + dot,
			Want:       lines("d 0755 root/www"),
			Output:     `<dirName>www</dirName>` + dot,
			Bystanders: []bystander{creates("d 0700 root/www", "root/www"), fills("root/www"), creates(`f 0644 root/www "mine"`, "root/www")},
		},
		{
			Name: "CreateDirectory with a mode", Procedure: "createdirectory", Setup: has("d 2755 root/in"),
			Data: `<dirName> www </dirName><sourcePath path="in/"/><properties mode="0710" hidden="false"/>`,
			Want: lines("d 2755 root/in", "d 2710 root/in/www"),
		},
		{
			Name: "CreateDirectory that exists", Procedure: "CreateDirectory", Setup: has("d 0755 root/www"),
			Data: `<dirName>www</dirName>` + dot, Code: sutler.Exists, Text: `cannot create directory "www": it exists`,
		},
		{
			Name: "CreateDirectory nowhere", Procedure: "CreateDirectory",
			Data: `<dirName>www</dirName><sourcePath path="no/where"/>`, Code: sutler.NoSuchFile, Text: `"no/where"`,
		},
		{
			Procedure: "CreateFile", Data: `<fileName>index.html</fileName>` + dot + `<content><html><b>Hi</b> Ann</html></content>`,
			Want: lines(`f 0644 root/index.html "<html><b>Hi</b> Ann</html>"`),
			Bystanders: []bystander{
				creates(`f 0600 root/index.html "mine"`, "root/index.html"), changes("root/index.html"),
				creates("d 0755 root/index.html", "root/index.html"),
			},
		},
		{
			Name: "CreateFile as it is", Procedure: "CreateFile",
			Data: `<fileName>x</fileName>` + dot + `<content> a &lt; b </content><properties mode="640" readOnly="1"/>`,
			Want: lines(`f 0440 root/x " a < b "`),
		},
		{
			Name: "CreateFile that exists", Procedure: "CreateFile", Setup: has(`f 0644 root/x "old"`),
			Data: `<fileName>x</fileName>` + dot, Code: sutler.Exists, Text: `cannot create file "x": it exists`,
		},
		{
			Procedure: "CopyDirectory", Type: sutler.TwoPhase, Setup: tree,
			Data: `<dirName>a</dirName><newName>c</newName>` + dot + `<destPath path="b"/>`,
			Want: lines("d 0755 root/a", "d 2750 root/a/deep", `f 0640 root/a/deep/y "why"`, "l root/a/link deep/y", `f 0600 root/a/x "ex"`,
				"d 0755 root/b", "d 0755 root/b/c", "d 2750 root/b/c/deep", `f 0640 root/b/c/deep/y "why"`, "l root/b/c/link deep/y", `f 0600 root/b/c/x "ex"`),
			Bystanders: []bystander{creates("d 0700 root/b/c", "root/b/c"), fills("root/b/c/deep"), changes("root/b/c/x")},
		},
		{
			Name: "CopyDirectory that replaces", Procedure: "CopyDirectory", Type: sutler.TwoPhase,
			Setup: has("d 0755 root/a", `f 0600 root/a/x "ex"`, "d 0755 root/b", "d 0700 root/b/a", `f 0600 root/b/a/old "old"`),
			Data:  `<dirName>a</dirName>` + dot + `<destPath path="b"/><controlInfo replace="true" recursive="false"/>`,
			Want: lines("d 0755 root/a", `f 0600 root/a/x "ex"`, "d 0755 root/b", "d 0755 root/b/a",
				`f 0600 root/b/a/x "ex"`),
			Bystanders: []bystander{creates("d 0701 root/b/a", "root/b/a"), fills("root/b/a")},
		},
		{
			Name: "CopyDirectory into itself", Procedure: "CopyDirectory", Type: sutler.TwoPhase, Setup: has("d 0755 root/a"),
			Data: `<dirName>a</dirName><newName>b</newName>` + dot + `<destPath path="a"/>`,
			Want: lines("d 0755 root/a", "d 0755 root/a/b"),
		},
		{
			Name: "CopyDirectory of a file", Procedure: "CopyDirectory", Type: sutler.TwoPhase, Setup: has(`f 0644 root/a ""`),
			Data: `<dirName>a</dirName><newName>b</newName>` + dot + `<destPath path="."/>`,
			Code: sutler.BadInput, Text: "it is a file",
		},
		{
			Procedure: "MoveDirectory", Setup: tree,
			Data: `<dirName>a</dirName>` + dot + `<destPath path="b"/>`,
			Want: lines("d 0755 root/b", "d 0755 root/b/a", "d 2750 root/b/a/deep", `f 0640 root/b/a/deep/y "why"`, "l root/b/a/link deep/y", `f 0600 root/b/a/x "ex"`),
			Bystanders: []bystander{
				creates("d 0700 root/b/a", "root/b/a"), creates("d 0700 root/a", "root/a"), fills("root/b"),
				changes("root/a/x", "root/b/a/x"), changes("root/b/a/x", "root/a/x"),
			},
		},
		{
			Name: "MoveDirectory into itself", Procedure: "MoveDirectory", Setup: has("d 0755 root/a", "d 0755 root/a/b"),
			Data: `<dirName>a</dirName>` + dot + `<destPath path="a/b"/>`, Code: sutler.BadInput, Text: "into itself",
		},
		{
			Name: "MoveDirectory that is taken", Procedure: "MoveDirectory", Setup: has("d 0755 root/a", "d 0755 root/b", "d 0755 root/b/a"),
			Data: `<dirName>a</dirName>` + dot + `<destPath path="b"/>`, Code: sutler.Exists, Text: `"a" to "b/a"`,
		},
		{
			Procedure: "RenameDirectory", Setup: has("d 0755 root/a"),
			Data: `<currentName>a</currentName><newName>b</newName>` + dot, Want: lines("d 0755 root/b"),
			Bystanders: []bystander{creates("d 0700 root/b", "root/b"), creates("d 0700 root/a", "root/a")},
		},
		{
			Procedure: "DeleteDirectory", Type: sutler.TwoPhase, Setup: tree,
			Data: `<dirName>a</dirName>` + dot, Want: lines("d 0755 root/b"),
			Bystanders: []bystander{creates("d 0700 root/a", "root/a"), creates(`f 0700 root/a "mine"`, "root/a")},
		},
		{
			Name: "DeleteDirectory that is not there", Procedure: "DeleteDirectory", Type: sutler.TwoPhase,
			Data: `<dirName>a</dirName>` + dot, Code: sutler.NoSuchFile, Text: `cannot delete directory "a"`,
		},
		{
			Name: "DeleteDirectory of a link", Procedure: "DeleteDirectory", Type: sutler.TwoPhase, Setup: has("d 0755 root/a", "l root/b a"),
			Data: `<dirName>b</dirName>` + dot, Code: sutler.BadInput, Text: "it is a link",
		},
		{
			Procedure: "DeleteFile", Type: sutler.TwoPhase, Setup: has(`f 0604 root/x "old"`),
			Data: `<fileName>x</fileName>` + dot, Want: lines(),
			Bystanders: []bystander{creates(`f 0644 root/x "mine"`, "root/x"), changes("root/x")},
		},
		{
			Name: "DeleteFile of a link", Procedure: "DeleteFile", Type: sutler.TwoPhase, Setup: has("l root/x ../outside/secret"),
			Data: `<fileName>x</fileName>` + dot, Want: lines(),
		},
		{
			Procedure: "CopyFile", Type: sutler.TwoPhase, Setup: has(`f 0604 root/x "ex"`),
			Data: `<fileName>x</fileName><newName>y</newName>` + dot + `<destPath path="."/>`,
			Want: lines(`f 0604 root/x "ex"`, `f 0604 root/y "ex"`),
			Bystanders: []bystander{
				creates(`f 0644 root/y "mine"`, "root/y"), changes("root/y"), changes("root/x"), creates(`f 0644 root/x "mine"`, "root/x"),
			},
		},
		{
			Name: "CopyFile that replaces", Procedure: "CopyFile", Type: sutler.TwoPhase, Setup: has(`f 0604 root/x "ex"`, `f 0600 root/y "old"`),
			Data: `<fileName>x</fileName><newName>y</newName>` + dot + `<destPath path="."/><controlInfo replace="1"/><properties mode="0640"/>`,
			Want: lines(`f 0604 root/x "ex"`, `f 0640 root/y "ex"`),
			Bystanders: []bystander{
				creates(`f 0644 root/y "mine"`, "root/y"), changes("root/y"), changes("root/x"),
			},
		},
		{
			Name: "CopyFile over a directory", Procedure: "CopyFile", Type: sutler.TwoPhase, Setup: has(`f 0604 root/x "ex"`, `d 0700 root/y`),
			Data: `<fileName>x</fileName><newName>y</newName>` + dot + `<destPath path="."/><controlInfo replace="1"/>`,
			Code: sutler.Exists, Text: "a directory is there",
		},
		{
			Procedure: "MoveFile", Type: sutler.TwoPhase, Setup: has("d 0755 root/b", `f 0604 root/x "ex"`),
			Data: `<fileName>x</fileName>` + dot + `<destPath path="b"/>`,
			Want: lines("d 0755 root/b", `f 0604 root/b/x "ex"`),
			Bystanders: []bystander{
				creates(`f 0644 root/x "mine"`, "root/x"), creates(`f 0644 root/b/x "mine"`, "root/b/x"), changes("root/x", "root/b/x"),
			},
		},
		{
			Name: "MoveFile that replaces", Procedure: "MoveFile", Type: sutler.TwoPhase,
			Setup: has("d 0755 root/b", `f 0600 root/b/x "old"`, `f 0604 root/x "ex"`),
			Data:  `<fileName>x</fileName>` + dot + `<destPath path="b"/><controlInfo replace="true"/>`,
			Want:  lines("d 0755 root/b", `f 0604 root/b/x "ex"`),
			Bystanders: []bystander{
				creates(`f 0644 root/x "mine"`, "root/x"), creates(`f 0644 root/b/x "mine"`, "root/b/x"),
				changes("root/x", "root/b/x"), changes("root/b/x", "root/x"),
			},
		},
		{
			Procedure: "RenameFile", Type: sutler.TwoPhase, Setup: has(`f 0604 root/x "ex"`),
			Data: `<currentName>x</currentName><newName>y</newName>` + dot, Want: lines(`f 0604 root/y "ex"`),
			Bystanders: []bystander{creates(`f 0644 root/y "mine"`, "root/y")},
		},
		{
			Name: "RenameFile onto itself", Procedure: "RenameFile", Type: sutler.TwoPhase, Setup: has(`f 0604 root/x "ex"`),
			Data: `<currentName>x</currentName><newName>x</newName>` + dot + `<controlInfo replace="1"/>`,
			Code: sutler.BadInput, Text: "the same",
		},
		{
			Procedure: "SetDirectoryAttributes", Setup: has("d 3755 root/a"),
			Data:       `<dirName>a</dirName>` + dot + `<properties mode="0700"/>`,
			Want:       lines("d 3700 root/a"),
			Bystanders: []bystander{creates("d 0755 root/a", "root/a"), chmods("root/a", "d 0711 root/a")},
		},
		{
			Procedure: "SetFileAttributes", Setup: has(`f 0664 root/x "ex"`),
			Data:       `<fileName>x</fileName>` + dot + `<properties readOnly="true"/>`,
			Want:       lines(`f 0444 root/x "ex"`),
			Bystanders: []bystander{creates(`f 0600 root/x "mine"`, "root/x"), chmods("root/x", `f 0711 root/x "ex"`)},
		},
		{
			Name: "SetFileAttributes to reading only", Procedure: "SetFileAttributes", Setup: has(`f 0664 root/x "ex"`),
			Data: `<fileName>x</fileName>` + dot + `<properties mode="400"/>`, Want: lines(`f 0400 root/x "ex"`),
		},
		{
			Name: "SetFileAttributes of a link", Procedure: "SetFileAttributes", Setup: has("l root/x ../outside/secret"),
			Data: `<fileName>x</fileName>` + dot + `<properties mode="0777"/>`, Code: sutler.BadInput, Text: "it is a link",
		},
		{
			Procedure: "ListDirectory", Type: sutler.Read, Setup: tree, Data: `<dirName>a</dirName>` + dot,
			Output: `<dirName>a</dirName>` + dot + `<result><directory name="deep" mode="2750"/><link name="link"/><file name="x" mode="0600" size="2"/></result>`,
		},
		{
			Name: "ListDirectory with a filter", Procedure: "ListDirectory", Type: sutler.Read, Setup: has(`f 0644 root/.sutler-1 ""`, `f 0644 root/ab ""`, `f 0644 root/b ""`),
			Data:   dot + `<filter>*b*</filter>`,
			Output: dot + `<filter>*b*</filter><result><file name="ab" mode="0644" size="0"/><file name="b" mode="0644" size="0"/></result>`,
		},
		{
			Name: "Exists not", Procedure: "Exists", Type: sutler.Read, Data: `<fileName>a</fileName><sourcePath path="no"/>`,
			Output: `<fileName>a</fileName><sourcePath path="no"/><result exists="false"/>`,
		},
		{
			Name: "Exists", Procedure: "Exists", Type: sutler.Read, Setup: tree, Data: `<dirName>link</dirName><sourcePath path="a"/>`,
			Output: `<dirName>link</dirName><sourcePath path="a"/><result exists="true" kind="link"/>`,
		},
		{
			Name: "GetDirectoryAttributes of a file", Procedure: "GetDirectoryAttributes", Type: sutler.Read, Setup: has(`f 0644 root/a ""`),
			Data: `<dirName>a</dirName>` + dot, Code: sutler.BadInput, Text: "it is a file",
		},
	}
}
