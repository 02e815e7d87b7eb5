package sql

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	stdsql "database/sql"

	"github.com/jackc/pgx/v5/pgconn"

	"sutler"
	"sutler/provider"
	"sutler/xmltree"
)

// postgres is one connection to a database of PostgreSQL. It is made for one
// call, or for one enlisted database transaction, and then closed, so that no
// setting that a command leaves behind meets another one. It is not for
// concurrent use.
type postgres struct {
	to       target
	conn     *pgconn.PgConn
	steps    string // the table sutler_steps with its schema, quoted
	schema   string
	role     string // as which it connected
	database string // as the server calls it
	prepares bool   // the server allows PREPARE TRANSACTION
	done     func()
}

// grace is how long a statement that ends something may take when the context
// of its call is done.
const grace = 10 * time.Second

// redial connects to t as c did that its rollback data tell of. A calling user
// may be mapped to another account of the server meanwhile, which is refused.
func (p *databases) redial(ctx context.Context, c *sutler.Call, t target) (*postgres, error) {
	cfg, err := p.config(t, later(c.Identity), defaultWait)
	if err != nil {
		return nil, err
	}
	if role := c.Rollback.Get(rolePair); role != "" && role != cfg.User {
		return nil, sutler.Errorf(sutler.Denied, "cannot connect to %s as the calling user %q: the call acted as account %q of the server, and it is mapped to %q now (an administrator maps it to that again in the file of connections)",
			t.title(), nameOf(c.Identity), role, cfg.User)
	}
	return p.dialWith(ctx, t, cfg, c.Rollback.Get("schema"))
}

// dial connects to t as who.
func (p *databases) dial(ctx context.Context, t target, who sutler.Identity, wait time.Duration) (*postgres, error) {
	cfg, err := p.config(t, who, wait)
	if err != nil {
		return nil, err
	}
	return p.dialWith(ctx, t, cfg, "")
}

// dialWith connects to t by cfg. schema is where sutler_steps lies; empty: the
// first of the search path.
func (p *databases) dialWith(ctx context.Context, t target, cfg *pgconn.Config, schema string) (_ *postgres, err error) {
	done, err := p.take(t.key(), t.title())
	if err != nil {
		return nil, err
	}
	d := &postgres{to: t, schema: schema, role: cfg.User, done: done}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.conn, err = pgconn.ConnectConfig(ctx, cfg); err != nil {
		return nil, d.fail("connect to", ConnectFailed, err)
	}
	row, err := d.row(ctx, `select coalesce(current_schema(), ''), current_setting('max_prepared_transactions')::int > 0, current_database()`)
	if err != nil {
		return nil, d.fail("connect to", ConnectFailed, err)
	}
	if d.schema == "" {
		d.schema = row[0]
	}
	if d.schema == "" {
		return nil, sutler.Errorf(ConnectFailed, "cannot use %s: no schema of its search path exists", t.title())
	}
	d.prepares, d.database = row[1] == "t", row[2]
	d.steps = quoteName(d.schema) + "." + stepsTable
	return d, nil
}

// close ends the connection; the server takes back what was not committed or prepared.
func (d *postgres) close() {
	if d.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		_ = d.conn.Close(ctx)
		<-d.conn.CleanupDone()
	}
	d.done()
}

func (d *postgres) lost() bool { return d.conn.IsClosed() }

// exec runs a statement of the provider's own and returns how many rows it changed.
func (d *postgres) exec(ctx context.Context, sql string, args ...string) (int64, error) {
	result := d.query(ctx, sql, args...)
	return result.CommandTag.RowsAffected(), result.Err
}

func (d *postgres) query(ctx context.Context, sql string, args ...string) *pgconn.Result {
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	return d.conn.ExecParams(ctx, sql, values, nil, nil, nil).Read()
}

// errNoRow is what row returns when there is none.
var errNoRow = errors.New("there is no such row")

// row returns the one row that a statement of the provider's own selects, NULL as "".
func (d *postgres) row(ctx context.Context, sql string, args ...string) ([]string, error) {
	result := d.query(ctx, sql, args...)
	if result.Err != nil {
		return nil, result.Err
	}
	if len(result.Rows) == 0 {
		return nil, errNoRow
	}
	row := make([]string, len(result.Rows[0]))
	for i, v := range result.Rows[0] {
		row[i] = string(v)
	}
	return row, nil
}

func (d *postgres) fail(verb string, code sutler.Code, err error) error {
	if coded := (*sutler.Error)(nil); errors.As(err, &coded) {
		return err
	}
	return sutler.Errorf(codeOf(err, code), "cannot %s %s: %w", verb, d.to.title(), err)
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func quoteText(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }

// lockKey is the advisory lock that belongs to name.
func lockKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return strconv.FormatInt(int64(binary.BigEndian.Uint64(sum[:8])), 10)
}

// begin opens a database transaction that is known by name: it holds the
// advisory lock of name until it ends, also while it is prepared. By that lock
// quiet finds out whether one is left, and ends it.
func (d *postgres) begin(ctx context.Context, name string) error {
	if _, err := d.exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"); err != nil {
		return d.fail("change", ConnectFailed, err)
	}
	if _, err := d.exec(ctx, `select pg_advisory_xact_lock($1::bigint)`, lockKey(name)); err != nil {
		return d.fail("lock", sutler.Failed, err)
	}
	return nil
}

// rollback ends the open database transaction, without ctx if that is done.
func (d *postgres) rollback(ctx context.Context) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	_, err := d.exec(ctx, "ROLLBACK")
	return err
}

// conclude ends the open database transaction by COMMIT or PREPARE
// TRANSACTION, also when ctx is done. PostgreSQL answers ROLLBACK, and no
// error, where a command had failed before.
func (d *postgres) conclude(ctx context.Context, word, verb, name string) error {
	ctx, cancel := lasting(ctx)
	defer cancel()
	result := d.query(ctx, strings.TrimSpace(verb+" "+name))
	err := result.Err
	if err == nil && result.CommandTag.String() != verb {
		err = fmt.Errorf("PostgreSQL answers %s", result.CommandTag)
	}
	if err != nil {
		return d.fail(word, sutler.Failed, err)
	}
	return nil
}

// quiet begins a database transaction in which nobody else has the one known
// by name any more: a session of a dead or frozen process that still has it is
// ended first. It reports whether that transaction is prepared instead, and
// then has begun none. Only with the lock in hand it is certain that no PREPARE
// or COMMIT that was sent long ago arrives after one has looked.
func (d *postgres) quiet(ctx context.Context, name string) (prepared bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*grace)
	defer cancel()
	key := lockKey(name)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		if prepared, err = d.isPrepared(ctx, name); err != nil || prepared {
			return prepared, err
		}
		if _, err := d.exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"); err != nil {
			return false, d.fail("look at", ConnectFailed, err)
		}
		row, err := d.row(ctx, `select pg_try_advisory_xact_lock($1::bigint)`, key)
		if err != nil {
			return false, d.fail("lock", sutler.Failed, err)
		}
		if row[0] == "t" {
			return false, nil
		}
		if err := d.rollback(ctx); err != nil {
			return false, d.fail("look at", sutler.Failed, err)
		}
		_, err = d.exec(ctx, `select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objsubid = 1 and pid is not null
			and database = (select oid from pg_database where datname = current_database())
			and (classid::bigint << 32 | objid::bigint) = $1::bigint and pid <> pg_backend_pid()`, key)
		if err != nil {
			return false, d.fail("end a session on", sutler.Failed, err)
		}
		select {
		case <-ctx.Done():
			return false, sutler.Errorf(sutler.Busy, "cannot look at %s: an earlier session on it does not end: %w", d.to.title(), context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

func (d *postgres) isPrepared(ctx context.Context, name string) (bool, error) {
	_, err := d.row(ctx, `select 1 from pg_prepared_xacts where gid = $1 and database = current_database()`, name)
	if errors.Is(err, errNoRow) {
		return false, nil
	}
	if err != nil {
		return false, d.fail("look at", ConnectFailed, err)
	}
	return true, nil
}

// carry runs one command of a caller and puts what it gives into executeData.
func (d *postgres) carry(ctx context.Context, c *sutler.Call, in *input, s *statement, args []any, maxRows int) error {
	ctx, cancel := in.limit(ctx)
	defer cancel()
	rows, tag, err := d.collect(ctx, c.Data.Document(), s, args, maxRows)
	if err == nil && d.conn.TxStatus() != 'T' {
		err = errors.New("it ended the database transaction")
	}
	if err != nil {
		return d.failCommand(ctx, in.command, s, err)
	}
	if err := putRows(c, rows); err != nil {
		return err
	}
	if tag.Select() {
		return nil
	}
	return putNumber(c, "rowsAffected", tag.RowsAffected())
}

func (d *postgres) failCommand(ctx context.Context, cmd *command, s *statement, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		err = cause // what PostgreSQL says about it is that it was cancelled
	}
	title := "the command"
	if words := s.title(); words != "" && !cmd.Hidden {
		title = `"` + words + ` …"`
	}
	code := codeOf(err, sutler.Failed)
	if d.lost() {
		code = codeOf(err, ConnectFailed)
	}
	var coded *sutler.Error
	if errors.As(err, &coded) {
		code = coded.Code
	}
	var e *pgconn.PgError
	if errors.As(err, &e) && e.Code == "25006" {
		err = errors.New("it writes (use ExecSQL with an undoCommand, or transactional=\"1\")")
		code = sutler.BadInput
	}
	return sutler.Errorf(code, "cannot run %s on %s: %w", title, d.to.title(), mask(err, cmd))
}

// collect runs a command and returns its rows as the element xml, nil for one
// without columns.
func (d *postgres) collect(ctx context.Context, doc *xmltree.Document, s *statement, args []any, maxRows int) (xml *xmltree.Node, tag pgconn.CommandTag, err error) {
	values, oids := pgValues(args)
	rr, sends := d.conn.ExecParams(ctx, s.text, values, oids, nil, nil), true
	defer func() {
		if sends { // perhaps without an end
			stop, cancel := lasting(ctx)
			defer cancel()
			_ = d.conn.CancelRequest(stop)
			_, _ = rr.Close()
		}
	}()
	var columns []string
	fields := rr.FieldDescriptions()
	for _, f := range fields {
		columns = append(columns, f.Name)
	}
	names, err := attributes(columns)
	if err != nil {
		return nil, tag, err
	}
	if len(names) > 0 {
		xml = doc.NewElement(xmltree.Name{Local: "xml"})
	}
	count, bytes := 0, 0
	for rr.NextRow() {
		if count++; count > maxRows {
			return nil, tag, sutler.Errorf(sutler.LimitReached, "it returns more than %d rows (select fewer, or raise MaxRows of the SQL Provider)", maxRows)
		}
		row, err := provider.Add(xml, "row")
		if err != nil {
			return nil, tag, err
		}
		for i, v := range rr.Values() {
			if v == nil {
				continue
			}
			text, err := pgText(v, fields[i].DataTypeOID)
			if err != nil {
				return nil, tag, fmt.Errorf("row %d, column %q: %w", count, columns[i], err)
			}
			if bytes += len(text); bytes > maxRowBytes {
				return nil, tag, sutler.Errorf(sutler.LimitReached, "its rows are larger than %d bytes (select fewer columns or rows)", maxRowBytes)
			}
			provider.SetAttr(row, names[i], text)
		}
	}
	sends = false
	if tag, err = rr.Close(); err != nil {
		return nil, tag, err
	}
	return xml, tag, nil
}

// The numbers of two types of PostgreSQL.
const (
	oidBool  = 16
	oidBytea = 17
)

// pgValues writes bound values as PostgreSQL reads them. It finds out the types
// itself, except that of a blob.
func pgValues(args []any) (values [][]byte, oids []uint32) {
	values, oids = make([][]byte, len(args)), make([]uint32, len(args))
	for i, v := range args {
		if named, ok := v.(stdsql.NamedArg); ok {
			v = named.Value
		}
		switch v := v.(type) {
		case nil:
		case int64:
			values[i] = strconv.AppendInt(nil, v, 10)
		case bool:
			values[i] = strconv.AppendBool(nil, v)
		case float64:
			values[i] = strconv.AppendFloat(nil, v, 'g', -1, 64)
		case []byte:
			values[i], oids[i] = []byte(`\x`+hex.EncodeToString(v)), oidBytea
		default:
			values[i] = fmt.Append(nil, v)
		}
	}
	return values, oids
}

// pgText returns a value as XML text: as PostgreSQL writes it, but booleans as
// 1 and 0 and blobs in base64.
func pgText(v []byte, oid uint32) (string, error) {
	switch oid {
	case oidBool:
		if string(v) == "t" {
			return "1", nil
		}
		return "0", nil
	case oidBytea:
		b, err := hex.DecodeString(strings.TrimPrefix(string(v), `\x`))
		return base64.StdEncoding.EncodeToString(b), err
	}
	if i := notXML(string(v)); i >= 0 {
		return "", fmt.Errorf("the text has a character at byte %d that XML cannot hold (select encode() of it)", i)
	}
	return string(v), nil
}
