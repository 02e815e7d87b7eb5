package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sutler"
	"sutler/engine"
	"sutler/sutlertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an engine over a log and a fake, both in memory.
type rig struct {
	*engine.Engine
	log    *sutlertest.Log
	fake   *sutlertest.Fake
	config *sutlertest.Config
	events []engine.Event
	via    *later // to log
	anew   func() // begins the IDs and the time of the newest engine anew
}

const sysNamespace = `<namespace name="Sys" providerSource="fake">
  <providerContext server="s1"><port>8</port></providerContext>
  <procedure name="A" type="write" access="public"/><procedure name="B" type="write" access="public"/>
  <procedure name="Get" type="read" access="public"/>
</namespace>`

func newRig(t *testing.T, limits sutler.Limits, sources ...string) *rig {
	t.Helper()
	r := &rig{log: sutlertest.NewLog(), fake: sutlertest.NewFake(), config: &sutlertest.Config{}, via: aside()}
	r.Engine = r.another(t, limits)
	r.register(t, sysNamespace)
	for _, s := range sources {
		r.register(t, s)
	}
	r.via.TransactionLog = r.log
	r.anew()
	return r
}

// another makes one more engine over the same log and configuration.
func (r *rig) another(t *testing.T, limits sutler.Limits) *engine.Engine {
	t.Helper()
	lease, err := r.log.Lease(context.Background(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	ticks, ids := 0, 0
	r.anew = func() { ticks, ids = 0, 0 }
	e, err := engine.New(context.Background(), engine.Options{
		Lease: lease, Log: r.via, Config: r.config, Limits: limits, Grace: time.Millisecond, Pauses: []time.Duration{},
		Providers: map[string]sutler.Provider{"Fake": r.fake},
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			ticks++
			return time.Unix(1_700_000_000+int64(ticks), 0)
		},
		NewID: func() sutler.TransactionID {
			mu.Lock()
			defer mu.Unlock()
			ids++
			return sutler.TransactionID(fmt.Sprintf("{%d}", ids))
		},
		Trace: func(ev engine.Event) {
			mu.Lock()
			defer mu.Unlock()
			r.events = append(r.events, ev)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (r *rig) register(t *testing.T, text string) {
	t.Helper()
	if problems, err := r.Register(context.Background(), admin, sutler.Source{File: "n.xml", Text: []byte(text)}); err != nil {
		t.Fatalf("Register: %v %v", err, problems)
	}
}

func trusted(t *testing.T, text string) *sutler.Request {
	t.Helper()
	req, err := sutler.ParseRequest([]byte(text), "request.xml", sutler.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	req.Trusted = true
	return req
}

func simple(t *testing.T, namespace, procedure, text string) *sutler.Request {
	t.Helper()
	req := trusted(t, text)
	req.Trusted, req.Namespace, req.Procedure = false, namespace, procedure
	return req
}

// TestExecuteXML compares the document a provider gets with schema B.16, for
// a step that hands credentials over and one that does not.
func TestExecuteXML(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	var got []string
	r.fake.Echo = func(c *sutler.Call) { got = append(got, c.Context.Parent().String()+" as "+c.Identity.String()) }
	_, err := r.Submit(context.Background(), admin, trusted(t, `<request><data/>
		<context><clientContext clientTransactionId="order-77" localeID="1031"/>
		<securityContext><authentication><basic domain="corp" username="u" password="p"/></authentication></securityContext>
		<queueContext retryCount="3"/></context>
		<procedure>
		  <execute namespace="Sys" procedure="Get"><executeData a="1"><x/></executeData></execute>
		  <execute namespace="Sys" procedure="A" trusted="1" impersonate="1"/>
		</procedure></request>`))
	if err != nil {
		t.Fatal(err)
	}
	const common = `<transactionContext transactionId="{1}"/><clientContext clientTransactionId="order-77" localeID="1031"/><providerContext server="s1"><port>8</port></providerContext>`
	want := []string{
		`<executeXml><context>` + common + `<executeContext namespace="Sys" procedure="Get" providerSource="fake" procedureExecId="1" type="read"/></context><executeData a="1"><x/></executeData></executeXml> as service`,
		`<executeXml><context><securityContext><authentication><basic domain="corp" username="u" password="p"/></authentication></securityContext>` + common +
			`<executeContext namespace="Sys" procedure="A" providerSource="fake" procedureExecId="2" type="write"/></context><executeData/></executeXml> as basic:corp\u`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("executeXml (-want +got):\n%s", d)
	}
	for _, rec := range r.log.All() {
		if strings.Contains(rec.Context, `password`) {
			t.Errorf("record %s holds credentials: %s", rec.Kind, rec.Context)
		}
	}
}

// TestInheritance goes through the three-state settings over two levels of
// calls (schema B.14, C.3.4): outer × inner, and what the provider then runs as.
func TestInheritance(t *testing.T) {
	for _, start := range []string{"", ` impersonate="1"`} {
		for outer := 0; outer <= 2; outer++ {
			for inner := 0; inner <= 2; inner++ {
				r := newRig(t, sutler.Limits{}, fmt.Sprintf(
					`<namespace name="N"><procedure name="P"><execute namespace="Sys" procedure="Get" impersonate="%d" trusted="%d"/></procedure></namespace>`, inner, inner))
				var got string
				r.fake.Echo = func(c *sutler.Call) {
					got = fmt.Sprintf("%s %v", c.Identity.Kind, c.Context.Child("securityContext") != nil)
				}
				_, err := r.Submit(context.Background(), admin, trusted(t, fmt.Sprintf(
					`<request><context><securityContext%s/></context><procedure><execute namespace="N" procedure="P" impersonate="%d" trusted="%d"/></procedure></request>`,
					start, outer, outer)))
				if err != nil {
					t.Fatal(err)
				}
				apply := func(in bool, v int) bool { return v == 1 || v == 0 && in }
				impersonate := apply(apply(start != "", outer), inner)
				hand := apply(apply(false, outer), inner)
				want := fmt.Sprintf("%s %v", map[bool]sutler.IdentityKind{true: sutler.CallingUser, false: sutler.ServiceAccount}[impersonate], hand)
				if got != want {
					t.Errorf("start %q, outer %d, inner %d: %s, want %s", start, outer, inner, got, want)
				}
			}
		}
	}
}

// TestCredentialsStayWithTrusted shows that a composite procedure called
// without trust does not see the credentials in its context, nor can pass them on.
func TestCredentialsStayWithTrusted(t *testing.T) {
	r := newRig(t, sutler.Limits{}, `<namespace name="N"><procedure name="P">
		<transform><before source="context" destination="data"/></transform>
		<execute namespace="Sys" procedure="Get" trusted="1"><after source="executeData" destination="data" mode="merge"/></execute>
	</procedure></namespace>`)
	var seen string
	r.fake.Echo = func(c *sutler.Call) { seen = c.Context.String() }
	resp, err := r.Submit(context.Background(), admin, trusted(t, `<request>
		<context><securityContext><authentication><basic username="u" password="top-s3cret"/></authentication></securityContext></context>
		<procedure><execute namespace="N" procedure="P" trusted="2"><after source="executeData" destination="data" mode="merge"/></execute></procedure></request>`))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(resp.XML)+seen, "top-s3cret") {
		t.Errorf("credentials reached an untrusted procedure:\n%s\n%s", resp.XML, seen)
	}
	if !strings.Contains(string(resp.XML), "transactionContext") {
		t.Errorf("the context did not reach the procedure: %s", resp.XML)
	}
}

func TestContextCannotChangeWhoAsks(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	resp, err := r.Submit(context.Background(), admin, trusted(t, `<request><data><securityContext trustee="root"/><transactionContext transactionId="{x}"/><clientContext localeID="7"/></data>
		<context><securityContext trustee="bob"/></context><procedure>
		<transform><before source="data" destination="context" mode="merge"/></transform>
		<transform><before source="data" sourcePath="securityContext" destination="context"/></transform>
		<transform><before source="data" sourcePath="securityContext/@trustee" destination="context" destinationPath="securityContext" mode="replace"/></transform>
		<transform><before source="data" destination="context" mode="replace"/></transform>
		<transform><before source="context" destination="procedureData"/><before source="data" destination="procedureData" mode="move"/>
		<after source="procedureData" sourcePath="context" destination="data"/></transform>
		</procedure></request>`))
	if err != nil {
		t.Fatal(err)
	}
	want := `<response><data><context><transactionContext transactionId="{1}"/><securityContext trustee="bob"/><clientContext localeID="7"/></context></data></response>`
	if string(resp.XML) != want {
		t.Errorf("context:\n got %s\nwant %s", resp.XML, want)
	}
}

// TestSimpleRequestTrustee has the trustee of a simple request: the caller, also
// when the context says so; nobody else.
func TestSimpleRequestTrustee(t *testing.T) {
	r := newRig(t, sutler.Limits{}, `<namespace name="N"><procedure name="P" access="public"><transform><before source="context" sourcePath="securityContext" destination="data"/></transform></procedure></namespace>`)
	for _, trustee := range []string{"", `trustee="ANN"`} {
		resp, err := r.Submit(context.Background(), admin, simple(t, "N", "P", `<request><context><securityContext `+trustee+`/></context></request>`))
		if err != nil {
			t.Fatal(err)
		}
		if want := `<response><data><securityContext trustee="ann"/></data></response>`; string(resp.XML) != want {
			t.Errorf("response %s, want %s", resp.XML, want)
		}
	}
	if _, err := r.Submit(context.Background(), admin, simple(t, "N", "P", `<request><context><securityContext trustee="root"/></context></request>`)); sutler.CodeOf(err) != sutler.Denied {
		t.Errorf("another trustee: %v, want it denied", err)
	}
}

func TestKindOfRequest(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	for name, req := range map[string]*sutler.Request{
		"trusted without procedure": trusted(t, `<request/>`),
		"simple with procedure":     simple(t, "Sys", "A", `<request><procedure/></request>`),
		"simple without a name":     simple(t, "", "", `<request/>`),
	} {
		resp, err := r.Submit(context.Background(), admin, req)
		if sutler.CodeOf(err) != sutler.BadRequest || !strings.Contains(string(resp.XML), "errorContext") {
			t.Errorf("%s: error %v, response %s", name, err, resp.XML)
		}
	}
	if n := r.log.Commits(); n != 0 {
		t.Errorf("%d commits for requests that never began", n)
	}
}

// TestCancel shows that the caller's cancel counts until the first effect.
func TestCancel(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	ctx, cancel := context.WithCancel(context.Background())
	r.fake.Echo = func(*sutler.Call) { cancel() }
	steps := func(first string) string {
		return `<request><procedure><execute namespace="Sys" procedure="` + first + `"/><execute namespace="Sys" procedure="A"/></procedure></request>`
	}
	_, err := r.Submit(ctx, admin, trusted(t, steps("Get")))
	if sutler.CodeOf(err) != sutler.Cancelled {
		t.Errorf("cancel during a read: %v, want code Cancelled", err)
	}
	if e := r.fake.Effects(); len(e) != 0 {
		t.Errorf("effects after a cancelled request: %v", e)
	}
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	if resp, err := r.Submit(ctx, admin, trusted(t, steps("A"))); err != nil || resp.Status != sutler.Committed {
		t.Errorf("cancel during a write: %v, want it to go on", err)
	}
	if e := r.fake.Effects(); len(e) != 2 {
		t.Errorf("effects %v, want both steps", e)
	}
}

// TestAdmission holds one request and shows what the others are told.
func TestAdmission(t *testing.T) {
	r := newRig(t, sutler.Limits{Running: 1, Waiting: 1})
	inside, leave := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r.fake.Echo = func(*sutler.Call) { once.Do(func() { close(inside); <-leave }) }
	one := func() *sutler.Request {
		return trusted(t, `<request><procedure><execute namespace="Sys" procedure="A"/></procedure></request>`)
	}
	answers, gone := make(chan error, 1), make(chan error, 1)
	submit := func(ctx context.Context) error { _, err := r.Submit(ctx, admin, one()); return err }
	go func() { answers <- submit(context.Background()) }()
	<-inside
	waiting, stop := context.WithCancel(context.Background())
	go func() {
		err := submit(waiting)
		for sutler.CodeOf(err) == sutler.Busy { // the one below was there first
			err = submit(waiting)
		}
		gone <- err
	}()
	hurried, cancel := context.WithCancel(context.Background())
	cancel()
	busy := submit(hurried)
	for sutler.CodeOf(busy) != sutler.Busy { // until the second one waits
		busy = submit(hurried)
	}
	if !strings.Contains(busy.Error(), "limit.running") {
		t.Errorf("busy: %v, want it to name the setting", busy)
	}
	stop()
	if err := <-gone; sutler.CodeOf(err) != sutler.Cancelled {
		t.Errorf("a caller who stopped waiting: %v", err)
	}
	closed := make(chan error)
	go func() { closed <- r.Close(context.Background()) }()
	for {
		err := submit(hurried)
		if sutler.CodeOf(err) == sutler.Stopping {
			break
		}
		if sutler.CodeOf(err) != sutler.Cancelled {
			t.Fatalf("while closing: %v", err)
		}
	}
	close(leave)
	if err := <-answers; err != nil {
		t.Errorf("the running request: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := r.Close(context.Background()); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// TestDeterminism runs the same request in engines of their own and compares
// the durable records byte for byte.
func TestDeterminism(t *testing.T) {
	var want string
	for round := range 20 {
		r := newRig(t, sutler.Limits{})
		resp, err := r.Submit(context.Background(), admin, trusted(t, `<request xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
			<data><u n="b"/><u n="a"/><u n="c"/></data><procedure>
			<execute namespace="Sys" procedure="A"><forEach name="u" root="data" path="u"/>
			<before source="u" destination="executeData"><xsl:template match="u"><name id="{generate-id()}"><xsl:value-of select="@n"/></name></xsl:template></before>
			<after source="executeData" destination="data" destinationPath="made"/></execute></procedure></request>`))
		if err != nil {
			t.Fatal(err)
		}
		got := string(resp.XML) + string(sutler.EncodeRecords(nil, r.log.All()))
		if round == 0 {
			want = got
		} else if got != want {
			t.Fatalf("round %d differs:\n%q\n%q", round, got, want)
		}
	}
}

// TestProgramsArePinned replaces a namespace while a request runs: the
// request goes on with the program that it began with.
func TestProgramsArePinned(t *testing.T) {
	program := func(v string) string {
		return `<namespace name="N"><procedure name="P" access="public"><execute namespace="Sys" procedure="Get"/><execute namespace="N" procedure="V"><after source="executeData" destination="data" mode="merge"/></execute></procedure>
		<procedure name="V"><transform><executeData><v>` + v + `</v></executeData><after source="executeData" sourcePath="v" destination="data"/></transform></procedure></namespace>`
	}
	r := newRig(t, sutler.Limits{}, program("old"))
	r.fake.Echo = func(*sutler.Call) { r.register(t, program("new")) }
	for _, want := range []string{"old", "new"} {
		resp, err := r.Submit(context.Background(), admin, simple(t, "N", "P", `<request/>`))
		if err != nil || string(resp.XML) != `<response><data><v>`+want+`</v></data></response>` {
			t.Errorf("response %s (%v), want %s", resp.XML, err, want)
		}
	}
}

func TestRegister(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	good := sutler.Source{File: "good.xml", Text: []byte(`<namespace name="Good"><procedure name="P" access="public"><transform/></procedure></namespace>`)}
	bad := sutler.Source{File: "bad.xml", Text: []byte(`<namespace name="Bad"><procedure/></namespace>`)}
	problems, err := r.Register(context.Background(), admin, good, bad)
	if sutler.CodeOf(err) != sutler.BadNamespace || len(problems) == 0 {
		t.Errorf("Register(good, bad): %v, %d problems", err, len(problems))
	}
	if _, err := r.Submit(context.Background(), admin, simple(t, "Good", "P", `<request/>`)); sutler.CodeOf(err) != sutler.NotFound {
		t.Errorf("half of a refused registration is in force: %v", err)
	}
	if _, err := r.Register(context.Background(), admin, good, good); sutler.CodeOf(err) != sutler.BadNamespace {
		t.Errorf("the same namespace twice in one call: %v", err)
	}
	if _, err := r.Register(context.Background(), sutler.Caller{Account: "eve"}, good); sutler.CodeOf(err) != sutler.Denied {
		t.Errorf("Register by an outsider: %v", err)
	}
	if _, err := r.Lint(context.Background(), admin, good); err != nil {
		t.Errorf("Lint: %v", err)
	}
	if n := len(r.Namespaces()); n != 1 {
		t.Errorf("%d namespaces in force, want 1", n)
	}
	readonly := sutler.Source{File: "ro.xml", Text: []byte(`<namespace name="Fixed" readOnly="1"><procedure name="P"><transform/></procedure></namespace>`)}
	if _, err := r.Register(context.Background(), admin, readonly); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Register(context.Background(), admin, readonly); sutler.CodeOf(err) != sutler.ReadOnlyName {
		t.Errorf("replacing a read-only namespace: %v", err)
	}
	unknown := sutler.Source{File: "u.xml", Text: []byte(`<namespace name="U" providerSource="fake"><procedure name="Missing"/></namespace>`)}
	problems, err = r.Register(context.Background(), admin, unknown)
	if err != nil || len(problems) != 1 || !problems[0].Warning || !strings.Contains(problems[0].Msg, `no procedure "Missing"`) {
		t.Errorf("a procedure the provider lacks: %v %v", err, problems)
	}
	// What is stored is in force in a new engine.
	e := r.another(t, sutler.Limits{})
	if n := len(e.Namespaces()); n != 3 {
		t.Errorf("%d namespaces in a new engine, want 3", n)
	}
}

// TestNoEffectBeforeItsRecord looks from inside each effect whether the record
// that the call starts is durable: first the log, then the world.
func TestNoEffectBeforeItsRecord(t *testing.T) {
	r := newRig(t, sutler.Limits{}, `<namespace name="M" providerSource="fake"><procedure name="Plain" type="write"/></namespace>`)
	calls := 0
	r.fake.Echo = func(c *sutler.Call) {
		calls++
		started := false
		for _, rec := range r.log.All() {
			started = started || rec.Kind == sutler.StepStarted && rec.Seq == c.Seq
		}
		if flushes := c.Procedure == "A"; started == flushes {
			t.Errorf("call %d, %s: its start is durable before Process: %v", c.Seq, c.Procedure, started)
		}
	}
	_, err := r.Submit(context.Background(), admin, trusted(t, `<request><procedure><execute namespace="M" procedure="Plain"/><execute namespace="Sys" procedure="A"/><execute namespace="M" procedure="Plain"/></procedure></request>`))
	if err != nil || calls != 3 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

// TestAbandonedCallTouchesNothing lets a hanging call come back when nobody
// waits for it any more: its flush must fail.
func TestAbandonedCallTouchesNothing(t *testing.T) {
	r := newRig(t, sutler.Limits{CallTime: 5})
	hang, flushed := make(chan struct{}), make(chan error, 1)
	r.fake.Echo = func(c *sutler.Call) {
		<-hang
		c.Rollback.Set("late", "1")
		flushed <- c.Rollback.Flush(context.Background())
	}
	_, err := r.Submit(context.Background(), admin, trusted(t, `<request><procedure><execute namespace="Sys" procedure="A"/></procedure></request>`))
	if sutler.CodeOf(err) != sutler.TimedOut || !strings.Contains(err.Error(), "limit.callTime") {
		t.Errorf("Submit: %v, want TimedOut naming the setting", err)
	}
	before := r.log.Commits()
	close(hang)
	if err := <-flushed; !errors.Is(err, sutler.ErrAbandoned) {
		t.Errorf("flush of an abandoned call: %v, want ErrAbandoned", err)
	}
	if after := r.log.Commits(); after != before {
		t.Errorf("an abandoned call wrote to the log")
	}
}

// TestManyAtOnce runs requests side by side over one log.
func TestManyAtOnce(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	var wg sync.WaitGroup
	for i := range 32 {
		req := trusted(t, fmt.Sprintf(`<request><data><n>%d</n></data><procedure>
			<execute namespace="Sys" procedure="A"><before source="data" sourcePath="n" destination="executeData"/></execute>
			<execute namespace="Sys" procedure="A"><executeData>%s</executeData></execute></procedure></request>`,
			i, map[bool]string{true: `<fail phase="process" text="no"/>`}[i%2 == 1]))
		wg.Add(1)
		go func() {
			defer wg.Done()
			resp, err := r.Submit(context.Background(), admin, req)
			if (err != nil) != (i%2 == 1) {
				t.Errorf("request %d: %v", i, err)
			}
			if err == nil && !strings.Contains(string(resp.XML), fmt.Sprintf("<n>%d</n>", i)) {
				t.Errorf("request %d: response %s", i, resp.XML)
			}
		}()
	}
	wg.Wait()
	if n := len(r.fake.Effects()); n != 32 {
		t.Errorf("%d effects, want 2 for each of 16 committed requests", n)
	}
}

func TestRecoverIsRepeatable(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	if _, err := r.Recover(context.Background(), "{nobody}"); sutler.CodeOf(err) != sutler.NotFound {
		t.Errorf("Recover of an unknown transaction: %v", err)
	}
	resp, err := r.Submit(context.Background(), admin, trusted(t, `<request><procedure><execute namespace="Sys" procedure="A"/></procedure></request>`))
	if err != nil {
		t.Fatal(err)
	}
	commits := r.log.Commits()
	for range 2 {
		if s, err := r.Recover(context.Background(), resp.Transaction); s != sutler.Committed || err != nil {
			t.Errorf("Recover of a final transaction: %s, %v", s, err)
		}
	}
	if r.log.Commits() != commits {
		t.Error("recovering a final transaction wrote records")
	}
}

// TestFencedEngineLetsGo gives the lease to another engine in mid-flight.
func TestFencedEngineLetsGo(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	calls := 0
	r.fake.Echo = func(*sutler.Call) {
		if calls++; calls == 2 {
			r.another(t, sutler.Limits{})
		}
	}
	_, err := r.Submit(context.Background(), admin, trusted(t, `<request><procedure><execute namespace="Sys" procedure="A"/><execute namespace="Sys" procedure="A"/></procedure></request>`))
	if err == nil {
		t.Fatal("a fenced engine committed")
	}
	if n := len(r.fake.Effects()); n != 1 {
		t.Errorf("%d effects: a fenced engine must touch nothing more, neither forward nor back", n)
	}
}

func TestTrace(t *testing.T) {
	r := newRig(t, sutler.Limits{})
	_, err := r.Submit(context.Background(), admin, trusted(t, `<request><data><k do-not-log="1">hush</k></data><procedure>
		<select name="s" source="data" sourcePath="k" defaultCase="d"/>
		<try><execute namespace="Sys" procedure="A"><before source="data" sourcePath="k" destination="executeData"/></execute>
		<execute namespace="Sys" procedure="A"><executeData><fail phase="process" text="no"/></executeData></execute></try><catch/>
		<execute namespace="Sys" procedure="A"><when select="s" case="other"/></execute>
		<execute namespace="Sys" procedure="A"><executeData><fail phase="process" text="no"/></executeData></execute></procedure></request>`))
	if err == nil {
		t.Fatal("no error")
	}
	var kinds []string
	for _, ev := range r.events {
		kinds = append(kinds, ev.Kind)
		if strings.Contains(ev.Before+ev.After, "hush") {
			t.Errorf("event %s shows what must not be logged: %s %s", ev.Kind, ev.Before, ev.After)
		}
	}
	want := "select before call done call failed catch when call failed rollback"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("events %s\nwant   %s", got, want)
	}
}
