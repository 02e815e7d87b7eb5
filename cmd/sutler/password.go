package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"

	"sutler"
)

// password returns the password of who calls: SUTLER_PASSWORD, or what is typed
// in at a terminal.
func (p *program) password(user string) (string, error) {
	if v := os.Getenv("SUTLER_PASSWORD"); v != "" {
		return v, nil
	}
	if f, ok := p.terminal(); ok {
		return p.typed(f, "password of "+user)
	}
	return "", sutler.Errorf(sutler.BadInput, "cannot log in as %s: set SUTLER_PASSWORD", user)
}

// newPassword returns the password that a verb sets: SUTLER_NEW_PASSWORD, or a
// line of standard input.
func (p *program) newPassword() (string, error) {
	if v := os.Getenv("SUTLER_NEW_PASSWORD"); v != "" {
		return v, nil
	}
	if f, ok := p.terminal(); ok {
		return p.typed(f, "new password")
	}
	line, err := bufio.NewReader(p.in).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", sutler.Errorf(sutler.BadInput, "cannot read the password: nothing came; write it to standard input, or set SUTLER_NEW_PASSWORD (%v)", err)
	}
	return line, nil
}

// terminal returns the terminal at which somebody sits.
func (p *program) terminal() (*os.File, bool) {
	f, ok := p.in.(*os.File)
	return f, ok && term.IsTerminal(f.Fd())
}

// typed asks at a terminal, which does not show what is typed.
func (p *program) typed(f *os.File, what string) (string, error) {
	fmt.Fprintf(p.talk, "%s: ", what)
	b, err := term.ReadPassword(f.Fd())
	fmt.Fprintln(p.talk)
	if err != nil {
		return "", fmt.Errorf("cannot read the %s: %w", what, err)
	}
	if len(b) == 0 {
		return "", sutler.Errorf(sutler.BadInput, "cannot use the %s: nothing was typed", what)
	}
	return string(b), nil
}
