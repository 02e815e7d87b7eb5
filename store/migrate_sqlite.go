package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"

	"github.com/pressly/goose/v3"

	"sutler"
)

// chainTables are the tables of the log since it is chained; see the same
// tables in migrations/postgres for what they hold.
const chainTables = `
ALTER TABLE log RENAME TO log_before;
ALTER TABLE lease RENAME TO lease_before;
DROP TABLE tx;
ALTER TABLE state DROP COLUMN indexed;
ALTER TABLE state ADD COLUMN settings INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN engines INTEGER NOT NULL DEFAULT 0;
ALTER TABLE state ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
CREATE TABLE engine (name TEXT PRIMARY KEY, fence INTEGER NOT NULL, state TEXT NOT NULL) STRICT;
CREATE TABLE lease (
	fence INTEGER PRIMARY KEY, engine TEXT NOT NULL, granted INTEGER NOT NULL, seen INTEGER NOT NULL, ended INTEGER NOT NULL, holder TEXT NOT NULL
) STRICT;
CREATE TABLE log (
	sequence INTEGER PRIMARY KEY, micros INTEGER NOT NULL, records BLOB NOT NULL, link BLOB NOT NULL
) STRICT;
CREATE TABLE cut (fence INTEGER PRIMARY KEY, number INTEGER NOT NULL, link BLOB NOT NULL) STRICT;
CREATE TABLE client (
	trustee TEXT NOT NULL, client TEXT NOT NULL, tx TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (trustee, client)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_by_time ON client (at);
CREATE TABLE checkpoint (number INTEGER PRIMARY KEY, statement BLOB NOT NULL) STRICT;
CREATE TABLE audit_command (
	tx TEXT NOT NULL, seq INTEGER NOT NULL, place INTEGER NOT NULL, command TEXT NOT NULL,
	tries INTEGER NOT NULL, due INTEGER NOT NULL, error TEXT NOT NULL, PRIMARY KEY (tx, seq, place)
) STRICT;
`

// chainMigration takes a log of the first form, whose rows had a digest each,
// into the chained form. Rows that were damaged stay so: their link fits
// nothing.
var chainMigration = goose.NewGoMigration(2, &goose.GoFunc{RunTx: chainOldLog}, nil)

func chainOldLog(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, chainTables); err != nil {
		return err
	}
	chains := map[sutler.Lease]*chain{}
	if err := eachOldRow(ctx, tx, func(g *oldGroup) error { return g.chain(ctx, tx, chains) }); err != nil {
		return err
	}
	for _, command := range []string{
		`INSERT INTO lease SELECT fence, engine, granted, granted, 0, engine FROM lease_before WHERE true
			ON CONFLICT (fence) DO UPDATE SET granted = excluded.granted, seen = excluded.seen`,
		`INSERT INTO engine SELECT engine, max(fence), 'active' FROM lease GROUP BY engine`,
		`UPDATE state SET fence = (SELECT coalesce(max(fence), 0) FROM lease)`,
		`DROP TABLE lease_before`,
		`DROP TABLE log_before`,
	} {
		if _, err := tx.ExecContext(ctx, command); err != nil {
			return err
		}
	}
	return nil
}

// eachOldRow calls f for every row of the log of the first form. The rows are
// read one by one, because the connection that reads them also writes.
func eachOldRow(ctx context.Context, tx *sql.Tx, f func(*oldGroup) error) error {
	for last := int64(0); ; {
		var g oldGroup
		err := tx.QueryRowContext(ctx, "SELECT sequence, engine, fence, records, digest FROM log_before WHERE sequence > $1 ORDER BY sequence LIMIT 1", last).
			Scan(&g.sequence, &g.lease.Engine, &g.lease.Fence, &g.records, &g.digest)
		if noRows(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := f(&g); err != nil {
			return fmt.Errorf("group %d: %w", g.sequence, err)
		}
		last = g.sequence
	}
}

// oldGroup is a row of the log of the first form.
type oldGroup struct {
	sequence int64
	lease    sutler.Lease
	records  []byte
	digest   []byte
}

// sum returns the SHA-256 of everything in the row.
func (g *oldGroup) sum() []byte {
	h := sha256.New()
	var n [3 * 8]byte
	binary.BigEndian.PutUint64(n[0:], uint64(g.sequence))
	binary.BigEndian.PutUint64(n[8:], uint64(g.lease.Fence))
	binary.BigEndian.PutUint64(n[16:], uint64(len(g.lease.Engine)))
	h.Write(n[:])
	h.Write([]byte(g.lease.Engine))
	h.Write(g.records)
	return h.Sum(nil)
}

// chain writes the row into the chained log, and the lease and the
// clientTransactionIds that it tells of into their tables.
func (g *oldGroup) chain(ctx context.Context, tx *sql.Tx, chains map[sutler.Lease]*chain) error {
	c := chains[g.lease]
	if c == nil {
		c = newChain(g.lease)
		chains[g.lease] = c
		if _, err := tx.ExecContext(ctx, "INSERT INTO lease VALUES ($1, $2, 0, 0, 0, $2)", g.lease.Fence, string(g.lease.Engine)); err != nil {
			return err
		}
	}
	next := group{records: g.records}
	rs, err := next.decode()
	if err != nil || string(g.digest) != string(g.sum()) {
		rs = nil
	}
	for i := range rs {
		r := &rs[i]
		next.micros = max(next.micros, micros(r.At))
		if r.Kind == sutler.Began && r.Client != "" {
			if _, err := tx.ExecContext(ctx, "INSERT INTO client VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", r.Trustee, r.Client, string(r.Transaction), micros(r.At)); err != nil {
				return err
			}
		}
	}
	c.link(&next)
	stored := next.link[:]
	if rs == nil {
		stored = make([]byte, len(next.link))
	}
	c.take(&next)
	_, err = tx.ExecContext(ctx, "INSERT INTO log VALUES ($1, $2, $3, $4)", next.sequence, next.micros, next.records, stored)
	return err
}
