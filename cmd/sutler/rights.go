package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"sutler"
)

// How rights that are withdrawn somewhere else come into force here.
const (
	pollStamps = 2 * time.Second // between looks for changes that nobody told of
	staleAfter = 5 * time.Second // how old the last look that succeeded may be for somebody to be let do something
	lookTime   = 2 * time.Second // that one look, or waiting for one, may take
)

// rights knows how old the picture of who may do what is. Whoever is let do
// something asks it: beyond 5 seconds it looks itself, and if that fails
// nobody is let do anything, as rights may have been withdrawn.
type rights struct {
	look func(context.Context) error // makes the picture one of a moment after the call
	now  func() time.Duration        // a clock that is never set and goes on while the machine sleeps

	one   chan struct{} // held by who looks
	good  atomic.Int64  // when the last look that succeeded began
	tried time.Duration // when the last look ended; by who holds one
	err   error         // what came of it
}

func newRights(now func() time.Duration, look func(context.Context) error) *rights {
	r := &rights{look: look, now: now, one: make(chan struct{}, 1)}
	r.good.Store(int64(now() - 2*staleAfter))
	return r
}

func (r *rights) fresh() bool { return r.now()-time.Duration(r.good.Load()) <= staleAfter }

// poll looks for changes.
func (r *rights) poll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	select {
	case r.one <- struct{}{}:
		defer func() { <-r.one }()
		return r.lookNow(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *rights) lookNow(ctx context.Context) error {
	began := r.now()
	if r.err = r.look(ctx); r.err == nil {
		r.good.Store(int64(began))
	}
	r.tried = r.now()
	return r.err
}

// current returns nil if the picture is at most 5 seconds old, after one more look
// if need be; else an error with code AccessUnknown. Of many who ask at once one looks.
func (r *rights) current(ctx context.Context) error {
	if r.fresh() {
		return nil
	}
	asked := r.now()
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	err := error(nil)
	select {
	case r.one <- struct{}{}:
		defer func() { <-r.one }()
		switch {
		case r.fresh():
			return nil
		case r.tried > asked:
			err = r.err
		default:
			err = r.lookNow(ctx)
		}
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err == nil {
		return nil
	}
	return sutler.Errorf(sutler.AccessUnknown, "it could not be read for %s who may do what: %w", staleAfter, err)
}

// lookAtRights reads who may do what and the settings about clients, if their change
// stamps say that they have changed. It is called by h.rights alone.
func (h *host) lookAtRights(ctx context.Context) error {
	stamps, err := h.Store.Stamps(ctx)
	if err != nil || stamps.Access == h.rightsOf.Access && stamps.Settings == h.rightsOf.Settings {
		return err
	}
	if err := h.Engine.RefreshAccess(ctx); err != nil {
		return err
	}
	stored, err := h.Store.Settings(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the settings: %w", err)
	}
	h.useSettings(stored)
	h.rightsOf = stamps
	return nil
}
