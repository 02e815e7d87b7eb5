// Package customaudit is the Custom Audit provider of MPF: its calls leave
// rows for the audit database, which the auditing and recovery manager writes
// after the transaction has committed.
package customaudit

import (
	"context"
	_ "embed"
	"regexp"
	"strings"

	"sutler"
	"sutler/provider"
	"sutler/xmltree"
)

//go:embed namespace.xml
var namespace string

// Source is the providerSource of the provider.
const Source = "Provisioning.CustomAudit.1"

// Namespace returns the namespace file of the provider.
func Namespace() []byte { return []byte(namespace) }

// New returns the provider. It keeps nothing.
func New() provider.Procedures { return provider.Procedures{"Audit": {Process: audit}} }

// audit leaves one command for each table and exec of its input. After an
// error it has left none.
func audit(_ context.Context, c *sutler.Call) error {
	var commands []string
	for n := c.Data.FirstElement(); n != nil; n = n.NextElement() {
		var command string
		var err error
		switch n.Local() {
		case "table":
			command, err = insert(n)
		case "exec":
			command, err = execute(n)
		default:
			err = sutler.Errorf(sutler.BadInput, "cannot audit: there is no input %q; want table or exec", n.Local())
		}
		if err != nil {
			return err
		}
		commands = append(commands, command)
	}
	if len(commands) == 0 {
		return sutler.Errorf(sutler.BadInput, "cannot audit: there is neither a table nor an exec")
	}
	for _, command := range commands {
		c.Audit(command)
	}
	return nil
}

// insert returns the command that adds the row of a table element.
func insert(n *xmltree.Node) (string, error) {
	table, err := name(n)
	if err != nil {
		return "", err
	}
	var columns, values []string
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Local() != "column" {
			return "", sutler.Errorf(sutler.BadInput, "cannot audit into table %s: there is no input %q; want column", table, e.Local())
		}
		column, err := name(e)
		if err != nil {
			return "", err
		}
		value, err := literal(e)
		if err != nil {
			return "", err
		}
		columns, values = append(columns, column), append(values, value)
	}
	if len(columns) == 0 {
		return "", sutler.Errorf(sutler.BadInput, "cannot audit into table %s: it has no column", table)
	}
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(values, ", ") + ")", nil
}

// execute returns the command that calls the procedure of an exec element.
func execute(n *xmltree.Node) (string, error) {
	procedure, err := name(n)
	if err != nil {
		return "", err
	}
	var values []string
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if e.Local() != "param" {
			return "", sutler.Errorf(sutler.BadInput, "cannot call %s: there is no input %q; want param", procedure, e.Local())
		}
		value, err := literal(e)
		if err != nil {
			return "", err
		}
		values = append(values, value)
	}
	return "CALL " + procedure + "(" + strings.Join(values, ", ") + ")", nil
}

// names are those that can be quoted without doubt.
var names = regexp.MustCompile(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)?$`)

// name returns the attribute name of n, quoted for SQL.
func name(n *xmltree.Node) (string, error) {
	s := strings.TrimSpace(n.Attr("name"))
	if !names.MatchString(s) {
		return "", sutler.Errorf(sutler.BadInput, "cannot audit: the %s has the name %q; want letters, digits and _", n.Local(), s)
	}
	return `"` + strings.Join(strings.Split(s, "."), `"."`) + `"`, nil
}

// literal returns the value of n as a literal of SQL, *** when n, something
// around it or something in it is marked do-not-log. Its text cannot end the
// literal: quotes are doubled, and nothing else has a meaning inside.
func literal(n *xmltree.Node) (string, error) {
	if n.Child("null") != nil {
		return "NULL", nil
	}
	if provider.Marked(n) {
		return "'***'", nil
	}
	text := n.Text()
	if strings.ContainsRune(text, 0) {
		return "", sutler.Errorf(sutler.BadInput, "cannot audit: the %s %q holds a character that SQL cannot", n.Local(), n.Attr("name"))
	}
	return "'" + strings.ReplaceAll(text, "'", "''") + "'", nil
}
