package sutlertest_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"sutler"
	"sutler/provider"
	"sutler/sutlertest"
)

// shelf is a world of named things, and its provider has a flaw or none.
type shelf struct {
	things map[string]string
	flaw   string
	who    []string // as whom its provider acted
	died   bool     // the process that did the work
}

func (s *shelf) Crash(*testing.T) { s.died = true }

func (s *shelf) ActedAs(*testing.T) []string {
	who := s.who
	s.who = nil
	return who
}

// phases are the flaws of a provider that forgets in one phase as whom it acts.
var phases = map[string]string{
	"Process": "processes as itself", "Rollback": "undoes as itself", "Prepare": "prepares as itself",
	"Commit": "commits as itself", "Probe": "asks as itself",
}

// living are the flaws of one that forgets it in the process that did the work.
var living = map[string]string{
	"Rollback": "undoes as itself while it lives", "Commit": "commits as itself while it lives", "Probe": "asks as itself while it lives",
}

// later are the flaws of one that forgets it when the caller has gone.
var later = map[string]string{
	"Rollback": "undoes for the caller as itself", "Prepare": "prepares for the caller as itself",
	"Commit": "commits for the caller as itself", "Probe": "asks for the caller as itself",
}

// as returns f as it is done in a phase, as the identity of the call, or of the
// calling user it was made for. Basic accounts are refused, and Keep knows no
// other caller than that of the call.
func (s *shelf) as(phase string, f provider.Func) provider.Func {
	return func(ctx context.Context, c *sutler.Call) error {
		if c.Identity.Kind == sutler.BasicAccount {
			if s.flaw == "refuses too late" {
				s.who = append(s.who, "sutler")
			}
			return sutler.Errorf(sutler.Denied, "cannot act as %q: the shelf knows no passwords", c.Identity.Account)
		}
		who := c.Identity.Account
		if phase == "Process" {
			c.Rollback.Set("as", who)
		} else if c.Identity.Kind == sutler.ServiceAccount {
			if c.Procedure == "Keep" && c.Rollback.Get("as") == "zoe" || s.flaw == "refuses when the caller has gone" {
				return sutler.Errorf(sutler.Denied, "cannot go on for %q", c.Rollback.Get("as"))
			}
			if s.flaw != later[phase] {
				who = c.Rollback.Get("as")
			}
		}
		switch {
		case s.flaw == phases[phase] || s.flaw != "" && !s.died && s.flaw == living[phase]:
			s.who = append(s.who, "sutler")
		case s.flaw != "leaves no trace of whom":
			s.who = append(s.who, who)
		}
		if s.flaw == "keeps the password" {
			c.Rollback.Set("password", c.Identity.Secret.Reveal())
		}
		return f(ctx, c)
	}
}

// lent tells whether there is something of the call.
func (s *shelf) lent(ctx context.Context, c *sutler.Call) (outcome sutler.Outcome, err error) {
	err = s.as("Probe", func(context.Context, *sutler.Call) error {
		outcome = sutler.NoEffect
		if _, ok := s.things[c.Rollback.Get("name")]; ok {
			outcome = sutler.TookEffect
		}
		return nil
	})(ctx, c)
	return outcome, err
}

func (s *shelf) Snapshot(*testing.T) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(s.things)) {
		fmt.Fprintf(&b, "%s=%s\n", k, s.things[k])
	}
	return b.String()
}

func (s *shelf) Provider() sutler.Provider {
	return provider.Procedures{
		"Put":   {Process: s.as("Process", s.put), Rollback: s.as("Rollback", s.unput), Flushes: true, NoAnswer: sutler.Repeatable},
		"Keep":  {Process: s.as("Process", s.put), Rollback: s.as("Rollback", s.unput), Flushes: true, NoAnswer: sutler.Repeatable},
		"Lend":  {Process: s.as("Process", s.put), Rollback: s.as("Rollback", s.unput), Probe: s.lent, Flushes: true, NoAnswer: sutler.Probe, UndoAsService: true},
		"Take":  {Process: s.as("Process", s.take), Rollback: s.as("Rollback", s.untake), Prepare: s.as("Prepare", nothing), Commit: s.as("Commit", s.throw), Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true},
		"Count": {Process: s.as("Process", s.count)},
	}
}

func nothing(context.Context, *sutler.Call) error { return nil }

func (s *shelf) put(ctx context.Context, c *sutler.Call) error {
	name, err := provider.Required(c, "name")
	if err != nil {
		return err
	}
	owner := fmt.Sprintf("call %d", c.Seq)
	if s.flaw == "acts before it looks" {
		s.things[name] = owner
	}
	if _, ok := s.things[name]; ok {
		return sutler.Errorf(sutler.Exists, "cannot put %q: it exists", name)
	}
	c.Rollback.Set("name", name)
	if s.flaw == "acts before it flushes" {
		s.things[name] = owner
	}
	if s.flaw == "does not flush" {
		s.things[name] = owner
		return nil
	}
	if err := c.Rollback.Flush(ctx); err != nil && s.flaw != "acts though the flush failed" {
		return err
	}
	if s.flaw == "heeds no cancel in the middle" {
		s.things[name+" half"] = owner
		if err := ctx.Err(); err != nil {
			return err
		}
		delete(s.things, name+" half")
	}
	if _, ok := s.things[name]; ok && s.flaw != "overwrites" && s.flaw != "acts before it flushes" {
		return sutler.Errorf(sutler.Exists, "cannot put %q: it exists", name)
	}
	if s.flaw == "needs what it did not flush" {
		c.Rollback.Set("done", "1")
	}
	if s.flaw != "does nothing" {
		s.things[name] = owner
	}
	r, err := provider.Result(c)
	if err != nil {
		return err
	}
	if s.flaw != "returns something else" {
		provider.SetAttr(r, "owner", owner)
	}
	return nil
}

func (s *shelf) unput(_ context.Context, c *sutler.Call) error {
	name := c.Rollback.Get("name")
	got, ok := s.things[name]
	switch {
	case s.flaw == "undoes once only" && !ok:
		return sutler.Errorf(sutler.NoSuchFile, "cannot take %q back: it is gone", name)
	case s.flaw == "needs the data" && c.Data == nil:
		return sutler.Errorf(sutler.Failed, "no data")
	case s.flaw == "needs what it did not flush" && c.Rollback.Get("done") == "":
		return nil
	}
	if got == fmt.Sprintf("call %d", c.Seq) || s.flaw == "undoes what is not its own" {
		delete(s.things, name)
	}
	return nil
}

func (s *shelf) take(ctx context.Context, c *sutler.Call) error {
	c.Rollback.Set("old", s.things["old"])
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	s.things["trash"] = s.things["old"]
	delete(s.things, "old")
	return nil
}

func (s *shelf) untake(_ context.Context, c *sutler.Call) error {
	if _, ok := s.things["trash"]; ok {
		s.things["old"] = s.things["trash"]
	}
	delete(s.things, "trash")
	return nil
}

func (s *shelf) throw(context.Context, *sutler.Call) error {
	if s.flaw == "commits more each time" {
		s.things["commits"] += "x"
	}
	delete(s.things, "trash")
	return nil
}

func (s *shelf) count(_ context.Context, c *sutler.Call) error {
	if s.flaw == "reads and writes" {
		s.things["read"] = "1"
	}
	return nil
}

// flaws are what a provider may get wrong, and the check that finds it.
var flaws = map[string]string{
	"acts before it looks":          "taken/fails",
	"acts before it flushes":        "Put/flush_refused",
	"does not flush":                "Put/whole",
	"acts though the flush failed":  "Put/flush_refused",
	"heeds no cancel in the middle": "Put/cancelled",
	"overwrites":                    "Put/bystander_puts",
	"needs what it did not flush":   "Put/crash",
	"does nothing":                  "Put/whole",
	"returns something else":        "Put/whole",
	"undoes once only":              "Put/undone",
	"needs the data":                "Put/cancelled",
	"undoes what is not its own":    "Put/bystander_puts",
	"commits more each time":        "Take/whole",
	"reads and writes":              "Count/whole",
	"processes as itself":           "lent_as_ann/identity",
	"undoes as itself":              "lent_as_ann/identity",
	"asks as itself":                "lent_as_ann/identity",
	"prepares as itself":            "taken_as_ann/identity",
	"commits as itself":             "taken_as_ann/identity",
	"leaves no trace of whom":       "counted_as_ann/identity",
	"keeps the password":            "lent_as_ann/identity",
	"refuses too late":              "put_by_password/fails",

	"undoes for the caller as itself":   "lent_by_zoe/identity",
	"undoes as itself while it lives":   "lent_as_ann/identity",
	"commits as itself while it lives":  "taken_as_ann/identity",
	"asks as itself while it lives":     "lent_as_ann/identity",
	"asks for the caller as itself":     "lent_by_zoe/identity",
	"prepares for the caller as itself": "taken_by_zoe/identity",
	"commits for the caller as itself":  "taken_by_zoe/identity",
	"refuses when the caller has gone":  "lent_by_zoe/identity",
}

const flawVariable = "SUTLERTEST_FLAW"

// TestProviderSuite runs the suite over a provider with the flaw that the
// environment names; without one it must pass.
func TestProviderSuite(t *testing.T) {
	newShelf := func(*testing.T) *shelf {
		return &shelf{things: map[string]string{"old": "theirs"}, flaw: os.Getenv(flawVariable)}
	}
	ann := sutler.Identity{Kind: sutler.ExecuteAs, Account: "ann", Secret: sutler.NewSecret("s3cr3t-word")}
	zoe := sutler.Identity{Kind: sutler.CallingUser, Account: "zoe"}
	sutlertest.TestProvider(t, newShelf, []sutlertest.ProviderCase[*shelf]{
		{
			Procedure: "Put", Data: `<name>cup</name>`, Want: "cup=call 7\nold=theirs\n",
			Output: `<name>cup</name><result owner="call 7"/>`,
			Bystanders: []sutlertest.Bystander[*shelf]{{
				Name: "puts",
				Act:  func(_ *testing.T, s *shelf) { s.things["cup"] = "mine" },
				Left: func(t *testing.T, s *shelf) {
					if s.things["cup"] != "mine" {
						t.Errorf("the cup is %q", s.things["cup"])
					}
				},
			}},
		},
		{Name: "taken", Procedure: "Put", Data: `<name>jug</name>`, Code: sutler.Exists, Text: `"jug"`,
			Setup: func(_ *testing.T, s *shelf) { s.things["jug"] = "theirs" }},
		{Procedure: "Take", Type: sutler.TwoPhase, Want: ""},
		{Procedure: "Count", Type: sutler.Read},
		{Name: "lent as ann", Procedure: "Lend", Data: `<name>cup</name>`, Identity: ann},
		{Name: "taken as ann", Procedure: "Take", Type: sutler.TwoPhase, Identity: ann},
		{Name: "counted as ann", Procedure: "Count", Type: sutler.Read, Identity: ann},
		{Name: "lent by zoe", Procedure: "Lend", Data: `<name>cup</name>`, Identity: zoe},
		{Name: "taken by zoe", Procedure: "Take", Type: sutler.TwoPhase, Identity: zoe},
		{Name: "kept by zoe", Procedure: "Keep", Data: `<name>cup</name>`, Identity: zoe},
		{Name: "put by password", Procedure: "Put", Data: `<name>cup</name>`, Code: sutler.Denied, Text: `"ann"`,
			Identity: sutler.Identity{Kind: sutler.BasicAccount, Account: "ann", Secret: sutler.NewSecret("s3cr3t-word")}},
	})
}

// TestProviderSuiteFindsFlaws runs this program again, once for each flaw.
func TestProviderSuiteFindsFlaws(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for flaw, check := range flaws {
		t.Run(flaw, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(self, "-test.run=^TestProviderSuite$")
			cmd.Env = append(os.Environ(), flawVariable+"="+flaw)
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("the suite passes a provider that %s", flaw)
			}
			if !strings.Contains(string(out), "--- FAIL: TestProviderSuite/"+check) {
				t.Errorf("a provider that %s does not fail %s:\n%s", flaw, check, out)
			}
		})
	}
}
