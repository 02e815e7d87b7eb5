package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/tools/txtar"

	"sutler"
	"sutler/engine"
	"sutler/provider"
	"sutler/provider/mpferror"
	"sutler/provider/test"
	"sutler/sutlertest"
	"sutler/xmltree"
)

// TestRows runs the rows of the tables of the schema: many small cases in one
// txtar file for each section, each a pair of files
//
//	-- B17 skip outermost --
//	limit calls 5
//	<data>…</data>
//	<execute namespace="Sys" procedure="Get">…</execute>
//	-- want --
//	call Sys/Get <executeData>…</executeData>
//	<data>…</data>
//
// The first holds options (submit NAMESPACE/PROCEDURE for a simple request,
// limit NAME VALUE, validation on, # remarks) and XML: namespace elements that are registered
// first, then either a whole request, or the data, the context and the steps
// of a trusted one. The prefix xsl is declared. A file named ns holds
// namespaces for all cases below it.
//
// What is wanted is a list of items, each on its line; a line that begins with
// a blank goes on. Kinds of items that do not occur are not compared.
//
//	<data>…</data>                     the data of the response
//	exact <response>…</response>       the response, character by character
//	error CODE #SEQ in NS/PROC, …: …   the errorContext, its sources, a part of its description
//	detail …                           the content of errorDescription
//	refused RULE …: …                  rules that refuse it before it runs, a part of the first message
//	warns RULE …                       rules that warn when the namespaces are registered
//	call NS/PROC as IDENTITY <…>       a call of a provider with its executeData; as service is left out
//	rollback, prepare, commit NS/PROC  the other calls of providers; with executeData if there is one
//	no calls                           no provider is called
//	context <…>                        the context of the last call
func TestRows(t *testing.T) {
	files, err := filepath.Glob("testdata/rows/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rows: %v", err)
	}
	count := 0
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		shared, changed, names := "", false, map[string]bool{}
		for i := 0; i < len(a.Files); i++ {
			f := a.Files[i]
			if f.Name == "ns" {
				shared += string(f.Data)
				continue
			}
			if names[f.Name] || i+1 == len(a.Files) || a.Files[i+1].Name != "want" {
				t.Fatalf("%s: case %q is there twice or has no want", file, f.Name)
			}
			names[f.Name] = true
			i++
			count++
			t.Run(f.Name, func(t *testing.T) {
				r := newRow(t, shared, string(f.Data))
				want := rowItems(t, string(a.Files[i].Data))
				r.run(t)
				got := r.items(t, want)
				if slices.Equal(want, got) {
					return
				}
				if *update {
					a.Files[i].Data, changed = []byte(lines(got)), true
					return
				}
				t.Errorf("%s:\nwant\n%sgot\n%s", file, lines(want), lines(got))
			})
		}
		if changed {
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if count < 250 {
		t.Errorf("%d cases, want 250 or more", count)
	}
}

// row is one case and what became of it.
type row struct {
	spaces  []string // namespace files
	request string
	simple  string
	limits  sutler.Limits
	checks  bool // validation on

	warnings []string // rules
	refused  error    // what refused it before it ran
	response *xmltree.Node
	text     string
	calls    []string
	context  string
}

const xslDecl = ` xmlns:xsl="http://www.w3.org/1999/XSL/Transform"`

// newRow reads a case. Fragments go into the request as they are written.
func newRow(t *testing.T, shared, text string) *row {
	t.Helper()
	r, settings := &row{}, map[string]string{}
	for {
		line, rest, _ := strings.Cut(text, "\n")
		if !r.option(settings, line) {
			break
		}
		text = rest
	}
	r.limits = limitsOf(t, settings)
	head, steps := "", ""
	for _, f := range append(fragments(t, shared), fragments(t, text)...) {
		switch f.name {
		case "namespace":
			r.spaces = append(r.spaces, f.text)
		case "request":
			r.request = f.text
		case "data", "context", "globalData":
			head += f.text
		default:
			steps += f.text
		}
	}
	switch {
	case r.request != "":
	case r.simple != "":
		r.request = "<request>" + head + steps + "</request>"
	default:
		r.request = "<request" + xslDecl + ">" + head + "<procedure>" + steps + "</procedure></request>"
	}
	return r
}

// option takes a line as an option of the case; false means that it is none.
func (r *row) option(settings map[string]string, line string) bool {
	f := strings.Fields(line)
	switch {
	case len(f) > 0 && f[0] == "#":
	case len(f) > 1 && f[0] == "submit":
		r.simple = strings.Join(f[1:], " ")
	case len(f) == 3 && f[0] == "limit":
		settings["limit."+f[1]] = f[2]
	case len(f) == 2 && f[0] == "validation" && f[1] == "on":
		r.checks = true
	default:
		return false
	}
	return true
}

type fragment struct{ name, text string }

// fragments splits XML into its top elements, each with the text behind it.
func fragments(t *testing.T, text string) []fragment {
	t.Helper()
	text = "<case" + xslDecl + ">" + strings.TrimSpace(text) + "</case>"
	doc, err := xmltree.Parse([]byte(text), xmltree.Options{File: "case"})
	if err != nil {
		t.Fatalf("cannot read the case: %v", err)
	}
	defer doc.Release()
	var all []fragment
	end := len(text) - len("</case>")
	for n := doc.DocumentElement().Last(); n != nil; n = n.Prev() {
		if n.Kind() != xmltree.Element {
			continue
		}
		at, _ := n.Offset()
		f := fragment{n.Local(), text[at:end]}
		if (f.name == "namespace" || f.name == "request") && strings.Contains(f.text, "xsl:") && !strings.Contains(f.text, "xmlns:xsl") {
			f.text = "<" + f.name + xslDecl + strings.TrimPrefix(f.text, "<"+f.name)
		}
		all, end = append(all, f), at
	}
	slices.Reverse(all)
	return all
}

// run registers the namespaces and submits the request to an engine of its own.
func (r *row) run(t *testing.T) {
	t.Helper()
	log, fake := sutlertest.NewLog(), sutlertest.NewFake()
	lease, err := log.Lease(context.Background(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	ticks, via := int64(0), aside()
	providers := map[string]sutler.Provider{
		"fake": fake, "own": ownProvider(),
		"Provisioning.SimpleProvider.1": test.New(),
		"Provisioning.MPFError.1":       mpferror.Provider{Maps: []fs.FS{fstest.MapFS{"errors.xml": {Data: []byte(errorMap)}}}}.Procedures(),
	}
	for name, p := range providers {
		providers[name] = &recorder{p.(recorded), r}
	}
	e, err := engine.New(context.Background(), engine.Options{
		Lease: lease, Log: via, Config: &sutlertest.Config{}, Limits: r.limits, Grace: time.Millisecond, Pauses: []time.Duration{}, Providers: providers, Validate: r.checks,
		Builtin: []sutler.Source{
			{File: "test.xml", Text: test.Namespace()}, {File: "error.xml", Text: mpferror.Namespace()},
			{File: "sys.xml", Text: []byte(rowNamespace)}, {File: "own.xml", Text: []byte(ownNamespace)},
		},
		Now:   func() time.Time { ticks++; return time.Unix(1_700_000_000+ticks, 0) },
		NewID: func() sutler.TransactionID { return "{T}" },
	})
	if err != nil {
		t.Fatal(err)
	}
	var sources []sutler.Source
	for i, s := range r.spaces {
		sources = append(sources, sutler.Source{File: fmt.Sprintf("ns%d.xml", i+1), Text: []byte(s)})
	}
	if len(sources) > 0 {
		problems, err := e.Register(context.Background(), admin, sources...)
		for _, p := range problems {
			if p.Warning {
				r.warnings = append(r.warnings, p.Rule)
			}
		}
		if r.refused = err; err != nil {
			return
		}
	}
	via.TransactionLog, ticks = log, 0
	req, err := sutler.ParseRequest([]byte(r.request), "request.xml", r.limits)
	if r.refused = err; err != nil {
		return
	}
	req.Trusted = r.simple == ""
	req.Namespace, req.Procedure, _ = strings.Cut(r.simple, "/")
	resp, err := e.Submit(context.Background(), admin, req)
	if resp == nil {
		t.Fatalf("Submit: no response (error %v)", err)
	}
	var ps xmltree.Problems
	if errors.As(err, &ps) && resp.Transaction == "" {
		r.refused = ps
		return
	}
	if (err == nil) != (resp.Err == nil) || (err == nil) != (resp.Status == sutler.Committed) {
		t.Errorf("Submit: error %v, response error %v, status %s do not agree", err, resp.Err, resp.Status)
	}
	doc, err := xmltree.Parse(resp.XML, xmltree.Options{})
	if err != nil {
		t.Fatalf("the response is not XML: %v\n%s", err, resp.XML)
	}
	t.Cleanup(doc.Release)
	r.text, r.response = string(resp.XML), doc.DocumentElement()
}

// rowItems returns what a case wants, its XML in canonical form.
func rowItems(t *testing.T, text string) []string {
	t.Helper()
	var items []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.TrimSpace(line) == "":
		case line[0] == ' ' && len(items) > 0:
			items[len(items)-1] += strings.TrimSpace(line)
		default:
			items = append(items, line)
		}
	}
	for i, item := range items {
		if at := strings.IndexByte(item, '<'); at >= 0 && kindOf(item) != "exact" && kindOf(item) != "error" && kindOf(item) != "refused" {
			items[i] = item[:at] + canonicalText(t, item[at:])
		}
	}
	return items
}

// canonicalText returns XML as a person writes it in the form that results are
// compared in.
func canonicalText(t *testing.T, text string) string {
	t.Helper()
	doc, err := xmltree.Parse([]byte("<x>"+text+"</x>"), xmltree.Options{DropSpace: true})
	if err != nil {
		t.Fatalf("cannot read what is wanted: %v", err)
	}
	defer doc.Release()
	return content(doc.DocumentElement())
}

func content(n *xmltree.Node) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(
		xmltree.Canonical(n), "<"+n.Local()), ">"), "</"+n.Local()+">")
}

var kinds = regexp.MustCompile(`^(<|[a-z]+)`)

func kindOf(item string) string { return kinds.FindString(item) }

var callKinds = []string{"call", "rollback", "prepare", "commit"}

// items returns what became of the case, as far as want asks for it. A part
// of a text that is wanted counts as the whole.
func (r *row) items(t *testing.T, want []string) []string {
	t.Helper()
	asked := map[string]string{} // kind → first item
	for _, item := range slices.Backward(want) {
		asked[kindOf(item)] = item
	}
	var got []string
	calls := false
	for kind := range maps.Keys(asked) {
		calls = calls || slices.Contains(callKinds, kind) || kind == "no"
	}
	if asked["warns"] != "" {
		got = append(got, "warns "+strings.Join(r.warnings, " "))
	}
	if calls {
		for _, c := range r.calls {
			if asked[kindOf(c)] != "" || kindOf(c) != "call" {
				got = append(got, c)
			}
		}
		if asked["no"] != "" && len(r.calls) == 0 {
			got = append(got, "no calls")
		}
	}
	if asked["context"] != "" {
		got = append(got, "context "+r.context)
	}
	switch {
	case r.refused != nil:
		got = append(got, shortened(refusal(r.refused), asked["refused"]))
	case r.response == nil:
		t.Fatal("no response")
	case asked["exact"] != "":
		got = append(got, "exact "+r.text)
	case r.response.Child("errorContext") != nil:
		e := r.response.Child("errorContext")
		got = append(got, shortened(errorItem(t, r.response), asked["error"]))
		if d := e.Child("errorDescription"); d != nil {
			got = append(got, "detail "+content(d))
		}
	default:
		got = append(got, xmltree.Canonical(r.response.Child("data")))
	}
	return got
}

// refusal returns the item for what refused a case before it ran.
func refusal(err error) string {
	var ps xmltree.Problems
	if !errors.As(err, &ps) {
		return "refused " + sutler.CodeOf(err).String() + ": " + err.Error()
	}
	var rules []string
	msg := ""
	for _, p := range ps {
		if p.Warning {
			continue
		}
		if msg == "" {
			msg = p.Msg
		}
		rules = append(rules, p.Rule)
	}
	return "refused " + strings.Join(rules, " ") + ": " + msg
}

// errorItem returns the item for a failed response, and checks its shape.
func errorItem(t *testing.T, response *xmltree.Node) string {
	t.Helper()
	e := response.FirstElement()
	if !e.Is("", "errorContext") || e.NextElement() != nil || response.Child("data") != nil {
		t.Errorf("a failed response holds errorContext and nothing else: %s", response)
	}
	var sources []string
	for s := e.FirstElement(); s != nil; s = s.NextElement() {
		if s.Is("", "errorSource") {
			sources = append(sources, s.Attr("namespace")+"/"+s.Attr("procedure"))
		}
	}
	if len(sources) == 0 {
		t.Errorf("an errorContext has at least one errorSource: %s", e)
	}
	return fmt.Sprintf("error %s #%s in %s: %s", e.Attr("code"), e.Attr("executeSeqNo"), strings.Join(sources, ", "), e.Attr("description"))
}

// shortened returns want if its text behind the first ": " is part of that of
// got and the rest is equal, else got.
func shortened(got, want string) string {
	head, text, _ := strings.Cut(got, ": ")
	wantHead, part, _ := strings.Cut(want, ": ")
	if head == wantHead && strings.Contains(text, part) {
		return want
	}
	return got
}

// recorded is what every provider of the rows can do.
type recorded interface {
	sutler.TwoPhaseProvider
	sutler.Describer
	sutler.Prober
}

// recorder notes the calls of a provider in its row.
type recorder struct {
	recorded
	row *row
}

func (p *recorder) note(what string, c *sutler.Call) {
	line := what + " " + c.Namespace + "/" + c.Procedure
	if c.Identity.Kind != sutler.ServiceAccount {
		line += " as " + c.Identity.String()
	}
	if c.Data != nil {
		line += " " + xmltree.Canonical(c.Data)
	}
	p.row.calls = append(p.row.calls, line)
}

func (p *recorder) Process(ctx context.Context, c *sutler.Call) error {
	p.note("call", c)
	p.row.context = xmltree.Canonical(c.Context)
	return p.recorded.Process(ctx, c)
}

func (p *recorder) Rollback(ctx context.Context, c *sutler.Call) error {
	p.note("rollback", c)
	return p.recorded.Rollback(ctx, c)
}

func (p *recorder) Prepare(ctx context.Context, c *sutler.Call) error {
	p.note("prepare", c)
	return p.recorded.Prepare(ctx, c)
}

func (p *recorder) Commit(ctx context.Context, c *sutler.Call) error {
	p.note("commit", c)
	return p.recorded.Commit(ctx, c)
}

// rowNamespace is that of the fake, which does what its input says.
const rowNamespace = `<namespace name="Sys" providerSource="fake">
  <procedure name="Get" access="public"/>
  <procedure name="Put" access="public" type="write"/>
  <procedure name="Save" access="public" type="write" saveDataForRollback="1"/>
  <procedure name="Two" access="public" type="two-phase"/>
  <procedure name="Private" type="write"/>
</namespace>`

// errorMap is what the Error Provider translates.
const errorMap = `<Items><Item name="newmailbox|0x80072030">
  <message>The organisation does not exist (any more).</message><errorCode>0x82102200</errorCode>
</Item></Items>`

// ownNamespace is that of procedures which a fake cannot play.
const ownNamespace = `<namespace name="Own" providerSource="own">
  <providerContext server="s1"><port>8</port></providerContext>
  <procedure name="Clear" access="public"/>
  <procedure name="Rename" access="public"/>
  <procedure name="Detail" access="public"/>
  <procedure name="Context" access="public"/>
  <procedure name="CreateGroup" access="public" type="write"/>
  <procedure name="CreateUser" access="public" type="write"/>
</namespace>`

func ownProvider() provider.Procedures {
	nothing := func(context.Context, *sutler.Call) error { return nil }
	add := func(c *sutler.Call, name string) *xmltree.Node {
		n, err := provider.Add(c.Data, name)
		if err != nil {
			panic(err)
		}
		return n
	}
	return provider.Procedures{
		// Clear leaves no input in its output.
		"Clear": {Process: func(_ context.Context, c *sutler.Call) error { c.Data.Clear(); return nil }},
		// Rename answers with another root.
		"Rename": {Process: func(_ context.Context, c *sutler.Call) error { c.Data.Rename(xmltree.Name{Local: "other"}); return nil }},
		// Detail fails with an error that has content.
		"Detail": {Process: func(context.Context, *sutler.Call) error {
			return &sutler.Error{Code: sutler.Failed, Err: errors.New("Mail host refused"), Detail: `<reply status="550"/>`}
		}},
		// Context adds its context to its output.
		"Context": {Process: func(_ context.Context, c *sutler.Call) error {
			n, err := c.Data.Document().Copy(c.Context)
			if err != nil {
				return err
			}
			return c.Data.Append(n)
		}},
		"CreateGroup": {
			Process: func(_ context.Context, c *sutler.Call) error {
				add(c, "path").AppendText("P")
				return nil
			},
			Rollback: nothing,
		},
		"CreateUser": {
			Process: func(_ context.Context, c *sutler.Call) error {
				login := c.Data.Child("member").Attr("login")
				if login == "bad" {
					return sutler.Errorf(sutler.Exists, "cannot create user %q: it exists", login)
				}
				provider.SetAttr(add(c, "user"), "path", "P/"+login)
				return nil
			},
			Rollback: nothing,
		},
	}
}
