package engine_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	treeSeed     = 20250117
	treesPerSite = 50 // requests to one set of compiled procedures
	asksPerLists = 5  // requests under one set of lists
)

// TestTrees runs random call trees through the engine and through the model
// of its rules: both must decide the same at the same place and name the same
// identities in the same order. SUTLER_TREES says how many, SUTLER_SEED which.
func TestTrees(t *testing.T) {
	n, seed := number(t, "SUTLER_TREES", trees), uint64(number(t, "SUTLER_SEED", treeSeed))
	seen := map[string]int{}
	for i := range (n + treesPerSite - 1) / treesPerSite {
		compareSite(t, rand.New(rand.NewPCG(seed, uint64(i))), min(treesPerSite, n-i*treesPerSite), seen, fmt.Sprintf("seed %d, site %d", seed, i))
	}
	// A generator that makes only what is refused at the door compares nothing.
	for _, word := range []string{
		"account", "server right", "credentials", "security context", "access type", "access list", "procedure", "identity",
		"service", "basic", "executeAs", "caller", "undone", "sees", "sealed", "passport", "committed", "denied", "broken", "failed", "unknown", "malformed", "depth 6",
	} {
		if seen[word]*1000 < n {
			t.Errorf("%q in %d of %d trees: the generator no longer makes it", word, seen[word], n)
		}
	}
	t.Log(seen)
}

// number returns the value of an environment variable, or usual.
func number(t *testing.T, name string, usual int) int {
	t.Helper()
	v := os.Getenv(name)
	if v == "" {
		return usual
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q: want a number", name, v)
	}
	return n
}

// compareSite makes a site and compares n requests to it.
func compareSite(t *testing.T, r *rand.Rand, n int, seen map[string]int, which string) {
	t.Helper()
	s := newSite(r)
	st := newStand(t, s)
	for i := range n {
		if i%asksPerLists == 0 {
			s.changeAccess(r)
			st.allow(t, s)
		}
		a := s.newAsking(r)
		want, got := s.expect(a), st.submit(t, a)
		if !slices.Equal(want, got) {
			s, a = smallest(t, s, a)
			t.Fatalf("%s, request %d:\n%s\n(-model +engine):\n%s", which, i, shown(s, a), cmp.Diff(s.expect(a), newStand(t, s).submit(t, a)))
		}
		note(seen, got)
	}
}

// note counts what a tree has shown.
func note(seen map[string]int, got []string) {
	// When the first five calls reach no provider, the sixth is in all of them.
	words := map[string]bool{got[len(got)-1]: true, "depth 6": strings.HasPrefix(got[0], "6 ")}
	for _, line := range got[:len(got)-1] {
		if _, check, found := strings.Cut(line, "refused: "); found {
			words[check] = true
			continue
		}
		_, who, _ := strings.Cut(line, " as ")
		words[strings.Fields(who)[0]] = true
		words["undone"] = words["undone"] || strings.Contains(line, " undone ")
		words["passport"] = words["passport"] || strings.Contains(line, " sees passport")
		words["sees"] = words["sees"] || strings.Contains(line, " sees ") && !strings.Contains(line, " sees nothing")
		words["sealed"] = words["sealed"] || strings.HasSuffix(line, ", sealed")
	}
	for w, is := range words {
		if is {
			seen[w]++
		}
	}
}
