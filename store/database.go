package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations
var migrations embed.FS

// readers is how many connections read at once.
const readers = 4

// writePragmas make a commit durable when it returns. The pages of the
// write-ahead log are copied into the database by the checkpointer; the writer
// does it only when that one lags.
var writePragmas = []string{"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "wal_autocheckpoint(16000)"}

// openSQLite opens the SQLite database at path, which it makes when missing,
// with its tables as this version wants them: db is the connection for
// writing, reads are those for reading.
func openSQLite(ctx context.Context, path, vfs string) (db, reads *sql.DB, err error) {
	if err := makeFile(path); err != nil {
		return nil, nil, err
	}
	if db, err = connectSQLite(path, vfs); err != nil {
		return nil, nil, err
	}
	if err := migrate(ctx, db, sqliteDialect); err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	reads, err = sql.Open("sqlite", dsn(path, vfs, "busy_timeout(5000)", "query_only(1)"))
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	reads.SetMaxOpenConns(readers)
	reads.SetMaxIdleConns(readers)
	return db, reads, nil
}

// connectSQLite returns the one connection for writing.
func connectSQLite(path, vfs string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, vfs, writePragmas...))
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// makeFile makes an empty database that only the owner can read. SQLite gives
// the files that it adds the mode of this one.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// dsn returns the address of the database file at path for the driver.
func dsn(path, vfs string, pragmas ...string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/dir/file
	}
	query := url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}
	if vfs != "" {
		query.Set("vfs", vfs)
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	return u.String()
}

// openPostgres connects to the PostgreSQL database at address and brings its
// tables up to date, if the account may.
func openPostgres(ctx context.Context, address string) (*sql.DB, error) {
	db, err := sql.Open("pgx", address)
	if err != nil {
		return nil, withoutPassword(err)
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(withoutPassword(err), db.Close())
	}
	if err := migrate(ctx, db, postgresDialect); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// withoutPassword is err without the address it may quote, which may hold a password.
func withoutPassword(err error) error {
	if text := err.Error(); strings.Contains(text, "://") {
		return errors.New("the address cannot be used; want postgres://user@host:port/database")
	}
	return err
}

// migrate brings the tables of db up to date. When they are, it needs no
// right to change them.
func migrate(ctx context.Context, db *sql.DB, d dialect) error {
	dir, err := fs.Sub(migrations, "migrations/"+d.name)
	if err != nil {
		return err
	}
	kind, own := goose.DialectSQLite3, []goose.ProviderOption{goose.WithGoMigrations(chainMigration), goose.WithDisableGlobalRegistry(true)}
	if d.shared {
		kind, own = goose.DialectPostgres, []goose.ProviderOption{goose.WithDisableGlobalRegistry(true)}
	}
	p, err := goose.NewProvider(kind, db, dir, own...)
	if err != nil {
		return err
	}
	if d.shared {
		return migrateShared(ctx, db, p)
	}
	has, knows, err := p.GetVersions(ctx)
	if err != nil {
		return err
	}
	if has > knows {
		return fmt.Errorf("its tables have version %d and this program knows versions up to %d: a newer sutler wrote it", has, knows)
	}
	_, err = p.Up(ctx)
	return err
}

// migrationLock is the advisory lock under which tables are changed, so that
// several programs can start at once.
const migrationLock = 0x5375746c6572

// migrateShared is migrate where others may start at the same time.
func migrateShared(ctx context.Context, db *sql.DB, p *goose.Provider) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	sources := p.ListSources()
	knows := sources[len(sources)-1].Version
	var has sql.NullInt64
	if err := conn.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version").Scan(&has); err == nil {
		if has.Int64 > knows {
			return fmt.Errorf("its tables have version %d and this program knows versions up to %d: a newer sutler wrote it", has.Int64, knows)
		}
		if has.Int64 == knows {
			return nil
		}
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(migrationLock)); err != nil {
		return err
	}
	_, err = p.Up(ctx)
	_, unlock := conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(migrationLock))
	return errors.Join(err, unlock)
}
