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
		"Put":   {Process: s.put, Rollback: s.unput, Flushes: true, NoAnswer: sutler.Repeatable},
		"Take":  {Process: s.take, Rollback: s.untake, Commit: s.throw, Flushes: true, NoAnswer: sutler.Repeatable},
		"Count": {Process: s.count},
	}
}

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
}

const flawVariable = "SUTLERTEST_FLAW"

// TestProviderSuite runs the suite over a provider with the flaw that the
// environment names; without one it must pass.
func TestProviderSuite(t *testing.T) {
	newShelf := func(*testing.T) *shelf {
		return &shelf{things: map[string]string{"old": "theirs"}, flaw: os.Getenv(flawVariable)}
	}
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
