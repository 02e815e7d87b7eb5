//go:build unix

package crash_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sutler"
	"sutler/store"
	"sutler/sutlertest"
)

// place is where the files of a run lie: in memory, where there is such a file
// system, because what counts is what the disk is told, not how fast it is.
func place(t testing.TB) string {
	t.Helper()
	for _, dir := range []string{"/dev/shm", os.TempDir()} {
		if made, err := os.MkdirTemp(dir, "sutler-crash-"); err == nil {
			t.Cleanup(func() {
				if err := os.RemoveAll(made); err != nil {
					t.Error(err)
				}
			})
			return made
		}
	}
	t.Fatal("there is no place for files")
	return ""
}

// diskRun is one scenario on a store whose disk dies.
type diskRun struct {
	s     *scenario
	dir   string // for the files of all its points
	made  int
	empty string // a store with its tables and nothing else
	world *world
	count int
}

// newDir returns an empty directory.
func (r *diskRun) newDir(t testing.TB) string {
	t.Helper()
	r.made++
	dir := filepath.Join(r.dir, fmt.Sprint(r.made))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func openStore(dir, vfs string) (*store.Store, error) {
	return store.Open(context.Background(), store.Options{
		Path: filepath.Join(dir, "sutler.db"), VFS: vfs, Now: func() time.Time { return time.Unix(1_700_000_000, 0) },
	})
}

// begin starts the scenario on a copy of the empty store, on a new disk.
func (r *diskRun) begin(t testing.TB) (*sutlertest.Disk, *store.Store, *life) {
	t.Helper()
	dir := r.newDir(t)
	if err := os.CopyFS(dir, os.DirFS(r.empty)); err != nil {
		t.Fatal(err)
	}
	d := sutlertest.NewDisk()
	log, err := openStore(dir, d.Name())
	if err != nil {
		t.Fatal(err)
	}
	r.world, r.count = newWorld(log), 0
	l, err := r.s.start(log, r.world, &r.count)
	if err != nil {
		t.Fatal(err)
	}
	return d, log, l
}

// TestCrashDisk lets the disk die at every durable operation of scenarios:
// before it, after it, in the middle of it; what was not synced is lost, or
// half of it, or none. Then the store is opened on what is left and recovered,
// and at every so many points the recovery dies too.
func TestCrashDisk(t *testing.T) {
	dir := place(t)
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := openStore(empty, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	points := 0
	start := time.Now()
	for _, s := range scenarios(t) {
		if s.client && os.Getenv("SUTLER_SOAK") == "" {
			continue // TestCrashLog has them
		}
		t.Run(s.name, func(t *testing.T) {
			runDir := filepath.Join(dir, s.name)
			if err := os.Mkdir(runDir, 0o700); err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(runDir)
			r := &diskRun{s: s, dir: runDir, empty: empty}
			points += r.everyDeath(t)
		})
	}
	t.Logf("%d points in %v", points, time.Since(start).Round(time.Second))
	if want := 10_000; points < want && step == 1 {
		t.Errorf("only %d points, want %d", points, want)
	}
}

var deaths = []sutlertest.Death{sutlertest.Before, sutlertest.After, sutlertest.Torn512, sutlertest.Torn4096}

// secondEvery is how often a recovery dies too.
const secondEvery = 5

func (r *diskRun) everyDeath(t *testing.T) (points int) {
	t.Helper()
	d, log, l := r.begin(t)
	before := d.Operations()
	_, _ = r.s.submit(l)
	operations := d.Operations() - before
	r.world.Release()
	whole := r.finish(t, log)
	for n := 1; n <= operations; n++ {
		for _, how := range deaths {
			for _, left := range []sutlertest.Left{sutlertest.Nothing, sutlertest.Everything, sutlertest.EverySecond} {
				if points++; points%step != 0 {
					continue
				}
				name := fmt.Sprintf("operation %d of %d, death %d, left %d", n, operations, how, left)
				image, told := r.die(t, n, how, left)
				if points%secondEvery == 0 {
					points++
					name += ", and again in the recovery"
					image = r.dieAgain(t, image, points)
				}
				for _, bad := range r.judge(t, image, told, whole) {
					t.Errorf("%s: %s", name, bad)
				}
			}
		}
	}
	return points
}

// finish recovers until the pauses are over and returns the effects.
func (r *diskRun) finish(t *testing.T, log *store.Store) []string {
	t.Helper()
	for range r.s.pauses {
		l, err := r.s.start(log, r.world, &r.count)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.RecoverAll(t.Context(), l.lease); err != nil {
			t.Error(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	return r.world.Effects()
}

// die runs the scenario to its death and returns what is left of the disk and
// what the caller was told.
func (r *diskRun) die(t *testing.T, n int, how sutlertest.Death, left sutlertest.Left) (image string, told answer) {
	t.Helper()
	d, log, l := r.begin(t)
	d.DieAt(n, how)
	told.resp, told.err = r.s.submit(l)
	r.world.Release()
	image = r.newDir(t)
	if err := d.Image(image, left); err != nil {
		t.Fatal(err)
	}
	_ = log.Close() // its disk is dead
	return image, told
}

// dieAgain recovers from what is left, on a disk that dies in it.
func (r *diskRun) dieAgain(t *testing.T, image string, point int) string {
	t.Helper()
	d := sutlertest.NewDisk()
	log, err := openStore(image, d.Name())
	if err != nil {
		t.Fatal(err)
	}
	r.world.setLog(log)
	if l, err := r.s.start(log, r.world, &r.count); err == nil {
		d.DieAt(1+point%17, deaths[point%len(deaths)])
		_ = l.RecoverAll(t.Context(), l.lease)
	}
	next := r.newDir(t)
	if err := d.Image(next, sutlertest.Left(point%3)); err != nil {
		t.Fatal(err)
	}
	_ = log.Close()
	return next
}

// judge recovers from what is left and looks for violations.
func (r *diskRun) judge(t *testing.T, image string, told answer, whole []string) []string {
	t.Helper()
	log, err := openStore(image, "")
	if err != nil {
		return []string{err.Error()}
	}
	defer log.Close()
	r.world.setLog(log)
	for range 1 + len(r.s.pauses) {
		l, err := r.s.start(log, r.world, &r.count)
		if err != nil {
			return []string{err.Error()}
		}
		if err := l.RecoverAll(t.Context(), l.lease); err != nil {
			return []string{err.Error()}
		}
	}
	bad := chains(t, log)
	list, err := log.Transactions(t.Context(), sutler.Filter{Limit: 10})
	if err != nil || len(list) > 1 {
		return append(bad, fmt.Sprintf("%d transactions, %v", len(list), err))
	}
	if len(list) == 0 {
		return append(bad, violations(nil, nil, r.world, told, whole)...)
	}
	records, err := log.Records(t.Context(), list[0].ID)
	if err != nil {
		return append(bad, err.Error())
	}
	tx, err := sutler.Fold(records)
	if err != nil {
		return append(bad, err.Error())
	}
	return append(bad, violations(tx, records, r.world, told, whole)...)
}

// chains looks whether every row of the log is linked to the one before it.
func chains(t *testing.T, log *store.Store) (bad []string) {
	t.Helper()
	heads, err := log.Heads(t.Context())
	if err != nil {
		return []string{err.Error()}
	}
	for _, h := range heads {
		link, number := sutler.FirstLink(h.Lease), int64(0)
		err := log.Rows(t.Context(), h.Lease, 1, func(r sutler.ChainRow) error {
			link, number = link.Next(r.Number, r.Micros, r.Records), number+1
			if r.Number != number || r.Link != link {
				bad = append(bad, fmt.Sprintf("row %d of chain %d does not fit", r.Number, h.Lease.Fence))
			}
			return nil
		})
		if err != nil {
			bad = append(bad, err.Error())
		}
	}
	return bad
}
