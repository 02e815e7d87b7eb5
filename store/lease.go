package store

import (
	"context"
	"database/sql"
	"fmt"

	"sutler"
)

// Lease implements sutler.Leases. It is durable when it returns; from then on
// Append refuses the engine's older numbers. An error leaves the older lease
// in force, or not: ask again. What the engine's older leases left unfinished
// is known to Unfinished afterwards.
func (s *Store) Lease(ctx context.Context, engine sutler.EngineID) (sutler.Lease, error) {
	return s.lease(ctx, engine, engine, nil)
}

// TakeOver implements sutler.Leases. On SQLite a lease of this Store never
// lapses, and those of earlier ones have.
func (s *Store) TakeOver(ctx context.Context, engine sutler.EngineID, fence int64, holder sutler.EngineID) (sutler.Lease, error) {
	return s.lease(ctx, engine, holder, func(tx *sql.Tx, now int64) error {
		var newest sql.NullInt64
		if err := tx.QueryRowContext(ctx, "SELECT fence FROM engine WHERE name = $1", string(engine)).Scan(&newest); err != nil && !noRows(err) {
			return err
		}
		if newest.Int64 != fence {
			return sutler.Errorf(sutler.Conflict, "its newest lease is %d and no longer %d", newest.Int64, fence)
		}
		alive, err := s.alive(ctx, tx, fence, now)
		if err != nil {
			return err
		}
		if alive {
			return sutler.Errorf(sutler.Conflict, "its lease %d is alive", fence)
		}
		return nil
	})
}

func (s *Store) lease(ctx context.Context, engine, holder sutler.EngineID, check func(tx *sql.Tx, now int64) error) (sutler.Lease, error) {
	if engine == "" {
		return sutler.Lease{}, sutler.Errorf(sutler.BadInput, "cannot give a lease: the engine has no name")
	}
	l := sutler.Lease{Engine: engine}
	err := s.change(ctx, func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx)
		var before int64
		if err := tx.QueryRowContext(ctx, s.dialect.takeEngine, string(engine)).Scan(&before); err != nil && !noRows(err) {
			return err
		}
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		if check != nil {
			if err := check(tx, now); err != nil {
				return err
			}
		}
		if err := tx.QueryRowContext(ctx, "UPDATE state SET fence = fence + 1 RETURNING fence").Scan(&l.Fence); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO lease (fence, engine, granted, seen, ended, holder) VALUES ($1, $2, $3, $3, 0, $4)", l.Fence, string(engine), now, string(holder)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "INSERT INTO engine (name, fence, state) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET fence = excluded.fence",
			string(engine), l.Fence, string(sutler.EngineActive))
		if err == nil { // also when the commit fails: then nobody has the number
			s.index.own(engine, l.Fence)
			if !s.dialect.shared {
				s.newest[engine] = l.Fence
			}
		}
		return err
	})
	if err == nil && s.dialect.shared {
		err = s.adopt(context.WithoutCancel(ctx), s.db, engine)
	}
	if err != nil {
		return sutler.Lease{}, fmt.Errorf("cannot give a lease to engine %q: %w", engine, err)
	}
	s.index.own(engine, l.Fence)
	return l, nil
}

// passFences sees to it that no fencing number is given again of which the
// index tells already: an older copy of the database may have taken the place
// of the one that the index belongs to.
func (s *Store) passFences(ctx context.Context, db *sql.DB) error {
	var told, given int64
	if err := s.index.db.QueryRowContext(ctx, "SELECT coalesce(max(fence), 0) FROM mark").Scan(&told); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "SELECT fence FROM state").Scan(&given); err != nil || given >= told {
		return err
	}
	s.log.Warn("the database is older than its index: what came after this copy is lost", "database", s.place(), "lease", given, "index", told,
		"do", "if the copy was put back on purpose, remove the index, too, before the next start")
	_, err := db.ExecContext(ctx, "UPDATE state SET fence = $1", told)
	return err
}

// alive reports whether a lease holds at a time by the clock of leases.
func (s *Store) alive(ctx context.Context, q querier, fence, now int64) (bool, error) {
	var seen, ended int64
	var engine sutler.EngineID
	err := q.QueryRowContext(ctx, "SELECT engine, seen, ended FROM lease WHERE fence = $1", fence).Scan(&engine, &seen, &ended)
	if noRows(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.holds(engine, seen, ended, now), nil
}

func (s *Store) holds(engine sutler.EngineID, seen, ended, now int64) bool {
	if ended != 0 {
		return false
	}
	if !s.dialect.shared {
		fence, _ := s.index.owns(engine)
		return fence != 0
	}
	return now-seen < sutler.LeaseTime.Microseconds()
}

// Renew implements sutler.Leases.
func (s *Store) Renew(ctx context.Context, l sutler.Lease) error {
	return s.touchLease(ctx, l, "renew", "UPDATE lease SET seen = $1 WHERE fence = $2 AND ended = 0 AND EXISTS (SELECT 1 FROM engine WHERE name = $3 AND fence = $2)", true)
}

// Release implements sutler.Leases.
func (s *Store) Release(ctx context.Context, l sutler.Lease) error {
	return s.touchLease(ctx, l, "end", "UPDATE lease SET ended = $1 WHERE fence = $2 AND engine = $3 AND ended = 0", false)
}

func (s *Store) touchLease(ctx context.Context, l sutler.Lease, what, command string, must bool) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		ctx := context.WithoutCancel(ctx)
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, command, now, l.Fence, string(l.Engine))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n > 0 || !must {
			return err
		}
		return refusedLease(l)
	})
	if err != nil {
		return fmt.Errorf("cannot %s lease %d of engine %q: %w", what, l.Fence, l.Engine, err)
	}
	return nil
}

// Engines implements sutler.Leases.
func (s *Store) Engines(ctx context.Context) ([]sutler.EngineInfo, error) {
	reads := s.reads.Load()
	now, err := s.clock(ctx, reads)
	if err != nil {
		return nil, fmt.Errorf("cannot list the engines: %w", err)
	}
	rows, err := reads.QueryContext(ctx, "SELECT e.name, e.state, e.fence, l.granted, l.seen, l.ended, l.holder FROM engine e JOIN lease l ON l.fence = e.fence ORDER BY e.name")
	if err != nil {
		return nil, fmt.Errorf("cannot list the engines: %w", err)
	}
	defer rows.Close()
	var all []sutler.EngineInfo
	for rows.Next() {
		var e sutler.EngineInfo
		var granted, seen, ended int64
		if err := rows.Scan(&e.Name, &e.State, &e.Fence, &granted, &seen, &ended, &e.Holder); err != nil {
			return nil, fmt.Errorf("cannot list the engines: %w", err)
		}
		e.Granted, e.Seen, e.Alive = timeOf(granted), timeOf(seen), s.holds(e.Name, seen, ended, now)
		all = append(all, e)
	}
	return all, rows.Err()
}

// engineNames returns the names of all engines.
func (s *Store) engineNames(ctx context.Context, q querier) ([]sutler.EngineID, error) {
	rows, err := q.QueryContext(ctx, "SELECT name FROM engine ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []sutler.EngineID
	for rows.Next() {
		var name sutler.EngineID
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		all = append(all, name)
	}
	return all, rows.Err()
}

// SetEngineState implements sutler.Leases.
func (s *Store) SetEngineState(ctx context.Context, engine sutler.EngineID, state sutler.EngineState) error {
	switch state {
	case sutler.EngineActive, sutler.EngineDraining, sutler.EngineInactive:
	default:
		return sutler.Errorf(sutler.BadInput, "cannot make engine %q %q: want active, draining or inactive", engine, state)
	}
	err := s.change(ctx, func(tx *sql.Tx) error {
		result, err := tx.Exec("UPDATE engine SET state = $1 WHERE name = $2", string(state), string(engine))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			if err != nil {
				return err
			}
			return sutler.Errorf(sutler.NotFound, "there is no engine of that name")
		}
		return s.stamp(tx, "engines")
	})
	if err != nil {
		return fmt.Errorf("cannot make engine %q %s: %w", engine, state, err)
	}
	s.changed.tell()
	return nil
}
