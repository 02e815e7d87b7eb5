package sql_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sutler"
	"sutler/provider/sql"
)

// recovered returns the call as recovery knows it: with what was flushed.
func recovered(t testing.TB, c *sutler.Call) *sutler.Call {
	r := call(t, c.Procedure, "")
	r.Seq, r.Data = c.Seq, nil
	r.Rollback = sutler.NewRollbackData(c.Rollback.Pairs(), nil)
	return r
}

func (w *world) probe(t testing.TB, c *sutler.Call) sutler.Outcome {
	t.Helper()
	outcome, err := w.sql.Probe(t.Context(), recovered(t, c))
	if err != nil {
		t.Fatalf("Probe = %v", err)
	}
	return outcome
}

func TestProbe(t *testing.T) {
	insert := request(`insert into customer (code) values ('NEW')`, `delete from customer where code = 'NEW'`)
	t.Run("before the command", func(t *testing.T) {
		w := newShop(t)
		c := call(t, "ExecSQL", insert)
		lose(c)
		if err := w.sql.Process(t.Context(), c); !errors.Is(err, errLost) {
			t.Fatalf("Process = %v, want the error of the flush", err)
		}
		if got := w.probe(t, c); got != sutler.NoEffect {
			t.Errorf("Probe = %v, want no effect", got)
		}
	})
	t.Run("after the command", func(t *testing.T) {
		w := newShop(t)
		c := call(t, "ExecSQL", insert)
		if err := w.sql.Process(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if got := w.probe(t, c); got != sutler.TookEffect {
			t.Errorf("Probe = %v, want took effect", got)
		}
		other := recovered(t, c)
		other.Seq++
		if got := w.probe(t, other); got != sutler.NoEffect {
			t.Errorf("Probe of another call = %v, want no effect", got)
		}
		if err := w.sql.Rollback(t.Context(), other); err != nil {
			t.Errorf("Rollback of another call = %v", err)
		}
		if !strings.Contains(w.dump(t, "shop.db"), "'NEW'") {
			t.Error("the rollback of another call removed the row")
		}
		if err := w.sql.Rollback(t.Context(), recovered(t, c)); err != nil {
			t.Fatal(err)
		}
		if got := w.probe(t, c); got != sutler.NoEffect {
			t.Errorf("Probe after Rollback = %v, want no effect", got)
		}
	})
	t.Run("while the command runs", func(t *testing.T) {
		w := newShop(t)
		c := call(t, "ExecSQL", insert)
		other := w.open(t, "shop.db")
		defer other.Close()
		tx, err := other.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(`update customer set orders = 1`); err != nil {
			t.Fatal(err)
		}
		c.Rollback.Set("database", "shop.db")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if got, err := w.sql.Probe(ctx, recovered(t, c)); got != sutler.Unknown || err == nil {
			t.Errorf("Probe = %v, %v, want unknown and an error", got, err)
		}
		tx.Rollback()
	})
	t.Run("database gone", func(t *testing.T) {
		w := newShop(t)
		c := call(t, "ExecSQL", insert)
		if err := w.sql.Process(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		if err := w.root.Remove("shop.db"); err != nil {
			t.Fatal(err)
		}
		if got := w.probe(t, c); got != sutler.NoEffect {
			t.Errorf("Probe = %v, want no effect", got)
		}
		if err := w.sql.Rollback(t.Context(), recovered(t, c)); err != nil {
			t.Errorf("Rollback = %v", err)
		}
	})
}

// TestOnce shows that a command is not carried out twice under one number.
func TestOnce(t *testing.T) {
	w := newShop(t)
	c := call(t, "ExecSQL", request(`update customer set orders = orders + 1`, `update customer set orders = orders - 1`))
	if err := w.sql.Process(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	before := w.Snapshot(t)
	wantError(t, "Process", w.sql.Process(t.Context(), c), sutler.Conflict, "done already")
	if got := w.Snapshot(t); got != before {
		t.Errorf("it ran again:\n%s", got)
	}
}

// TestUndoFails shows that an undo that fails changes nothing and can be
// repeated when what was in its way is gone.
func TestUndoFails(t *testing.T) {
	w := newShop(t)
	before := w.Snapshot(t)
	c := call(t, "ExecSQL", request(`delete from customer where code = 'CON'`, `insert into customer (code, name, orders) values ('CON', 'Contoso', 0)`))
	if err := w.sql.Process(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.do(t, "shop.db", `insert into customer (code, name) values ('CON', 'of somebody else')`)
	between := w.Snapshot(t)
	wantError(t, "Rollback", w.sql.Rollback(t.Context(), recovered(t, c)), sutler.Exists, "customer.code")
	if got := w.Snapshot(t); got != between {
		t.Errorf("the failed undo changed something:\n%s", got)
	}
	w.do(t, "shop.db", `delete from customer where code = 'CON'`)
	if err := w.sql.Rollback(t.Context(), recovered(t, c)); err != nil {
		t.Fatal(err)
	}
	if got := w.Snapshot(t); got != before {
		t.Errorf("after the undo:\n%s\nwant:\n%s", got, before)
	}
}

// TestCommitFails makes COMMIT fail: by a foreign key that is checked there,
// and by a reader who does not let go.
func TestCommitFails(t *testing.T) {
	w := newShop(t)
	w.do(t, "shop.db", `create table child (parent text references customer (code) deferrable initially deferred)`)
	before := w.Snapshot(t)
	c := call(t, "ExecSQL", request(`insert into child values ('none')`, `delete from child`))
	wantError(t, "Process", w.sql.Process(t.Context(), c), sutler.Failed, `cannot commit database "shop.db"`, "FOREIGN KEY")
	if got := w.Snapshot(t); got != before {
		t.Errorf("it changed something:\n%s", got)
	}

	reader := w.open(t, "shop.db")
	defer reader.Close()
	rows, err := reader.Query(`select code from customer`)
	if err != nil || !rows.Next() {
		t.Fatalf("cannot read: %v", err)
	}
	c = call(t, "ExecSQL", request(`insert into audit values ('x')`, `delete from audit`)+`<timeout connect="20"/>`)
	wantError(t, "Process", w.sql.Process(t.Context(), c), sutler.Busy, "shop.db")
	rows.Close()
	if got := w.Snapshot(t); got != before {
		t.Errorf("it changed something:\n%s", got)
	}
}

// TestLocked waits for a locked database as long as timeout/@connect says, and
// less when the call is cancelled.
func TestLocked(t *testing.T) {
	w := newShop(t)
	other := w.open(t, "shop.db")
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`delete from audit`); err != nil { // no one else may write
		t.Fatal(err)
	}
	insert := request(`insert into audit values ('x')`, `delete from audit`)
	wantError(t, "Process", w.sql.Process(t.Context(), call(t, "ExecSQL", insert+`<timeout connect="20"/>`)), sutler.Busy, `lock database "shop.db"`)
	ctx, cancel := context.WithCancel(t.Context())
	c := call(t, "ExecSQL", insert+`<timeout connect="3600000"/>`)
	c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error { cancel(); return nil })
	wantError(t, "Process", w.sql.Process(ctx, c), sutler.Cancelled)
	if err := w.sql.Process(t.Context(), call(t, "Query", request(`select * from customer`, ""))); err != nil {
		t.Errorf("a reader was kept out: %v", err)
	}
	tx.Rollback()

	alone, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer alone.Close()
	if _, err := alone.ExecContext(t.Context(), `begin exclusive`); err != nil { // no one else may even read
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantError(t, "Query", w.sql.Process(ctx, call(t, "Query", request(`select 1`, "")+`<timeout connect="3600000"/>`)), sutler.TimedOut)
	wantError(t, "Query", w.sql.Process(t.Context(), call(t, "Query", request(`select 1`, "")+`<timeout connect="20"/>`)), sutler.Busy)
}

// TestManyAtOnce runs calls of many transactions on one database.
func TestManyAtOnce(t *testing.T) {
	w := newShop(t)
	w.do(t, "shop.db", `pragma journal_mode = wal`)
	const n = 16
	var wg sync.WaitGroup
	errs := make([]error, n)
	for i := range n {
		c := call(t, "ExecSQL", request(fmt.Sprintf(`insert into audit values ('%d')`, i), fmt.Sprintf(`delete from audit where text = '%d'`, i)))
		c.Transaction = sutler.TransactionID(fmt.Sprint("{", i, "}"))
		wg.Go(func() {
			errs[i] = w.sql.Process(context.Background(), c)
			if i%2 == 1 && errs[i] == nil {
				errs[i] = w.sql.Rollback(context.Background(), c)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	c := call(t, "Query", request(`select group_concat(text) as all_of_them from (select text from audit order by cast(text as integer))`, ""))
	if err := w.sql.Process(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if got, want := c.Data.Child("xml").First().Attr("all_of_them"), "0,2,4,6,8,10,12,14"; got != want {
		t.Errorf("left are %s, want %s", got, want)
	}
}

func TestMaxConnCount(t *testing.T) {
	w := newWorld(t, sql.Limits{MaxConnCount: 1, MaxRows: 1})
	w.do(t, "shop.db", shop)
	w.do(t, "other.db", shop)
	c := call(t, "ExecSQL", request(`insert into audit values ('x')`, `delete from audit`))
	query := func(name string) error {
		return w.sql.Process(t.Context(), call(t, "Query", `<connect Database="`+name+`"/><command>select 1</command>`))
	}
	c.Rollback = sutler.NewRollbackData(nil, func(context.Context, []sutler.Pair) error {
		wantError(t, "Query", query("shop.db"), sql.TooManyConnections, "MaxConnCount", "shop.db")
		return query("other.db")
	})
	if err := w.sql.Process(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := query("shop.db"); err != nil {
		t.Errorf("the connection was not given back: %v", err)
	}
	wantError(t, "Query", w.sql.Process(t.Context(), call(t, "Query", request(`select * from customer`, ""))), sutler.LimitReached, "more than 1 rows", "MaxRows")
}

// TestReplacedWhileOpening swaps the database for a link at random moments:
// nothing outside of the root is ever read.
func TestReplacedWhileOpening(t *testing.T) {
	w := newShop(t)
	outside := filepath.Join(t.TempDir(), "out.db")
	w.do(t, "made.db", `create table customer (code); insert into customer values ('outside')`)
	if err := os.Rename(filepath.Join(w.dir, "made.db"), outside); err != nil {
		t.Fatal(err)
	}
	shopFile, link := filepath.Join(w.dir, "shop.db"), filepath.Join(w.dir, "link")
	stop, stopped := make(chan bool), make(chan bool)
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Link(shopFile, filepath.Join(w.dir, "kept"))
			_ = os.Symlink(outside, link)
			_ = os.Rename(link, shopFile)
			_ = os.Rename(filepath.Join(w.dir, "kept"), shopFile)
		}
	}()
	for range 100 {
		c := call(t, "Query", request(`select code from customer where code = 'outside'`, ""))
		if err := w.sql.Process(t.Context(), c); err == nil && c.Data.Child("xml").First() != nil {
			t.Error("a row from outside was read")
		}
	}
	close(stop)
	<-stopped
}

// TestKilled kills a process while its command has written to the file of the
// database and is not done.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("SUTLER_SQL_TEST_DIES_IN"); dir != "" {
		die(t, dir)
	}
	w := newShop(t)
	before := w.dump(t, "shop.db")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), "SUTLER_SQL_TEST_DIES_IN="+w.dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := w.root.Stat("shop.db")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for start := size(); size() < start+1<<20; time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatal("the other process does not write")
		}
	}
	cmd.Process.Kill()
	_ = cmd.Wait()
	c := call(t, "ExecSQL", "")
	c.Rollback.Set("database", "shop.db")
	c.Rollback.Set("undo", `{"sql":"delete from audit"}`)
	if got := w.probe(t, c); got != sutler.NoEffect {
		t.Errorf("Probe = %v, want no effect", got)
	}
	if err := w.sql.Rollback(t.Context(), recovered(t, c)); err != nil {
		t.Errorf("Rollback = %v", err)
	}
	if got := w.dump(t, "shop.db"); got != before {
		t.Errorf("the half of a command is there:\n%.500s", got)
	}
}

// die runs a command that writes more than SQLite keeps in memory and never ends.
func die(t *testing.T, dir string) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := sql.New(root, sql.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	c := call(t, "ExecSQL", request(`with recursive n(x) as (select 1 union all select x + 1 from n) insert into audit select hex(zeroblob(200)) from n`, `delete from audit`))
	t.Fatalf("it ended: %v", p.Process(context.Background(), c))
}

func TestCorruptRollbackData(t *testing.T) {
	w := newShop(t)
	c := call(t, "ExecSQL", "")
	c.Rollback.Set("database", "shop.db")
	c.Rollback.Set("undo", `{`)
	wantError(t, "Rollback", w.sql.Rollback(t.Context(), c), sutler.Corrupt, "shop.db")
}
