package main

import (
	"fmt"
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/charmbracelet/colorprofile"
)

// quietProgram is a program that keeps what it says.
func quietProgram(talk io.Writer) *program {
	w := colorprofile.NewWriter(talk, nil)
	return &program{in: strings.NewReader(""), out: talk, pretty: w, talk: w}
}

// TestPicture compares the picture of the manual with what the demo shows.
func TestPicture(t *testing.T) {
	c := exec.Command("sutler", "demo")
	c.Env = append(os.Environ(), "CLICOLOR_FORCE=1", "TERM=xterm-256color", "NO_COLOR=")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(docs, "docs", "images", "demo.svg")
	got := picture(string(out))
	want, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	m := masks{folder: "\x00"}
	if m.mask(got) == m.mask(string(want)) {
		return
	}
	t.Errorf("%s does not show what the demo shows; UPDATE=1 draws it anew", file)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// The classes of the picture, by what a terminal is told.
var painted = map[string]string{"1": "b", "2": "f", "1;31": "r", "31": "r", "32": "g", "33": "y", "36": "c"}

var escape = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// picture draws the output of a terminal as SVG.
func picture(out string) string {
	const width, height = 8.43, 18
	lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
	columns := 0
	for _, l := range lines {
		columns = max(columns, len([]rune(escape.ReplaceAllString(l, ""))))
	}
	var b strings.Builder
	w, h := int(width*float64(columns))+32, height*len(lines)+32
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">
<title>Output of sutler demo</title>
<style>
rect{fill:#16181d}
text{fill:#d5d8de;font:14px/18px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre}
.b{font-weight:bold}.f{fill:#8b919c}.r{fill:#ff7b72;font-weight:bold}.g{fill:#7ee787}.y{fill:#e3b341}.c{fill:#76d9e6}
</style>
<rect width="%d" height="%d" rx="8"/>
`, w, h, w, h, w, h)
	for i, l := range lines {
		if l = drawn(l); l != "" {
			fmt.Fprintf(&b, "<text x=\"16\" y=\"%d\" xml:space=\"preserve\">%s</text>\n", 28+height*i, l)
		}
	}
	return b.String() + "</svg>\n"
}

// drawn turns the colours of a line into spans.
func drawn(line string) string {
	var b strings.Builder
	open := ""
	for line != "" {
		at := escape.FindStringSubmatchIndex(line)
		if at == nil {
			at = []int{len(line), len(line), 0, 0}
		}
		if text := html.EscapeString(line[:at[0]]); text != "" && open != "" {
			fmt.Fprintf(&b, `<tspan class="%s">%s</tspan>`, open, text)
		} else {
			b.WriteString(text)
		}
		open = painted[line[at[2]:at[3]]]
		line = line[at[1]:]
	}
	return b.String()
}
