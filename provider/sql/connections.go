package sql

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"sutler"
)

// config returns how to connect to t. No error holds anything of a password.
func (p *databases) config(t target, wait time.Duration) (*pgconn.Config, error) {
	var cfg *pgconn.Config
	var err error
	if t.Name != "" {
		cfg, err = p.named(t.Name)
	} else {
		cfg, err = t.config()
	}
	if err != nil {
		return nil, err
	}
	// What the environment of this process says is not for connections by parts,
	// and nobody may change how texts and values are written.
	if t.Name == "" {
		cfg.RuntimeParams = map[string]string{}
	}
	for name, value := range map[string]string{
		"application_name": "sutler", "client_encoding": "UTF8", "standard_conforming_strings": "on",
		"DateStyle": "ISO, MDY", "IntervalStyle": "iso_8601", "TimeZone": "UTC", "bytea_output": "hex", "extra_float_digits": "1",
		"lock_timeout": strconv.FormatInt(wait.Milliseconds(), 10),
	} {
		cfg.RuntimeParams[name] = value
	}
	cfg.ConnectTimeout = wait
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 5 * time.Second}
	}
	return cfg, nil
}

// named returns the connection called name of the file of connections, a JSON
// object of names and addresses. It is read each time, so that a changed
// password needs no restart, and refused when others may read it.
func (p *databases) named(name string) (*pgconn.Config, error) {
	fail := func(why string) error {
		return sutler.Errorf(ConnectFailed, "cannot use connection %q: %s", name, why)
	}
	if p.limits.Connections == "" {
		return nil, fail("this engine has no file of connections")
	}
	info, err := os.Stat(p.limits.Connections)
	if err != nil {
		return nil, fail("the file of connections cannot be read: " + plain(err))
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fail("others may read the file of connections (give it mode 0600)")
	}
	text, err := os.ReadFile(p.limits.Connections)
	if err != nil {
		return nil, fail("the file of connections cannot be read: " + plain(err))
	}
	var all map[string]string
	if json.Unmarshal(text, &all) != nil { // its error may quote what it read
		return nil, fail("the file of connections is no JSON object of names and addresses")
	}
	address, ok := all[name]
	if !ok {
		return nil, sutler.Errorf(sutler.NotFound, "cannot use connection %q: the file of connections has no such name", name)
	}
	cfg, err := pgconn.ParseConfig(address)
	if err != nil {
		return nil, fail("its address in the file of connections cannot be understood")
	}
	return cfg, nil
}

// plain returns an error of the file system without the path.
func plain(err error) string {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// config makes an address of the checked parts of t, each escaped. Password,
// password file and service of the environment are not for it.
func (t target) config() (*pgconn.Config, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	host, port, err := t.address()
	if err != nil {
		return nil, err
	}
	mode := t.SSLMode
	if mode == "" {
		mode = sslModes[0]
	}
	address := url.URL{
		Scheme: "postgres", User: url.User(t.User), Host: net.JoinHostPort(host, strconv.Itoa(int(port))), Path: "/" + t.Database,
		RawQuery: url.Values{"sslmode": {mode}, "passfile": {os.DevNull}}.Encode(),
	}
	cfg, err := pgconn.ParseConfig(address.String())
	if err != nil {
		return nil, sutler.Errorf(ConnectFailed, "cannot connect to %s: its parts cannot be understood", t.title())
	}
	if cfg.Host != host || cfg.Port != port || cfg.Database != t.Database || cfg.User != t.User {
		return nil, sutler.Errorf(ConnectFailed, "cannot connect to %s: its parts are read as something else", t.title())
	}
	cfg.Password = ""
	return cfg, nil
}
