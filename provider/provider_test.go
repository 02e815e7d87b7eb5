package provider_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"sutler"
	"sutler/provider"
	"sutler/sutlertest"
)

func TestProcedures(t *testing.T) {
	var trace []string
	does := func(what string) provider.Func {
		return func(context.Context, *sutler.Call) error { trace = append(trace, what); return nil }
	}
	ps := provider.Procedures{
		"Read One": {Process: does("read")},
		"Move":     {Process: does("move"), Rollback: does("back"), Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true},
		"Both": {
			Process: does("both"), Rollback: does("undo"), Prepare: does("prepare"), Commit: does("commit"), NoAnswer: sutler.Probe,
			Probe: func(context.Context, *sutler.Call) (sutler.Outcome, error) {
				return sutler.TookEffect, fmt.Errorf("cannot look: %w", fs.ErrPermission)
			},
		},
	}
	for _, name := range []string{"READ one", "move", "bOTH"} {
		c := sutlertest.NewCall(t, name, "")
		for _, f := range []func(context.Context, *sutler.Call) error{ps.Process, ps.Prepare, ps.Commit, ps.Rollback} {
			if err := f(t.Context(), c); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if got, want := strings.Join(trace, " "), "read move back both prepare commit undo"; got != want {
		t.Errorf("the operations ran as %s, want %s", got, want)
	}

	for name, want := range map[string]sutler.Traits{
		"read one": {},
		"MOVE":     {Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true},
		"Both":     {NoAnswer: sutler.Probe},
	} {
		if got, ok := ps.Traits(name); !ok || got != want {
			t.Errorf("Traits(%q) = %v, %v, want %v", name, got, ok, want)
		}
	}
	for name, want := range map[string]sutler.ProcedureType{"Read One": sutler.Read, "Move": sutler.Write, "Both": sutler.TwoPhase} {
		if got := ps[name].Type(); got != want {
			t.Errorf("%s is of type %v, want %v", name, got, want)
		}
	}

	if o, err := ps.Probe(t.Context(), sutlertest.NewCall(t, "Both", "")); o != sutler.TookEffect || sutler.CodeOf(err) != sutler.Denied {
		t.Errorf("Probe = %v, %v", o, err)
	}
	if o, err := ps.Probe(t.Context(), sutlertest.NewCall(t, "Move", "")); o != sutler.Unknown || err != nil {
		t.Errorf("Probe without the operation = %v, %v", o, err)
	}

	unknown := sutlertest.NewCall(t, "Fly", "")
	_, probed := ps.Probe(t.Context(), unknown)
	for _, err := range []error{
		ps.Process(t.Context(), unknown), ps.Rollback(t.Context(), unknown), ps.Prepare(t.Context(), unknown), ps.Commit(t.Context(), unknown), probed,
	} {
		const want = `cannot call "Fly": provider "test" has no such procedure, only Both, Move, Read One`
		if sutler.CodeOf(err) != sutler.NoProvider || err.Error() != want {
			t.Errorf("an unknown procedure gives %v (%v), want %s", err, sutler.CodeOf(err), want)
		}
	}
	if _, ok := ps.Traits("Fly"); ok {
		t.Error("Traits knows an unknown procedure")
	}
}

func TestCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want sutler.Code
	}{
		{fs.ErrExist, sutler.Exists},
		{&fs.PathError{Op: "open", Path: "x", Err: syscall.ENOENT}, sutler.NoSuchFile},
		{&os.LinkError{Op: "rename", Old: "x", New: "y", Err: syscall.ENOTEMPTY}, sutler.NotEmpty},
		{syscall.EACCES, sutler.Denied},
		{context.DeadlineExceeded, sutler.TimedOut},
		{os.ErrDeadlineExceeded, sutler.TimedOut},
		{context.Canceled, sutler.Cancelled},
		{sutler.Errorf(0x87000012, "odd"), 0x87000012},
		{fmt.Errorf("%w: %w", sutler.Errorf(sutler.Conflict, "odd"), fs.ErrExist), sutler.Conflict},
		{errors.New("odd"), sutler.Failed},
	} {
		wrapped := fmt.Errorf("cannot do %q: %w", "it", c.err)
		ps := provider.Procedures{"P": {Process: func(context.Context, *sutler.Call) error { return wrapped }}}
		err := ps.Process(t.Context(), sutlertest.NewCall(t, "P", ""))
		if got := sutler.CodeOf(err); got != c.want || err.Error() != wrapped.Error() || !errors.Is(err, c.err) {
			t.Errorf("%v comes out as %v (%v), want code %v and the same text", wrapped, err, got, c.want)
		}
	}
}

func TestInput(t *testing.T) {
	c := sutlertest.NewCall(t, "P", `<a> x </a><b at=" y " no="0" yes="TRUE" odd="maybe"/><empty/><blank at=" "/>`)
	for _, q := range []struct{ input, want, err string }{
		{"a", "x", ""},
		{"b@at", "y", ""},
		{"empty", "", `cannot call "P": input empty is missing or empty: it is required`},
		{"blank@at", "", `cannot call "P": input blank@at is missing or empty: it is required`},
		{"b@none", "", `cannot call "P": input b@none is missing or empty: it is required`},
		{"none", "", `cannot call "P": input none is missing or empty: it is required`},
		{"none@at", "", `cannot call "P": input none@at is missing or empty: it is required`},
	} {
		got, err := provider.Required(c, q.input)
		if text := fmt.Sprint(err); got != q.want || err == nil && q.err != "" || err != nil && text != q.err {
			t.Errorf("Required(%s) = %q, %v, want %q, %s", q.input, got, err, q.want, q.err)
		}
		if err != nil && sutler.CodeOf(err) != sutler.BadInput {
			t.Errorf("Required(%s) has code %v", q.input, sutler.CodeOf(err))
		}
		want := q.want
		if q.err != "" {
			want = "otherwise"
		}
		if got := provider.Optional(c, q.input, "otherwise"); got != want {
			t.Errorf("Optional(%s) = %q, want %q", q.input, got, want)
		}
	}
	for input, want := range map[string]bool{"a": true, "empty": true, "blank@at": true, "b@none": false, "none": false} {
		if got := provider.Given(c, input); got != want {
			t.Errorf("Given(%s) = %v, want %v", input, got, want)
		}
	}
	for input, want := range map[string]bool{"b@yes": true, "b@no": false, "none": true, "blank@at": true} {
		if got, err := provider.Flag(c, input, true); got != want || err != nil {
			t.Errorf("Flag(%s) = %v, %v, want %v", input, got, err, want)
		}
	}
	_, err := provider.Flag(c, "b@odd", true)
	if want := `cannot call "P": input b@odd is "maybe": it must be true, false, 1 or 0`; fmt.Sprint(err) != want {
		t.Errorf("Flag(b@odd) = %v, want %s", err, want)
	}

	c.Data = nil // as at rollback
	if provider.Given(c, "a") || provider.Given(c, "b@at") || provider.Optional(c, "a", "o") != "o" {
		t.Error("a call without data has input")
	}
}

func TestMatch(t *testing.T) {
	do := func(context.Context, *sutler.Call) error { return nil }
	table := provider.Procedures{"Look": {Process: do}, "Move": {Process: do, Rollback: do}}
	for _, c := range []struct {
		what, xml string
		table     provider.Procedures
		want      []string
	}{
		{"the same", `<namespace><procedure name="look"/><procedure name="Move" type="write"/></namespace>`, table, nil},
		{"in an XML namespace", `<namespace xmlns="http://maps/specs/prov.xml"><procedure name="Look"/><procedure name="Move" type="write"/></namespace>`, table, nil},
		{"composite ones need no provider", `<namespace><providerContext/><procedure name="Look"/><procedure name="Move" type="write"/>
			<procedure name="All"><execute namespace="N" procedure="Move"/></procedure></namespace>`, table, nil},
		{"differences", `<namespace><procedure name="Look" type="two-phase"/><procedure name="Fly"/></namespace>`, table, []string{
			`procedure "Look" is of type two-phase in the namespace and read in the table`,
			`procedure "Fly" is in the namespace and not in the table`,
			`procedure "Move" is in the table and not in the namespace`,
		}},
		{"a table with faults", `<namespace><procedure name="P"/></namespace>`, provider.Procedures{
			"P": {NoAnswer: sutler.Probe, Flushes: true}, "p": {Process: do},
		}, []string{
			`procedure "P" has no Process`, `procedure "P" has the policy probe and no Probe`,
			`procedure "P" flushes rollback data and has no Rollback`, `procedures "P" and "p" of the table differ in case alone`,
		}},
		{"no XML", `<namespace>`, table, []string{"cannot read the namespace"}},
	} {
		err := provider.Match([]byte(c.xml), c.table)
		if (err == nil) != (c.want == nil) {
			t.Errorf("%s: Match = %v", c.what, err)
		}
		for _, want := range c.want {
			if !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("%s: Match = %v, want %s", c.what, err, want)
			}
		}
	}
}

func TestOutput(t *testing.T) {
	c := sutlertest.NewCall(t, "P", `<in/>`)
	r, err := provider.Result(c)
	if err != nil {
		t.Fatal(err)
	}
	provider.SetAttr(r, "n", "1")
	e, err := provider.Add(r, "row")
	if err != nil {
		t.Fatal(err)
	}
	e.AppendText("a<b")
	if got, want := provider.Content(c.Data), `<in/><result n="1"><row>a&lt;b</row></result>`; got != want {
		t.Errorf("the output is %s, want %s", got, want)
	}
}
