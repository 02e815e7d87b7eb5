//go:build linux

package hostile

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var ruleOfProblem = regexp.MustCompile(`\[([A-Z]+[0-9]+)\]`)

// cliDoor runs the program in a directory of its own with the entries as its
// files; of an entry link NAME the text is where the link leads to.
func cliDoor(w *world, c *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	dir, err := w.folder()
	if err != nil {
		return nil, err
	}
	for name, text := range files {
		link, isLink := strings.CutPrefix(name, "link ")
		path := filepath.Join(dir, "work", strings.TrimPrefix(name, "link "))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if isLink {
			err = os.Symlink(string(text), filepath.Join(dir, "work", link))
		} else {
			err = os.WriteFile(path, text, 0o600)
		}
		if err != nil {
			return nil, err
		}
	}
	if w.idle == 0 {
		if _, _, err = w.program(dir, new(bytes.Buffer), "version"); err != nil {
			return nil, err
		}
		w.idle, w.peak = w.peak, 0
	}
	args := strings.Fields(w.places.Replace(c.head["args"]))
	return func(said *bytes.Buffer) string {
		code, rule, err := w.program(filepath.Join(dir, "work"), said, args...)
		switch {
		case err != nil:
			return verdictOf(said, err)
		case code != 0:
			return strings.TrimSpace("refused exit " + strconv.Itoa(code) + " " + rule)
		}
		return "accepted"
	}, nil
}

// program runs the program in dir and returns its exit code and the rule of
// the first problem that it told of. It keeps the peak of its memory.
func (w *world) program(dir string, said *bytes.Buffer, args ...string) (code int, rule string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Getenv(sutlerPath), args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "NO_COLOR=1", "PATH=/nowhere"}
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	var failed *exec.ExitError
	if err = cmd.Run(); errors.As(err, &failed) && failed.Exited() {
		err = nil
	}
	if cmd.ProcessState != nil {
		code = cmd.ProcessState.ExitCode()
		if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			w.peak = u.Maxrss << 10
		}
	}
	said.Write(out.Bytes())
	said.Write(talk.Bytes())
	for line := range strings.Lines(talk.String()) {
		if m := ruleOfProblem.FindStringSubmatch(line); m != nil && !strings.Contains(line, "warning:") {
			rule = m[1]
			break
		}
	}
	return code, rule, err
}
