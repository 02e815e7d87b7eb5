package sutler

import (
	"context"
	"time"
)

// EngineState says whether an engine takes requests (MPF: Server/Active).
type EngineState string

// The states of an engine. A draining one takes nothing new, finishes what it
// has and becomes inactive.
const (
	EngineActive   EngineState = "active"
	EngineDraining EngineState = "draining"
	EngineInactive EngineState = "inactive"
)

// EngineInfo is what the store knows of an engine.
type EngineInfo struct {
	Name    EngineID    `json:"name"`
	State   EngineState `json:"state"`
	Fence   int64       `json:"fence"` // number of its newest lease
	Granted time.Time   `json:"granted,omitzero"`
	Seen    time.Time   `json:"seen,omitzero"`    // its last heartbeat
	Alive   bool        `json:"alive"`            // the lease has neither lapsed nor ended
	Holder  EngineID    `json:"holder,omitempty"` // who renews it: another engine, while that finishes what this one left
}

// LeaseTime is how long a lease holds after its last heartbeat. Its holder
// counts from before it sent the heartbeat, by a clock that counts suspend;
// the store from when it came, by its own clock: so the holder knows first.
const LeaseTime = 5 * time.Second

// Leases gives engines the right to write and tells which of them live. The
// store implements it.
type Leases interface {
	// Lease gives engine a lease with a number higher than any before, to
	// whatever engine, and shuts out its older ones. An engine that is new is active.
	Lease(ctx context.Context, engine EngineID) (Lease, error)
	// TakeOver is Lease for holder, if the engine's newest number is still fence
	// and that lease has lapsed or ended; else it is an error with code Conflict.
	TakeOver(ctx context.Context, engine EngineID, fence int64, holder EngineID) (Lease, error)
	// Renew is the heartbeat: the lease holds for LeaseTime more. Code
	// LogRefused says that a newer one was given.
	Renew(ctx context.Context, l Lease) error
	// Release ends a lease, so that others need not wait until it lapses. An
	// older lease is left alone.
	Release(ctx context.Context, l Lease) error
	// Engines returns all engines by name.
	Engines(ctx context.Context) ([]EngineInfo, error)
	// SetEngineState changes the state of an engine; code NotFound for an unknown one.
	SetEngineState(ctx context.Context, engine EngineID, s EngineState) error
}

// Stamps count the changes of the configuration (MPF: the change stamps of
// Site), so that looking for news is cheap.
type Stamps struct {
	Catalog  int64 // namespaces: the revision
	Settings int64
	Engines  int64 // states of engines
	Access   int64 // who may do what: the revision
}
