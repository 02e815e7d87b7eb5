package xsd_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestXSDDifferential runs every case of testdata/xsd through xmllint of
// libxml2 too. Where the two do not agree, a line of testdata/differences.txt
// says whose fault it is and why; a line that is no longer needed is an error.
func TestXSDDifferential(t *testing.T) {
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Fatalf("%v; it comes with Debian's package libxml2-utils", err)
	}
	explained := differences(t)
	paths, err := filepath.Glob("testdata/xsd/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	compared := 0
	for _, path := range paths {
		archive := strings.TrimSuffix(filepath.Base(path), ".txtar")
		_, all := suites(t, path)
		for _, s := range all {
			accepted, verdicts := lint(t, s)
			ours := map[string]bool{"schema": !s.refusable}
			theirs := map[string]bool{"schema": accepted}
			if accepted && !s.refusable {
				for i := range s.cases {
					ours[s.cases[i].text] = s.cases[i].valid
					theirs[s.cases[i].text] = verdicts[i]
				}
			}
			for what, valid := range ours {
				compared++
				key := archive + "/" + s.name + "\t" + what
				_, known := explained[key]
				delete(explained, key)
				if differ := valid != theirs[what]; differ && !known {
					t.Errorf("%s: valid is %v for us, %v for xmllint", key, valid, theirs[what])
				} else if !differ && known {
					t.Errorf("%s: no difference any more; take the line out", key)
				}
			}
		}
	}
	for key := range explained {
		t.Errorf("differences.txt explains a case that is not there: %s", key)
	}
	t.Logf("%d verdicts compared", compared)
}

// differences reads the table: suite, case, whose fault, reason, with tabs
// between them.
func differences(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 4 || f[3] == "" {
			t.Fatalf("differences.txt: want four columns in %q", line)
		}
		all[f[0]+"\t"+f[1]] = f[2] + ": " + f[3]
	}
	return all
}

// lint runs xmllint on the instances of a suite. It returns whether the schema
// was accepted, and what was valid.
func lint(t *testing.T, s *suite) (accepted bool, valid []bool) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	args := []string{"--noout", "--nonet", "--schema", write("schema.xsd", s.schema)}
	documents := s.cases
	if len(documents) == 0 {
		documents = []instance{{text: "<v/>"}}
	}
	var files []string
	for i := range documents {
		files = append(files, write(fmt.Sprintf("%d.xml", i), documents[i].document()))
	}
	out, err := exec.Command("xmllint", append(args, files...)...).CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		t.Fatal(err)
	}
	text := string(out)
	if strings.Contains(text, "WXS schema") && strings.Contains(text, "failed to compile") {
		return false, nil
	}
	for _, file := range files {
		ok := strings.Contains(text, file+" validates\n")
		if !ok && !strings.Contains(text, file+" fails to validate\n") && !strings.Contains(text, file+" validation generated an internal error") {
			t.Fatalf("%s: no verdict of xmllint on %s:\n%s", s.name, file, text)
		}
		valid = append(valid, ok)
	}
	return true, valid
}
