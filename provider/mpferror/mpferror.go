// Package mpferror is the Error Provider of MPF (Provisioning.MPFError.1):
// procedures that raise an error, translate it by map files, and write it to
// the event log. They are used in the catch of other procedures.
package mpferror

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"sutler"
	"sutler/provider"
)

//go:embed namespace.xml
var namespace string

// Namespace returns the namespace file of the provider.
func Namespace() []byte { return []byte(namespace) }

// Provider carries the settings of the Error Provider. The zero value logs
// nothing and has no maps. It must not change while it is used.
type Provider struct {
	// Log takes the events of ReportEvent; nil switches event logging off.
	Log *slog.Logger
	// Maps are looked through in order for a map file (MPF: RootFolder). In
	// each, a map lies in the folder of its language, locId/errorSet.xml.
	Maps []fs.FS
	// MustHandleError is On or Off to overrule what calls ask for.
	MustHandleError Setting
	// Events are the texts of events with %1, %2 … for their parameters. The
	// event of sutler.Failed is always there and takes one, the whole text.
	Events map[sutler.Code]string
}

// Setting is a setting that overrules what a call asks for.
type Setting uint8

// The states of a Setting. The zero value leaves the decision to the call.
const (
	AsCalled Setting = iota
	On
	Off
)

// Procedures returns the provider.
func (p Provider) Procedures() provider.Procedures {
	return provider.Procedures{
		"ReportEvent":                {Process: p.reportEvent},
		"SetError":                   {Process: p.setError},
		"TranslateProvisioningError": {Process: p.translateProvisioningError},
		"TranslateUserError":         {Process: p.translateUserError},
	}
}

// reportEvent writes an event to the log.
func (p Provider) reportEvent(ctx context.Context, c *sutler.Call) error {
	code, err := codeOf(c, "hr", provider.Optional(c, "hr", sutler.Failed.String()))
	if err != nil {
		return err
	}
	source := provider.Optional(c, "source", "Provisioning")
	var params []string
	if list := c.Data.Child("parameters"); list != nil {
		for e := list.FirstElement(); e != nil; e = e.NextElement() {
			if e.Is("", "parameter") {
				params = append(params, e.Text())
			}
		}
	}
	text, ok := p.Events[code]
	if code == sutler.Failed {
		text, ok = "%1", true
	}
	if !ok { // an event of somebody else: its title stands for its text
		text = code.Title()
		for i := range params {
			text += fmt.Sprintf(" %%%d", i+1)
		}
	}
	if want := wanted(text); want != len(params) {
		return sutler.Errorf(sutler.BadInput, "cannot report event %v: its text takes %d parameters, not %d", code, want, len(params))
	}
	if p.Log == nil {
		return nil
	}
	level := slog.LevelInfo
	if code&0x80000000 != 0 {
		level = slog.LevelError
	}
	text = fill(text, params)
	if c.Hide != nil {
		text, source = c.Hide(text), c.Hide(source)
	}
	p.Log.LogAttrs(ctx, level, text, slog.String("source", source), slog.String("code", code.String()),
		slog.String("transaction", string(c.Transaction)), slog.Int("call", c.Seq))
	return nil
}

// setError raises an error. A current error with the same code stays as it is.
func (p Provider) setError(_ context.Context, c *sutler.Call) error {
	hr, err := provider.Required(c, "hr")
	if err != nil {
		return err
	}
	code, err := codeOf(c, "hr", hr)
	if err != nil {
		return err
	}
	if code == sutler.OK {
		return provider.BadInput(c, "hr", hr, "it means success")
	}
	desc, err := provider.Required(c, "desc")
	if err != nil {
		return err
	}
	if now, ok := current(c); ok && now.Code == code {
		return now
	}
	return &sutler.Error{Code: code, Err: errors.New(desc)}
}

// translateProvisioningError raises what the current error is translated to.
func (p Provider) translateProvisioningError(_ context.Context, c *sutler.Call) error {
	now, ok := current(c)
	if !ok {
		return sutler.Errorf(sutler.BadInput, "cannot call %q: there is no current error; it belongs into a catch", c.Procedure)
	}
	return p.translate(c, now.Code.String(), now)
}

// translateUserError raises what an error that the caller names is translated to.
func (p Provider) translateUserError(_ context.Context, c *sutler.Call) error {
	id, err := provider.Required(c, "errorMessageCode")
	if err != nil {
		return err
	}
	original := &sutler.Error{Code: sutler.Failed, Err: errors.New(id)}
	if code, err := sutler.ParseCode(id); err == nil && code != sutler.OK {
		original = &sutler.Error{Code: code, Err: errors.New(code.Title())}
	}
	return p.translate(c, id, original)
}

// translate returns the error that the map of c has for its context and id,
// and without one, by mustHandleError, a generic error that names both or the
// original.
func (p Provider) translate(c *sutler.Call, id string, original *sutler.Error) error {
	where, err := provider.Required(c, "errorMessageContext")
	if err != nil {
		return err
	}
	must, err := provider.Flag(c, "mustHandleError", true)
	if err != nil {
		return err
	}
	if p.MustHandleError != AsCalled {
		must = p.MustHandleError == On
	}
	items, err := p.items(c)
	if err != nil {
		return sutler.Errorf(sutler.CodeOf(err), "cannot translate error %q: %w; it was: %v", where+"|"+id, err, original)
	}
	for _, it := range items {
		if it.matches(where, id) {
			return &sutler.Error{Code: it.codeOr(original.Code), Err: errors.New(it.message)}
		}
	}
	if !must {
		return &sutler.Error{Code: original.Code, Err: original.Err, Detail: original.Detail}
	}
	return sutler.Errorf(sutler.Failed, "no translation for error %q", where+"|"+id)
}

// current returns the error that the running catch handles.
func current(c *sutler.Call) (*sutler.Error, bool) {
	e := c.Context.Child("errorContext")
	if e == nil {
		return nil, false
	}
	code, err := sutler.ParseCode(e.Attr("code"))
	if err != nil {
		code = sutler.Failed
	}
	now := &sutler.Error{Code: code, Err: errors.New(e.Attr("description"))}
	now.Seq, _ = strconv.Atoi(e.Attr("executeSeqNo"))
	for child := e.FirstElement(); child != nil; child = child.NextElement() {
		switch {
		case child.Is("", "errorSource"):
			now.Sources = append(now.Sources, sutler.ErrorSource{
				Namespace: child.Attr("namespace"), Procedure: child.Attr("procedure"),
			})
		case child.Is("", "errorDescription"):
			now.Detail = provider.Content(child)
		}
	}
	return now, true
}

func codeOf(c *sutler.Call, input, value string) (sutler.Code, error) {
	code, err := sutler.ParseCode(value)
	if err != nil {
		return 0, sutler.Errorf(sutler.BadInput, "cannot call %q: input %s: %w", c.Procedure, input, err)
	}
	return code, nil
}

// wanted returns the highest number of a parameter in an event's text.
func wanted(text string) int {
	n := 0
	walk(text, func(i int) { n = max(n, i) }, func(string) {})
	return n
}

// fill puts the parameters into an event's text.
func fill(text string, params []string) string {
	var b strings.Builder
	walk(text, func(i int) {
		if i <= len(params) {
			b.WriteString(params[i-1])
		}
	}, func(s string) { b.WriteString(s) })
	return b.String()
}

// walk splits an event's text into parameters, %1 to %99, and other text, in
// which %% stands for a percent sign.
func walk(text string, param func(int), other func(string)) {
	for {
		before, rest, ok := strings.Cut(text, "%")
		other(before)
		if !ok {
			return
		}
		digits := 0
		for digits < min(2, len(rest)) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		n, _ := strconv.Atoi(rest[:digits])
		switch {
		case n > 0:
			param(n)
			rest = rest[digits:]
		case strings.HasPrefix(rest, "%"):
			other("%")
			rest = rest[1:]
		default:
			other("%")
		}
		text = rest
	}
}
