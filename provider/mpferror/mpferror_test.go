package mpferror_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"

	"sutler"
	"sutler/provider"
	"sutler/provider/mpferror"
	"sutler/sutlertest"
)

func TestNamespace(t *testing.T) {
	if err := provider.Match(mpferror.Namespace(), mpferror.Provider{}.Procedures()); err != nil {
		t.Error(err)
	}
}

const noObject = `<errorContext code="0x80072030" description="no such object" executeSeqNo="5">
	<errorSource namespace="Active Directory Provider" procedure="Create Object"/>
	<errorSource namespace="Managed Active Directory" procedure="CreateGroup"/>
	<errorDescription><reply status="550"/></errorDescription></errorContext>`

var maps = []fs.FS{
	fstest.MapFS{
		"errors.xml": {Data: []byte(`<Items>
			<Item name="newmailbox|0x80072030"><message> No such organisation. </message><errorCode>0x82102200</errorCode></Item>
			<Item name="newmailbox|-2147024891"><message>You may not.</message><errorCode>-2112871936</errorCode></Item>
			<Item name="a|b|full"><message>The house is full.</message></Item></Items>`)},
		"de/errors.xml":  {Data: []byte(`<Items><Item name="newmailbox|0X80072030"><message>Gibt es nicht.</message><errorCode>0x82102201</errorCode></Item></Items>`)},
		"de/mail.xml":    {Data: []byte(`<Items/>`)},
		"bad/errors.xml": {Data: []byte(`<Items>`)},
		"bad/other.xml":  {Data: []byte(`<Other/>`)},
		"bad/name.xml":   {Data: []byte("<Items>\n<Item name='x'/></Items>")},
		"bad/code.xml":   {Data: []byte(`<Items><Item name="x|y"><errorCode>zero</errorCode></Item></Items>`)},
	},
	fstest.MapFS{
		"errors.xml":    {Data: []byte(`<Items><Item name="newmailbox|0x80072030"><message>hidden by the first</message></Item></Items>`)},
		"fr/errors.xml": {Data: []byte(`<Items><Item name="newmailbox|0x80072030"><message>Inconnu.</message><errorCode>0x82102202</errorCode></Item></Items>`)},
	},
}

func TestErrors(t *testing.T) {
	const (
		where = `<errorMessageContext>newmailbox</errorMessageContext>`
		prov  = "TranslateProvisioningError"
		user  = "TranslateUserError"
	)
	for _, c := range []struct {
		what, procedure, context, data string
		must                           mpferror.Setting
		code                           sutler.Code
		text                           string // the whole text; … at the end: its beginning
		sources                        int    // of the original error that are kept
	}{
		{what: "raise", procedure: "SetError", data: `<hr>0x82102201</hr><desc>too many</desc>`, code: 0x82102201, text: "too many"},
		{what: "raise a decimal", procedure: "SetError", data: `<hr>-2147024891</hr><desc>no</desc>`, code: sutler.Denied, text: "no"},
		{what: "raise another", procedure: "SetError", context: noObject, data: `<hr>0x82102201</hr><desc>too many</desc>`, code: 0x82102201, text: "too many"},
		{what: "raise the same", procedure: "SetError", context: noObject, data: `<hr>0x80072030</hr><desc>other</desc>`, code: 0x80072030, text: "no such object", sources: 2},
		{what: "raise nothing", procedure: "SetError", data: `<desc>x</desc>`, code: sutler.BadInput, text: `cannot call "SetError": input hr…`},
		{what: "raise without a text", procedure: "SetError", data: `<hr>0x80004005</hr>`, code: sutler.BadInput, text: `cannot call "SetError": input desc…`},
		{what: "raise no code", procedure: "SetError", data: `<hr>bad</hr><desc>x</desc>`, code: sutler.BadInput, text: `cannot call "SetError": input hr: cannot read code "bad"…`},
		{what: "raise success", procedure: "SetError", data: `<hr>0x0</hr><desc>x</desc>`, code: sutler.BadInput, text: `cannot call "SetError": input hr is "0x0": it means success`},

		{what: "translate", procedure: prov, context: noObject, data: where, code: 0x82102200, text: "No such organisation."},
		{what: "translate a language", procedure: prov, context: noObject, data: where + `<locId>de</locId><errorSet>errors.xml</errorSet>`, code: 0x82102201, text: "Gibt es nicht."},
		{what: "translate from the second", procedure: prov, context: noObject, data: where + `<locId>fr</locId>`, code: 0x82102202, text: "Inconnu."},
		{what: "translate nothing", procedure: prov, data: where, code: sutler.BadInput, text: `cannot call "TranslateProvisioningError": there is no current error; it belongs into a catch`},
		{what: "translate nowhere", procedure: prov, context: noObject, code: sutler.BadInput, text: `cannot call "TranslateProvisioningError": input errorMessageContext…`},

		{what: "unmapped", procedure: prov, context: noObject, data: `<errorMessageContext>other</errorMessageContext>`, code: sutler.Failed, text: `no translation for error "other|0x80072030"`},
		{what: "unmapped, must", procedure: prov, context: noObject, data: `<errorMessageContext>other</errorMessageContext><mustHandleError>1</mustHandleError>`, code: sutler.Failed, text: `no translation for error "other|0x80072030"`},
		{what: "unmapped, need not", procedure: prov, context: noObject, data: `<errorMessageContext>other</errorMessageContext><mustHandleError>0</mustHandleError>`, code: 0x80072030, text: "no such object"},
		{what: "unmapped, setting says must", procedure: prov, context: noObject, must: mpferror.On, data: `<errorMessageContext>other</errorMessageContext><mustHandleError>0</mustHandleError>`, code: sutler.Failed, text: `no translation for error "other|0x80072030"`},
		{what: "unmapped, setting says need not", procedure: prov, context: noObject, must: mpferror.Off, data: `<errorMessageContext>other</errorMessageContext><mustHandleError>1</mustHandleError>`, code: 0x80072030, text: "no such object"},
		{what: "must it", procedure: prov, context: noObject, data: where + `<mustHandleError>2</mustHandleError>`, code: sutler.BadInput, text: `cannot call "TranslateProvisioningError": input mustHandleError is "2"…`},
		{what: "unmapped in another set", procedure: prov, context: noObject, data: where + `<locId>de</locId><errorSet>mail</errorSet>`, code: sutler.Failed, text: `no translation for error "newmailbox|0x80072030"`},

		{what: "user", procedure: user, data: where + `<errorMessageCode>0x80070005</errorMessageCode>`, code: 0x82102200, text: "You may not."},
		{what: "user, decimal", procedure: user, data: where + `<errorMessageCode>-2147016656</errorMessageCode>`, code: 0x82102200, text: "No such organisation."},
		{what: "user, word", procedure: user, data: `<errorMessageContext>a|b</errorMessageContext><errorMessageCode>full</errorMessageCode>`, code: sutler.Failed, text: "The house is full."},
		{what: "user, unmapped", procedure: user, data: where + `<errorMessageCode>0x80070091</errorMessageCode><mustHandleError>false</mustHandleError>`, code: sutler.NotEmpty, text: "directory is not empty"},
		{what: "user, unmapped word", procedure: user, data: where + `<errorMessageCode>odd</errorMessageCode><mustHandleError>0</mustHandleError>`, code: sutler.Failed, text: "odd"},
		{what: "user without a code", procedure: user, data: where, code: sutler.BadInput, text: `cannot call "TranslateUserError": input errorMessageCode…`},

		{what: "no map", procedure: prov, context: noObject, data: where + `<locId>sv</locId>`, code: sutler.Failed, text: `cannot translate error "newmailbox|0x80072030": map file "sv/errors.xml" not found; it was: no such object`},
		{what: "map outside", procedure: prov, context: noObject, data: where + `<locId>..</locId>`, code: sutler.BadInput, text: `cannot translate error "newmailbox|0x80072030": cannot call "TranslateProvisioningError": input locId is ".."…`},
		{what: "set outside", procedure: prov, context: noObject, data: where + `<errorSet>../x.xml</errorSet>`, code: sutler.BadInput, text: `cannot translate error "newmailbox|0x80072030": cannot call "TranslateProvisioningError": input errorSet is "../x.xml"…`},
		{what: "broken map", procedure: prov, context: noObject, data: where + `<locId>bad</locId>`, code: sutler.Failed, text: `cannot translate error "newmailbox|0x80072030": cannot read map file: bad/errors.xml:1…`},
		{what: "no map at all", procedure: prov, context: noObject, data: where + `<locId>bad</locId><errorSet>other</errorSet>`, code: sutler.Failed, text: `cannot translate error "newmailbox|0x80072030": cannot read map file "bad/other.xml": it holds <Other>…`},
		{what: "item without a bar", procedure: prov, context: noObject, data: where + `<locId>bad</locId><errorSet>name</errorSet>`, code: sutler.Failed, text: `cannot translate error "newmailbox|0x80072030": cannot read map file bad/name.xml:2:1: want <Item name="context|code">…`},
		{what: "item without a code", procedure: prov, context: noObject, data: where + `<locId>bad</locId><errorSet>code</errorSet>`, code: sutler.Failed, text: `cannot translate error "newmailbox|0x80072030": cannot read map file bad/code.xml:1:8: cannot read code "zero"…`},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := mpferror.Provider{Maps: maps, MustHandleError: c.must}.Procedures()
			err := p.Process(t.Context(), sutlertest.NewCallIn(t, c.procedure, c.context, c.data))
			if got := sutler.CodeOf(err); got != c.code {
				t.Errorf("code %v, want %v", got, c.code)
			}
			text, open := strings.CutSuffix(c.text, "…")
			if got := fmt.Sprint(err); got != text && !(open && strings.HasPrefix(got, text)) {
				t.Errorf("text\n%s\nwant\n%s", got, c.text)
			}
			if got := sutler.AsError(err).Sources; len(got) != c.sources {
				t.Errorf("sources %v, want %d", got, c.sources)
			}
		})
	}
}

func TestKeptError(t *testing.T) {
	c := sutlertest.NewCallIn(t, "SetError", noObject, `<hr>0x80072030</hr><desc>other</desc>`)
	err := sutler.AsError(mpferror.Provider{}.Procedures().Process(t.Context(), c))
	want := []sutler.ErrorSource{
		{Namespace: "Active Directory Provider", Procedure: "Create Object"}, {Namespace: "Managed Active Directory", Procedure: "CreateGroup"},
	}
	if fmt.Sprint(err.Sources) != fmt.Sprint(want) || err.Seq != 5 || err.Detail != `<reply status="550"/>` {
		t.Errorf("the current error comes out as %+v", err)
	}
}

func TestReportEvent(t *testing.T) {
	one := `<parameters><parameter>all of it</parameter></parameters>`
	two := `<parameters><parameter>ann</parameter><other/><parameter>bo %1</parameter></parameters>`
	for _, c := range []struct {
		what, data string
		want       string // the line of the log, or the error
	}{
		{"generic", one, `level=ERROR msg="all of it" source=Provisioning code=0x80004005`},
		{"generic with two", two, `cannot report event 0x80004005: its text takes 1 parameters, not 2`},
		{"generic with none", "", `cannot report event 0x80004005: its text takes 1 parameters, not 0`},
		{"own source", one + `<source>Mail</source>`, `level=ERROR msg="all of it" source=Mail`},
		{"own text", two + `<hr>0x82102200</hr>`, `level=ERROR msg="bo %1 is not ann, 100%" source=Provisioning code=0x82102200`},
		{"own text with one", one + `<hr>0x82102200</hr>`, `cannot report event 0x82102200: its text takes 2 parameters, not 1`},
		{"information", `<hr>1073742000</hr>`, `level=INFO msg=started source=Provisioning code=0x400000B0`},
		{"of somebody else", two + `<hr>-2147024891</hr>`, `level=ERROR msg="access denied ann bo %1" source=Provisioning code=0x80070005`},
		{"no code", `<hr>x</hr>`, `cannot call "ReportEvent": input hr: cannot read code "x"`},
	} {
		t.Run(c.what, func(t *testing.T) {
			var log bytes.Buffer
			p := mpferror.Provider{
				Log:    slog.New(slog.NewTextHandler(&log, nil)),
				Events: map[sutler.Code]string{0x82102200: "%2 is not %1, 100%%", 0x400000B0: "started"},
			}
			call := sutlertest.NewCall(t, "ReportEvent", c.data)
			err := p.Procedures().Process(t.Context(), call)
			if err != nil {
				if sutler.CodeOf(err) != sutler.BadInput || !strings.HasPrefix(err.Error(), c.want) || log.Len() > 0 {
					t.Errorf("ReportEvent = %v (%v), log %q, want %s", err, sutler.CodeOf(err), &log, c.want)
				}
				return
			}
			_, line, _ := strings.Cut(log.String(), " ")
			if !strings.HasPrefix(line, c.want) || !strings.HasSuffix(line, " transaction={3F0C5B7E-0000-4000-8000-000000000001} call=7\n") {
				t.Errorf("the log holds %s, want %s", line, c.want)
			}
			p.Log = nil
			if err := p.Procedures().Process(t.Context(), call); err != nil {
				t.Errorf("ReportEvent without a log = %v", err)
			}
		})
	}
}

// TestReportEventHides has the engine hide what must not be in a log.
func TestReportEventHides(t *testing.T) {
	var log bytes.Buffer
	call := sutlertest.NewCall(t, "ReportEvent", `<parameters><parameter>the password is s3cret</parameter></parameters><source>s3cret</source>`)
	call.Hide = func(text string) string { return strings.ReplaceAll(text, "s3cret", "***") }
	if err := (mpferror.Provider{Log: slog.New(slog.NewTextHandler(&log, nil))}).Procedures().Process(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Contains(text, "s3cret") || !strings.Contains(text, `msg="the password is ***" source=***`) {
		t.Errorf("the log holds %s", text)
	}
}

func FuzzMap(f *testing.F) {
	for _, m := range maps {
		_ = fs.WalkDir(m, ".", func(path string, _ fs.DirEntry, _ error) error {
			if src, err := fs.ReadFile(m, path); err == nil {
				f.Add(src)
			}
			return nil
		})
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		p := mpferror.Provider{Maps: []fs.FS{fstest.MapFS{"errors.xml": {Data: src}}}}.Procedures()
		c := sutlertest.NewCallIn(t, "TranslateProvisioningError", noObject, `<errorMessageContext>newmailbox</errorMessageContext>`)
		if err := p.Process(t.Context(), c); err == nil || sutler.CodeOf(err) == sutler.OK {
			t.Errorf("a translation ended with %v", err)
		}
	})
}
