package sql

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode"

	"modernc.org/sqlite"

	"sutler"
)

// databases are the databases below one root. SQLite opens a file by its path
// and cannot be handed an open one; so the path is made of the root and a name
// of plain characters, what lies there is looked at through os.Root, which no
// link leads out of, and after opening, the file that SQLite names as the one
// it has must be the one that was seen.
//
// No database file is ever opened by anything but SQLite: closing a descriptor
// of one would drop the locks that SQLite holds on it in this process.
type databases struct {
	root   *os.Root
	path   string // absolute path of root
	limits Limits

	mu       sync.Mutex
	open     map[string]int // connections by name of the database
	sessions map[sessionKey]*session
}

// checkName refuses names that are not relative paths of plain characters, the
// names of SQLite's companion files, and those with an element that begins
// with a dot, of which some are the provider's own.
func checkName(name string) error {
	bad := func(why string) error {
		return sutler.Errorf(sutler.OutsideRoot, "cannot use database %q: %s (name a file below the provider's root: letters, digits, blanks and ._-@+, with / between directories)", name, why)
	}
	if len(name) > 1024 {
		return bad("the name is too long")
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-@+ /", r) {
			return bad(fmt.Sprintf("the character %q is not allowed", r))
		}
	}
	for element := range strings.SplitSeq(name, "/") {
		switch {
		case element == "":
			return bad("an element of the path is empty")
		case element[0] == '.':
			return bad("an element of the path begins with a dot")
		case strings.HasPrefix(element, " ") || strings.HasSuffix(element, " ") || strings.HasSuffix(element, "."):
			return bad("an element of the path begins or ends with a blank or ends with a dot")
		}
	}
	for _, suffix := range companions() {
		if strings.HasSuffix(strings.ToLower(name), suffix) {
			return bad("SQLite uses the ending " + suffix + " for files of its own")
		}
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return bad("the name is reserved")
	}
	return nil
}

// companions returns the endings of the files that SQLite keeps beside a database.
func companions() []string { return []string{"-journal", "-wal", "-shm"} }

// look returns what lies at name, which must be a plain file.
func (p *databases) look(name string) (fs.FileInfo, error) {
	info, err := p.root.Lstat(filepath.FromSlash(name))
	var number syscall.Errno
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return nil, sutler.Errorf(sutler.NoSuchFile, "cannot open database %q: it does not exist (CreateDatabase makes it)", name)
	case err != nil && !errors.As(err, &number):
		return nil, sutler.Errorf(sutler.OutsideRoot, "cannot open database %q: %w", name, err)
	case err != nil:
		return nil, sutler.Errorf(ConnectFailed, "cannot open database %q: %w", name, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, sutler.Errorf(sutler.OutsideRoot, "cannot open database %q: it is a link", name)
	case !info.Mode().IsRegular():
		return nil, sutler.Errorf(ConnectFailed, "cannot open database %q: it is no file", name)
	}
	return info, nil
}

// database is one connection to one database. It is not for concurrent use.
type database struct {
	name  string
	guard guard
	pool  *stdsql.DB
	conn  *stdsql.Conn
	done  func()
}

// connect opens the database name, which checkName has allowed or which the
// provider has named itself. Commands wait up to wait for its locks.
func (p *databases) connect(ctx context.Context, name string, wait time.Duration) (_ *database, err error) {
	seen, err := p.look(name)
	if err != nil {
		return nil, err
	}
	done, err := p.take(name, fmt.Sprintf("database %q", name))
	if err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector(p.source(name, wait))
	if err != nil {
		done()
		return nil, sutler.Errorf(ConnectFailed, "cannot open database %q: %w", name, err)
	}
	d := &database{name: name, pool: stdsql.OpenDB(connector), done: done}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.conn, err = d.pool.Conn(ctx); err == nil {
		err = d.restrict(ctx)
	}
	if err != nil {
		return nil, d.fail("open", ConnectFailed, err)
	}
	if err := d.verify(ctx, seen); err != nil {
		return nil, err
	}
	return d, nil
}

// source returns the data source name. mode=rw: opening makes no database.
// What may have to wait for a lock is not in it: opening cannot be cancelled.
func (p *databases) source(name string, wait time.Duration) string {
	path := filepath.ToSlash(filepath.Join(p.path, filepath.FromSlash(name)))
	if !strings.HasPrefix(path, "/") { // a drive letter
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"mode":          {"rw"},
		"_defensive":    {"1"},
		"_dqs":          {"0"},
		"_foreign_keys": {"1"},
		"_busy_timeout": {strconv.FormatInt(wait.Milliseconds(), 10)},
		"_pragma":       {"trusted_schema(0)", "cell_size_check(1)"},
	}.Encode()}).String()
}

// restrict sets what commands may do, before any reaches the connection.
func (d *database) restrict(ctx context.Context) error {
	const (
		limitLength   = 0 // numbers of SQLite's limits
		limitSQL      = 1
		limitAttached = 7
	)
	for _, l := range []struct{ id, value int }{
		{limitLength, 16 << 20}, {limitSQL, 1 << 20}, {limitAttached, 0},
	} {
		if _, err := sqlite.Limit(d.conn, l.id, l.value); err != nil {
			return err
		}
	}
	// EXTRA is FULL that also makes the end of a rollback journal durable;
	// with FULL alone power loss could take a commit back.
	if err := d.exec(ctx, "PRAGMA synchronous = EXTRA"); err != nil {
		return err
	}
	return d.conn.Raw(func(conn any) error {
		r, ok := conn.(sqlite.AuthorizerRegisterer)
		if !ok {
			return errors.New("the driver has no authorizer")
		}
		return r.RegisterAuthorizer(d.guard.authorize)
	})
}

// verify makes sure that SQLite has opened the file that was seen.
func (d *database) verify(ctx context.Context, seen fs.FileInfo) error {
	var path string
	if err := d.conn.QueryRowContext(ctx, `select file from pragma_database_list where name = 'main'`).Scan(&path); err != nil {
		return d.fail("open", ConnectFailed, err)
	}
	if info, err := os.Lstat(path); err != nil || !os.SameFile(info, seen) {
		return sutler.Errorf(sutler.OutsideRoot, "cannot open database %q: it was replaced meanwhile", d.name)
	}
	return nil
}

// take counts one more connection to name, titled title, and returns what
// counts it off.
func (p *databases) take(name, title string) (done func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit := p.limits.MaxConnCount; limit > 0 && p.open[name] >= limit {
		return nil, sutler.Errorf(TooManyConnections, "cannot open %s: it has %d connections, as many as MaxConnCount of the SQL Provider allows", title, limit)
	}
	p.open[name]++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.open[name]--; p.open[name] == 0 {
			delete(p.open, name)
		}
	}), nil
}

// close ends the connection; what was not committed is taken back.
func (d *database) close() {
	if d.conn != nil {
		d.conn.Close()
	}
	d.pool.Close()
	d.done()
}

// exec runs a statement of the provider's own.
func (d *database) exec(ctx context.Context, sql string, args ...any) error {
	_, err := d.conn.ExecContext(ctx, sql, args...)
	return err
}

// transaction runs f after begin, and then COMMIT; an error of that is an
// *uncommitted. It is ROLLBACK if f fails or ctx is done before.
func (d *database) transaction(ctx context.Context, begin string, f func() error) error {
	return d.hold(ctx, begin, func() (bool, error) { return true, f() })
}

// inspect runs f after begin, and then ROLLBACK: COMMIT would wait for readers
// even if nothing has changed.
func (d *database) inspect(ctx context.Context, begin string, f func() error) error {
	return d.hold(ctx, begin, func() (bool, error) { return false, f() })
}

// hold is transaction if f returns true, else inspect.
func (d *database) hold(ctx context.Context, begin string, f func() (changed bool, err error)) error {
	if err := d.exec(ctx, begin); err != nil {
		return d.fail("lock", ConnectFailed, err)
	}
	lasting := context.WithoutCancel(ctx)
	changed, err := f()
	if err == nil && changed {
		if err = context.Cause(ctx); err != nil {
			err = d.fail("change", sutler.Failed, err)
		} else if err = d.exec(lasting, "COMMIT"); err == nil {
			return nil
		} else {
			err = &uncommitted{d.fail("commit", sutler.Failed, err)}
		}
	}
	// After an error SQLite may have ended the transaction already, and
	// closing the connection ends it in any case.
	_ = d.exec(lasting, "ROLLBACK")
	return err
}

// uncommitted is an error of COMMIT: the effect has to be looked for.
type uncommitted struct{ err error }

func (u *uncommitted) Error() string { return u.err.Error() }
func (u *uncommitted) Unwrap() error { return u.err }
