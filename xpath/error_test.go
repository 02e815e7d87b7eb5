package xpath_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"sutler/xmltree"
	"sutler/xpath"
)

func TestErrors(t *testing.T) {
	messages(t, "testdata/errors.txt", func(src string) error {
		_, err := xpath.Compile(src, names)
		return err
	})
}

func TestPatternErrors(t *testing.T) {
	messages(t, "testdata/pattern-errors.txt", func(src string) error {
		_, err := xpath.CompilePattern(src, names)
		return err
	})
}

// messages compares what compile says to each line of file with what stands
// behind the arrow.
func messages(t *testing.T, file string, compile func(src string) error) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	cases := 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		src, want, _ := strings.Cut(line, "  =>  ")
		if strings.HasPrefix(src, "# ") {
			out = append(out, line)
			continue
		}
		cases++
		got := "no error"
		if err := compile(src); err != nil {
			got = err.Error()
			checkError(t, src, err)
		}
		if (got != want || got == "no error") && !*update {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
		out = append(out, src+"  =>  "+got)
	}
	if cases < 80 {
		t.Errorf("%s: %d cases, want 80 at least", file, cases)
	}
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(out, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// checkError checks that err is of this package, has a listed rule and a place
// in src.
func checkError(t *testing.T, src string, err error) {
	t.Helper()
	var e *xpath.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: %v is no *xpath.Error", src, err)
		return
	}
	listed := slices.ContainsFunc(xpath.Rules(), func(r xmltree.Rule) bool { return r.ID == e.Rule })
	if !listed || e.Offset < 0 || e.Offset > len(src) || e.Msg == "" {
		t.Errorf("%s: %+v has no rule of the list or no place in the source", src, *e)
	}
}
