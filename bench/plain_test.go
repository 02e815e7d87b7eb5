//go:build linux

package bench_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"sutler"
)

// plain is the least that a durable log can be: one table, appended to by one
// writer that puts what waits into one row and one commit.
type plain struct {
	opener
	insert  *sql.Stmt
	bytes   [][]byte // what one request appends, one after the other
	waiting chan *waiting
	row     int64
}

type waiting struct {
	bytes []byte
	done  chan error
}

// newPlain opens a plain log for requests that append records.
func newPlain(tb testing.TB, o opener, records [][]sutler.Record) *plain {
	tb.Helper()
	at := o.open(tb)
	p := &plain{opener: o, waiting: make(chan *waiting)}
	for _, rs := range records {
		p.bytes = append(p.bytes, sutler.EncodeRecords(nil, rs))
	}
	db, err := sql.Open(at.driver, at.address)
	if err != nil {
		tb.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	table := "CREATE TABLE plain (sequence INTEGER PRIMARY KEY, records BLOB NOT NULL)"
	if at.driver == "pgx" { // not compressed: its bytes are stored as they are
		table = "CREATE TABLE plain (sequence BIGINT PRIMARY KEY, records BYTEA NOT NULL); ALTER TABLE plain ALTER COLUMN records SET STORAGE EXTERNAL"
	}
	if _, err := db.Exec(table); err != nil {
		tb.Fatal(err)
	}
	if p.insert, err = db.Prepare("INSERT INTO plain VALUES ($1, $2)"); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.write()
	}()
	tb.Cleanup(func() {
		close(p.waiting)
		<-ended
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

// write is the writer.
func (p *plain) write() {
	for first := range p.waiting {
		together := []*waiting{first}
		row := append([]byte(nil), first.bytes...)
		for more := true; more && len(together) < 1024; {
			select {
			case w, ok := <-p.waiting:
				if more = ok; ok {
					together = append(together, w)
					row = append(row, w.bytes...)
				}
			default:
				more = false
			}
		}
		p.row++
		_, err := p.insert.Exec(p.row, row)
		for _, w := range together {
			w.done <- err
		}
		runtime.Gosched() // as the store's
	}
}

// measure lets callers append what requests append.
func (p *plain) measure(tb testing.TB, callers int, d time.Duration) measured {
	tb.Helper()
	before := p.row
	m, done := load(tb, p.opener, callers, d, func(int) error {
		for _, b := range p.bytes {
			w := &waiting{b, make(chan error, 1)}
			p.waiting <- w
			if err := <-w.done; err != nil {
				return err
			}
		}
		return nil
	})
	m.Commits = float64(p.row-before) / float64(done)
	return m
}

// syncsPerSecond returns how often the disk takes 4 KiB.
func syncsPerSecond(tb testing.TB, d time.Duration) float64 {
	tb.Helper()
	const block, blocks = 4 << 10, 1024
	f, err := os.Create(filepath.Join(tb.TempDir(), "sync"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	data := make([]byte, block)
	if _, err := f.Write(make([]byte, block*blocks)); err != nil { // so that only data is written below
		tb.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		tb.Fatal(err)
	}
	n := int64(0)
	start := time.Now()
	for time.Since(start) < d {
		data[0]++
		if _, err := f.WriteAt(data, n%blocks*block); err != nil {
			tb.Fatal(err)
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			tb.Fatal(err)
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds()
}
