package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
	"sutler/xslt"
)

// transform applies the templates of a transfer to n and returns the one
// element they make, as a node of doc. Without an element it returns nil when
// allowNullTransform is set, else an error.
func (w *walk) transform(x *procedure.Transfer, n *xmltree.Node, doc *xmltree.Document) (*xmltree.Node, error) {
	fail := func(code sutler.Code, err error) error {
		text := mask(brief(err).Error(), secretsIn(n))
		return sutler.Errorf(code, "cannot transform %s (%s): %s", scopePath(x.Source, x.SourcePath), x.At, text)
	}
	into := doc.NewRoot()
	env := xslt.Env{
		Strict: true,
		Now:    w.started, Budget: w.budget,
		Limits: xslt.Limits{Depth: w.limits.TemplateDepth, Steps: w.limits.TransformSteps, ResultBytes: w.limits.ResultBytes},
	}
	ctx, cancel := w.timeLimit()
	defer cancel()
	if err := x.Sheet.Run(ctx, n, into, env); err != nil {
		var l *xmltree.LimitError
		switch {
		case errors.As(err, &l):
			return nil, fail(sutler.LimitReached, err)
		case w.cancelled() != nil:
			return nil, w.cancelled()
		case ctx.Err() != nil:
			err = fmt.Errorf("it took longer than %d ms (limit TransformTime, setting limit.transformTime): %v", w.limits.TransformTime, brief(err))
			return nil, errors.Join(errLimit, fail(sutler.TimedOut, err))
		}
		return nil, fail(sutler.TransformErr, err)
	}
	if x.Sheet.Text() {
		var text bytes.Buffer
		if err := x.Sheet.Embed(&text, into); err != nil {
			return nil, fail(sutler.TransformErr, err)
		}
		parsed, err := xmltree.Parse(wrap(text.Bytes()), xmltree.Options{MaxBytes: int64(text.Len()) + 8, Budget: w.budget})
		if err != nil {
			return nil, fail(sutler.TransformErr, fmt.Errorf("its text is not XML: %w", brief(err)))
		}
		defer parsed.Release()
		if into, err = doc.Copy(parsed.DocumentElement()); err != nil {
			return nil, err
		}
	}
	var one *xmltree.Node
	elements, text := 0, false
	for c := into.First(); c != nil; c = c.Next() {
		switch c.Kind() {
		case xmltree.Element:
			one = c
			elements++
		case xmltree.Text:
			text = text || strings.Trim(c.Value(), " \t\r\n") != ""
		}
	}
	switch {
	case elements == 0 && x.AllowNull:
		return nil, nil
	case elements == 0:
		return nil, fail(sutler.TransformErr, errors.New(`the result holds no element; add a template that matches, or allowNullTransform="1"`))
	case elements > 1:
		return nil, fail(sutler.TransformErr, fmt.Errorf("the result has %d root elements, want one", elements))
	case text:
		return nil, fail(sutler.TransformErr, errors.New("the result has text beside its root element"))
	}
	one.Detach()
	return one, nil
}

// timeLimit returns the context a transformation runs under.
func (w *walk) timeLimit() (context.Context, context.CancelFunc) {
	ctx := w.ctx
	if w.acted {
		ctx = context.WithoutCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(w.limits.TransformTime)*time.Millisecond)
}

// brief makes a problem one line, as a description is.
func brief(err error) error {
	var p *xmltree.Problem
	if errors.As(err, &p) {
		return errors.New(p.Brief())
	}
	return err
}

// wrap puts one element around the text of a transformation, so that it may
// hold no element or several, and cuts an XML declaration off.
func wrap(text []byte) []byte {
	if bytes.HasPrefix(text, []byte("<?xml ")) {
		if _, rest, ok := bytes.Cut(text, []byte("?>")); ok {
			text = rest
		}
	}
	return append(append([]byte("<r>"), text...), "</r>"...)
}
