package sutler

import (
	"context"
	"time"

	"sutler/xmltree"
)

// Source is a namespace file as it was handed in.
type Source struct {
	File string
	Text []byte
}

// Namespace is a registered namespace as the configuration store keeps it.
type Namespace struct {
	Name           string    `json:"name"` // in the case as registered; compared without regard to it
	Hash           string    `json:"hash"` // content hash of Text, hexadecimal SHA-256
	File           string    `json:"file,omitempty"`
	Text           []byte    `json:"-"` // the source, byte for byte
	Description    string    `json:"description,omitempty"`
	ProviderSource string    `json:"providerSource,omitempty"`
	Version        int       `json:"version"`
	ReadOnly       bool      `json:"readOnly"`
	Procedures     int       `json:"procedures"` // how many it holds
	Registered     time.Time `json:"registered,omitzero"`
}

// Config is the configuration store.
type Config interface {
	// Namespaces returns all registered namespaces by name and the revision of
	// the catalog, which grows with every change.
	Namespaces(ctx context.Context) ([]Namespace, int64, error)
	// PutNamespaces adds ns or replaces those of the same name, all or none,
	// if the revision is still the given one, and returns the new revision. A
	// changed revision is an error with code Conflict.
	PutNamespaces(ctx context.Context, revision int64, ns ...Namespace) (int64, error)
	// Settings returns every setting that was set.
	Settings(ctx context.Context) (map[string]string, error)
	// SetSetting sets name to value; an empty value removes it.
	SetSetting(ctx context.Context, name, value string) error
}

// Registrar checks and registers namespaces. The engine is the only one.
type Registrar interface {
	// Register compiles and checks srcs and stores all of them or none. The
	// problems hold errors and warnings; err is an *Error when nothing was stored.
	Register(ctx context.Context, from Caller, srcs ...Source) (xmltree.Problems, error)
	// Lint does what Register does without storing.
	Lint(ctx context.Context, from Caller, srcs ...Source) (xmltree.Problems, error)
}

// Filter chooses transactions. Zero fields choose all.
type Filter struct {
	Status Status
	Caller string        // account that asked, in the case as recorded
	After  TransactionID // page: transactions older than this one
	Limit  int           // at most so many; 0: 50
}

// ConfigNamespace stands in place of a namespace in what the log keeps of the
// doings of administrators. It is found in the audit log, and no transaction.
const ConfigNamespace = "MPF Config"

// Monitor reads transactions.
type Monitor interface {
	// Transactions returns the transactions that f chooses, newest first,
	// without their steps and refusals. The doings of administrators are not among them.
	Transactions(ctx context.Context, f Filter) ([]Transaction, error)
	// Transaction returns one transaction with its steps; code NotFound for an
	// unknown one.
	Transaction(ctx context.Context, id TransactionID) (*Transaction, error)
}
