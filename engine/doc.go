// Package engine runs one request as one transaction: whole, or undone.
//
// It has two layers. The walk (walk.go, step.go, transfer.go, transform.go,
// call.go) goes through the compiled program of a request. It is
// single-threaded and touches the outside only through the interface world, so
// that two runs with the same request, programs and answers do exactly the
// same. The local world (world.go) calls providers with a deadline each,
// settles calls that gave no answer, and keeps the journal.
//
// The journal (journal.go) is the list of records of a transaction; a prefix
// of it is durable. First the log, then the world: a provider acts only after
// the record that says so is durable. Records that may wait ride with the next
// one that may not, so that a transaction of n write steps costs n+1 commits.
//
// Whether a call may be made, and as whom, is decided in permit.go by the rules
// of package security. What explains a decision (explain.go, who_can.go) asks
// the same functions and runs nothing.
//
// There is one way back: rollback (rollback.go) serves a failed step and the
// transaction of a dead engine alike, because it needs the journal only. If
// the log fails, the engine lets go: it touches nothing more, and recovery
// (recover.go) finishes the transaction from what is durable.
package engine
