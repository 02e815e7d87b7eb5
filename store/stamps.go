package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"sutler"
)

// channel is that of the NOTIFY by which programs tell each other that the
// configuration has changed.
const channel = "sutler_changed"

// Stamps returns how often each part of the configuration has changed, which
// is cheap to ask.
func (s *Store) Stamps(ctx context.Context) (sutler.Stamps, error) {
	var st sutler.Stamps
	err := s.reads.Load().QueryRowContext(ctx, "SELECT revision, settings, engines, access FROM state").Scan(&st.Catalog, &st.Settings, &st.Engines, &st.Access)
	if err != nil {
		return st, fmt.Errorf("cannot read the change stamps: %w", err)
	}
	return st, nil
}

// stamp counts a change of the settings, engines or accesses and tells other programs.
func (s *Store) stamp(tx *sql.Tx, what string) error {
	if _, err := tx.Exec("UPDATE state SET " + what + " = " + what + " + 1"); err != nil {
		return err
	}
	return s.notify(tx)
}

// notify tells other programs, when tx is committed, that the configuration has changed.
func (s *Store) notify(tx *sql.Tx) error {
	if !s.dialect.shared {
		return nil
	}
	_, err := tx.Exec("SELECT pg_notify($1, '')", channel)
	return err
}

// watchers are those who want to know of changes made by this program.
type watchers struct {
	mu  sync.Mutex
	all map[chan struct{}]bool
}

func (w *watchers) tell() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.all {
		select {
		case c <- struct{}{}:
		default: // it knows already
		}
	}
}

func (w *watchers) add() (c chan struct{}, remove func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[chan struct{}]bool{}
	}
	c = make(chan struct{}, 1)
	w.all[c] = true
	return c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.all, c)
	}
}

// Watch calls changed after each change of the configuration, by whatever
// program, until ctx ends; several changes may be told as one, and one as
// several. While the connection to a PostgreSQL database is lost nothing is
// told; when it is back, changed is called once.
func (s *Store) Watch(ctx context.Context, changed func()) {
	if s.dialect.shared {
		s.listen(ctx, changed)
		return
	}
	c, remove := s.changed.add()
	defer remove()
	for {
		select {
		case <-c:
			changed()
		case <-ctx.Done():
			return
		}
	}
}

// listen waits for notifications on a connection of its own.
func (s *Store) listen(ctx context.Context, changed func()) {
	for ctx.Err() == nil {
		err := s.listenOnce(ctx, changed)
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("cannot listen for changes of the configuration", "error", withoutPassword(err))
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

func (s *Store) listenOnce(ctx context.Context, changed func()) error {
	conn, err := pgx.Connect(ctx, s.options.Database)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	changed() // what was told before LISTEN
	for {
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return err
		}
		changed()
	}
}
