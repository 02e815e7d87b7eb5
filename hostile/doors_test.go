//go:build linux

package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
	"sutler/xpath"
	"sutler/xslt"
)

// A door takes a case in: it makes ready what the case needs and returns what
// is to be measured, which writes the error or the answer and returns the verdict.
type door func(w *world, c *hostileCase, files map[string][]byte) (func(said *bytes.Buffer) string, error)

// doors are all there are.
var doors = map[string]door{
	"request":    requestDoor,    // request.xml: what a request is read with, and its procedure compiled
	"namespace":  namespaceDoor,  // namespace.xml; then data.xml, if it is there, against the input schema of its first procedure
	"document":   documentDoor,   // input.xml with its document type; the other entries are the external entities there are
	"stylesheet": stylesheetDoor, // sheet.xsl, or template.xsl, which is the inside of one; input.xml; the other entries can be loaded
	"xpath":      xpathDoor,      // expression, on input.xml
	"submit":     submitDoor,     // request.xml, a trusted one, by an engine with the providers of the program
	"file":       fileDoor,       // data.xml, the children of executeData, to the procedure that the head names; see fileWorld
	"sql":        sqlDoor,        // the same
	"http":       httpDoor,       // request, to the server; see rawRequest
	"slow":       slowDoor,       // script, to the server; see slowly
	"cli":        cliDoor,        // args of the head, to the program; the other entries are files of its directory
}

// verdictOf returns the verdict that err is, and writes what it says.
func verdictOf(said io.Writer, err error) string {
	if err == nil {
		return "accepted"
	}
	fmt.Fprintln(said, err)
	what := fmt.Sprintf("%T", err)
	var problem *xmltree.Problem
	var problems xmltree.Problems
	var syntax *xpath.Error
	var coded *sutler.Error
	switch {
	case errors.As(err, &coded):
		what = codeName(coded.Code)
	case errors.As(err, &problem):
		what = problem.Rule
	case errors.As(err, &problems):
		what = firstError(problems)
	case errors.As(err, &syntax):
		what = syntax.Rule
	case errors.Is(err, context.DeadlineExceeded):
		what = "time"
	}
	var limit *xmltree.LimitError
	if errors.As(err, &limit) {
		what = strings.TrimSpace(what + " " + limit.Setting)
	}
	return "refused " + what
}

func firstError(ps xmltree.Problems) string {
	for _, p := range ps {
		if !p.Warning {
			return p.Rule
		}
	}
	return "nothing"
}

// codeName returns the word for a code; those of providers are numbers.
func codeName(c sutler.Code) string {
	if info, ok := sutler.Explain(c); ok {
		return info.Name
	}
	return fmt.Sprintf("%08X", uint32(c))
}

func requestDoor(_ *world, _ *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	src := files["request.xml"]
	return func(said *bytes.Buffer) string {
		req, err := sutler.ParseRequest(src, "request.xml", limits)
		if err != nil {
			return verdictOf(said, err)
		}
		defer req.Doc.Release()
		if req.Steps != nil {
			_, problems := procedure.CompileInline(req)
			err = problems.Err()
		}
		said.WriteString(xmltree.Canonical(req.Doc.Root()))
		return verdictOf(said, err)
	}, nil
}

func namespaceDoor(_ *world, _ *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	src, data := files["namespace.xml"], files["data.xml"]
	return func(said *bytes.Buffer) string {
		ns, problems := procedure.Compile(src, "namespace.xml", limits)
		if err := problems.Err(); err != nil {
			return verdictOf(said, err)
		}
		if err := procedure.Link([]*procedure.Namespace{ns}).Err(); err != nil {
			return verdictOf(said, err)
		}
		if data == nil {
			return verdictOf(said, nil)
		}
		doc, err := xmltree.Parse(data, xmltree.Options{File: "data.xml", DropSpace: true, Budget: limits.Budget()})
		if err != nil {
			return verdictOf(said, err)
		}
		defer doc.Release()
		steps := &xmltree.Budget{MaxSteps: limits.WithDefaults().TransformSteps}
		return verdictOf(said, ns.Procedures[0].CheckInput(doc.DocumentElement(), steps))
	}, nil
}

// documentDoor reads a document as sutler xslt --dtd does, with the entries of
// the case as the only files.
func documentDoor(_ *world, _ *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	return func(said *bytes.Buffer) string {
		doc, err := xmltree.Parse(files["input.xml"], xmltree.Options{
			File: "input.xml", MaxBytes: limits.RequestBytes, DTD: true, Budget: limits.Budget(),
			External: func(system, _ string) ([]byte, error) { return files[system], nil },
		})
		if err != nil {
			return verdictOf(said, err)
		}
		defer doc.Release()
		said.WriteString(xmltree.Canonical(doc.Root()))
		return verdictOf(said, nil)
	}, nil
}

const sheetHead = `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:x="urn:x" xmlns:exsl="http://exslt.org/common" ` +
	`xmlns:set="http://exslt.org/sets" xmlns:str="http://exslt.org/strings" xmlns:math="http://exslt.org/math" xmlns:date="http://exslt.org/dates-and-times" ` +
	`xmlns:regexp="http://exslt.org/regular-expressions" xmlns:func="http://exslt.org/functions" extension-element-prefixes="func">` + "\n"

func stylesheetDoor(_ *world, c *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	sheet, input := files["sheet.xsl"], files["input.xml"]
	if inside, ok := files["template.xsl"]; ok {
		sheet = []byte(sheetHead + string(inside) + "</xsl:stylesheet>")
	}
	if input == nil {
		input = []byte("<a/>")
	}
	return func(said *bytes.Buffer) string {
		return verdictOf(said, transform(said, sheet, input, c.head["strict"] == "yes", files))
	}, nil
}

// transform runs a stylesheet with what an engine gives it, and with the files
// to load; nothing else can be.
func transform(said *bytes.Buffer, sheet, input []byte, strict bool, files map[string][]byte) error {
	read := map[string]*xmltree.Document{}
	load := func(href, _ string) (*xmltree.Document, error) {
		if d := read[href]; d != nil {
			return d, nil
		}
		text, ok := files[href]
		if !ok {
			return nil, errors.New("there is no such file")
		}
		d, err := xmltree.Parse(text, xmltree.Options{File: href, Budget: limits.Budget()})
		read[href] = d
		return d, err
	}
	parsed, err := xmltree.Parse(sheet, xmltree.Options{File: "sheet.xsl", Budget: limits.Budget()})
	if err != nil {
		return err
	}
	prog, problems := xslt.Compile(parsed, xslt.Options{Load: load})
	if err := problems.Err(); err != nil {
		return err
	}
	doc, err := xmltree.Parse(input, xmltree.Options{File: "input.xml", Budget: limits.Budget()})
	if err != nil {
		return err
	}
	budget := limits.Budget()
	into := xmltree.New(budget)
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(limits.WithDefaults().TransformTime)*time.Millisecond)
	defer cancel()
	env := xslt.Env{
		Strict: strict, Now: time.Unix(1_700_000_000, 0).UTC(), Budget: budget, Load: load,
		Limits:  xslt.Limits{ResultBytes: limits.ResultBytes},
		Message: func(text string) { fmt.Fprintf(said, "%.200s\n", text) },
	}
	if err := prog.Run(ctx, doc.Root(), into.Root(), env); err != nil {
		return err
	}
	return prog.Serialize(said, into.Root())
}

func xpathDoor(_ *world, _ *hostileCase, files map[string][]byte) (func(*bytes.Buffer) string, error) {
	input := files["input.xml"]
	if input == nil {
		input = []byte("<a/>")
	}
	doc, err := xmltree.Parse(input, xmltree.Options{File: "input.xml", Budget: limits.Budget()})
	if err != nil {
		return nil, err
	}
	return func(said *bytes.Buffer) string {
		defer doc.Release()
		expr, err := xpath.Compile(string(files["expression"]), xpath.Static{})
		if err != nil {
			return verdictOf(said, err)
		}
		l := limits.WithDefaults()
		v, err := expr.Eval(&xpath.Context{Node: doc.Root(), Position: 1, Size: 1, Budget: &xmltree.Budget{MaxSteps: l.TransformSteps, MaxMade: 3 * l.ResultBytes}})
		if err == nil {
			fmt.Fprintf(said, "%.2000s", v.Str())
		}
		return verdictOf(said, err)
	}, nil
}
