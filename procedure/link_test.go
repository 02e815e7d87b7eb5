package procedure_test

import (
	"path/filepath"
	"strings"
	"testing"

	"sutler"
	"sutler/procedure"
)

// TestLink links the namespaces of each archive and compares the problems with
// its last file.
func TestLink(t *testing.T) {
	for file, ar := range archives(t, "link") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			last := len(ar.Files) - 1
			if ar.Files[last].Name != "want" {
				t.Fatalf("the last file is %s and not want", ar.Files[last].Name)
			}
			var nss []*procedure.Namespace
			for _, f := range ar.Files[:last] {
				ns, ps := procedure.Compile(f.Data, f.Name, sutler.Limits{})
				if len(ps) > 0 {
					t.Fatalf("Compile: %v", ps)
				}
				nss = append(nss, ns)
			}
			got := show(nss)
			for range 3 {
				if again := show(nss); again != got {
					t.Fatalf("Link gives first\n%s\nthen\n%s", got, again)
				}
			}
			if *update {
				ar.Files[last].Data = []byte(got)
			}
			if want := string(ar.Files[last].Data); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
		save(t, file, ar)
	}
}

func show(nss []*procedure.Namespace) string {
	ps := procedure.Link(nss)
	if len(ps) == 0 {
		return ""
	}
	return strings.TrimSuffix(ps.Error(), "\n") + "\n"
}
