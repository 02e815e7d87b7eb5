package sutler

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"sutler/xmltree"
)

// ParseRequest reads the request src, which its sender calls file, within the
// size, depth, nodes and text of l, and checks its shape (schema B.27): every element and
// attribute around the data and the inline procedure. The data may hold
// anything; the procedure, which makes the request a trusted one, is checked
// when it is compiled. A request with several data elements or with globalData
// is one for the queue and refused here (schema B.18, D.8). The element
// transactionContext is dropped (schema B.32), other spellings of attributes
// are made the usual ones (schema A.2).
//
// The error is xmltree.Problems with all breaches at once. Lines of source are
// left out of them when the request holds a secret; see Request.Conceal.
func ParseRequest(src []byte, file string, l Limits) (*Request, error) {
	l = l.WithDefaults()
	req := &Request{File: file, src: src}
	doc, err := xmltree.Parse(src, xmltree.Options{
		File: file, MaxBytes: l.RequestBytes, MaxDepth: l.Depth, DropSpace: true, NoSpace: Spaces, Budget: l.Budget(),
	})
	if err != nil {
		var ps xmltree.Problems
		if errors.As(err, &ps) {
			req.Conceal(ps)
		}
		return nil, err
	}
	doc.ChargeTo(nil) // from here on the transaction pays
	if ps := checkRequest(doc); len(ps) > 0 {
		req.Conceal(ps)
		doc.Release()
		return nil, ps
	}
	root := doc.DocumentElement()
	req.Doc, req.Data, req.Context, req.Steps = doc, root.Child("data"), root.Child("context"), root.Child("procedure")
	req.Trusted = req.Steps != nil
	if req.Context != nil {
		tidyContext(req.Context)
	}
	return req, nil
}

// Conceal takes the lines of source out of problems of the request when it
// holds a secret, so that no password gets into an error or a log.
func (req *Request) Conceal(ps xmltree.Problems) {
	if len(ps) == 0 || !holdsSecret(req.src) {
		return
	}
	for _, p := range ps {
		p.Line = ""
	}
}

// holdsSecret reports whether src, in whatever encoding, may hold a secret.
// It looks at the text and not at the tree because src may not be XML at all;
// names cannot be written in another way.
func holdsSecret(src []byte) bool {
	src = bytes.ToLower(bytes.ReplaceAll(src, []byte{0}, nil))
	for _, word := range []string{"password", "authentication", "do-not-log"} {
		if bytes.Contains(src, []byte(word)) {
			return true
		}
	}
	return false
}

// checkRequest returns every breach of the shape of a request.
func checkRequest(doc *xmltree.Document) xmltree.Problems {
	root := doc.DocumentElement()
	if !root.Is("", "request") {
		return xmltree.Problems{doc.Problem(root, "RQ001", fmt.Sprintf("the root element is %s and not \"request\"", xmltree.Describe(root)), rootHint(root))}
	}
	ps := requestGrammar.Check(root)
	refuse := func(n *xmltree.Node, rule, msg, hint string) {
		ps = append(ps, doc.Problem(n, rule, msg, hint))
	}
	data := 0
	for n := root.FirstElement(); n != nil; n = n.NextElement() {
		switch {
		case n.Is("", "data"):
			if data++; data == 2 {
				refuse(n, "RQ010", "the request has more than one data element", "only the queue splits a request into one for each; send them one by one")
			}
		case n.Is("", "globalData"):
			refuse(n, "RQ011", "globalData is for queued requests only", "put its content into data")
		case n.Is("", "context"):
			for c := n.FirstElement(); c != nil; c = c.NextElement() {
				if c.Space() == "" && engineContext[c.Local()] {
					refuse(c, "RQ012", fmt.Sprintf("%q may not be sent, the engine makes it", c.Local()), "take it out")
				}
			}
		}
	}
	ps.Sort()
	return ps
}

func rootHint(root *xmltree.Node) string {
	switch {
	case root.Is("", "namespace"):
		return "this is a namespace file: import it, do not submit it"
	case root.Local() == "request":
		return "take its XML namespace away"
	}
	return "write <request><data>…</data></request>"
}

// tidyContext drops what a client cannot set and gives attributes with several
// spellings the first one.
func tidyContext(context *xmltree.Node) {
	if t := context.Child("transactionContext"); t != nil {
		t.Detach()
	}
	for n := context.FirstElement(); n != nil; n = n.NextElement() {
		respell(n)
		for c := n.FirstElement(); c != nil; c = c.NextElement() {
			respell(c)
		}
	}
}

func respell(n *xmltree.Node) {
	for _, w := range requestGrammar.Elements[n.Local()].Attrs {
		for _, other := range w.Also {
			if a := n.AttrNode("", other); a != nil {
				n.RemoveAttr("", other)
				n.SetAttr(xmltree.Name{Local: w.Name}, a.Value())
			}
		}
	}
}

// engineContext are the children of context that only the engine makes
// (schema B.10, B.13, B.23).
var engineContext = map[string]bool{"errorContext": true, "executeContext": true, "providerContext": true}

var (
	boolean    = xmltree.OneOf("0", "1", "true", "false")
	threeState = xmltree.OneOf("0", "1", "2")
)

// requestGrammar is part B of the schema as far as requests go. The inline
// procedure belongs to package procedure.
var requestGrammar = xmltree.Grammar{
	Rules: xmltree.GrammarRules{
		Unknown: "RQ002", Misplaced: "RQ003", TooMany: "RQ004",
		UnknownAttr: "RQ005", DoubleAttr: "RQ006", MissingAttr: "RQ007", Value: "RQ008", Text: "RQ009",
	},
	Elements: map[string]xmltree.Shape{
		"request":    {Children: []string{"data*", "context?", "procedure?"}, Unsaid: []string{"globalData*"}},
		"globalData": {Free: true, FreeAttr: true},
		"data":       {Free: true, FreeAttr: true},
		"procedure":  {Free: true, FreeAttr: true},
		"context": {
			Children: []string{"transactionContext?", "securityContext?", "queueContext?", "clientContext?"},
			Unsaid:   []string{"errorContext*", "executeContext*", "providerContext*"},
		},
		"errorContext":    {Free: true, FreeAttr: true},
		"executeContext":  {Free: true, FreeAttr: true},
		"providerContext": {Free: true, FreeAttr: true},
		"transactionContext": {Attrs: []xmltree.AttrShape{
			{Name: "transactionId", Also: []string{"TransactionId"}},
			{Name: "tipUrl"},
		}},
		"securityContext": {
			Attrs: []xmltree.AttrShape{
				{Name: "trustee"},
				{Name: "impersonate", Want: threeState},
				{Name: "sensitive", Want: threeState},
				{Name: "trusted", Want: threeState},
			},
			Children: []string{"authentication?"},
		},
		"authentication": {Children: []string{"basic?", "passport?"}},
		"basic": {Attrs: []xmltree.AttrShape{
			{Name: "username", Required: true},
			{Name: "password", Required: true},
			{Name: "domain"},
		}},
		"passport": {Attrs: []xmltree.AttrShape{
			{Name: "puidHigh", Want: xmltree.Whole(0, math.MaxUint32)},
			{Name: "puidLow", Want: xmltree.Whole(0, math.MaxUint32)},
		}},
		"queueContext": {
			Attrs: []xmltree.AttrShape{
				{Name: "queueId", Also: []string{"queueID"}},
				{Name: "retryCount", Want: xmltree.Whole(0, math.MaxUint16)},
				{Name: "retryInterval", Want: xmltree.Whole(0, math.MaxUint16)},
				{Name: "retryType"}, // unknown words count as fixed (schema D.10)
				{Name: "retryStopOnFailure", Want: wantCode},
				{Name: "onFailure", Want: xmltree.OneOf("continue", "queueToOperator")},
				{Name: "priority", Want: xmltree.Whole(math.MinInt16, math.MaxInt16)},
				{Name: "retainSuccessfulResponses", Want: boolean},
			},
			Children: []string{"parentQueue*"},
		},
		"parentQueue": {Attrs: []xmltree.AttrShape{
			{Name: "queueId", Also: []string{"queueID"}, Required: true},
		}},
		"clientContext": {Attrs: []xmltree.AttrShape{
			{Name: "clientTransactionId"},
			{Name: "localeID", Also: []string{"localeId"}, Want: xmltree.Whole(0, math.MaxUint32)},
		}},
	},
}

func wantCode(v string) string {
	if _, err := ParseCode(v); err != nil {
		return "a code such as 0x80070005"
	}
	return ""
}

// RequestRules returns the rules that ParseRequest checks, in the order of
// their codes.
func RequestRules() []xmltree.Rule { return append([]xmltree.Rule(nil), requestRules...) }

var requestRules = []xmltree.Rule{
	{ID: "RQ001", Title: "the root element is not request", Help: "A request is an XML document with the root element request, in no XML namespace or in that of the provisioning language."},
	{ID: "RQ002", Title: "unknown element", Help: "Outside of data and procedure only the elements of the language may stand; names are compared with regard to case."},
	{ID: "RQ003", Title: "element in the wrong place", Help: "The element belongs elsewhere in the request. The hint says where."},
	{ID: "RQ004", Title: "element occurs too often", Help: "The element may stand there once only."},
	{ID: "RQ005", Title: "unknown attribute", Help: "The element does not have this attribute; names are compared with regard to case."},
	{ID: "RQ006", Title: "attribute written twice", Help: "Some attributes have two spellings. Write one of them, best the first of the reference."},
	{ID: "RQ007", Title: "attribute is missing", Help: "The element needs this attribute."},
	{ID: "RQ008", Title: "attribute has a value that is not allowed", Help: "The hint names the values that are. Booleans are 0 and 1, also true and false."},
	{ID: "RQ009", Title: "text where only elements may be", Help: "Payload belongs into data."},
	{ID: "RQ010", Title: "more than one data element", Help: "Only the queue splits a request into one for each data element. A request that runs at once has one."},
	{ID: "RQ011", Title: "globalData in a request that is not queued", Help: "globalData is shared by the parts of a batch in the queue. Put its content into data."},
	{ID: "RQ012", Title: "context that only the engine makes", Help: "executeContext, providerContext and errorContext tell providers what the engine does; a request cannot send them."},
}
