//go:build linux

package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
)

// childMode makes this program a child: it runs the cases whose paths it is
// given, a line each, and writes a report for each.
const childMode = "SUTLER_HOSTILE_CHILD"

// mostMemory is what a child may map, so that a case that breaks its bounds
// ends the child and not the machine.
const mostMemory = 4 << 30

func TestMain(m *testing.M) {
	if os.Getenv(childMode) == "" {
		os.Exit(m.Run())
	}
	if err := child(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child() (err error) {
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: mostMemory, Max: mostMemory}); err != nil {
		return err
	}
	w, err := newWorld()
	if err != nil {
		return err
	}
	defer w.close()
	out := json.NewEncoder(os.Stdout)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		r, err := w.run(in.Text())
		if err != nil {
			return err
		}
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// run runs the case at path.
func (w *world) run(path string) (*report, error) {
	c, err := readCase(path)
	if err != nil {
		return nil, err
	}
	files, err := c.texts(w.places)
	if err != nil {
		return nil, err
	}
	try, err := doors[c.head["door"]](w, c, files)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot make its door ready: %w", path, err)
	}
	r := &report{Path: path}
	var said bytes.Buffer
	if err := r.measure(func() { r.Verdict = try(&said) }); err != nil {
		return nil, err
	}
	if w.peak > 0 {
		r.Memory, w.peak = max(r.Memory, w.peak-w.idle), 0
	}
	r.Breach, err = w.breach(said.String())
	for _, part := range c.says {
		if r.Breach == "" && !strings.Contains(said.String(), w.places.Replace(part)) {
			r.Breach = fmt.Sprintf("the answer does not say %q", part)
		}
	}
	r.Said = fmt.Sprintf("%.2000s", said.String())
	return r, err
}
