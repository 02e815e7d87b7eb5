package admin_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"sutler/admin"
)

// crowd comes to a Turns, each on its own goroutine; a turn lasts until it is
// ended here.
type crowd struct {
	*testing.T
	turns  *admin.Turns
	mu     sync.Mutex
	served []string // in order
	ahead  []string // of these
	ends   map[string]func(known bool)
	sent   map[string]error
}

// inCrowd runs test where all goroutines can be waited for.
func inCrowd(t *testing.T, turns *admin.Turns, test func(c *crowd)) {
	synctest.Test(t, func(t *testing.T) {
		test(&crowd{T: t, turns: turns, ends: map[string]func(bool){}, sent: map[string]error{}})
	})
}

// comes lets who come, whose source is the first letter, and whose account those
// between it and the number at the end; a capital is known.
func (c *crowd) comes(ctx context.Context, who string) {
	go func() {
		account := strings.TrimRight(who[1:], "0123456789")
		known := account != "" && account == strings.ToUpper(account)
		end, ahead, err := c.turns.Take(ctx, who[:1], strings.ToLower(account), known)
		c.mu.Lock()
		defer c.mu.Unlock()
		if err != nil {
			c.sent[who] = err
			return
		}
		c.served = append(c.served, who)
		c.ends[who] = end
		if ahead {
			c.ahead = append(c.ahead, who)
		}
	}()
	synctest.Wait()
}

func (c *crowd) come(all ...string) {
	for _, who := range all {
		c.comes(c.Context(), who)
	}
}

// end ends the turns of all; succeed does so as of those who are known now.
func (c *crowd) end(all ...string)     { c.Helper(); c.ended(false, all) }
func (c *crowd) succeed(all ...string) { c.Helper(); c.ended(true, all) }

func (c *crowd) ended(known bool, all []string) {
	c.Helper()
	for _, who := range all {
		c.mu.Lock()
		end := c.ends[who]
		delete(c.ends, who)
		c.mu.Unlock()
		if end == nil {
			c.Fatalf("%s has no turn: %v had, %v were sent away", who, c.served, c.sent)
		}
		end(known)
		synctest.Wait()
	}
}

// wants compares who was served so far, in order, and who was sent away.
func (c *crowd) wants(served string, sent ...string) {
	c.Helper()
	if got := fmt.Sprint(c.served); got != "["+served+"]" {
		c.Errorf("served %s, want [%s]", got, served)
	}
	var away []string
	for who, err := range c.sent {
		if err != admin.ErrBusy {
			c.Errorf("%s: %v", who, err)
		}
		away = append(away, who)
	}
	slices.Sort(away)
	if d := cmp.Diff(sent, away); d != "" {
		c.Errorf("sent away (-want +got):\n%s", d)
	}
}

// TestTurnsOfOneSource has one source come with many at once: one has its
// turn after the other, though there is room for more.
func TestTurnsOfOneSource(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 4, Waiting: 9, Share: 9}, func(c *crowd) {
		c.come("a1", "a2", "a3")
		c.wants("a1")
		c.come("b1")
		c.wants("a1 b1")
		c.end("a1")
		c.wants("a1 b1 a2")
		c.end("a2", "b1")
		c.wants("a1 b1 a2 a3")
		c.end("a3")
		c.come("a4", "b2")
		c.wants("a1 b1 a2 a3 a4 b2")
		c.end("a4", "b2")
	})
}

// TestSourcesTakeTurns has others come while one source fills the line.
func TestSourcesTakeTurns(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 1, Waiting: 9, Share: 9}, func(c *crowd) {
		c.come("a1", "a2", "a3", "a4", "b1", "b2", "c1")
		for _, who := range []string{"a1", "b1", "c1", "a2", "b2", "a3", "a4"} {
			c.end(who)
		}
		c.wants("a1 b1 c1 a2 b2 a3 a4")
	})
}

func TestTurnsAtOnce(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 2, Waiting: 9, Share: 9}, func(c *crowd) {
		c.come("a1", "b1", "c1", "d1")
		c.wants("a1 b1")
		c.end("b1")
		c.wants("a1 b1 c1")
		c.end("a1", "c1", "d1")
		c.wants("a1 b1 c1 d1")
	})
}

// TestTurnsAreBounded has more come than may wait.
func TestTurnsAreBounded(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 1, Waiting: 5, Share: 3}, func(c *crowd) {
		c.come("a1", "a2", "a3", "a4", "a5")
		c.wants("a1", "a5") // a share is 3
		c.come("b1", "b2")
		c.wants("a1", "a5")
		c.come("b3") // 5 wait, and a4 in its place would leave a fewer than b
		c.wants("a1", "a5", "b3")
		c.come("c1") // the source of which most wait makes room
		c.wants("a1", "a4", "a5", "b3")
		c.come("d1") // none is one more than another now, but for a and b
		c.come("e1")
		c.come("f1")
		c.mu.Lock()
		n := len(c.sent)
		c.mu.Unlock()
		if n != 6 || c.sent["d1"] != nil || c.sent["e1"] != nil || c.sent["f1"] == nil {
			c.Errorf("sent away: %v", c.sent)
		}
		for _, who := range []string{"a1", "b1", "c1", "d1", "e1", "a2"} {
			c.end(who)
		}
		c.come("a6", "a7", "a8", "a9") // all places are free again
		c.wants("a1 b1 c1 d1 e1 a2 a6", "a3", "a4", "a5", "b2", "b3", "f1")
		c.end("a6", "a7", "a8", "a9")
	})
}

// TestAccountsTakeTurns has others come while one account of their source fills
// the line: each waits for one turn of it.
func TestAccountsTakeTurns(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 4, Waiting: 9, Share: 9}, func(c *crowd) {
		c.come("sx1", "sx2", "sx3", "sx4", "sy1", "sy2", "sz1")
		for _, who := range []string{"sx1", "sy1", "sz1", "sx2", "sy2", "sx3", "sx4"} {
			c.end(who)
		}
		c.wants("sx1 sy1 sz1 sx2 sy2 sx3 sx4")
	})
}

// TestKnownAccountsGoFirst has a known account come to a source after many
// strangers: it waits for one of them at most, and they for one turn of known ones.
func TestKnownAccountsGoFirst(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 1, Waiting: 20, Share: 9}, func(c *crowd) {
		c.come("sv1", "sw1", "sx1", "sy1", "sK1", "sK2", "sK3", "sL1")
		for _, who := range []string{"sv1", "sK1", "sw1", "sL1", "sx1", "sK2", "sy1", "sK3"} {
			c.end(who)
		}
		c.wants("sv1 sK1 sw1 sL1 sx1 sK2 sy1 sK3")
	})
}

// TestBecomesKnown has a stranger log in among strangers: those who came with it
// go first from then on.
func TestBecomesKnown(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 1, Waiting: 20, Share: 9}, func(c *crowd) {
		c.come("sv1", "sv2", "sv3", "sw1", "sx1", "sy1", "sz1")
		c.succeed("sv1")
		for _, who := range []string{"sv2", "sw1", "sv3", "sx1", "sy1", "sz1"} {
			c.end(who)
		}
		c.wants("sv1 sv2 sw1 sv3 sx1 sy1 sz1")
	})
}

// TestFloodOfNames has a source fill all places, each time by another name:
// known accounts have a place there and elsewhere in place of the last strangers,
// and are told that they owe it to that; so has whoever comes from elsewhere. No
// stranger takes the place of a known one of its source.
func TestFloodOfNames(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 1, Waiting: 4, Share: 3}, func(c *crowd) {
		c.come("sa1", "sb1", "sc1", "sd1", "se1", "sf1")
		c.wants("sa1", "sf1")
		c.come("sK1", "sK2")
		c.wants("sa1", "sd1", "se1", "sf1")
		c.come("sg1", "sb2")
		c.wants("sa1", "sb2", "sd1", "se1", "sf1", "sg1")
		c.come("ta1") // s has 4, it would be 1
		c.wants("sa1", "sb2", "sc1", "sd1", "se1", "sf1", "sg1")
		c.come("tL1") // s would be left 2 as well
		c.come("tM1") // s has 2: in place of a stranger
		c.wants("sa1", "sb1", "sb2", "sc1", "sd1", "se1", "sf1", "sg1", "ta1")
		for _, who := range []string{"sa1", "tL1", "sK1", "tM1", "sK2"} {
			c.end(who)
		}
		c.wants("sa1 tL1 sK1 tM1 sK2", "sb1", "sb2", "sc1", "sd1", "se1", "sf1", "sg1", "ta1")
		if d := cmp.Diff([]string{"sK1", "tM1", "sK2"}, c.ahead); d != "" {
			c.Errorf("ahead (-want +got):\n%s", d)
		}
		c.come("tm2")
		c.end("tm2")
	})
}

// TestLongestLineGivesWay has others come while a source fills all places: of its
// account with the most, the last goes.
func TestLongestLineGivesWay(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 1, Waiting: 4, Share: 4}, func(c *crowd) {
		c.come("sx1", "sx2", "sx3", "sx4", "sy1", "ta1", "sz1")
		c.wants("sx1", "sx3", "sx4")
		for _, who := range []string{"sx1", "ta1", "sy1", "sz1", "sx2"} {
			c.end(who)
		}
	})
}

// TestKnownFlood has a known account fill all places: other known ones of its
// source have theirs, as many as it is left with.
func TestKnownFlood(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 1, Waiting: 4, Share: 4}, func(c *crowd) {
		c.come("sK1", "sK2", "sK3", "sK4", "sK5", "sK6")
		c.wants("sK1", "sK6")
		c.come("sL1", "sL2", "sL3")
		c.wants("sK1", "sK4", "sK5", "sK6", "sL3")
		for _, who := range []string{"sK1", "sL1", "sK2", "sL2", "sK3"} {
			c.end(who)
		}
	})
}

// TestTurnsLeft has some go away while they wait: their places are free.
func TestTurnsLeft(t *testing.T) {
	inCrowd(t, &admin.Turns{AtOnce: 1, Waiting: 2, Share: 2}, func(c *crowd) {
		gone := errors.New("gone")
		ctx, leave := context.WithCancelCause(c.Context())
		c.come("a1")
		c.comes(ctx, "a2")
		c.comes(ctx, "b1")
		leave(gone)
		synctest.Wait()
		if c.sent["a2"] != gone || c.sent["b1"] != gone {
			c.Errorf("those who left got %v", c.sent)
		}
		clear(c.sent)
		c.come("b2", "c1")
		c.wants("a1")
		c.end("a1", "b2", "c1")
		c.wants("a1 b2 c1")
		c.come("b3")
		c.end("b3")
	})
}

// TestTurnsMeanwhile has many come, go and leave at the same time.
func TestTurnsMeanwhile(t *testing.T) {
	turns := &admin.Turns{AtOnce: 3, Waiting: 50, Share: 10}
	var mu sync.Mutex
	var running, most, served, sent int
	of := map[string]int{}
	var wg sync.WaitGroup
	for i := range 400 {
		source := fmt.Sprint(i % 7)
		ctx, leave := context.WithCancel(t.Context())
		if i%3 == 0 {
			wg.Go(leave)
		}
		wg.Go(func() {
			defer leave()
			end, _, err := turns.Take(ctx, source, fmt.Sprint(i%5), i%2 == 0)
			mu.Lock()
			if err != nil {
				sent++
				mu.Unlock()
				return
			}
			served++
			running++
			of[source]++
			most = max(most, running)
			if of[source] > 1 {
				t.Errorf("source %s has %d turns", source, of[source])
			}
			mu.Unlock()
			mu.Lock()
			running--
			of[source]--
			mu.Unlock()
			end(i%11 == 0)
		})
	}
	wg.Wait()
	if most > 3 || served == 0 || served+sent != 400 {
		t.Errorf("%d served, %d at once; %d sent away", served, most, sent)
	}
	for i := range 7 { // every place is free again
		end, _, err := turns.Take(t.Context(), fmt.Sprint(i), "", false)
		if err != nil {
			t.Fatal(err)
		}
		end(false)
	}
}
