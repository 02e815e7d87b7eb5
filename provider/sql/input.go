package sql

import (
	"strconv"
	"strings"
	"time"

	"sutler"
	"sutler/provider"
	"sutler/xmltree"
)

// defaultWait is how long a call waits for a locked database when
// timeout/@connect does not say otherwise.
const defaultWait = 5 * time.Second

// maxTimeout bounds both time limits of the element timeout.
const maxTimeout = time.Hour

// input is what executeData asks for.
type input struct {
	to      target
	wait    time.Duration // for a locked database
	execute time.Duration // for the command; 0: as long as the call may take
	command *command
	undo    *command
}

// command is one SQL command with its parameters. Its JSON form is the
// rollback data "undo".
type command struct {
	SQL    string  `json:"sql"`
	Mode   string  `json:"mode,omitempty"` // auto, named, unnamed, none
	Params []param `json:"params,omitempty"`
	Hidden bool    `json:"hidden,omitempty"` // its text must not be logged

	Transactional bool `json:"-"` // it is enlisted
}

// param is one parameter as it was given.
type param struct {
	Name   string `json:"name,omitempty"`
	Type   string `json:"type,omitempty"`
	Value  string `json:"value,omitempty"`
	Null   bool   `json:"null,omitempty"`
	Hidden bool   `json:"hidden,omitempty"` // its value must not be logged
}

// readInput reads the elements connect, timeout, command, param, undoCommand
// and undoParam of executeData; others are left to the procedures around this
// one. command is not required here.
func readInput(c *sutler.Call) (*input, error) {
	in := &input{wait: defaultWait}
	if c.Data == nil {
		return nil, sutler.Errorf(sutler.BadInput, "cannot call %s: there is no executeData", c.Procedure)
	}
	var params, undoParams []param
	seen := map[string]bool{}
	for e := c.Data.FirstElement(); e != nil; e = e.NextElement() {
		if e.Space() != "" {
			continue
		}
		var err error
		name := e.Local()
		switch name {
		case "connect":
			in.to, err = readConnect(e, c.Identity)
		case "timeout":
			err = in.readTimeout(e)
		case "command":
			in.command, err = readCommand(e)
		case "undoCommand":
			in.undo, err = readCommand(e)
		case "param":
			params = append(params, readParam(e))
			continue
		case "undoParam":
			undoParams = append(undoParams, readParam(e))
			continue
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, badElement("element %s is there twice", name)
		}
		seen[name] = true
	}
	if in.command != nil {
		in.command.Params = params
	}
	switch {
	case in.undo != nil:
		in.undo.Params = undoParams
	case len(undoParams) > 0:
		return nil, badElement("there is an undoParam and no undoCommand")
	}
	if !seen["connect"] {
		return nil, badElement("connect/@Database is missing (name a database below the provider's root)")
	}
	return in, nil
}

// readCommandInput is readInput where command is required.
func readCommandInput(c *sutler.Call) (*input, error) {
	in, err := readInput(c)
	if err == nil && in.command == nil {
		err = badElement("element command is missing")
	}
	return in, err
}

// readFile is readInput for the procedures on the files of SQLite databases.
func readFile(c *sutler.Call) (*input, error) {
	in, err := readInput(c)
	if err == nil && in.to.postgres() {
		err = badElement("connect names a database of PostgreSQL (%s is for those of SQLite)", c.Procedure)
	}
	return in, err
}

// readTimeout reads the time limits, in milliseconds (the documents give no unit).
func (in *input) readTimeout(e *xmltree.Node) error {
	for _, limit := range []struct {
		name string
		to   *time.Duration
	}{{"connect", &in.wait}, {"execute", &in.execute}} {
		text := trim(e.Attr(limit.name))
		if text == "" {
			continue
		}
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil || ms < 1 || ms > maxTimeout.Milliseconds() {
			return badElement("timeout/@%s is %q (want milliseconds from 1 to %d)", limit.name, text, maxTimeout.Milliseconds())
		}
		*limit.to = time.Duration(ms) * time.Millisecond
	}
	return nil
}

// readCommand reads command or undoCommand. With transactional="1" a command
// is enlisted: part of the database transaction that ends with the Sutler
// transaction (see enlist). It means nothing for an undoCommand.
func readCommand(e *xmltree.Node) (*command, error) {
	given := trim(e.Attr("param"))
	cmd := &command{SQL: e.Text(), Mode: strings.ToLower(given), Hidden: provider.Marked(e)}
	switch cmd.Mode {
	case "":
		cmd.Mode = "auto"
	case "auto", "named", "unnamed", "none":
	default:
		return nil, badElement("%s/@param is %q (want auto, named, unnamed or none)", e.Local(), given)
	}
	switch t := trim(e.Attr("transactional")); strings.ToLower(t) {
	case "", "0", "false":
		return cmd, nil
	case "1", "true":
		cmd.Transactional = true
		return cmd, nil
	default:
		return nil, badElement("%s/@transactional is %q (want 0 or 1)", e.Local(), t)
	}
}

// readParam reads param or undoParam. A child null is NULL; so is an empty
// value, unless explicitNulls="1" asks for NULL by null alone (inferred from
// the name of the attribute; provisioning document 4.5 only lists it).
func readParam(e *xmltree.Node) param {
	p := param{Name: strings.TrimLeft(trim(e.Attr("name")), ":@$"), Type: trim(e.Attr("type")), Value: e.Text(), Hidden: provider.Marked(e)}
	explicit := trim(e.Attr("explicitNulls"))
	p.Null = e.Child("null") != nil || p.Value == "" && explicit != "1" && !strings.EqualFold(explicit, "true")
	return p
}

func trim(s string) string { return strings.Trim(s, " \t\r\n") }

func badElement(format string, args ...any) error {
	return sutler.Errorf(BadElement, "cannot read executeData: "+format, args...)
}
