package crash_test

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"sutler"
	"sutler/engine"
	"sutler/sutlertest"
)

// scenario is a story of the engine, as it is or under a clientTransactionId.
type scenario struct {
	name       string
	namespaces []sutler.Source
	request    string
	simple     string // namespace/procedure of a simple request
	limits     sutler.Limits
	pauses     []time.Duration
	full       bool
	client     bool
	outsider   bool
	every      bool // also under the race detector every point is looked at
}

var rootTag = regexp.MustCompile(`<request[^>]*>`)

// scenarios reads the stories.
func scenarios(t testing.TB) []*scenario {
	t.Helper()
	files, err := filepath.Glob("../engine/testdata/story/*.txtar")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d stories, %v; want at least 60", len(files), err)
	}
	var all []*scenario
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s := &scenario{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), pauses: []time.Duration{}}
		settings := map[string]string{"limit.callTime": "60000"}
		skip := false
		for line := range strings.Lines(string(a.Comment)) {
			f := strings.Fields(line)
			switch {
			case len(f) > 1 && f[0] == "submit":
				s.simple = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "submit"))
			case len(f) == 2 && f[0] == "as":
				s.outsider = true
			case len(f) == 3 && f[0] == "limit":
				settings["limit."+f[1]] = f[2]
			case len(f) == 2 && f[0] == "pauses":
				for range f[1][0] - '0' {
					s.pauses = append(s.pauses, time.Hour)
				}
			case len(f) == 2 && f[0] == "audit":
				s.full = true
			case len(f) == 2 && f[0] == "crash" && f[1] == "no": // it hangs by the clock
				skip = true
			}
		}
		if s.limits, err = sutler.LimitsOf(settings); err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			switch {
			case strings.HasPrefix(f.Name, "ns"):
				s.namespaces = append(s.namespaces, sutler.Source{File: f.Name, Text: f.Data})
			case f.Name == "request.xml":
				s.request = string(f.Data)
			}
		}
		if skip {
			continue
		}
		all = append(all, s)
		if tag := rootTag.FindString(s.request); tag != "" && !strings.Contains(s.request, "<context") && !strings.HasSuffix(tag, "/>") {
			c := *s
			c.name, c.client = s.name+"+client", true
			c.request = strings.Replace(s.request, tag, tag+`<context><clientContext clientTransactionId="c"/></context>`, 1)
			all = append(all, &c)
		}
	}
	return all
}

// caller is who submits; scenarios with an outsider submit without a right.
func (s *scenario) caller() sutler.Caller {
	c := sutler.Caller{Account: "ann", Groups: []string{sutler.MPFAdmins}}
	if s.outsider {
		c.Groups = nil
	}
	return c
}

// life is one engine over a log and a world, from its start to its death.
type life struct {
	*engine.Engine
	lease sutler.Lease
}

// start makes an engine that has not lived before. count grows with every one,
// and with it the clock, so that pauses are over.
func (s *scenario) start(log sutlertest.Leaser, provider sutler.Provider, count *int) (*life, error) {
	lease, err := log.Lease(context.Background(), "e1")
	if err != nil {
		return nil, err
	}
	*count++
	clock := time.Unix(1_700_000_000+int64(*count)*100_000, 0)
	ticks, ids := 0, *count*1000
	e, err := engine.New(context.Background(), engine.Options{
		Lease: lease, Log: log, Config: &sutlertest.Config{}, Builtin: s.namespaces, Limits: s.limits, Grace: time.Millisecond, Pauses: s.pauses,
		Providers: map[string]sutler.Provider{"fake": provider},
		Now:       func() time.Time { ticks++; return clock.Add(time.Duration(ticks) * time.Millisecond) },
		NewID: func() sutler.TransactionID {
			ids++
			return sutler.TransactionID(fmt.Sprintf("{%08d}", ids))
		},
		AuditLevel: func() sutler.AuditLevel {
			if s.full {
				return sutler.AuditFull
			}
			return sutler.AuditFlagged
		},
	})
	if err != nil {
		return nil, err
	}
	return &life{e, lease}, nil
}

func (s *scenario) submit(l *life) (*sutler.Response, error) {
	req, err := sutler.ParseRequest([]byte(s.request), "request.xml", s.limits)
	if err != nil {
		return nil, err
	}
	req.Trusted = s.simple == ""
	req.Namespace, req.Procedure, _ = strings.Cut(s.simple, "/")
	return l.Submit(context.Background(), s.caller(), req)
}
