package sql

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5/pgconn"

	"sutler"
	"sutler/xmltree"
)

// target is the database that connect names: one of SQLite below the root, a
// named connection to PostgreSQL, or one to PostgreSQL by its parts. It holds
// no secret, and its JSON form is the rollback data "connection".
type target struct {
	Name     string `json:"name,omitempty"`
	Server   string `json:"server,omitempty"` // host, host:port
	Database string `json:"database,omitempty"`
	User     string `json:"user,omitempty"`
	SSLMode  string `json:"sslmode,omitempty"`
}

// postgres reports whether t is no SQLite database.
func (t target) postgres() bool { return t.Name != "" || t.Server != "" }

// title names t in errors.
func (t target) title() string {
	switch {
	case t.Name != "":
		return fmt.Sprintf("connection %q", t.Name)
	case t.Server != "":
		return fmt.Sprintf("database %q of %s", t.Database, t.Server)
	}
	return fmt.Sprintf("database %q", t.Database)
}

// key is the same for the same database.
func (t target) key() string {
	text, err := json.Marshal(t)
	if err != nil {
		panic(err) // strings can always be written
	}
	return string(text)
}

// readConnect reads the parts of the connection string, attributes or param
// children. Names are compared without regard to case. Of SQLite only the
// database is read: Server, accounts and the like mean nothing to it. A
// connection to PostgreSQL by parts is that of who, if who has a password.
func readConnect(e *xmltree.Node, who sutler.Identity) (target, error) {
	parts := map[string]string{}
	part := func(name, value string) error {
		name, value = strings.ToLower(strings.TrimSpace(name)), trim(value)
		switch name {
		case "initial catalog":
			name = "database"
		case "data source", "host":
			name = "server"
		case "uid", "user id", "username":
			name = "user"
		case "pwd":
			name = "password"
		}
		if _, twice := parts[name]; twice {
			return badElement("connect names %s twice", name)
		}
		parts[name] = value
		return nil
	}
	for a := e.Attrs(); a != nil; a = a.Next() {
		if err := part(a.Local(), a.Value()); err != nil {
			return target{}, err
		}
	}
	for p := e.FirstElement(); p != nil; p = p.NextElement() {
		if p.Is("", "param") {
			if err := part(p.Attr("name"), p.Text()); err != nil {
				return target{}, err
			}
		}
	}
	switch kind := strings.ToLower(parts["provider"]); kind {
	case "", "sqlite":
		if kind == "" && parts["name"] != "" {
			return readPostgres(parts, who)
		}
		if parts["database"] == "" {
			return target{}, badElement("connect/@Database is missing (name a database below the provider's root)")
		}
		return target{Database: parts["database"]}, checkName(parts["database"])
	case "postgres", "postgresql":
		return readPostgres(parts, who)
	default:
		return target{}, badElement("connect/@Provider is %q (this provider knows sqlite and postgres)", parts["provider"])
	}
}

// readPostgres makes a target of parts, of which it knows all.
func readPostgres(parts map[string]string, who sutler.Identity) (target, error) {
	known := []string{"provider", "name", "server", "database", "user", "sslmode"}
	for name := range parts {
		switch {
		case name == "password":
			return target{}, badElement("connect holds a password, which would be stored with the request (an administrator names the connection in the file of connections; then say connect/@Name)")
		case !slices.Contains(known, name):
			return target{}, badElement("connect has the part %q (a connection to PostgreSQL has Name, or Server, Database, User and sslmode)", name)
		}
	}
	t := target{Name: parts["name"], Server: parts["server"], Database: parts["database"], User: parts["user"], SSLMode: parts["sslmode"]}
	if t.Name != "" {
		if t.Server+t.Database+t.User+t.SSLMode != "" {
			return target{}, badElement("connect has both a Name and other parts (the name stands for all of them)")
		}
		return t, checkConnectionName(t.Name)
	}
	switch {
	case who.Kind == sutler.CallingUser:
		return t, nil // which openFor refuses
	case !hasSecret(who):
		return t, t.check()
	}
	if t.User != "" && t.User != who.Account {
		return target{}, badElement("connect/@User is %q, and the call is made as account %q (leave User out)", t.User, who.Account)
	}
	t.User = who.Account
	err := t.check()
	t.User = "" // openWith knows it, from the credential as it is then
	return t, err
}

// checkConnectionName allows letters, digits and ._- in names of connections.
func checkConnectionName(name string) error {
	bad := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-", r)
	}
	if name == "" || len(name) > 100 || strings.ContainsFunc(name, bad) {
		return badElement("connect/@Name is %q (want letters, digits and ._-)", name)
	}
	return nil
}

// sslModes are the values of sslmode; the first is that of a target without one.
var sslModes = []string{"verify-full", "verify-ca", "require", "prefer", "allow", "disable"}

func (t target) check() error {
	if t.Server == "" || t.Database == "" || t.User == "" {
		return badElement("connect to PostgreSQL needs a Name, or Server, Database and User")
	}
	if _, _, err := t.address(); err != nil {
		return err
	}
	for _, p := range []struct{ name, value string }{{"Database", t.Database}, {"User", t.User}} {
		if len(p.value) > 63 || strings.ContainsFunc(p.value, unicode.IsControl) {
			return badElement("connect/@%s is no name of PostgreSQL", p.name)
		}
	}
	if t.SSLMode != "" && !slices.Contains(sslModes, t.SSLMode) {
		return badElement("connect/@sslmode is %q (want one of %s)", t.SSLMode, strings.Join(sslModes, ", "))
	}
	return nil
}

// address returns host and port of the server.
func (t target) address() (host string, port uint16, err error) {
	host, port = t.Server, 5432
	if h, p, err := net.SplitHostPort(t.Server); err == nil {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return "", 0, badElement("connect/@Server is %q (the port is no number from 1 to 65535)", t.Server)
		}
		host, port = h, uint16(n)
	}
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-:", r)
	}
	if host == "" || len(host) > 253 || strings.ContainsFunc(host, bad) {
		return "", 0, badElement("connect/@Server is %q (want host or host:port)", t.Server)
	}
	return host, port, nil
}

// place returns host:port of the server, by which two of them are compared.
func (t target) place() (string, error) {
	host, port, err := t.address()
	return net.JoinHostPort(host, strconv.Itoa(int(port))), err
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

// prepared is the name of the database transaction that tx has on t as actor,
// where database is what its server calls the database: names count for a whole server.
func (t target) prepared(tx sutler.TransactionID, actor, database string) string {
	text := t.key() + database
	if actor != "" {
		text += "\x00" + actor
	}
	sum := sha256.Sum256([]byte(text))
	return fmt.Sprintf("sutler-%s-%x", tx, sum[:8])
}
