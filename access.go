package sutler

import (
	"context"
	"fmt"
	"log/slog"
)

// AccessKind says what an AccessRow holds.
type AccessKind string

// The kinds of rows that make up who may do what. The package security reads
// their values; stores keep them as they are.
const (
	AccountRow    AccessKind = "account"    // a user or a group
	ListRow       AccessKind = "list"       // an access list: of engines, queue managers, a namespace, a procedure
	ProcedureRow  AccessKind = "procedure"  // what an administrator sets for a procedure
	CredentialRow AccessKind = "credential" // an execute-as account with its sealed password
	KeysRow       AccessKind = "keys"       // of the keys that seal passwords: which one it is, and the wrapped set; no part of who may do what
)

// AccessRow is one item of what an installation allows.
type AccessRow struct {
	Kind  AccessKind
	Name  string // in lower case
	Value []byte // nil, when put, removes the row
}

// AccessStore keeps who may do what.
type AccessStore interface {
	// Access returns all rows, by kind and name, and their revision, which grows
	// with every change.
	Access(ctx context.Context) ([]AccessRow, int64, error)
	// PutAccess adds, replaces and removes rows, all or none, if the revision
	// is still the given one, and returns the new revision. A changed revision
	// is an error with code Conflict; then nothing was changed.
	PutAccess(ctx context.Context, revision int64, rows ...AccessRow) (int64, error)
}

// Secret is a text that shows itself to nobody by accident: printed, logged or
// written as JSON it is three stars.
type Secret struct{ text string }

// NewSecret returns text as a secret.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text.
func (s Secret) Reveal() string { return s.text }

// Equal reports whether both hold the same text.
func (s Secret) Equal(other Secret) bool { return s.text == other.text }

// Empty reports whether there is no text.
func (s Secret) Empty() bool { return s.text == "" }

// String returns three stars, or nothing for the empty secret.
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "***"
}

// Format prints String whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// GoString returns String.
func (s Secret) GoString() string { return s.String() }

// MarshalText returns String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Sealer encrypts what must not be read at rest. It is safe for concurrent use.
type Sealer interface {
	// Seal encrypts plain for the record of that ID.
	Seal(plain, record []byte) ([]byte, error)
	// Open decrypts what Seal made for the record of that ID. It fails for any
	// other record, for a changed byte, and without the key.
	Open(sealed, record []byte) ([]byte, error)
}
