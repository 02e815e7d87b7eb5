package xslt_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sutler/xmltree"
	"sutler/xslt"
)

// Work that grows faster than its input is paid for, and what would be too
// large is refused before it is made.
func TestExtensionLimits(t *testing.T) {
	long := strings.Repeat("a", 100_000)
	many := "<r>" + strings.Repeat("<n>12345678901234567890</n>", 5_000) + "</r>"
	for _, c := range []struct{ expr, input, setting string }{
		{"str:padding(1000000000)", "<r/>", "ResultBytes"},
		{"str:padding(1 div 0, 'abc')", "<r/>", "ResultBytes"},
		{"str:padding(5000000, concat(/r, /r))", "<r>äöüäöüäöü</r>", "ResultBytes"},
		{"str:replace(/r, 'a', /r)", "<r>" + long + "</r>", "ResultBytes"},
		{"str:replace(/r, '', /r)", "<r>" + long + "</r>", "ResultBytes"},
		{"str:replace(/r, str:tokenize(concat(/r, 'b x')), '')", "<r>" + long + "</r>", "TransformSteps"},
		{"count(//n[position() < 200][str:concat(//n)])", many, ""},
		{"str:tokenize(str:padding(1000000, 'a '))", "<r/>", "TransformSteps"},
		{"str:split(str:padding(1000000, 'a '), '')", "<r/>", "TransformSteps"},
		{"count(//n[set:distinct(//n)])", many, "TransformSteps"},
		{"count(//n[set:difference(//n, //n)])", many, "TransformSteps"},
		{"count(//n[math:max(//n) = 1])", many, "TransformSteps"},
		{"count(//n[date:sum(//n) = 1])", many, "TransformSteps"},
		{"regexp:test(/r, '(a*)*b')", "<r>" + strings.Repeat(long, 10) + "</r>", "TransformSteps"},
		{"regexp:test(/r, '((a{10}){10}){10}b')", "<r>" + long + "</r>", "TransformSteps"},
		{"regexp:match(/r, 'a.*b|a', 'g')", "<r>" + long + "</r>", "TransformSteps"},
		{"regexp:match(/r, 'a*b|a', 'g')", "<r>" + long + "</r>", "TransformSteps"},
		{"regexp:match(str:padding(1000000), '', 'g')", "<r/>", "TransformSteps"},
		{"regexp:replace(/r, 'a', 'g', string(/r))", "<r>" + long + "</r>", "ResultBytes"},
		{"regexp:replace(/r, 'a', 'g', concat('$', '`'))", "<r>" + long + "</r>", ""},
		{"regexp:replace(/r, '', 'g', \"$'\")", "<r>" + long + "</r>", ""},
		{"count(//n[regexp:test('a', concat('a{', position(), '}'))])", many, "TransformSteps"},
		{`count(//n[regexp:test('a', concat(str:padding(7500, '[\u0100-\uffff]'), position()), 'i')])`, many, "TransformSteps"},
		{"count(//n[date:format-date('2001-10-26', concat(., str:padding(900, 'd ')))])", many, "TransformSteps"},
		{"count(//n[msxsl:format-date('2001-10-26', concat(., str:padding(900, 'd ')))])", many, "TransformSteps"},
		{"str:encode-uri(str:padding(3000000), true())", "<r/>", "ResultBytes"},
	} {
		p := compileExtension(t, c.expr)
		in := parse(t, c.input)
		env := xslt.Env{Limits: xslt.Limits{Steps: 300_000, ResultBytes: 8 << 20}}
		start := time.Now()
		err := p.Run(context.Background(), in.Root(), xmltree.New(nil).Root(), env)
		var limit *xmltree.LimitError
		var problem *xmltree.Problem
		switch {
		case !errors.As(err, &limit) || c.setting != "" && limit.Setting != c.setting:
			t.Errorf("%s: %v, want the limit %s", c.expr, err, c.setting)
		case !errors.As(err, &problem) || problem.Rule != "XT120" || problem.Pos.Line == 0:
			t.Errorf("%s: %v, want a problem XT120 with its place", c.expr, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", c.expr, took)
		}
	}
}

// A function that works long asks whether it is still wanted.
func TestExtensionCancel(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	in := parse(t, "<r>"+strings.Repeat("a", 1_000_000)+"</r>")
	for _, expr := range []string{
		"regexp:test(/r, '((a|b){30}){30}z')",
		"regexp:match(/r, '(a|b|c|d|e)*z|a', 'g')",
		"str:replace(/r, str:tokenize(concat(/r, 'b x')), '')",
		"str:tokenize(str:padding(50000000, 'a '))",
	} {
		p := compileExtension(t, expr)
		env := xslt.Env{Limits: xslt.Limits{Steps: 1 << 50, ResultBytes: 1 << 40}}
		start := time.Now()
		err := p.Run(ctx, in.Root(), xmltree.New(nil).Root(), env)
		var problem *xmltree.Problem
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &problem) || problem.Rule != "XT121" {
			t.Errorf("%s: %v, want a problem XT121", expr, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s took %v", expr, took)
		}
	}
}

// The elements that functions make leave the document order of large trees as
// it is: numbering them again at each call would take 16 seconds here.
func TestExtensionKeepsOrder(t *testing.T) {
	p := compileExtension(t, "count(str:tokenize(str:padding(80000, 'a '))[set:difference(str:tokenize(.), ../token[1])])")
	start := time.Now()
	out := xmltree.New(nil)
	err := p.Run(context.Background(), parse(t, "<r/>").Root(), out.Root(), xslt.Env{})
	if took := time.Since(start); err != nil || out.Root().Text() != "40000" || took > 6*time.Second {
		t.Errorf("Run = %s, %v after %v", out.Root().Text(), err, took)
	}
}

func compileExtension(t testing.TB, expr string) *xslt.Program {
	t.Helper()
	sheet := parse(t, strings.Replace(extensionSheet, "%s", showing(0, expr), 1))
	p, problems := xslt.Compile(sheet, xslt.Options{})
	if problems.Err() != nil {
		t.Fatalf("Compile(%s): %v", expr, problems)
	}
	return p
}

// Patterns are cached in a run and shared by none; what is constant is compiled
// once for all of them.
func TestExtensionRunsAtOnce(t *testing.T) {
	p := compileExtension(t, "concat(regexp:replace(/r, '(a)(b)', 'g', '$2$1'), regexp:test(/r, concat('^', /r)), msxsl:string-compare(/r, 'b', 'de'), date:date())")
	in := parse(t, "<r>abab</r>")
	done := make(chan string)
	for range 8 {
		go func() {
			last := ""
			for range 50 {
				out := xmltree.New(nil)
				if err := p.Run(context.Background(), in.Root(), out.Root(), extensionEnv); err != nil {
					last = err.Error()
					break
				}
				last = out.Root().Text()
			}
			done <- last
		}()
	}
	for range 8 {
		if got, want := <-done, "babatrue-12026-11-26+02:00"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
