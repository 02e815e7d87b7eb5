// Package sql is the SQL Provider (MPF: Provisioning.SQLProvider.1) on SQLite
// and PostgreSQL: one SQL command a call, its parameters bound, its rows as XML.
//
// A command that writes commits together with a row in the table sutler_steps
// of the same database, which holds the transaction and the number of the
// call. So it is always known whether a command happened, whatever crashed
// when, and its undoCommand runs exactly when that row is there and takes the
// row away in the same database transaction. It is also tried, and taken back,
// before the command commits: what cannot be undone does not happen. Commands
// that are transactional need no undoing: they share a database transaction
// that commits with the Sutler transaction (see session).
//
// Commands reach nothing but the database they name. SQLite itself says while
// it compiles a command what the command would do (see guard); attaching and
// detaching databases, VACUUM, PRAGMA, extensions, temporary objects,
// transaction control and the table sutler_steps are refused there. A database
// is a plain file below the root of the provider (see databases). PostgreSQL
// is given commands of known kinds only, one at a time (see verbs), under the
// account of the identity of the call (see login). A connection lives as long as the call, or the
// database transaction, that needs it, so that nothing one command leaves
// behind can meet another one.
//
// Rules that the documents leave open are inferred as said in the comments;
// elements, output and errors are those of provisioning document 4.5.
package sql

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"sutler"
	"sutler/provider"
)

// Source is the providerSource of the SQL Provider.
const Source = "Provisioning.SQLProvider.1"

// The codes of the SQL Provider, beside those of package sutler.
const (
	ConnectFailed      sutler.Code = 0xC0001800 // the database cannot be opened; the text is the database's
	TooManyConnections sutler.Code = 0xC0001801 // Limits.MaxConnCount is reached
	BadElement         sutler.Code = 0xC0001802 // an input element has a bad value
)

// Codes returns the provider's own codes with their explanation.
func Codes() []sutler.CodeInfo {
	return []sutler.CodeInfo{
		{Code: ConnectFailed, Name: "SQLConnectFailed", Title: "the database cannot be opened", Help: "The file is no SQLite database, is damaged, or cannot be opened; or the server of PostgreSQL does not answer, refuses the account, or has ended the connection. The description holds the database's own words."},
		{Code: TooManyConnections, Name: "SQLTooManyConnections", Title: "too many connections to the database", Help: "As many calls use the database as MaxConnCount of the SQL Provider allows. Submit again later."},
		{Code: BadElement, Name: "SQLBadElement", Title: "an input element has a bad value", Help: "An element of executeData is missing, or has a value that the SQL Provider cannot use. The description names it; see the comments of sutler namespace export \"SQL Provider\"."},
	}
}

// Limits bound what calls may use. The zero value is the default.
type Limits struct {
	Connections  string // file of connections to PostgreSQL, see type connections; empty or missing: none
	MaxConnCount int    // connections to one database at once; 0: no limit
	MaxRows      int    // rows one command may return; 0: 4096
}

const defaultMaxRows = 4096

//go:embed namespace.xml
var namespace string

// Namespace returns the source of the namespace "SQL Provider".
func Namespace() []byte { return []byte(namespace) }

// New returns the provider for the databases below root, which stays open as
// long as the provider is used, and for those of PostgreSQL. Its methods may be
// called at once. Between calls it holds nothing open but the database
// transactions of enlisted calls, until their Commit or Rollback. It fails if
// root has no absolute path or a limit is negative.
func New(root *os.Root, l Limits) (provider.Procedures, error) {
	p, err := newDatabases(root, l)
	if err != nil {
		return nil, err
	}
	return p.procedures(), nil
}

func newDatabases(root *os.Root, l Limits) (*databases, error) {
	path, err := filepath.Abs(root.Name())
	if err != nil {
		return nil, fmt.Errorf("cannot use %q as root of the SQL Provider: %w", root.Name(), err)
	}
	if l.MaxRows < 0 || l.MaxConnCount < 0 {
		return nil, fmt.Errorf("cannot limit the SQL Provider to %d connections and %d rows: a limit is negative", l.MaxConnCount, l.MaxRows)
	}
	if l.MaxRows == 0 {
		l.MaxRows = defaultMaxRows
	}
	return &databases{root: root, path: path, limits: l, open: map[string]int{}, sessions: map[sessionKey]*session{}}, nil
}

func (p *databases) procedures() provider.Procedures {
	// Databases that are made and deleted are built and kept aside under names
	// of their own calls: undoing also what was cut short is always safe. For a
	// calling user who has gone see recall.
	return provider.Procedures{
		"ExecSQL":        {Process: p.execSQL, Rollback: p.undoSQL, Prepare: p.prepare, Commit: p.commit, Probe: p.probe, Flushes: true, Enlists: true, NoAnswer: sutler.Probe, UndoAsService: true},
		"Transact":       {Process: p.transact, Rollback: p.undoSQL, Prepare: p.prepare, Commit: p.commit, Probe: p.probe, Flushes: true, Enlists: true, NoAnswer: sutler.Probe, UndoAsService: true},
		"Query":          {Process: p.query},
		"CreateDatabase": {Process: p.createDatabase, Rollback: p.removeDatabase, Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true},
		"DeleteDatabase": {Process: p.trashDatabase, Rollback: p.restoreDatabase, Prepare: p.trashed, Commit: p.emptyTrash, Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true},
	}
}
