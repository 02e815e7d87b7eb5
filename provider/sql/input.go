package sql

import (
	"strconv"
	"strings"
	"time"

	"sutler"
	"sutler/xmltree"
)

// defaultWait is how long a call waits for a locked database when
// timeout/@connect does not say otherwise.
const defaultWait = 5 * time.Second

// maxTimeout bounds both time limits of the element timeout.
const maxTimeout = time.Hour

// input is what executeData asks for.
type input struct {
	database string
	wait     time.Duration // for a locked database
	execute  time.Duration // for the command; 0: as long as the call may take
	command  *command
	undo     *command
}

// command is one SQL command with its parameters. Its JSON form is the
// rollback data "undo".
type command struct {
	SQL    string  `json:"sql"`
	Mode   string  `json:"mode,omitempty"` // auto, named, unnamed, none
	Params []param `json:"params,omitempty"`
	Hidden bool    `json:"hidden,omitempty"` // its text must not be logged
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
			err = in.readConnect(e)
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
	if in.database == "" {
		return nil, badElement("connect/@Database is missing (name a database below the provider's root)")
	}
	return in, checkName(in.database)
}

// readConnect reads the parts of the connection string, attributes or param
// children. Names are compared without regard to case. Server, accounts and
// the like mean nothing to SQLite and are not read.
func (in *input) readConnect(e *xmltree.Node) error {
	seen := map[string]bool{}
	part := func(name, value string) error {
		name, value = strings.ToLower(strings.TrimSpace(name)), trim(value)
		switch name {
		case "initial catalog":
			name = "database"
		case "database", "provider":
		default:
			return nil
		}
		if seen[name] {
			return badElement("connect names %s twice", name)
		}
		seen[name] = true
		if name == "database" {
			in.database = value
			return nil
		}
		if value != "" && !strings.EqualFold(value, "sqlite") {
			return badElement("connect/@Provider is %q (this provider knows sqlite only)", value)
		}
		return nil
	}
	for a := e.Attrs(); a != nil; a = a.Next() {
		if err := part(a.Local(), a.Value()); err != nil {
			return err
		}
	}
	for p := e.FirstElement(); p != nil; p = p.NextElement() {
		if !p.Is("", "param") {
			continue
		}
		if err := part(p.Attr("name"), p.Text()); err != nil {
			return err
		}
	}
	return nil
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

// readCommand reads command or undoCommand. The attribute transactional is
// accepted and means nothing: every command is a database transaction of its
// own, undone by its undoCommand.
func readCommand(e *xmltree.Node) (*command, error) {
	cmd := &command{SQL: e.Text(), Mode: strings.ToLower(trim(e.Attr("param"))), Hidden: hidden(e)}
	switch cmd.Mode {
	case "":
		cmd.Mode = "auto"
	case "auto", "named", "unnamed", "none":
	default:
		return nil, badElement("%s/@param is %q (want auto, named, unnamed or none)", e.Local(), cmd.Mode)
	}
	switch t := trim(e.Attr("transactional")); strings.ToLower(t) {
	case "", "0", "1", "true", "false":
		return cmd, nil
	default:
		return nil, badElement("%s/@transactional is %q (want 0 or 1)", e.Local(), t)
	}
}

// readParam reads param or undoParam. A child null is NULL; so is an empty
// value, unless explicitNulls="1" asks for NULL by null alone (inferred from
// the name of the attribute; provisioning document 4.5 only lists it).
func readParam(e *xmltree.Node) param {
	p := param{Name: strings.TrimLeft(trim(e.Attr("name")), ":@$"), Type: trim(e.Attr("type")), Value: e.Text(), Hidden: hidden(e)}
	explicit := trim(e.Attr("explicitNulls"))
	p.Null = e.Child("null") != nil || p.Value == "" && explicit != "1" && !strings.EqualFold(explicit, "true")
	return p
}

func hidden(e *xmltree.Node) bool { return trim(e.Attr("do-not-log")) == "1" }

func trim(s string) string { return strings.Trim(s, " \t\r\n") }

func badElement(format string, args ...any) error {
	return sutler.Errorf(BadElement, "cannot read executeData: "+format, args...)
}
