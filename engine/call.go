package engine

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	"sutler"
	"sutler/procedure"
	"sutler/security"
	"sutler/xmltree"
)

// call makes the call of a step with t.executeData, which holds the output
// afterwards (schema C.6). abandoned tells that a provider which never came
// back keeps the document of executeData.
func (w *walk) call(f *frame, in *invocation, t *turn) (err error, abandoned bool) {
	in.data = t.executeData
	err, abandoned = w.callNamed(f, in)
	t.executeData = in.data
	return err, abandoned
}

// invocationOf is the call of a step, which has no data yet.
func invocationOf(f *frame, s *procedure.Step) *invocation {
	return &invocation{
		namespace: s.Namespace, procedure: s.Procedure, at: s.At, nested: len(f.parents) > 0,
		impersonate: s.Impersonate.Apply(f.identity.Impersonate), sensitive: s.Sensitive.Apply(f.sensitive), trusted: s.Trusted.Apply(f.trusted),
	}
}

// invocation is one call; permit finds its target.
type invocation struct {
	namespace, procedure            string
	target                          *procedure.Procedure
	settings                        security.ProcedureSettings // what an administrator has set for the target
	identity                        security.Frame             // what the target's own call and its steps inherit
	data                            *xmltree.Node              // executeData: input, then output
	at                              procedure.Place
	nested                          bool // called by a procedure of a namespace
	impersonate, sensitive, trusted bool
}

func (w *walk) callNamed(f *frame, in *invocation) (err error, abandoned bool) {
	w.seq++
	seq := w.seq
	name := in.namespace + "/" + in.procedure
	before := ""
	if in.sensitive {
		w.private = true
		w.world.secrets().learnAll(in.data)
	}
	if w.trace != nil {
		before = show(in.data, in.sensitive)
		w.trace(Event{Depth: w.depth, Kind: "call", Name: name, Seq: seq, At: in.at.String(), Before: before})
	}
	w.depth++
	err, abandoned = w.dispatch(f, in, seq)
	w.depth--
	if err != nil {
		return w.failed(in, seq, before, err), abandoned
	}
	if w.trace != nil {
		w.trace(Event{Depth: w.depth, Kind: "done", Name: name, Seq: seq, At: in.at.String(), Before: before, After: show(in.data, in.sensitive)})
	}
	return nil, false
}

// failed completes the error of a call.
func (w *walk) failed(in *invocation, seq int, before string, err error) error {
	e := errorOf(err)
	if e.Seq == 0 {
		e.Seq = seq
	}
	e.Sources = append(e.Sources, sutler.ErrorSource{Namespace: in.namespace, Procedure: in.procedure})
	if w.trace != nil {
		w.trace(Event{Depth: w.depth, Kind: "failed", Name: in.namespace + "/" + in.procedure, Seq: seq, At: in.at.String(), Before: before, Err: e})
	}
	return keep(err, e)
}

func (w *walk) dispatch(f *frame, in *invocation, seq int) (err error, abandoned bool) {
	p := in.target
	if err := w.checkInput(p, in); err != nil {
		return err, false
	}
	if p.Composite() {
		return w.callComposite(f, in, p, seq), false
	}
	return w.callProvider(f, in, p, seq)
}

// callComposite runs a procedure made of steps. It sees the caller's
// executeData as its data, without a copy, and leaves its data as the
// caller's executeData.
func (w *walk) callComposite(f *frame, in *invocation, p *procedure.Procedure, seq int) error {
	doc := in.data.Document()
	in.data.Rename(xmltree.Name{Local: "data"})
	callee := &frame{
		data: in.data, cases: map[string]string{},
		parents:  append(append([]sutler.Frame(nil), f.parents...), sutler.Frame{Seq: seq, Namespace: p.Namespace.Name, Procedure: p.Name}),
		identity: in.identity, sensitive: in.sensitive, trusted: in.trusted,
	}
	var err error
	if callee.procedureData, err = private(doc, p); err != nil {
		return err
	}
	if callee.context, err = w.context(doc, f, in.trusted); err != nil {
		return err
	}
	if err := w.run(callee, p.Body); err != nil {
		return err
	}
	in.data.Rename(xmltree.Name{Local: "executeData"})
	// The callee's own trees are not needed any more, but their nodes live as
	// long as the document, which ends with the iteration.
	return nil
}

// private makes the procedureData of a run: a fresh copy of the start value.
func private(doc *xmltree.Document, p *procedure.Procedure) (*xmltree.Node, error) {
	n := doc.NewElement(xmltree.Name{Local: "procedureData"})
	if p.Data != nil {
		c, err := doc.Copy(p.Data)
		if err != nil {
			return nil, err
		}
		n = c
	}
	return n, doc.NewRoot().Append(n)
}

// context makes the context of a callee from that of its caller: all of it,
// the credentials only when the call is trusted (schema C.6).
func (w *walk) context(doc *xmltree.Document, f *frame, trusted bool) (*xmltree.Node, error) {
	c, err := doc.Copy(f.context)
	if err != nil {
		return nil, err
	}
	if s := c.Child("securityContext"); s != nil && !trusted {
		if a := s.Child("authentication"); a != nil {
			a.Detach()
		}
	}
	return c, doc.NewRoot().Append(c)
}

// callProvider builds the executeXml of a provider call and makes it.
func (w *walk) callProvider(f *frame, in *invocation, p *procedure.Procedure, seq int) (err error, abandoned bool) {
	doc := in.data.Document()
	executeXML := doc.NewElement(xmltree.Name{Local: "executeXml"})
	if err := doc.NewRoot().Append(executeXML); err != nil {
		return err, false
	}
	ctx, err := w.providerContext(doc, f, in, p, seq)
	if err != nil {
		return err, false
	}
	if err := executeXML.Append(ctx); err != nil {
		return err, false
	}
	home := in.data.Parent()
	if err := executeXML.Append(in.data); err != nil {
		return err, false
	}
	input := ""
	if choose(in.settings.SaveRollback, p.SaveData) && p.Type != sutler.Read {
		if input, err = written(in.data); err != nil {
			return err, false
		}
	}
	if p.Type != sutler.Read {
		w.acted = true
	}
	c := &sutler.Call{
		Transaction: w.id, Seq: seq, Namespace: p.Namespace.Name, Procedure: p.Name, ProviderSource: p.Namespace.ProviderSource,
		Type: p.Type, Started: w.started, Context: ctx, Data: in.data, Bag: w.bag,
		Identity: in.identity.Identity(w.caller.Account, w.caller.Reach),
	}
	if d := security.MayActAs(c.Identity, false); !d.Allowed {
		w.world.refuse(seq, p.Namespace.Name, p.Name, d, choose(in.settings.Audit, p.Audit))
		return sutler.Errorf(sutler.Denied, "cannot call %s/%s as the calling user %q: %s", p.Namespace.Name, p.Name, w.caller.Account, neutral), false
	}
	k := kept{
		parents: f.parents, audited: choose(in.settings.Audit, p.Audit), input: input,
		secret: in.sensitive || !c.Identity.Secret.Empty() || holdsSecret(in.data) || holdsSecret(ctx), private: in.sensitive,
	}
	secrets := w.world.secrets()
	secrets.learnCall(c, in.sensitive)
	k.secret = k.secret || secrets.within(in.data) || secrets.quotedIn(ctx.Child("errorContext"))
	switch {
	case !w.world.full():
	case in.sensitive:
		k.before = hiddenData
	default:
		k.before = secrets.xml(in.data)
	}
	if err, abandoned = w.world.call(w.ctx, c, k); err != nil {
		err = withoutAccount(err, c.Identity)
		if err2 := w.cancelled(); err2 != nil && markOf(err) == nil {
			return err2, abandoned
		}
		return err, abandoned
	}
	if c.Data == nil || !c.Data.Is("", "executeData") {
		return sutler.Errorf(sutler.Failed, "cannot use the answer of %s/%s: its root is not executeData", p.Namespace.Name, p.Name), false
	}
	if in.data = c.Data; in.data.Document() != doc {
		if in.data, err = doc.Copy(c.Data); err != nil {
			return err, false
		}
	}
	return home.Append(in.data), false
}

// withoutAccount takes out of an error the account that a procedure executes as:
// who may call it may not know that. The record of the call has all of it.
func withoutAccount(err error, as sutler.Identity) error {
	if as.Kind != sutler.ExecuteAs || as.Account == "" {
		return err
	}
	e := *errorOf(err)
	text := withoutNames(e.Error(), as.Account)
	named := withoutNames(e.Detail, as.Account) != e.Detail
	if text == e.Error() && !named {
		return err
	}
	var s said
	var n *noAnswer
	switch { // what kind of error it is decides what a catch may do
	case errors.As(err, &s):
		e.Err = said(text)
	case errors.As(err, &n):
		hidden := *n
		hidden.what = text
		e.Err = &hidden
	default:
		e.Err = errors.New(text)
	}
	if named {
		e.Detail = "" // its form could not be kept
	}
	return keep(err, &e)
}

// withoutNames hides an account, and the user of it, where they stand alone in
// a text, whatever their case.
func withoutNames(text, account string) string {
	names := []string{account, strings.ReplaceAll(account, `\`, `\\`)} // as it stands, and quoted
	if _, user, found := strings.Cut(account, `\`); found {
		names = append(names, user)
	} else if user, _, found := strings.Cut(account, "@"); found {
		names = append(names, user)
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		alone := regexp.MustCompile(`(?i)(^|[^\pL\pN])` + regexp.QuoteMeta(name) + `($|[^\pL\pN])`)
		for range 2 { // two that stand side by side share what is between them
			text = alone.ReplaceAllString(text, "${1}"+hidden+"${2}")
		}
	}
	return text
}

// providerContext builds the element context that a provider gets (schema
// B.16): the credentials only when the call is trusted.
func (w *walk) providerContext(doc *xmltree.Document, f *frame, in *invocation, p *procedure.Procedure, seq int) (*xmltree.Node, error) {
	c := doc.NewElement(xmltree.Name{Local: "context"})
	add := func(n *xmltree.Node) error {
		if n == nil {
			return nil
		}
		cp, err := doc.Copy(n)
		if err != nil {
			return err
		}
		return c.Append(cp)
	}
	if in.trusted {
		if err := add(f.context.Child("securityContext")); err != nil {
			return nil, err
		}
		if in.identity.Credential != "" {
			if err := replaceBasic(c, in.identity); err != nil {
				return nil, err
			}
		}
	}
	for _, n := range []*xmltree.Node{f.context.Child("transactionContext"), f.context.Child("clientContext"), p.Namespace.Context, f.context.Child("errorContext")} {
		if err := add(n); err != nil {
			return nil, err
		}
	}
	x := doc.NewElement(xmltree.Name{Local: "executeContext"})
	x.SetAttr(xmltree.Name{Local: "namespace"}, p.Namespace.Name)
	x.SetAttr(xmltree.Name{Local: "procedure"}, p.Name)
	x.SetAttr(xmltree.Name{Local: "providerSource"}, p.Namespace.ProviderSource)
	x.SetAttr(xmltree.Name{Local: "procedureExecId"}, strconv.Itoa(seq))
	x.SetAttr(xmltree.Name{Local: "type"}, p.Type.String())
	return c, c.Append(x)
}

// replaceBasic puts the execute-as credential in force where a trusted
// provider looks for one (schema C.3.4). Only providers see it: the context of
// procedures keeps what the request brought, so that no path can read a stored
// password.
func replaceBasic(c *xmltree.Node, f security.Frame) error {
	s := c.Child("securityContext")
	if s == nil {
		s = c.Document().NewElement(xmltree.Name{Local: "securityContext"})
		if err := c.InsertBefore(s, c.First()); err != nil {
			return err
		}
	}
	if a := s.Child("authentication"); a != nil {
		a.Detach()
	}
	a := c.Document().NewElement(xmltree.Name{Local: "authentication"})
	b := c.Document().NewElement(xmltree.Name{Local: "basic"})
	domain, user, found := strings.Cut(f.Basic, `\`)
	if !found {
		domain, user = "", f.Basic
	}
	b.SetAttr(xmltree.Name{Local: "username"}, user)
	if domain != "" {
		b.SetAttr(xmltree.Name{Local: "domain"}, domain)
	}
	b.SetAttr(xmltree.Name{Local: "password"}, f.Secret.Reveal())
	if err := a.Append(b); err != nil {
		return err
	}
	return s.Append(a)
}

// choose returns what an administrator has set, else what the namespace says.
func choose(set *bool, usual bool) bool {
	if set != nil {
		return *set
	}
	return usual
}
