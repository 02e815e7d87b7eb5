//go:build linux

package hostile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler/sutlertest/hostilecase"
)

// corpus is where the cases are: FAMILY/NAME.txtar below it.
const corpus = "../testdata/hostile"

// A hostileCase is one file of the corpus, a txtar archive. The lines before
// its first entry are its head, "# KEY: VALUE" each:
//
//	family   the directory that it is in
//	door     what it is sent to, see doors
//	verdict  refused WHAT, accepted, or bounded: that it ends within the bounds
//	         is all that can be said; WHAT may have alternatives, parted by |
//	why      why a hostile thing is accepted or only bounded; required then
//	says     what the error, or the answer, must hold; may repeat
//	procedure, args, …  what the door asks for besides
//
// In the entries ⟦N:TEXT⟧ is TEXT, N times; № in it is the number of the time,
// from 0, and №′ the one after. ⟪NAME⟫ is a place of the world of the test, see
// world.places. An entry whose name ends in " quoted" is bytes: a string of Go
// in each line, with how often it is to be repeated in front, if that is not once.
type hostileCase struct {
	path  string // of the file, below corpus
	head  map[string]string
	says  []string
	files []txtar.File
}

var headLine = regexp.MustCompile(`^# ([a-z]+): ?(.*)$`)

// readCase reads the file at path below corpus.
func readCase(path string) (*hostileCase, error) {
	text, err := os.ReadFile(filepath.Join(corpus, path))
	if err != nil {
		return nil, err
	}
	a := txtar.Parse(text)
	c := &hostileCase{path: path, head: map[string]string{}, files: a.Files}
	for line := range strings.Lines(string(a.Comment)) {
		m := headLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		switch {
		case m == nil:
			return nil, fmt.Errorf("%s: the head has the line %q: want # KEY: VALUE", path, line)
		case m[1] == "says":
			c.says = append(c.says, m[2])
		case c.head[m[1]] != "":
			return nil, fmt.Errorf("%s: the head has %s twice", path, m[1])
		default:
			c.head[m[1]] = m[2]
		}
	}
	return c, nil
}

var verdictForm = regexp.MustCompile(`^(accepted|bounded|refused \S.*)$`)

// check reports what the head lacks.
func (c *hostileCase) check() error {
	switch v := c.head["verdict"]; {
	case c.head["family"] != filepath.Dir(c.path):
		return fmt.Errorf("%s: the family is %q", c.path, c.head["family"])
	case doors[c.head["door"]] == nil:
		return fmt.Errorf("%s: there is no door %q", c.path, c.head["door"])
	case !verdictForm.MatchString(v) && !(*update && v == "?"):
		return fmt.Errorf("%s: the verdict is %q: want refused WHAT, accepted or bounded", c.path, v)
	case (v == "accepted" || v == "bounded") && c.head["why"] == "" && !*update:
		return fmt.Errorf("%s: it is %s: say why", c.path, v)
	case len(c.files) == 0:
		return fmt.Errorf("%s: it has no entry", c.path)
	}
	return nil
}

// fits reports whether got is a verdict that c may get.
func (c *hostileCase) fits(got string) bool {
	want := c.head["verdict"]
	what, refused := strings.CutPrefix(want, "refused ")
	if !refused {
		return want == got || want == "bounded" && (got == "accepted" || strings.HasPrefix(got, "refused "))
	}
	gotWhat, ok := strings.CutPrefix(got, "refused ")
	return ok && slices.Contains(strings.Split(what, "|"), gotWhat)
}

// allCases reads the corpus, by path.
func allCases() ([]*hostileCase, error) {
	paths, err := filepath.Glob(filepath.Join(corpus, "*", "*.txtar"))
	if err != nil {
		return nil, err
	}
	var all []*hostileCase
	for _, p := range paths {
		rel, err := filepath.Rel(corpus, p)
		if err != nil {
			return nil, err
		}
		c, err := readCase(rel)
		if err != nil {
			return nil, err
		}
		if err := c.check(); err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// texts returns the entries as the doors get them.
func (c *hostileCase) texts(places *strings.Replacer) (map[string][]byte, error) {
	all := map[string][]byte{}
	for _, f := range c.files {
		text := strings.TrimSuffix(string(f.Data), "\n")
		name, quoted := strings.CutSuffix(f.Name, " quoted")
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("%s: the entry %s is there twice", c.path, name)
		}
		if !quoted {
			all[name] = hostilecase.SpellOut(places.Replace(text))
			continue
		}
		b, err := unquoted(text)
		if err != nil {
			return nil, fmt.Errorf("%s: entry %s: %w", c.path, name, err)
		}
		all[name] = []byte(places.Replace(string(b)))
	}
	return all, nil
}

// unquoted returns the bytes that lines of quoted strings stand for.
func unquoted(text string) ([]byte, error) {
	var b bytes.Buffer
	for line := range strings.SplitSeq(text, "\n") {
		n := 1
		if count, rest, ok := strings.Cut(line, " "); ok && !strings.HasPrefix(line, `"`) {
			var err error
			if n, err = strconv.Atoi(count); err != nil {
				return nil, err
			}
			line = rest
		}
		s, err := strconv.Unquote(line)
		if err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		for range n {
			b.WriteString(s)
		}
	}
	return b.Bytes(), nil
}
