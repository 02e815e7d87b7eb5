package engine

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sutler"
	"sutler/xmltree"
)

// errorOf returns err as the *sutler.Error that the walk builds up on its way
// out. Errors that are not one yet get their code here: limits and problems
// have one, anything else is an error of the provider (schema C.9).
func errorOf(err error) *sutler.Error {
	var e *sutler.Error
	if errors.As(err, &e) {
		return e
	}
	return &sutler.Error{Code: sutler.CodeOf(err), Err: err}
}

// keep returns e in place of err, still marked as what no catch may see.
func keep(err error, e *sutler.Error) error {
	if mark := markOf(err); mark != nil {
		return errors.Join(mark, e)
	}
	return e
}

// A provider's error goes into the log, so that it must fit there. Longer
// texts are cut, longer details left out.
const (
	mostText   = 64 << 10
	mostDetail = 1 << 20
)

func short(text string) string {
	if len(text) <= mostText {
		return text
	}
	return strings.ToValidUTF8(text[:mostText], "") + fmt.Sprintf(" … (%d bytes)", len(text))
}

// said is the text of a provider's error. The code beside it is the
// provider's own, and a catch sees it whatever it is.
type said string

func (s said) Error() string { return string(s) }

// maskedError is what a provider answered to c without secrets: those that c
// held before, and those that it holds now. The code of the provider is kept.
func maskedError(err error, c *sutler.Call, secrets []string) error {
	if err == nil {
		return nil
	}
	e := sutler.Error{Code: sutler.CodeOf(err)}
	var own *sutler.Error
	if errors.As(err, &own) {
		e.Detail, e.Seq = own.Detail, own.Seq
		e.Sources = slices.Clone(own.Sources) // an error raised again keeps where it came from
	}
	secrets = append(secretsOf(c), secrets...)
	for i := range e.Sources { // which the provider may have from its input
		s := &e.Sources[i]
		s.Namespace, s.Procedure = mask(s.Namespace, secrets), mask(s.Procedure, secrets)
	}
	var none *noAnswer
	if errors.As(err, &none) {
		e.Code, e.Err = none.code, &noAnswer{short(mask(none.what, secrets)), none.code, false}
		return &e
	}
	text := err.Error()
	if description, detail, ok := describedError(text); ok {
		text, e.Detail = description, detail
	}
	text, e.Detail = short(mask(text, secrets)), mask(e.Detail, secrets)
	if len(e.Detail) > mostDetail {
		e.Detail = ""
	}
	e.Err = said(text)
	var l *xmltree.LimitError
	if errors.As(err, &l) { // of the transaction, not of the provider's world
		e.Err = errors.New(text)
	}
	return &e
}

// describedError takes apart the text of an error that is itself an XML
// document with the root errorDescription (schema B.10).
func describedError(text string) (description, detail string, ok bool) {
	if !strings.HasPrefix(strings.TrimSpace(text), "<") {
		return "", "", false
	}
	doc, err := xmltree.Parse([]byte(text), xmltree.Options{})
	if err != nil {
		return "", "", false
	}
	defer doc.Release()
	root := doc.DocumentElement()
	if !root.Is("", "errorDescription") {
		return "", "", false
	}
	var b strings.Builder
	for n := root.First(); n != nil; n = n.Next() {
		b.WriteString(n.String())
	}
	return root.Attr("description"), b.String(), true
}

// errorContext builds the element errorContext of e in doc (schema B.10).
func errorContext(doc *xmltree.Document, e *sutler.Error) (*xmltree.Node, error) {
	n := doc.NewElement(xmltree.Name{Local: "errorContext"})
	n.SetAttr(xmltree.Name{Local: "code"}, e.Code.HRESULT().String())
	n.SetAttr(xmltree.Name{Local: "description"}, e.Error())
	n.SetAttr(xmltree.Name{Local: "executeSeqNo"}, strconv.Itoa(e.Seq))
	if e.Detail != "" {
		if err := appendDetail(doc, n, e.Detail); err != nil {
			return nil, err
		}
	}
	sources := e.Sources
	if len(sources) == 0 {
		sources = []sutler.ErrorSource{{}} // callers rely on one (schema B.12)
	}
	for _, s := range sources {
		x := doc.NewElement(xmltree.Name{Local: "errorSource"})
		x.SetAttr(xmltree.Name{Local: "namespace"}, s.Namespace)
		x.SetAttr(xmltree.Name{Local: "procedure"}, s.Procedure)
		if err := n.Append(x); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// appendDetail adds errorDescription. Detail that is not XML is kept as text.
func appendDetail(doc *xmltree.Document, n *xmltree.Node, detail string) error {
	d := doc.NewElement(xmltree.Name{Local: "errorDescription"})
	parsed, err := xmltree.Parse([]byte("<errorDescription>"+detail+"</errorDescription>"), xmltree.Options{Budget: doc.Budget()})
	if err != nil {
		d.AppendText(detail)
		return n.Append(d)
	}
	defer parsed.Release()
	c, err := doc.Copy(parsed.DocumentElement())
	if err != nil {
		return err
	}
	return n.Append(c)
}

// errorResponse returns the element response of a failed request.
func errorResponse(e *sutler.Error) string {
	doc := xmltree.New(nil)
	defer doc.Release()
	r := doc.NewElement(xmltree.Name{Local: "response"})
	n, err := errorContext(doc, e)
	if err == nil {
		err = r.Append(n)
	}
	if err != nil {
		return fmt.Sprintf(`<response><errorContext code="%s" description="" executeSeqNo="%d"/></response>`, e.Code.HRESULT(), e.Seq)
	}
	return r.String()
}
