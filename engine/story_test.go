package engine_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"sutler"
	"sutler/engine"
	"sutler/sutlertest"
	"sutler/xmltree"
)

var update = flag.Bool("update", false, "rewrite what the stories expect")

// story is a txtar file: namespaces (ns.xml, ns2.xml …), a request, and what
// is expected of it: trace (calls of the provider), log (records, a line for
// each commit), response.xml, effects.
//
// The first line of its comment may hold options: submit Namespace/Procedure
// (a simple request), limit NAME VALUE, as ACCOUNT (not an administrator),
// validation on, pauses N (so many rounds that failed are repeated), audit full.
type story struct {
	name      string
	archive   *txtar.Archive
	simple    string
	outsider  bool
	limits    sutler.Limits
	crashable bool
	checks    bool
	pauses    []time.Duration
	full      bool
}

func stories(t *testing.T) []*story {
	t.Helper()
	files, err := filepath.Glob("testdata/story/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	var all []*story
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := &story{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), archive: a, crashable: true, pauses: []time.Duration{}}
		settings := map[string]string{}
		for line := range strings.Lines(string(a.Comment)) {
			f := strings.Fields(line)
			switch {
			case len(f) > 1 && f[0] == "submit":
				s.simple = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "submit"))
			case len(f) == 2 && f[0] == "as":
				s.outsider = true
			case len(f) == 3 && f[0] == "limit":
				settings["limit."+f[1]] = f[2]
			case len(f) == 2 && f[0] == "validation" && f[1] == "on":
				s.checks = true
			case len(f) == 2 && f[0] == "pauses":
				for range f[1][0] - '0' {
					s.pauses = append(s.pauses, time.Hour)
				}
			case len(f) == 2 && f[0] == "audit" && f[1] == "full":
				s.full = true
			case len(f) == 2 && f[0] == "crash" && f[1] == "no":
				s.crashable = false
			}
		}
		s.limits = limitsOf(t, settings)
		all = append(all, s)
	}
	return all
}

// limitsOf returns the limits that a case asks for, by the names of their
// settings, and a time for calls that a busy machine keeps.
func limitsOf(t *testing.T, settings map[string]string) sutler.Limits {
	t.Helper()
	if settings["limit.callTime"] == "" {
		settings["limit.callTime"] = "60000"
	}
	l, err := sutler.LimitsOf(settings)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func (s *story) file(name string) (string, bool) {
	for _, f := range s.archive.Files {
		if f.Name == name {
			return string(f.Data), true
		}
	}
	return "", false
}

var admin = sutler.Caller{Account: "ann", Groups: []string{sutler.MPFAdmins}}

// newEngine makes an engine over the given world and log, with a clock that
// ticks a second for every look at it.
func (s *story) newEngine(t *testing.T, log *sutlertest.Log, fake *sutlertest.Fake) *engine.Engine {
	t.Helper()
	lease, err := log.Lease(context.Background(), "e1")
	if err != nil {
		t.Fatal(err)
	}
	written, via := len(log.All()), aside()
	ids := written
	ticks := 10_000 * ids // after all that was written before, and behind every pause
	e, err := engine.New(context.Background(), engine.Options{
		Lease: lease, Log: via, Config: &sutlertest.Config{}, Limits: s.limits, Grace: time.Millisecond, Pauses: s.pauses, Validate: s.checks,
		AuditLevel: func() sutler.AuditLevel {
			if s.full {
				return sutler.AuditFull
			}
			return sutler.AuditFlagged
		},
		Providers: map[string]sutler.Provider{"fake": fake},
		Now: func() time.Time {
			ticks++
			return time.Unix(1_700_000_000+int64(ticks), 0)
		},
		NewID: func() sutler.TransactionID {
			ids++
			return sutler.TransactionID(fmt.Sprintf("{%08d-0000-0000-0000-000000000000}", ids))
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var sources []sutler.Source
	for _, f := range s.archive.Files {
		if strings.HasPrefix(f.Name, "ns") {
			sources = append(sources, sutler.Source{File: f.Name, Text: f.Data})
		}
	}
	if len(sources) > 0 {
		if problems, err := e.Register(context.Background(), admin, sources...); err != nil {
			t.Fatalf("Register: %v\n%v", err, problems)
		}
	}
	via.TransactionLog, ids, ticks = log, written, 10_000*written
	return e
}

func (s *story) submit(t *testing.T, e *engine.Engine) (*sutler.Response, error) {
	t.Helper()
	src, ok := s.file("request.xml")
	if !ok {
		t.Fatal("the story has no request.xml")
	}
	req, err := sutler.ParseRequest([]byte(src), "request.xml", s.limits)
	if err != nil {
		t.Fatalf("ParseRequest: %v", err)
	}
	req.Trusted = s.simple == ""
	req.Namespace, req.Procedure, _ = strings.Cut(s.simple, "/")
	from := admin
	if s.outsider {
		from.Groups = nil
	}
	return e.Submit(context.Background(), from, req)
}

// TestStories runs each story and compares everything it can be seen by.
func TestStories(t *testing.T) {
	for _, s := range stories(t) {
		t.Run(s.name, func(t *testing.T) {
			log, fake := sutlertest.NewLog(), sutlertest.NewFake()
			e := s.newEngine(t, log, fake)
			resp, err := s.submit(t, e)
			if resp == nil {
				t.Fatalf("Submit: no response (error %v)", err)
			}
			if (err == nil) != (resp.Err == nil) || (err == nil) != (resp.Status == sutler.Committed || resp.Status == sutler.Committing) {
				t.Errorf("Submit: error %v, response error %v, status %s do not agree", err, resp.Err, resp.Status)
			}
			fake.Release()
			for range s.pauses { // each new engine looks at a clock that has gone on
				if err := recoverAll(context.Background(), s.newEngine(t, log, fake)); err != nil {
					t.Errorf("RecoverAll: %v", err)
				}
			}
			got := map[string]string{
				"response.xml": pretty(t, resp.XML),
				"trace":        lines(fake.Trace()),
				"effects":      lines(fake.Effects()),
				"log":          showLog(log),
			}
			s.compare(t, got)
			wantStatus := sutler.Status("")
			if all := log.All(); len(all) > 0 {
				tx, err := sutler.Fold(all)
				if err != nil {
					t.Fatalf("Fold: %v", err)
				}
				wantStatus = tx.Status
			}
			if len(s.pauses) == 0 && wantStatus != "" && wantStatus != resp.Status {
				t.Errorf("the log says %s, the response %s", wantStatus, resp.Status)
			}
		})
	}
}

func (s *story) compare(t *testing.T, got map[string]string) {
	t.Helper()
	changed := false
	for _, name := range []string{"trace", "log", "effects", "response.xml"} {
		want, there := s.file(name)
		if got[name] == want {
			continue
		}
		if !*update {
			t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(strings.Split(want, "\n"), strings.Split(got[name], "\n")))
			continue
		}
		changed = true
		if !there {
			s.archive.Files = append(s.archive.Files, txtar.File{Name: name})
		}
		for i := range s.archive.Files {
			if s.archive.Files[i].Name == name {
				s.archive.Files[i].Data = []byte(got[name])
			}
		}
	}
	if changed {
		if err := os.WriteFile(filepath.Join("testdata/story", s.name+".txtar"), txtar.Format(s.archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCrash runs each story again for every commit it makes, with a log that
// dies before or after it, and recovers twice: the world must then be whole
// or untouched, unless an operator is needed and the log says so.
func TestCrash(t *testing.T) {
	points := 0
	for _, s := range stories(t) {
		if !s.crashable {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			whole, commits := s.whole(t)
			for n := 1; n <= commits; n++ {
				for _, after := range []bool{false, true} {
					for _, again := range []bool{false, true} {
						if points++; points%crashStep == 0 {
							s.crash(t, n, after, again, whole)
						}
					}
				}
			}
		})
	}
	t.Logf("%d crash points", points)
	if points < 100 {
		t.Errorf("only %d crash points: the stories are too few to show anything", points)
	}
}

// whole returns the effects of the story without a crash and the number of
// commits it makes.
func (s *story) whole(t *testing.T) ([]string, int) {
	t.Helper()
	log, fake := sutlertest.NewLog(), sutlertest.NewFake()
	_, _ = s.submit(t, s.newEngine(t, log, fake))
	fake.Release()
	commits := log.Commits()
	for range s.pauses {
		_ = recoverAll(t.Context(), s.newEngine(t, log, fake))
	}
	return fake.Effects(), commits
}

// crash lets the log die at the n-th commit and recovers. With again, the
// first recovery dies too, after its first commit.
func (s *story) crash(t *testing.T, n int, after, again bool, whole []string) {
	t.Helper()
	log, fake := sutlertest.NewLog(), sutlertest.NewFake()
	e := s.newEngine(t, log, fake)
	if after {
		log.DieAfter(n)
	} else {
		log.DieBefore(n)
	}
	resp, err := s.submit(t, e)
	if err == nil {
		t.Errorf("commit %d (after: %v): Submit answered %s although the log died", n, after, resp.Status)
	}
	fake.Release()
	if code := sutler.CodeOf(err); code != sutler.LogFailed && code != sutler.Doubt && code != sutler.LogRefused {
		t.Errorf("commit %d (after: %v): code %v, want %v", n, after, code, sutler.LogFailed)
	}
	touched := slices.Clone(fake.Effects())
	fake.Trace()
	log.Revive()
	if again {
		log.DieAfter(1)
		_ = recoverAll(context.Background(), s.newEngine(t, log, fake))
		log.Revive()
	}
	for round := 1; round <= 2+len(s.pauses); round++ {
		if err := recoverAll(context.Background(), s.newEngine(t, log, fake)); err != nil {
			t.Errorf("commit %d (after: %v): recovery %d: %v", n, after, round, err)
		}
	}
	all := log.All()
	if len(all) == 0 {
		if len(touched) > 0 {
			t.Errorf("commit %d (after: %v): the world was touched (%v) and the log knows nothing", n, after, touched)
		}
		return
	}
	tx, err := sutler.Fold(all)
	if err != nil {
		t.Fatalf("commit %d (after: %v): %v", n, after, err)
	}
	effects := fake.Effects()
	switch tx.Status {
	case sutler.Committed:
		if !slices.Equal(effects, whole) {
			t.Errorf("commit %d (after: %v): committed with effects %v, want %v", n, after, effects, whole)
		}
	case sutler.RolledBack:
		if len(effects) > 0 {
			t.Errorf("commit %d (after: %v): rolled back and still there: %v", n, after, effects)
		}
	case sutler.InDoubt, sutler.RollbackFailed:
		if tx.Text == "" {
			t.Errorf("commit %d (after: %v): %s without a reason", n, after, tx.Status)
		}
	default:
		t.Errorf("commit %d (after: %v): still %s after two recoveries", n, after, tx.Status)
	}
	last := 0 // of the calls undone since rolling back began
	for _, r := range all {
		switch r.Kind {
		case sutler.RollingBackTx:
			last = 1 << 30
		case sutler.StepUndone:
			if last == 0 {
				continue // settled before rolling back began
			}
			if r.Seq > last {
				t.Errorf("commit %d (after: %v): call %d was undone after call %d", n, after, r.Seq, last)
			}
			last = r.Seq
		}
	}
}

// recoverAll lets e recover what is its own.
func recoverAll(ctx context.Context, e *engine.Engine) error { return e.RecoverAll(ctx, e.Lease()) }

// showLog returns the records, those of one commit on one line.
func showLog(log *sutlertest.Log) string {
	var b strings.Builder
	for _, group := range log.Groups() {
		for i, r := range group {
			if i > 0 {
				b.WriteString(" · ")
			}
			b.WriteString(r.Kind.String())
			if r.Seq > 0 {
				fmt.Fprintf(&b, " %d", r.Seq)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func lines(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "\n") + "\n"
}

func pretty(t *testing.T, xml []byte) string {
	t.Helper()
	doc, err := xmltree.Parse(xml, xmltree.Options{})
	if err != nil {
		t.Fatalf("the response is not XML: %v\n%s", err, xml)
	}
	var b bytes.Buffer
	if err := doc.DocumentElement().Write(&b, xmltree.WriteOptions{Indent: true}); err != nil {
		t.Fatal(err)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
