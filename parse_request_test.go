package sutler_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler"
	"sutler/xmltree"
)

var update = flag.Bool("update", false, "rewrite what the test data expect")

// eachCase runs show on every NAME.xml of the archives and compares the result
// with NAME.want behind it.
func eachCase(t *testing.T, glob string, show func(t *testing.T, src []byte) string) {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("no test data at %s: %v", glob, err)
	}
	for _, file := range files {
		ar, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(ar.Files); i += 2 {
			name := strings.TrimSuffix(ar.Files[i].Name, ".xml")
			if ar.Files[i+1].Name != name+".want" {
				t.Fatalf("%s: want %s.want behind %s.xml", file, name, name)
			}
			want := &ar.Files[i+1].Data
			t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) {
				got := show(t, ar.Files[i].Data)
				if *update {
					*want = []byte(got)
				}
				if got != string(*want) {
					t.Errorf("got\n%s\nwant\n%s", got, *want)
				}
			})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestParseRequestBroken(t *testing.T) {
	eachCase(t, "testdata/request/broken/*.txtar", func(t *testing.T, src []byte) string {
		_, err := sutler.ParseRequest(src, "request.xml", sutler.Limits{})
		if err == nil {
			t.Fatal("ParseRequest accepts it")
		}
		ps, ok := err.(xmltree.Problems)
		if !ok {
			t.Fatalf("ParseRequest gives a %T, want xmltree.Problems", err)
		}
		if strings.Contains(ps.Error(), "Secret") {
			t.Errorf("a password is in the error:\n%v", ps)
		}
		return ps.Error() + "\n"
	})
}

func TestParseRequest(t *testing.T) {
	eachCase(t, "testdata/request/good/*.txtar", func(t *testing.T, src []byte) string {
		req, err := sutler.ParseRequest(src, "request.xml", sutler.Limits{})
		if err != nil {
			t.Fatalf("ParseRequest: %v", err)
		}
		defer req.Doc.Release()
		var b strings.Builder
		fmt.Fprintf(&b, "trusted: %v\n", req.Trusted)
		for _, part := range []struct {
			name string
			node *xmltree.Node
		}{{"data", req.Data}, {"context", req.Context}, {"procedure", req.Steps}} {
			if part.node != nil {
				fmt.Fprintf(&b, "%s: %s\n", part.name, part.node)
			}
		}
		return b.String()
	})
}

func TestParseRequestLimits(t *testing.T) {
	deep := "<request><data>" + strings.Repeat("<a>", 10) + strings.Repeat("</a>", 10) + "</data></request>"
	tests := []struct {
		name string
		l    sutler.Limits
		ok   bool
	}{
		{"default", sutler.Limits{}, true},
		{"depth reached", sutler.Limits{Depth: 12}, true},
		{"depth", sutler.Limits{Depth: 11}, false},
		{"size reached", sutler.Limits{RequestBytes: int64(len(deep))}, true},
		{"size", sutler.Limits{RequestBytes: int64(len(deep)) - 1}, false},
	}
	for _, tt := range tests {
		_, err := sutler.ParseRequest([]byte(deep), "request.xml", tt.l)
		if (err == nil) != tt.ok {
			t.Errorf("%s: ParseRequest: %v, want ok %v", tt.name, err, tt.ok)
		}
	}
}

// TestRequestRules checks that each rule is listed once, and that each occurs
// in the test data under its code.
func TestRequestRules(t *testing.T) {
	var all strings.Builder
	files, _ := filepath.Glob("testdata/request/broken/*.txtar")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	last := ""
	for _, r := range sutler.RequestRules() {
		if r.ID <= last || r.Title == "" || r.Help == "" {
			t.Errorf("rule %+v is out of order or not explained", r)
		}
		last = r.ID
		if !strings.Contains(all.String(), "["+r.ID+"]") {
			t.Errorf("rule %s does not occur in the test data", r.ID)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	for _, glob := range []string{"testdata/request/*/*.txtar", "procedure/testdata/inline/*.txtar"} {
		files, _ := filepath.Glob(glob)
		for _, file := range files {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				f.Fatal(err)
			}
			for i := 0; i < len(ar.Files); i += 2 {
				f.Add(ar.Files[i].Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		req, err := sutler.ParseRequest(src, "request.xml", sutler.Limits{})
		if err != nil {
			if ps, ok := err.(xmltree.Problems); !ok || len(ps) == 0 || ps.Error() == "" {
				t.Errorf("ParseRequest: %#v, want problems", err)
			}
			return
		}
		if req.Trusted != (req.Steps != nil) {
			t.Error("trusted and without a procedure, or the other way round")
		}
		req.Doc.Release()
	})
}
