package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/engine"
	"sutler/security"
	"sutler/sutlertest"
)

// stand is the real engine over one site. It notes what the outside sees, in
// the words of the model.
type stand struct {
	*engine.Engine
	config sutlertest.Config
	rows   []sutler.AccessRow // in force
	did    []string           // provider calls
	seqs   []int              // of did
	undone []string
	log    refusals
}

// newStand compiles the procedures of a site.
func newStand(t testing.TB, s *site) *stand {
	t.Helper()
	st := &stand{}
	ids := 0
	var err error
	st.Engine, err = engine.New(t.Context(), engine.Options{
		Lease: sutler.Lease{Engine: "e", Fence: 1}, Log: &st.log, Config: &st.config, Access: &st.config, Sealer: lid{},
		Providers: map[string]sutler.Provider{"fake": funcs{process: st.process, rollback: st.rollback, traits: func(string) sutler.Traits { return sutler.Traits{} }}},
		Now:       func() time.Time { return time.Unix(1_700_000_000, 0) },
		NewID:     func() sutler.TransactionID { ids++; return sutler.TransactionID(fmt.Sprintf("{%d}", ids)) },
		Pauses:    []time.Duration{},
	})
	if err != nil {
		t.Fatal(err)
	}
	var files []sutler.Source
	for _, text := range s.namespaces() {
		files = append(files, sutler.Source{File: "n.xml", Text: []byte(text)})
	}
	if problems, err := st.Register(t.Context(), admin, files...); err != nil {
		t.Fatalf("Register: %v %v", err, problems)
	}
	st.allow(t, s)
	return st
}

// allow puts the access of a site in force.
func (st *stand) allow(t testing.TB, s *site) {
	t.Helper()
	next := s.rows()
	change := make([]sutler.AccessRow, 0, len(st.rows)+len(next))
	for _, r := range st.rows {
		change = append(change, sutler.AccessRow{Kind: r.Kind, Name: r.Name})
	}
	_, revision, err := st.config.Access(t.Context())
	if err == nil {
		_, err = st.config.PutAccess(t.Context(), revision, append(change, next...)...)
	}
	if err == nil {
		err = st.config.SetSetting(t.Context(), sutler.SettingDefaultDeny, map[bool]string{true: "on", false: "off"}[s.DefaultDeny])
	}
	if err == nil {
		err = st.RefreshAccess(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	st.rows = next
}

// submit runs a request and returns what the outside saw of it.
func (st *stand) submit(t testing.TB, a *asking) []string {
	t.Helper()
	req, err := sutler.ParseRequest([]byte(a.xml()), "request.xml", sutler.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", a.xml(), err)
	}
	req.Trusted = a.Simple == ""
	req.Namespace, req.Procedure, _ = strings.Cut(a.Simple, "/")
	st.did, st.seqs, st.undone, st.log.refused, st.log.sealed = nil, nil, nil, nil, 0
	reach := map[string]sutler.Reach{"host": sutler.ReachHost, "none": sutler.ReachNone, "all": sutler.ReachAll}[a.Reach]
	_, err = st.Submit(t.Context(), sutler.Caller{Account: a.Account, Groups: a.Groups, Unknown: a.Unknown, Reach: reach}, req)
	var seen []string
	next := 0
	for _, r := range st.log.refused { // where they stand among the calls is told by their numbers
		for ; next < len(st.did) && st.seqs[next] < r.Seq; next++ {
			seen = append(seen, st.did[next])
		}
		check, _, _ := strings.Cut(r.Text, ":")
		name := r.Namespace
		if name != "" {
			name += "/" + r.Procedure
		}
		seen = append(seen, fmt.Sprintf("%d %s refused: %s", r.Seq, name, check))
	}
	seen = append(append(seen, st.did[next:]...), st.undone...)
	if err == nil {
		return append(seen, "committed")
	}
	code := sutler.CodeOf(err)
	end := map[sutler.Code]string{
		sutler.Denied: "denied", sutler.NotFound: "unknown", sutler.NullSource: "broken", sutler.Failed: "failed", sutler.BadRequest: "malformed",
	}[code]
	if end == "" {
		end = err.Error()
	}
	return append(seen, end)
}

func (st *stand) process(_ context.Context, c *sutler.Call) error {
	sees := "nothing"
	if s := c.Context.Child("securityContext"); s != nil {
		if a := s.Child("authentication"); a != nil {
			sees = "passport"
			if b := a.Child("basic"); b != nil {
				sees = b.Attr("username") + ":" + b.Attr("password")
				if d := b.Attr("domain"); d != "" {
					sees = d + `\` + sees
				}
			}
		}
	}
	line := fmt.Sprintf("%d %s/%s as %s sees %s", c.Seq, c.Namespace, c.Procedure, words(c.Identity), sees)
	if st.log.sealed == c.Seq {
		line += ", sealed"
	}
	st.did = append(st.did, line)
	st.seqs = append(st.seqs, c.Seq)
	if strings.HasPrefix(c.Procedure, "Fail") {
		return sutler.Errorf(sutler.Failed, "it always fails")
	}
	return nil
}

func (st *stand) rollback(_ context.Context, c *sutler.Call) error {
	st.undone = append(st.undone, fmt.Sprintf("%d %s/%s undone as %s", c.Seq, c.Namespace, c.Procedure, words(c.Identity)))
	return nil
}

// words returns an identity in the words of the model.
func words(i sutler.Identity) string {
	switch i.Kind {
	case sutler.ExecuteAs:
		return fmt.Sprintf("executeAs %s by %s with %s", i.Account, i.Credential, i.Secret.Reveal())
	case sutler.BasicAccount:
		return fmt.Sprintf("basic %s with %s", i.Account, i.Secret.Reveal())
	case sutler.CallingUser:
		return fmt.Sprintf("caller %s reach %s", i.Account, [...]string{"host", "none", "all"}[i.Reach])
	}
	return i.String()
}

// rows returns the access of a site as the store keeps it.
func (s *site) rows() []sutler.AccessRow {
	var rows []sutler.AccessRow
	for _, a := range s.Accounts {
		rows = append(rows, security.Row(sutler.AccountRow, a.Name, &security.Account{Name: a.Name, Group: a.Group, Disabled: a.Disabled, MemberOf: a.In}))
	}
	rights := map[string]security.Right{
		"simple": security.ExecuteProcedures, "credentials": security.CallersCredentials, "trusted": security.TrustedProcedures,
		"private": security.PrivateProcedures, "execute": security.Execute,
	}
	for _, l := range s.Lists {
		on := security.Engines
		if namespace, procedure, found := strings.Cut(l.On, "/"); found {
			on = security.ProcedureObject(namespace, procedure)
		} else if namespace != "" {
			on = security.NamespaceObject(namespace)
		}
		v := &security.List{Protected: l.Alone}
		for _, e := range l.Entries {
			next := security.Entry{Deny: e.Deny, Who: e.Who}
			for _, r := range e.Rights {
				next.Rights |= rights[r]
			}
			v.Entries = append(v.Entries, next)
		}
		rows = append(rows, security.Row(sutler.ListRow, on, v))
	}
	for _, p := range s.Procedures {
		if namespace, procedure, _ := strings.Cut(p.Name, "/"); p.Override != "" || p.ExecuteAs != "" {
			rows = append(rows, security.Row(sutler.ProcedureRow, security.ProcedureObject(namespace, procedure), &security.ProcedureSettings{ExecuteAs: p.ExecuteAs, Access: p.Override}))
		}
	}
	for _, c := range s.Credentials {
		sealed, _ := lid{}.Seal([]byte(c.Password), security.CredentialRecord(c.Name))
		rows = append(rows, security.Row(sutler.CredentialRow, c.Name, &security.Credential{Name: c.Name, Account: c.Account, Sealed: sealed}))
	}
	return rows
}

// namespaces returns the namespace files of a site.
func (s *site) namespaces() []string {
	var names []string
	bodies := map[string]string{}
	for _, p := range s.Procedures {
		namespace, procedure, _ := strings.Cut(p.Name, "/")
		if _, known := bodies[namespace]; !known {
			names = append(names, namespace)
		}
		access := ""
		if p.Access != "" {
			access = fmt.Sprintf(" access=%q", p.Access)
		}
		if p.Steps != nil {
			bodies[namespace] += fmt.Sprintf("<procedure name=%q%s>%s</procedure>", procedure, access, stepsXML(p.Steps))
		} else {
			bodies[namespace] += fmt.Sprintf("<procedure name=%q type=%q%s/>", procedure, map[bool]string{true: "write", false: "read"}[p.Write], access)
		}
	}
	for i, name := range names {
		names[i] = fmt.Sprintf(`<namespace name=%q providerSource="fake">%s</namespace>`, name, bodies[name])
	}
	return names
}

func stepsXML(steps []call) string {
	var b strings.Builder
	for _, c := range steps {
		namespace, procedure, _ := strings.Cut(c.To, "/")
		text := fmt.Sprintf("<execute namespace=%q procedure=%q%s", namespace, procedure, startsXML(c.Impersonate, c.Trusted, c.Sensitive))
		if c.Broken {
			text += `><before source="data" sourcePath="nothing" destination="executeData"/></execute>`
		} else {
			text += "/>"
		}
		if c.Caught {
			text = "<try>" + text + "</try><catch/>"
		}
		b.WriteString(text)
	}
	return b.String()
}

func startsXML(impersonate, trusted, sensitive string) string {
	text := ""
	for _, a := range [][2]string{{"impersonate", impersonate}, {"trusted", trusted}, {"sensitive", sensitive}} {
		if a[1] != "" {
			text += fmt.Sprintf(" %s=%q", a[0], a[1])
		}
	}
	return text
}

// xml returns the request as it is sent.
func (a *asking) xml() string {
	text := "<request><data/>"
	if a.Context {
		text += "<context><securityContext" + startsXML(a.Impersonate, a.Trusted, a.Sensitive)
		if a.Trustee != "" {
			text += ` trustee="` + a.Trustee + `"`
		}
		text += ">"
		switch domain, user, found := strings.Cut(a.User, `\`); {
		case a.Passport:
			text += `<authentication><passport puidHigh="2" puidLow="2"/></authentication>`
		case found:
			text += fmt.Sprintf(`<authentication><basic domain=%q username=%q password=%q/></authentication>`, domain, user, a.Password)
		case a.User != "":
			text += fmt.Sprintf(`<authentication><basic username=%q password=%q/></authentication>`, a.User, a.Password)
		}
		text += "</securityContext></context>"
	}
	if a.Steps != nil {
		text += "<procedure>" + stepsXML(a.Steps) + "</procedure>"
	}
	return text + "</request>"
}

// lid is a sealer that hides nothing and opens only what it was made for.
type lid struct{}

func (lid) Seal(plain, record []byte) ([]byte, error) {
	return bytes.Join([][]byte{record, plain}, []byte{0}), nil
}

func (lid) Open(sealed, record []byte) ([]byte, error) {
	plain, ok := bytes.CutPrefix(sealed, append(bytes.Clone(record), 0))
	if !ok {
		return nil, errors.New("it was sealed for another record")
	}
	return plain, nil
}

// refusals is a log that keeps only what was refused, and which call was the
// last that it was given sealed.
type refusals struct {
	refused []sutler.Record
	sealed  int
}

func (l *refusals) Append(_ context.Context, _ sutler.Lease, rs ...sutler.Record) error {
	for _, r := range rs {
		switch {
		case r.Kind == sutler.Refused:
			l.refused = append(l.refused, r)
		case r.Kind == sutler.StepStarted && len(r.Sealed) > 0:
			l.sealed = r.Seq
		}
	}
	return nil
}

func (l *refusals) Find(context.Context, string, string) (sutler.TransactionID, error) {
	return "", nil
}

func (l *refusals) Records(context.Context, sutler.TransactionID) ([]sutler.Record, error) {
	return nil, nil
}

func (l *refusals) Unfinished(context.Context, sutler.EngineID, sutler.TransactionID, int) ([]sutler.TransactionID, error) {
	return nil, nil
}
