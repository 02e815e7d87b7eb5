package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/charmbracelet/colorprofile"
	"go.yaml.in/yaml/v3"

	"sutler"
	"sutler/xmltree"
)

// The colours of the program. A writer that is no terminal, or NO_COLOR,
// takes them out again.
var (
	strong = lipgloss.NewStyle().Bold(true)
	faint  = lipgloss.NewStyle().Faint(true)
	good   = lipgloss.NewStyle().Foreground(lipgloss.Green)
	bad    = lipgloss.NewStyle().Foreground(lipgloss.Red).Bold(true)
	undo   = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	blue   = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
)

// The values of --output; none means table, or xml where the data is XML.
const (
	asTable = "table"
	asJSON  = "json"
	asYAML  = "yaml"
	asXML   = "xml"
)

var formats = []string{asTable, asJSON, asYAML, asXML}

func (p *program) checkFormat() error {
	if p.format == "" || slices.Contains(formats, p.format) {
		return nil
	}
	return &exit{exitUsage, fmt.Errorf("cannot print as %q: --output is one of %s", p.format, strings.Join(formats, ", "))}
}

// show prints v in the format that was asked for; asTable says how a person
// wants to see it. The XML form has name as its root element.
func (p *program) show(name string, v any, people func() error) error {
	switch p.format {
	case asJSON:
		return writeJSON(p.out, v)
	case asYAML:
		return writeYAML(p.out, v)
	case asXML:
		return writeXML(p.out, name, v)
	default:
		return people()
	}
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// tree returns the JSON form of v with the order of its fields: JSON is YAML.
func tree(v any) (*yaml.Node, error) {
	var b bytes.Buffer
	if err := writeJSON(&b, v); err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b.Bytes(), &doc); err != nil {
		return nil, err
	}
	return doc.Content[0], nil
}

func writeYAML(w io.Writer, v any) error {
	n, err := tree(v)
	if err != nil {
		return err
	}
	var plain func(*yaml.Node)
	plain = func(n *yaml.Node) {
		n.Style = 0 // as YAML would write it, not as JSON
		if n.Kind == yaml.ScalarNode && strings.Contains(n.Value, "\n") {
			n.Style = yaml.LiteralStyle
		}
		for _, c := range n.Content {
			plain(c)
		}
	}
	plain(n)
	var b bytes.Buffer // the encoder hides what kind of error a writer has
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(n), enc.Close()); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// writeXML writes the JSON form of v as elements: an object's fields by their
// names, each entry of a list as one element of the list's name.
func writeXML(w io.Writer, name string, v any) error {
	n, err := tree(v)
	if err != nil {
		return err
	}
	doc := xmltree.New(nil)
	defer doc.Release()
	var add func(to *xmltree.Node, name string, n *yaml.Node) error
	add = func(to *xmltree.Node, name string, n *yaml.Node) error {
		if n.Kind == yaml.SequenceNode {
			for _, c := range n.Content {
				if err := add(to, name, c); err != nil {
					return err
				}
			}
			return nil
		}
		e := doc.NewElement(xmltree.Name{Local: name})
		if err := to.Append(e); err != nil {
			return err
		}
		if n.Kind == yaml.ScalarNode {
			e.AppendText(printable(n.Value))
			return nil
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if err := add(e, n.Content[i].Value, n.Content[i+1]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(doc.Root(), name, n); err != nil {
		return err
	}
	return doc.Root().Write(w, xmltree.WriteOptions{Indent: true})
}

// table prints rows below a head: framed on a terminal, else in plain columns.
func (p *program) table(head []string, rows [][]string) error {
	for _, row := range rows {
		for i := range row {
			row[i] = strings.ReplaceAll(printable(row[i]), "\n", " ")
		}
	}
	if onTerminal(p.pretty) {
		t := table.New().Headers(head...).Rows(rows...).Border(lipgloss.RoundedBorder()).BorderStyle(faint).
			StyleFunc(func(row, _ int) lipgloss.Style {
				if row == table.HeaderRow {
					return strong.Padding(0, 1)
				}
				return lipgloss.NewStyle().Padding(0, 1)
			})
		_, err := fmt.Fprintln(p.pretty, t)
		return err
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.StripEscape)
	fmt.Fprintln(w, strings.ToUpper(strings.Join(head, "\t")))
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t")) // with its empty cells, which hold the columns together
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(p.pretty, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// coloured returns a writer that leaves of colours what w can show, and with
// NO_COLOR none, and neither bold nor faint.
func coloured(w io.Writer) *colorprofile.Writer {
	cw := colorprofile.NewWriter(w, os.Environ())
	if os.Getenv("NO_COLOR") != "" {
		cw.Profile = colorprofile.NoTTY
	}
	return cw
}

func onTerminal(w *colorprofile.Writer) bool { return w.Profile > colorprofile.NoTTY }

// warn shows problems on stderr.
func (p *program) warn(ps xmltree.Problems) {
	for _, problem := range ps {
		fmt.Fprintln(p.talk, printable(problem.Error()))
	}
}

// printable replaces control characters, so that no text from elsewhere can
// steer the terminal. New lines and tabs stay.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '·'
		}
		return r
	}, s)
}

// when shows a time in the local zone, to the second; "" for no time.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// took shows how long something lasted; "" while it has not ended.
func took(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	return to.Sub(from).Round(10 * time.Microsecond).String()
}

// paint gives a status its colour.
func paint[S ~string](s S) string {
	switch sutler.Status(s) {
	case sutler.Committed, sutler.Status(sutler.CallDone):
		return good.Render(string(s))
	case sutler.RolledBack, sutler.RollingBack, sutler.Status(sutler.CallUndone):
		return undo.Render(string(s))
	case sutler.RollbackFailed, sutler.InDoubt, sutler.Status(sutler.CallFailed), sutler.Status(sutler.CallUndoFailed):
		return bad.Render(string(s))
	default:
		return blue.Render(string(s))
	}
}
