package file_test

import (
	"os"
	"path/filepath"
	"testing"

	"sutler"
	"sutler/provider/file"
	"sutler/sutlertest"
	"sutler/xmltree"
)

// Whatever name and path are asked for, nothing outside of the root changes
// and nothing is left after the rollback.
func FuzzPaths(f *testing.F) {
	for _, seed := range [][2]string{
		{"a", "."}, {"a", "in"}, {"..", "."}, {"a/b", ""}, {"a", "/etc"}, {"a", "in/../.."}, {"a", "out"}, {"a", "./in/./"},
		{".sutler-trash", "."}, {"a\\b", "in//"}, {"\x00", "in"}, {" a ", " in "}, {"CON", "in"}, {"é", "in"},
	} {
		f.Add(seed[0], seed[1])
	}
	dir := f.TempDir()
	for _, err := range []error{
		os.MkdirAll(filepath.Join(dir, "root/in"), 0o755), os.Mkdir(filepath.Join(dir, "outside"), 0o755),
		os.Symlink("../outside", filepath.Join(dir, "root/out")),
	} {
		if err != nil {
			f.Fatal(err)
		}
	}
	root, err := os.OpenRoot(filepath.Join(dir, "root"))
	if err != nil {
		f.Fatal(err)
	}
	defer root.Close()
	p, d := file.New(root), &disk{dir: dir, root: root}
	f.Fuzz(func(t *testing.T, name, path string) {
		before := d.Snapshot(t)
		c := sutlertest.NewCall(t, "CreateFile", `<fileName/><sourcePath/>`)
		c.Data.Child("fileName").AppendText(name)
		c.Data.Child("sourcePath").SetAttr(xmltree.Name{Local: "path"}, path)
		err := p.Process(t.Context(), c)
		if err == nil {
			if list, err := os.ReadDir(filepath.Join(dir, "outside")); err != nil || len(list) > 0 {
				t.Errorf("%q in %q came to lie outside: %v, %v", name, path, list, err)
			}
			if err := p.Rollback(t.Context(), c); err != nil {
				t.Errorf("Rollback of %q in %q = %v", name, path, err)
			}
		} else if sutler.CodeOf(err) == sutler.Failed {
			t.Errorf("%q in %q fails without a code: %v", name, path, err)
		}
		if after := d.Snapshot(t); after != before {
			t.Errorf("%q in %q changed the disk to\n%s", name, path, after)
		}
	})
}
