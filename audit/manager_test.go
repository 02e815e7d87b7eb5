package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sutler"
	"sutler/audit"
	"sutler/engine"
	"sutler/store"
	"sutler/sutlertest"
)

// house is an engine, its store and its manager, with a clock of their own.
type house struct {
	*engine.Engine
	store   *store.Store
	manager *audit.Manager
	fake    *sutlertest.Fake
	dir     string
	clock   time.Time
	level   sutler.AuditLevel
	ran     []string          // audit commands
	fails   map[string]string // audit commands that fail, with why
	ids     int
}

const sys = `<namespace name="Sys" providerSource="fake">
  <procedure name="A" type="write" access="public"/>
  <procedure name="Flagged" type="write" auditEnabled="1" access="public"/>
</namespace>`

// Run implements audit.Commander.
func (h *house) Run(_ context.Context, c sutler.PendingCommand) error {
	if why := h.fails[c.SQL]; why != "" {
		return errors.New(why)
	}
	h.ran = append(h.ran, c.SQL)
	return nil
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{dir: t.TempDir(), clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), fake: sutlertest.NewFake(), level: sutler.AuditFlagged, fails: map[string]string{}}
	now := func() time.Time { return h.clock }
	var err error
	h.store, err = store.Open(t.Context(), store.Options{Path: filepath.Join(h.dir, "sutler.db"), Now: now, AuditLevel: func() sutler.AuditLevel { return h.level }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.store.Close(); err != nil {
			t.Error(err)
		}
	})
	lease, err := h.store.Lease(t.Context(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	h.fake.Echo = func(c *sutler.Call) {
		if sql, ok := c.Text("sql"); ok {
			c.Audit(sql)
		}
	}
	h.Engine, err = engine.New(t.Context(), engine.Options{
		Lease: lease, Log: h.store, Config: h.store, Pauses: []time.Duration{},
		Providers: map[string]sutler.Provider{"fake": h.fake}, Builtin: []sutler.Source{{File: "sys.xml", Text: []byte(sys)}},
		Now: now, NewID: func() sutler.TransactionID { h.ids++; return sutler.TransactionID(fmt.Sprintf("{%05d}", h.ids)) },
		Admit: func() error { return h.manager.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	h.newManager(t)
	return h
}

func (h *house) newManager(t *testing.T) {
	t.Helper()
	key, err := audit.Key(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	h.manager, err = audit.New(t.Context(), audit.Options{
		Store: h.store, Recover: h.Engine, Commands: h, Lease: h.Lease, Key: key, Anchor: h.anchor(), Now: func() time.Time { return h.clock },
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) anchor() string { return filepath.Join(h.dir, audit.AnchorFile) }

// run submits steps and returns the transaction.
func (h *house) run(t *testing.T, steps string) (*sutler.Response, error) {
	t.Helper()
	req, err := sutler.ParseRequest([]byte(`<request><procedure>`+steps+`</procedure></request>`), "r.xml", sutler.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	req.Trusted = true
	return h.Submit(t.Context(), sutler.Caller{Account: "ann", Groups: []string{sutler.MPFAdmins}}, req)
}

func call(procedure, data string) string {
	return `<execute namespace="Sys" procedure="` + procedure + `"><executeData>` + data + `</executeData></execute>`
}

// verify wants the log whole, with or without the rows behind the last statement.
func (h *house) verify(t *testing.T) audit.Report {
	t.Helper()
	keys, err := audit.ReadPublic(filepath.Join(h.dir, audit.PublicFile))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := audit.ReadAnchor(h.anchor())
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Verify(t.Context(), h.store, lines, keys, func(f audit.Finding) { t.Errorf("it finds %s", f) })
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// indexed waits until the index tells of n finished transactions.
func (h *house) indexed(t *testing.T, n int) []sutler.Transaction {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		all, err := h.store.Audited(t.Context(), sutler.AuditFilter{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		if len(all) == n {
			return all
		}
		if time.Now().After(deadline) {
			t.Fatalf("the audit log has %d transactions, want %d", len(all), n)
		}
	}
}

func TestManagerSigns(t *testing.T) {
	h := newHouse(t)
	statements := func() int {
		lines, err := audit.ReadAnchor(h.anchor())
		if err != nil {
			t.Fatal(err)
		}
		return len(lines)
	}
	must := func(now bool) {
		t.Helper()
		if err := h.manager.Sign(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	must(true)
	if statements() != 0 {
		t.Error("a statement about nothing")
	}
	_, _ = h.run(t, call("A", ""))
	must(false)
	must(false)
	if statements() != 1 {
		t.Errorf("%d statements, want one after the first rows", statements())
	}
	_, _ = h.run(t, call("A", ""))
	must(false)
	if statements() != 1 {
		t.Error("a statement before it is time")
	}
	if r := h.verify(t); r.Unsigned != 2 {
		t.Errorf("%d rows are unsigned, want 2", r.Unsigned)
	}
	h.clock = h.clock.Add(10 * time.Second)
	must(false)
	if statements() != 2 {
		t.Error("no statement after ten seconds")
	}
	for range 251 { // four records each
		_, _ = h.run(t, call("A", ""))
	}
	must(false)
	if statements() != 3 {
		t.Error("no statement after a thousand records")
	}
	if r := h.verify(t); r.Unsigned != 0 {
		t.Errorf("%d rows are unsigned", r.Unsigned)
	}
	h.newManager(t) // goes on after the last one
	_, _ = h.run(t, call("A", ""))
	must(true)
	if r := h.verify(t); statements() != 4 || r.Statements != 4 {
		t.Errorf("%d statements after a new start", statements())
	}
}

// TestManagerRefusesWithoutAnchor takes the anchor away: nothing new is
// accepted until it can be written again.
func TestManagerRefusesWithoutAnchor(t *testing.T) {
	h := newHouse(t)
	_, _ = h.run(t, call("A", ""))
	if err := os.Mkdir(h.anchor(), 0o700); err != nil { // nothing can be written there
		t.Fatal(err)
	}
	if err := h.manager.Sign(t.Context(), true); err == nil {
		t.Fatal("Sign succeeds without an anchor")
	}
	if _, err := h.run(t, call("A", "")); sutler.CodeOf(err) != sutler.NoAudit || !strings.Contains(err.Error(), "anchor") {
		t.Errorf("Submit: %v, want code NoAudit", err)
	}
	if err := os.Remove(h.anchor()); err != nil {
		t.Fatal(err)
	}
	if err := h.manager.Sign(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := h.run(t, call("A", "")); err != nil {
		t.Errorf("Submit: %v", err)
	}
	if err := h.manager.Sign(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	h.verify(t)
}

// TestAnchorCutShort lets a crash cut the last line of the anchor.
func TestAnchorCutShort(t *testing.T) {
	h := newHouse(t)
	for range 3 {
		_, _ = h.run(t, call("A", ""))
		if err := h.manager.Sign(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(h.anchor())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.anchor(), text[:len(text)-20], 0o600); err != nil {
		t.Fatal(err)
	}
	h.newManager(t)
	again, err := os.ReadFile(h.anchor())
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("the anchor is\n%s\nwant\n%s", again, text)
	}
	h.verify(t)
}

func TestAuditLevels(t *testing.T) {
	for level, want := range map[sutler.AuditLevel]string{
		sutler.AuditNone:    "refused",
		sutler.AuditFailed:  "failed refused",
		sutler.AuditAll:     "plain flagged failed refused",
		sutler.AuditFlagged: "flagged failed refused",
		sutler.AuditFull:    "plain flagged failed refused",
	} {
		t.Run(level.String(), func(t *testing.T) {
			h := newHouse(t)
			h.level = level
			names := map[sutler.TransactionID]string{}
			submit := func(name, steps string) {
				resp, _ := h.run(t, steps)
				names[resp.Transaction] = name
			}
			submit("plain", call("A", ""))
			submit("flagged", call("A", "")+call("Flagged", ""))
			submit("failed", call("A", "")+call("A", `<fail text="no" phase="process"/>`))
			req, err := sutler.ParseRequest([]byte(`<request><data/></request>`), "r.xml", sutler.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			req.Namespace, req.Procedure = "Sys", "A"
			resp, _ := h.Submit(t.Context(), sutler.Caller{Account: "eve"}, req)
			names[resp.Transaction] = "refused"
			var got []string
			for _, tx := range h.indexed(t, len(strings.Fields(want))) {
				got = append([]string{names[tx.ID]}, got...)
				shown, err := h.store.AuditedTransaction(t.Context(), tx.ID)
				if err != nil {
					t.Fatal(err)
				}
				steps := map[sutler.AuditLevel]int{sutler.AuditFlagged: 1, sutler.AuditFull: 2}[level]
				if names[tx.ID] == "flagged" && len(shown.Steps) != steps {
					t.Errorf("at level %s it is shown with %d steps, want %d", level, len(shown.Steps), steps)
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("kept are %q, want %q", got, want)
			}
			for id, name := range names {
				if _, err := h.store.AuditedTransaction(t.Context(), id); (err == nil) != strings.Contains(want, name) {
					t.Errorf("AuditedTransaction of what is %s: %v", name, err)
				}
			}
		})
	}
}

// TestRetention lets time pass: what is not kept goes first, then what was
// kept, and what waits for an operator stays.
func TestRetention(t *testing.T) {
	h := newHouse(t)
	var plain, kept []sutler.TransactionID
	for i := range 300 {
		if i == 100 {
			resp, _ := h.run(t, call("Flagged", ""))
			kept = append(kept, resp.Transaction)
		}
		resp, err := h.run(t, call("A", ""))
		if err != nil {
			t.Fatal(err)
		}
		plain = append(plain, resp.Transaction)
	}
	stuck, _ := h.run(t, call("A", `<fail text="stuck" phase="rollback"/>`)+call("A", `<fail text="no" phase="process"/>`))
	h.indexed(t, 2)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	retain := func() {
		t.Helper()
		if more, err := h.manager.Retain(t.Context()); more || err != nil { // its clock stands still: there is time enough
			t.Fatal(more, err)
		}
	}
	must(h.manager.Sign(t.Context(), true))
	rows := h.verify(t).Rows
	retain()
	if got := h.verify(t).Rows; got != rows {
		t.Errorf("at once %d of %d rows are left", got, rows)
	}
	there := func(id sutler.TransactionID) bool {
		t.Helper()
		_, err := h.store.Transaction(t.Context(), id)
		if code := sutler.CodeOf(err); code != sutler.OK && code != sutler.NotFound {
			t.Errorf("Transaction(%s): %v", id, err)
		}
		return err == nil
	}
	h.clock = h.clock.Add(25 * time.Hour)
	retain()
	if got := h.verify(t).Rows; got > 20 {
		t.Errorf("after a day %d of %d rows are left", got, rows)
	}
	if there(plain[0]) || there(plain[len(plain)-1]) || !there(kept[0]) || !there(stuck.Transaction) {
		t.Error("after a day the wrong transactions are left")
	}
	for range 2 { // carried once more
		h.clock = h.clock.Add(25 * time.Hour)
		retain()
	}
	h.verify(t)
	tx, err := h.store.AuditedTransaction(t.Context(), kept[0])
	if err != nil || tx.Status != sutler.Committed || len(tx.Steps) != 1 {
		t.Errorf("what is kept is %+v, %v", tx, err)
	}
	h.clock = h.clock.Add(91 * 24 * time.Hour)
	retain()
	if there(kept[0]) {
		t.Error("after three months it is still there")
	}
	if st, err := h.Resolve(t.Context(), sutler.Caller{Account: "ann", Groups: []string{sutler.MPFAdmins}}, stuck.Transaction,
		sutler.Resolution{Verb: sutler.SkipStep, Seq: 1, Reason: "gone with the server"}); err != nil || st != sutler.RolledBack {
		t.Errorf("what waited three months: %s, %v", st, err)
	}
	must(h.manager.Sign(t.Context(), true))
	h.verify(t)
}

// TestCommands runs commands of transactions that committed, in their order;
// one that fails is tried again and keeps nobody else.
func TestCommands(t *testing.T) {
	h := newHouse(t)
	_, err := h.run(t, call("A", "<sql>one</sql>")+call("A", "<sql>two</sql>"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = h.run(t, call("A", "<sql>never</sql>")+call("A", `<fail text="no" phase="process"/>`))
	_, _ = h.run(t, call("A", "<sql>bad</sql>"))
	_, _ = h.run(t, call("A", "<sql>three</sql>"))
	h.fails["bad"] = "no such table"
	run := func(want string) {
		t.Helper()
		if err := h.manager.RunCommands(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(h.ran, " "); got != want {
			t.Errorf("run were %q, want %q", got, want)
		}
	}
	run("one two three")
	bad, err := h.store.BadCommands(t.Context())
	if err != nil || len(bad) != 1 || bad[0].SQL != "bad" || bad[0].Tries != 1 || bad[0].Error != "no such table" {
		t.Errorf("bad commands are %+v, %v", bad, err)
	}
	run("one two three") // it is not due
	for range 15 {
		h.clock = h.clock.Add(time.Hour) // the longest pause
		run("one two three")
	}
	bad, _ = h.store.BadCommands(t.Context())
	if len(bad) != 1 || bad[0].Tries != 16 || bad[0].Due.Sub(h.clock) != time.Hour {
		t.Errorf("after many hours bad commands are %+v", bad)
	}
	delete(h.fails, "bad")
	h.clock = h.clock.Add(time.Hour)
	run("one two three bad")
	if bad, _ := h.store.BadCommands(t.Context()); len(bad) != 0 {
		t.Errorf("bad commands are %+v", bad)
	}
}
