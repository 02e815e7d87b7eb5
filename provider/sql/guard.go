package sql

import (
	"strings"

	"modernc.org/sqlite"

	"sutler"
)

// stepsTable is the table of this provider in every database it writes to.
const stepsTable = "sutler_steps"

// guard is SQLite's authorizer of one connection: SQLite asks it about each
// thing that a command would do, while it compiles the command and whenever it
// compiles it again, triggers and views included. While it is off, the
// provider's own statements run. It knows what is allowed and refuses the
// rest, so that a later SQLite cannot bring something in.
type guard struct {
	on     bool
	acts   int    // what was allowed since the guard was put on
	writes bool   // one of them writes
	reason string // why something was refused
}

// watch puts the guard on for f and returns what keeps f from running, in
// words, beside f's own error.
func (g *guard) watch(f func() error) error {
	*g = guard{on: true}
	defer func() { g.on = false }()
	err := f()
	if g.reason != "" {
		return sutler.Errorf(sutler.Denied, "%s", g.reason)
	}
	return err
}

func (g *guard) authorize(action sqlite.AuthorizerActionCode, arg1, arg2, database, _ string) sqlite.AuthorizerReturnCode {
	if !g.on {
		return sqlite.AuthorizerOK
	}
	if reason := g.refuse(action, arg1, arg2, database); reason != "" {
		if g.reason == "" {
			g.reason = reason
		}
		return sqlite.AuthorizerDeny
	}
	g.acts++
	return sqlite.AuthorizerOK
}

// refuse returns why the command may not do that, or "". The meaning of the
// arguments is that of https://www.sqlite.org/c3ref/c_alter_table.html.
func (g *guard) refuse(action sqlite.AuthorizerActionCode, arg1, arg2, database string) string {
	switch {
	case strings.EqualFold(arg1, stepsTable) || strings.EqualFold(arg2, stepsTable):
		return "the table " + stepsTable + " is the provider's own"
	case strings.EqualFold(arg1, "sqlite_dbpage"):
		return "the raw pages of a database are not for commands"
	}
	switch action {
	case sqlite.AuthSelect, sqlite.AuthRead, sqlite.AuthRecursive:
		return ""
	case sqlite.AuthFunction:
		if strings.EqualFold(arg2, "load_extension") {
			return "the function load_extension is not allowed"
		}
		return ""
	case sqlite.AuthPragma:
		// Full-text search and the pragma_… tables ask for these while a
		// command runs; a command of its own cannot.
		switch arg1 {
		case "data_version", "table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list":
			if g.acts > 0 {
				return ""
			}
		}
		return "PRAGMA is not allowed"
	case sqlite.AuthCreateVTable, sqlite.AuthDropVTable:
		switch strings.ToLower(arg2) {
		case "fts5", "rtree", "rtree_i32", "geopoly":
		default:
			return "virtual tables of module " + arg2 + " are not allowed"
		}
	case sqlite.AuthInsert, sqlite.AuthUpdate, sqlite.AuthDelete,
		sqlite.AuthCreateTable, sqlite.AuthCreateIndex, sqlite.AuthCreateView, sqlite.AuthCreateTrigger,
		sqlite.AuthDropTable, sqlite.AuthDropIndex, sqlite.AuthDropView, sqlite.AuthDropTrigger,
		sqlite.AuthAlterTable, sqlite.AuthReindex, sqlite.AuthAnalyze:
		if strings.EqualFold(database, "temp") && action != sqlite.AuthUpdate {
			return "temporary tables, views and triggers are not allowed"
		}
	case sqlite.AuthAttach:
		return "attaching a database and VACUUM are not allowed"
	case sqlite.AuthDetach:
		return "detaching a database is not allowed"
	case sqlite.AuthTransaction, sqlite.AuthSavepoint:
		return "BEGIN, COMMIT, ROLLBACK and savepoints are not allowed (each command is a transaction of its own)"
	case sqlite.AuthCreateTempTable, sqlite.AuthCreateTempIndex, sqlite.AuthCreateTempView, sqlite.AuthCreateTempTrigger,
		sqlite.AuthDropTempTable, sqlite.AuthDropTempIndex, sqlite.AuthDropTempView, sqlite.AuthDropTempTrigger:
		return "temporary tables, views and triggers are not allowed"
	default:
		return "the command does something that this provider does not know"
	}
	g.writes = true
	return ""
}
