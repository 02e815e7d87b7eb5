//go:build unix

package main_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sutler"
	"sutler/client"
	"sutler/sutlertest"
)

// built builds the program, without the race detector.
func built(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "sutler")
	c := exec.Command("go", "build", "-o", program, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return program
}

// server is a real server in a process of its own.
type server struct {
	t       *testing.T
	program string
	data    string
	args    []string
	cmd     *exec.Cmd
}

// start starts the server and waits until it answers.
func (s *server) start() {
	s.t.Helper()
	_ = os.Remove(filepath.Join(s.data, client.AddressFile))
	s.cmd = exec.Command(s.program, append([]string{"serve", "--data", s.data, "--listen", "127.0.0.1:0"}, s.args...)...)
	file, err := os.OpenFile(s.data+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer file.Close()
	s.cmd.Stderr = file
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.wait("the server answers", time.Minute, func() bool {
		address, err := os.ReadFile(filepath.Join(s.data, client.AddressFile))
		if err != nil {
			return false
		}
		res, err := http.Get("http://" + strings.TrimSpace(string(address)) + "/healthz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// coreless fails unless the server leaves no core dumps.
func (s *server) coreless() {
	s.t.Helper()
	if runtime.GOOS != "linux" {
		return
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", s.cmd.Process.Pid))
	if err != nil || !regexp.MustCompile(`(?m)^Max core file size +0 +0 `).Match(limits) {
		s.t.Errorf("the server may dump core (%v):\n%s", err, limits)
	}
}

func (s *server) logged() string {
	text, _ := os.ReadFile(s.data + ".log")
	return string(text)
}

func (s *server) wait(what string, within time.Duration, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(within); !ok(); time.Sleep(3 * time.Millisecond) {
		if time.Now().After(deadline) {
			text := s.logged()
			s.t.Fatalf("not within %v: %s\n%s", within, what, text[max(0, len(text)-4000):])
		}
	}
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// kill ends the server as a loss of power would.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

func (s *server) dial() *client.Client {
	s.t.Helper()
	c, err := client.New(client.Options{Data: s.data})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// order is one request of a caller, and what is known of it.
type order struct {
	name  string
	fails bool
	told  sutler.Status // acknowledged; "" when the answer was lost
	lost  bool          // the answer was lost at first: it may have been undone
}

func (o *order) submission() client.Submission {
	steps := fmt.Sprintf(`<execute namespace="File System Provider" procedure="CreateDirectory"><executeData><dirName>%s</dirName><sourcePath path="."/></executeData></execute>
		<execute namespace="File System Provider" procedure="CreateFile"><executeData><fileName>file</fileName><sourcePath path="%s"/><content>%s</content></executeData></execute>`, o.name, o.name, o.name)
	if o.fails {
		steps += `<execute namespace="Fault Namespace" procedure="FailWrite"><executeData/></execute>`
	}
	return client.Submission{Trusted: true, Request: fmt.Sprintf(`<request><context><clientContext clientTransactionId="%s"/></context><data/><procedure>%s</procedure></request>`, o.name, steps)}
}

// right reports whether the order came to what it may come to.
func (o *order) right() bool {
	return o.told == sutler.Committed && !o.fails || o.told == sutler.RolledBack && (o.fails || o.lost)
}

// send submits the order and notes what the caller is told.
func (o *order) send(ctx context.Context, c *client.Client) error {
	resp, err := c.Send(ctx, o.submission())
	if resp != nil && resp.Status.Final() && resp.Transaction != "" {
		o.told = resp.Status
		return nil
	}
	o.lost = true
	return err
}

// callers lets n callers send orders until ctx ends, counts the answers, and
// returns the orders.
func callers(ctx context.Context, n int, prefix string, answers *atomic.Int64, dial func(i int) *client.Client) []*order {
	var mu sync.Mutex
	var all []*order
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			c := dial(i)
			defer c.Close()
			for k := 0; ctx.Err() == nil; k++ {
				o := &order{name: fmt.Sprintf("%s-%d-%d", prefix, i, k), fails: (i+k)%4 == 0}
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
				if o.send(context.Background(), c) != nil {
					return // the server is gone
				}
				answers.Add(1)
			}
		})
	}
	wg.Wait()
	return all
}

// violated compares orders, all of which have been answered in the end, with
// the world.
func violated(root string, orders []*order) (bad []string) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return []string{err.Error()}
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.Name()] = true
	}
	for _, o := range orders {
		if !o.right() {
			bad = append(bad, fmt.Sprintf("%s (to fail: %v, its first answer lost: %v) came to %q", o.name, o.fails, o.lost, o.told))
		}
		text, err := os.ReadFile(filepath.Join(root, o.name, "file"))
		whole := err == nil && string(text) == o.name
		if committed := o.told == sutler.Committed; whole != committed || there[o.name] != committed {
			bad = append(bad, fmt.Sprintf("%s is %s; its directory is there: %v, whole: %v", o.name, o.told, there[o.name], whole))
		}
		delete(there, o.name)
	}
	for name := range there {
		bad = append(bad, name+" belongs to nobody")
	}
	return bad
}

// settle submits what was not answered once more, under its clientTransactionId,
// and wants what was acknowledged to stay so.
func settle(t *testing.T, c *client.Client, orders []*order) {
	t.Helper()
	for _, o := range orders {
		told := o.told
		if err := o.send(t.Context(), c); err != nil {
			t.Errorf("%s, once more: %v", o.name, err)
		}
		if told != "" && o.told != told {
			t.Errorf("%s was acknowledged as %s and is %s", o.name, told, o.told)
		}
	}
}

// TestKillServer kills a server under 16 callers at random moments, again and
// again on the same data. SUTLER_SOAK makes it 2,000 kills.
func TestKillServer(t *testing.T) {
	kills := 200
	if os.Getenv("SUTLER_SOAK") != "" {
		kills = 2000
	}
	dir := t.TempDir()
	root := filepath.Join(dir, "world")
	s := &server{t: t, program: built(t), data: filepath.Join(dir, "data"), args: []string{"--root", root}}
	defer s.kill()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var orders []*order
	answered := 0
	for round := range kills {
		s.start()
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan []*order)
		var answers atomic.Int64
		go func() {
			done <- callers(ctx, 16, fmt.Sprint("r", round), &answers, func(int) *client.Client { return s.dial() })
		}()
		// After so many answers, and then at any moment of the next ones.
		enough := r.Int64N(30)
		s.wait("callers are answered", time.Minute, func() bool { return answers.Load() >= enough })
		time.Sleep(time.Duration(r.Int64N(int64(3 * time.Millisecond))))
		s.kill()
		stop()
		for _, o := range <-done {
			if o.told != "" {
				answered++
			}
			orders = append(orders, o)
		}
	}
	s.start()
	s.coreless()
	c := s.dial()
	defer c.Close()
	settle(t, c, orders)
	for _, bad := range violated(root, orders) {
		t.Error(bad)
	}
	for _, status := range []sutler.Status{sutler.Active, sutler.Preparing, sutler.Committing, sutler.RollingBack, sutler.InDoubt, sutler.RollbackFailed} {
		if list, err := c.Transactions(t.Context(), sutler.Filter{Status: status}); err != nil || len(list) > 0 {
			t.Errorf("%d transactions are %s, %v", len(list), status, err)
			for _, tx := range list {
				whole, err := c.Transaction(t.Context(), tx.ID)
				t.Logf("%s %s %s: %+v, %v", tx.ID, tx.Client, tx.Started, whole, err)
			}
		}
	}
	t.Logf("%d kills, %d requests, %d answered before a kill", kills, len(orders), answered)
	if answered < kills/2 || answered == len(orders) {
		t.Errorf("%d of %d requests were answered: this shows nothing", answered, len(orders))
	}
	// What the comparison is good for: a half customer, and one too many.
	victim := orders[len(orders)-1]
	for _, o := range orders {
		if o.told == sutler.Committed {
			victim = o
		}
	}
	if err := os.Remove(filepath.Join(root, victim.name, "file")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(root, "nobodys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if bad := violated(root, orders); len(bad) != 2 {
		t.Errorf("of two planted violations it finds %v", bad)
	}
}

// engines are two servers on one PostgreSQL database and one world.
type engines struct {
	postgres *sutlertest.Postgres
	a, b     *server
	root     string
}

func twoEngines(t *testing.T, program string, p *sutlertest.Postgres) *engines {
	t.Helper()
	dir, address := t.TempDir(), p.Database(t)
	e := &engines{postgres: p, root: filepath.Join(dir, "world")}
	for i, s := range []**server{&e.a, &e.b} {
		name := string(rune('a' + i))
		*s = &server{t: t, program: program, data: filepath.Join(dir, name), args: []string{"--root", e.root, "--database", address, "--engine", name}}
		if i > 0 { // it needs the keys of the first
			keys, err := os.ReadFile(filepath.Join(e.a.data, "seal.keys"))
			if err == nil {
				err = errors.Join(os.Mkdir((*s).data, 0o700), os.WriteFile(filepath.Join((*s).data, "seal.keys"), keys, 0o600))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		(*s).start()
		t.Cleanup((*s).kill)
	}
	return e
}

// TestKillEngines lets two engines share a database and does to them what can
// be done to a machine.
func TestKillEngines(t *testing.T) {
	program := built(t)
	p := sutlertest.StartPostgres(t)
	t.Run("killed in mid-transaction", func(t *testing.T) { testTakenOver(t, twoEngines(t, program, p)) })
	t.Run("frozen", func(t *testing.T) { testFrozen(t, twoEngines(t, program, p)) })
	t.Run("database restarted", func(t *testing.T) { testDatabaseRestarted(t, twoEngines(t, program, p)) })
}

// testTakenOver kills one engine in the middle of a transaction: the other
// finishes it within ten seconds. Before that, a namespace that is imported at
// the one is used by the other within a second.
func testTakenOver(t *testing.T, e *engines) {
	a, b := e.a.dial(), e.b.dial()
	defer a.Close()
	defer b.Close()
	if problems, err := a.Register(t.Context(), sutler.Caller{}, sutler.Source{File: "new.xml", Text: []byte(
		`<namespace name="New"><procedure name="P" access="public"><execute namespace="Fault Namespace" procedure="Count"/></procedure></namespace>`)}); err != nil {
		t.Fatal(err, problems)
	}
	e.b.wait("the other engine uses the namespace", time.Second, func() bool {
		_, err := b.Send(t.Context(), client.Submission{Namespace: "New", Procedure: "P", Request: `<request/>`})
		return err == nil
	})
	go func() {
		_, _ = a.Send(context.Background(), client.Submission{Trusted: true, Request: `<request><procedure>
			<execute namespace="File System Provider" procedure="CreateDirectory"><executeData><dirName>half</dirName><sourcePath path="."/></executeData></execute>
			<execute namespace="Fault Namespace" procedure="Sleep"><executeData><milliseconds>600000</milliseconds></executeData></execute></procedure></request>`})
	}()
	made := filepath.Join(e.root, "half")
	e.a.wait("the first call acts", time.Minute, func() bool { _, err := os.Stat(made); return err == nil })
	killed := time.Now()
	e.a.kill()
	e.b.wait("the other engine undoes it", 10*time.Second, func() bool { _, err := os.Stat(made); return os.IsNotExist(err) })
	t.Logf("taken over and undone after %v", time.Since(killed).Round(10*time.Millisecond))
	e.b.wait("it is rolled back", 10*time.Second, func() bool {
		list, err := b.Transactions(t.Context(), sutler.Filter{Status: sutler.RolledBack})
		return err == nil && len(list) == 1
	})
	e.a.start() // under its old name
	e.a.kill()
}

// testFrozen stops an engine in a call for longer than its lease. The other
// undoes the transaction; when the first wakes, the call acts, too late: that
// is undone again.
func testFrozen(t *testing.T, e *engines) {
	a, b := e.a.dial(), e.b.dial()
	defer a.Close()
	defer b.Close()
	create := `<request><procedure><execute namespace="SQL Provider" procedure="CreateDatabase"><executeData><connect Database="late.db"/></executeData></execute>
		<execute namespace="SQL Provider" procedure="ExecSQL"><executeData><connect Database="late.db"/><command>create table t (n integer)</command><undoCommand>drop table t</undoCommand></executeData></execute></procedure></request>`
	if _, err := a.Send(t.Context(), client.Submission{Trusted: true, Request: create}); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(e.root, "late.db")+"?_pragma=busy_timeout(20000)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	lock, err := db.Begin() // the call must wait for it, after its record is durable
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := a.Send(context.Background(), client.Submission{Trusted: true, Request: `<request><procedure><execute namespace="SQL Provider" procedure="ExecSQL"><executeData>
			<connect Database="late.db"/><timeout connect="120000"/><command>insert into t values (1)</command><undoCommand>delete from t</undoCommand></executeData></execute></procedure></request>`})
		answered <- err
	}()
	e.a.wait("the call has begun", time.Minute, func() bool {
		list, err := a.Transactions(t.Context(), sutler.Filter{Status: sutler.Active})
		return err == nil && len(list) == 1
	})
	e.a.signal(syscall.SIGSTOP)
	var id sutler.TransactionID
	e.b.wait("the other engine takes the transaction over", 20*time.Second, func() bool {
		list, err := b.Transactions(t.Context(), sutler.Filter{Status: sutler.RollingBack})
		if err == nil && len(list) == 1 {
			id = list[0].ID
		}
		return id != ""
	})
	if err := lock.Rollback(); err != nil {
		t.Fatal(err)
	}
	e.b.wait("the other engine has undone it", time.Minute, func() bool {
		tx, err := b.Transaction(t.Context(), id)
		return err == nil && tx.Status == sutler.RolledBack
	})
	e.a.signal(syscall.SIGCONT)
	if err := <-answered; sutler.CodeOf(err) != sutler.LogRefused {
		t.Errorf("the request that slept is answered with %v, want code LogRefused", err)
	}
	count := func() (n int) {
		if err := db.QueryRow("select count(*) from t").Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	e.b.wait("the late effect is recorded and undone again", 10*time.Second, func() bool {
		tx, err := b.Transaction(t.Context(), id)
		return err == nil && tx.Status == sutler.RolledBack && count() == 0 && strings.Contains(e.a.logged(), "late effect")
	})
}

// testDatabaseRestarted kills the database server under load and starts it
// again: the engines go on by themselves, and nothing is lost or half done.
func testDatabaseRestarted(t *testing.T, e *engines) {
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan []*order)
	go func() {
		var all []*order
		for round := 0; ctx.Err() == nil; round++ { // callers give up when a request fails
			all = append(all, callers(ctx, 8, fmt.Sprint("d", round), new(atomic.Int64), func(i int) *client.Client { return []*server{e.a, e.b}[i%2].dial() })...)
		}
		done <- all
	}()
	for range 2 {
		time.Sleep(500 * time.Millisecond)
		e.postgres.Kill(t)
		e.postgres.Start(t)
		e.a.wait("both engines take requests again", time.Minute, func() bool {
			for _, s := range []*server{e.a, e.b} {
				c := s.dial()
				_, err := c.Send(t.Context(), client.Submission{Trusted: true, Request: `<request><procedure><execute namespace="Fault Namespace" procedure="Count"><executeData/></execute></procedure></request>`})
				c.Close()
				if err != nil {
					return false
				}
			}
			return true
		})
	}
	stop()
	orders := <-done
	c := e.a.dial()
	defer c.Close()
	e.a.wait("everything is at an end", time.Minute, func() bool {
		for _, status := range []sutler.Status{sutler.Active, sutler.RollingBack, sutler.Committing} {
			if list, err := c.Transactions(t.Context(), sutler.Filter{Status: status}); err != nil || len(list) > 0 {
				return false
			}
		}
		return true
	})
	settle(t, c, orders)
	for _, bad := range violated(e.root, orders) {
		t.Error(bad)
	}
	t.Logf("%d requests", len(orders))
}
