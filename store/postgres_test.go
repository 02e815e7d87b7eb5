//go:build unix

package store_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sutler"
	"sutler/store"
	"sutler/sutlertest"
)

// TestPostgres runs everything that needs a PostgreSQL server on one.
func TestPostgres(t *testing.T) {
	p := sutlertest.StartPostgres(t, "fsync=off")
	t.Run("store", func(t *testing.T) {
		sutlertest.TestStore(t, func(t *testing.T) sutlertest.Place { return &postgresPlace{p, p.Database(t)} })
	})
	t.Run("two programs", func(t *testing.T) { testTwoPrograms(t, p) })
	t.Run("takeover", func(t *testing.T) { testTakeOver(t, p) })
	t.Run("watch", func(t *testing.T) { testWatch(t, p) })
	t.Run("roles", func(t *testing.T) { testRoles(t, p) })
	t.Run("pages", func(t *testing.T) { testPages(t, p) })
	t.Run("server lost", func(t *testing.T) { testServerLost(t, p) })
}

// postgresPlace is a database of a server.
type postgresPlace struct {
	server  *sutlertest.Postgres
	address string
}

func (p *postgresPlace) Open(t *testing.T) sutlertest.Storer { return openShared(t, p.address) }

// Crash kills the server and starts it again: what is left is copied, because
// the store of before goes on with the database itself.
func (p *postgresPlace) Crash(t *testing.T) sutlertest.Place {
	t.Helper()
	p.server.Kill(t)
	p.server.Start(t)
	from := databaseOf(p.address)
	to := from + "c"
	p.server.SQL(t, "postgres", fmt.Sprintf("select pg_terminate_backend(pid) from pg_stat_activity where datname = '%s';\ncreate database %s template %s", from, to, from))
	return &postgresPlace{p.server, p.server.Address("postgres", to)}
}

func databaseOf(address string) string {
	name := address[strings.LastIndex(address, "/")+1:]
	return name[:strings.Index(name, "?")]
}

// openShared opens a store on a PostgreSQL database; the end of the test
// closes it.
func openShared(t testing.TB, address string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Database: address, Now: stillClock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// testTwoPrograms lets two stores write to one database at the same time.
func testTwoPrograms(t *testing.T, p *sutlertest.Postgres) {
	address := p.Database(t)
	a, b := openShared(t, address), openShared(t, address)
	la, lb := lease(t, a, "a"), lease(t, b, "b")
	const each = 200
	var wg sync.WaitGroup
	for name, w := range map[string]struct {
		s *store.Store
		l sutler.Lease
	}{"a": {a, la}, "b": {b, lb}} {
		wg.Go(func() {
			for i := range each {
				id := sutler.TransactionID(fmt.Sprintf("{%s-%d}", name, i))
				mustAppend(t, w.s, w.l, record(id, sutler.Began), record(id, sutler.StepStarted))
				if i%2 == 0 {
					mustAppend(t, w.s, w.l, record(id, sutler.StepDone), record(id, sutler.CommittedTx))
				}
			}
		})
	}
	wg.Wait()
	wantCode(t, "Append with the lease of the other program's engine, made up", a.Append(t.Context(), sutler.Lease{Engine: "b", Fence: lb.Fence + 1}, record("{x}", sutler.Began)), sutler.LogRefused)
	ids, err := a.Unfinished(t.Context(), "b", "", 1000)
	if err != nil || len(ids) != each/2 {
		t.Errorf("a sees %d unfinished transactions of b, %v, want %d", len(ids), err, each/2)
	}
	begin := sutler.Record{Transaction: "{c1}", Kind: sutler.Began, Trustee: "ann", Client: "c"}
	mustAppend(t, a, la, begin)
	begin.Transaction = "{c2}"
	wantCode(t, "Append under an ID that the other program took", b.Append(t.Context(), lb, begin), sutler.Duplicate)
	eventually(t, "b lists what a finished", func() bool {
		txs, err := b.Transactions(t.Context(), sutler.Filter{Status: sutler.Committed, Limit: 1000})
		return err == nil && len(txs) == each
	})
	eventually(t, "b reads what a finished", func() bool {
		tx, err := b.Transaction(t.Context(), "{a-0}")
		return err == nil && tx.Status == sutler.Committed
	})
}

// testTakeOver lets one program go on with what another one left, and looks
// whether that one, waking up, can spoil anything.
func testTakeOver(t *testing.T, p *sutlertest.Postgres) {
	address := p.Database(t)
	old, other := openShared(t, address), openShared(t, address)
	l := lease(t, old, "sleeper")
	for i := range 30 {
		id := sutler.TransactionID(fmt.Sprintf("{%02d}", i))
		mustAppend(t, old, l, record(id, sutler.Began), record(id, sutler.StepStarted))
		if i < 10 {
			mustAppend(t, old, l, record(id, sutler.StepDone), record(id, sutler.CommittedTx))
		}
	}
	_, err := other.TakeOver(t.Context(), "sleeper", l.Fence, "holder")
	wantCode(t, "TakeOver of a living engine", err, sutler.Conflict)
	p.SQL(t, databaseOf(address), fmt.Sprintf("update lease set seen = seen - 60000000 where fence = %d", l.Fence)) // a minute ago
	taken, err := other.TakeOver(t.Context(), "sleeper", l.Fence, "holder")
	if err != nil {
		t.Fatal(err)
	}
	ids, err := other.Unfinished(t.Context(), "sleeper", "", 100)
	if err != nil || len(ids) != 20 || ids[0] != "{10}" {
		t.Fatalf("after a takeover %v are unfinished, %v", ids, err)
	}
	for _, id := range ids {
		mustAppend(t, other, taken, record(id, sutler.RollingBackTx), record(id, sutler.StepUndone), record(id, sutler.RolledBackTx))
	}
	wantCode(t, "Append of the sleeper", old.Append(t.Context(), l, record("{11}", sutler.StepDone)), sutler.LogRefused)
	wantKinds(t, old, "{11}", "began stepStarted rollingBack stepUndone rolledBack")
	wantCode(t, "Renew of the sleeper", old.Renew(t.Context(), l), sutler.LogRefused)
	again := lease(t, old, "sleeper")
	if ids, err := old.Unfinished(t.Context(), "sleeper", "", 100); err != nil || len(ids) != 0 {
		t.Errorf("for the sleeper %v are unfinished, %v", ids, err)
	}
	mustAppend(t, old, again, record("{12}", sutler.LateEffect))
	wantKinds(t, old, "{12}", "began stepStarted rollingBack stepUndone rolledBack lateEffect")
	wantCode(t, "Append of the other", other.Append(t.Context(), taken, record("{x}", sutler.Began)), sutler.LogRefused)
	eventually(t, "all see the same", func() bool {
		a, errA := old.Transactions(t.Context(), sutler.Filter{})
		b, errB := other.Transactions(t.Context(), sutler.Filter{})
		return errA == nil && errB == nil && fmt.Sprint(a) == fmt.Sprint(b) && len(a) == 30
	})
}

// testPages lists a few of many transactions, of which a server must not send
// all, and looks for one among all of them.
func testPages(t *testing.T, p *sutlertest.Postgres) {
	address := p.Database(t)
	name := databaseOf(address)
	s := openShared(t, address)
	mustAppend(t, s, lease(t, s, "e"), record("{a}", sutler.Began), record("{a}", sutler.CommittedTx))
	eventually(t, "the index is written", func() bool { return p.SQL(t, name, "select count(*) from tx") == "1" })
	const many = 20_000
	p.SQL(t, name, fmt.Sprintf(`insert into tx select '{' || n || '}', n, n, 'e', case when n = 5 then 'rolledBack' else 'committed' end, false, false, 1, 2, entry from tx, generate_series(1, %d) n;
		update tx set kept = 2; analyze tx`, many))
	read := func() (scans, tuples int) {
		_, err := fmt.Sscanf(p.SQL(t, name, "select seq_scan + idx_scan || ' ' || seq_tup_read + idx_tup_fetch from pg_stat_user_tables where relname = 'tx'"), "%d %d", &scans, &tuples)
		if err != nil {
			t.Fatal(err)
		}
		return scans, tuples
	}
	scansBefore, tuplesBefore := read()
	var scans, tuples int
	eventually(t, "the server counts the scans", func() bool { // it does so once a second
		txs, err := s.Transactions(t.Context(), sutler.Filter{Limit: 10})
		if err != nil || len(txs) != 10 || txs[0].ID != "{a}" || txs[1].ID != "{20000}" || txs[9].ID != "{19992}" {
			t.Fatalf("Transactions = %+v, %v", txs, err)
		}
		txs, err = s.Audited(t.Context(), sutler.AuditFilter{Limit: 10})
		if err != nil || len(txs) != 10 || txs[0].ID != "{a}" || txs[9].ID != "{19992}" {
			t.Fatalf("Audited = %+v, %v", txs, err)
		}
		scans, tuples = read()
		return scans-scansBefore >= 10
	})
	if each := (tuples - tuplesBefore) / (scans - scansBefore); each > many/10 {
		t.Errorf("a list of 10 makes the server read %d rows of %d", each, many)
	}
	seen := map[sutler.TransactionID]bool{}
	for f := (sutler.Filter{Limit: 777}); ; {
		txs, err := s.Transactions(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, tx := range txs {
			seen[tx.ID] = true
		}
		if len(txs) < f.Limit {
			break
		}
		f.After = txs[len(txs)-1].ID
	}
	if len(seen) != many+1 {
		t.Errorf("the pages hold %d transactions, want %d", len(seen), many+1)
	}
	for what, f := range map[string]sutler.AuditFilter{"text": {Text: "{7}"}, "outcome": {Outcome: sutler.RolledBack}, "time": {To: time.UnixMicro(2)}} {
		txs, err := s.Audited(t.Context(), f)
		if err != nil || len(txs) != 1 {
			t.Errorf("by %s, Audited = %+v, %v, want one", what, txs, err)
		}
	}
}

// testWatch changes the configuration in one program and waits for the other.
func testWatch(t *testing.T, p *sutlertest.Postgres) {
	address := p.Database(t)
	a, b := openShared(t, address), openShared(t, address)
	lease(t, a, "e")
	ctx, stop := context.WithCancel(t.Context())
	var told atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() { b.Watch(ctx, func() { told.Add(1) }) })
	defer wg.Wait()
	defer stop()
	eventually(t, "it listens", func() bool { return told.Load() == 1 })
	for i, change := range []func() error{
		func() error { return a.SetSetting(ctx, "x", "y") },
		func() error { return a.SetEngineState(ctx, "e", sutler.EngineDraining) },
		func() error {
			_, err := a.PutNamespaces(ctx, 0, sutler.Namespace{Name: "S", Hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Text: []byte("test")})
			return err
		},
	} {
		before, err := b.Stamps(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := change(); err != nil {
			t.Fatal(err)
		}
		eventually(t, fmt.Sprint("change ", i, " is told"), func() bool { return told.Load() >= int64(i)+2 })
		if after, err := b.Stamps(ctx); err != nil || after == before {
			t.Errorf("change %d: the stamps are %+v, %v, as before", i, after, err)
		}
	}
}

// testServerLost kills the server among Appends: what was acknowledged stays,
// and the store goes on by itself, under a new lease.
func testServerLost(t *testing.T, p *sutlertest.Postgres) {
	address := p.Database(t)
	healed := make(chan struct{}, 10)
	s, err := store.Open(t.Context(), store.Options{Database: address, Now: stillClock, Healed: func() { healed <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, s)
	l := lease(t, s, "e")
	var acknowledged [8][]sutler.TransactionID
	var wg sync.WaitGroup
	var count atomic.Int64
	for w := range acknowledged {
		wg.Go(func() {
			for i := 0; ; i++ {
				id := sutler.TransactionID(fmt.Sprintf("{%d-%d}", w, i))
				if err := s.Append(t.Context(), l, record(id, sutler.Began), record(id, sutler.CommittedTx)); err != nil {
					wantCode(t, "Append", err, sutler.LogFailed)
					return
				}
				acknowledged[w] = append(acknowledged[w], id)
				count.Add(1)
			}
		})
	}
	eventually(t, "some are written", func() bool { return count.Load() > 100 })
	p.Stop(t) // without fsync a kill would lose what was acknowledged
	wg.Wait()
	wantCode(t, "Err", s.Err(), sutler.LogFailed, "PostgreSQL")
	p.Start(t)
	select {
	case <-healed:
	case <-time.After(time.Minute):
		t.Fatal("the store does not go on")
	}
	if err := s.Err(); err != nil {
		t.Errorf("Err = %v", err)
	}
	wantCode(t, "Append with the lease of before", s.Append(t.Context(), l, record("{late}", sutler.Began)), sutler.LogRefused)
	l = lease(t, s, "e")
	mustAppend(t, s, l, record("{after}", sutler.Began))
	for _, ids := range acknowledged {
		for _, id := range ids {
			wantKinds(t, s, id, "began committed")
		}
	}
}

// eventually waits for something that other goroutines do.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in a minute: %s", what)
		}
	}
}
