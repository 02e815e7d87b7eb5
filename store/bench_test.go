package store_test

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sutler"
)

// BenchmarkAppend measures durable Appends of two records of about 300 bytes
// by 1, 16 and 128 callers at once. Its baseline is a plain insert of the same
// bytes into a table of the same database settings, each in a commit of its
// own.
func BenchmarkAppend(b *testing.B) {
	b.Run("baseline", func(b *testing.B) {
		s := open(b, b.TempDir())
		closeStore(b, s)
		db, err := sql.Open("sqlite", "file:"+database(b.TempDir())+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		if _, err := db.Exec("CREATE TABLE log (sequence INTEGER PRIMARY KEY, records BLOB)"); err != nil {
			b.Fatal(err)
		}
		insert, err := db.Prepare("INSERT INTO log (records) VALUES (?)")
		if err != nil {
			b.Fatal(err)
		}
		defer insert.Close()
		blob := sutler.EncodeRecords(nil, benchRecords("{0}", true))
		for b.Loop() {
			if _, err := insert.Exec(blob); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, callers := range []int{1, 16, 128} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			s := open(b, b.TempDir())
			l := lease(b, s, "e")
			b.ReportAllocs()
			b.ResetTimer()
			var next atomic.Int64
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for {
						i := next.Add(1)
						if i > int64(b.N) {
							return
						}
						// A transaction takes two Appends, as one of one step does.
						id := sutler.TransactionID(fmt.Sprintf("{8c2e7a10-93d4-4f5b-%012x}", i/2))
						if err := s.Append(b.Context(), l, benchRecords(id, i%2 == 0)...); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
			b.ReportMetric(float64(b.N)/float64(s.Commits()), "appends/commit")
		})
	}
}

func benchRecords(id sutler.TransactionID, begin bool) []sutler.Record {
	if !begin {
		return []sutler.Record{record(id, sutler.StepDone), record(id, sutler.CommittedTx)}
	}
	started := record(id, sutler.StepStarted)
	started.Context = "<context>" + strings.Repeat("x", 200) + "</context>"
	return []sutler.Record{record(id, sutler.Began), started}
}
