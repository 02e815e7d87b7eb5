package sql

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"sutler"
)

// connections is what the file of connections says, a JSON object:
//
//	{
//	  "billing": "postgres://sutler:…@db1/billing",
//	  "crm": {"address": "postgres://…", "accounts": {"corp\\ann": "postgres://ann:…@db2/crm"}},
//	  "servers": ["db1", "db2:5433"]
//	}
//
// An address is for the service account and for credentials; accounts maps
// calling users, without regard to case. servers, a list, are those that
// connections by parts may go to.
type connections struct {
	named map[string]connection
	to    []string // host:port, see allows
	none  bool     // the engine has no such file
}

// connection is one of the named ones.
type connection struct {
	Address  string
	Accounts map[string]string // folded account → address
}

// maxConnections bounds the size of the file of connections.
const maxConnections = 4 << 20

// connections reads the file of connections. It is read each time, so that a
// changed password needs no restart, and refused when others may read it.
func (p *databases) connections() (*connections, error) {
	if p.limits.Connections == "" {
		return &connections{none: true}, nil
	}
	fail := func(why string) error {
		return sutler.Errorf(ConnectFailed, "cannot use the file of connections: %s", why)
	}
	info, err := os.Stat(p.limits.Connections)
	if errors.Is(err, fs.ErrNotExist) {
		return &connections{none: true}, nil
	}
	if err != nil {
		return nil, fail("it cannot be read: " + plain(err))
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fail("others may read it (give it mode 0600)")
	}
	file, err := os.Open(p.limits.Connections)
	if err != nil {
		return nil, fail("it cannot be read: " + plain(err))
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConnections+1))
	if err != nil || len(text) > maxConnections {
		return nil, fail("it cannot be read, or is too large")
	}
	return parseConnections(text)
}

// parseConnections reads the text of the file. No error quotes anything of an
// address, and so none of package json.
func parseConnections(text []byte) (*connections, error) {
	var all map[string]json.RawMessage
	if json.Unmarshal(text, &all) != nil {
		return nil, sutler.Errorf(ConnectFailed, "cannot use the file of connections: it is no JSON object of names and addresses")
	}
	f := &connections{named: map[string]connection{}}
	for name, value := range all {
		if name == "servers" && value[0] == '[' {
			var list []string
			if json.Unmarshal(value, &list) != nil {
				return nil, sutler.Errorf(ConnectFailed, "cannot use the file of connections: servers is no list of texts")
			}
			for _, s := range list {
				place, err := (target{Server: s}).place()
				if err != nil {
					return nil, sutler.Errorf(ConnectFailed, "cannot use the file of connections: %q in servers is no server (want host or host:port)", s)
				}
				f.to = append(f.to, place)
			}
			continue
		}
		e, why := readConnection(value)
		if why != "" {
			return nil, sutler.Errorf(ConnectFailed, "cannot use the file of connections: connection %q %s", name, why)
		}
		f.named[name] = e
	}
	return f, nil
}

// readConnection reads one value of the file, and says what is wrong with it.
func readConnection(value json.RawMessage) (e connection, why string) {
	if json.Unmarshal(value, &e.Address) == nil && value[0] == '"' {
		return e, ""
	}
	var parts struct {
		Address  string            `json:"address"`
		Accounts map[string]string `json:"accounts"`
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if d.Decode(&parts) != nil || value[0] != '{' {
		return e, "is neither an address nor an object with address and accounts"
	}
	e = connection{Address: parts.Address, Accounts: map[string]string{}}
	for account, address := range parts.Accounts {
		switch _, twice := e.Accounts[fold(account)]; {
		case account == "":
			return e, "maps an account without a name (call it " + anonymous + ")"
		case twice:
			return e, "maps an account twice, in different case"
		}
		e.Accounts[fold(account)] = address
	}
	return e, ""
}

// entry returns the connection that t names.
func (f *connections) entry(t target) (connection, error) {
	e, ok := f.named[t.Name]
	switch {
	case f.none:
		return e, sutler.Errorf(ConnectFailed, "cannot use %s: this engine has no file of connections", t.title())
	case !ok:
		return e, sutler.Errorf(sutler.NotFound, "cannot use %s: the file of connections has no such name", t.title())
	}
	return e, nil
}

// parse reads an address of e.
func (e connection) parse(t target, address string) (*pgconn.Config, error) {
	if address == "" {
		return nil, sutler.Errorf(ConnectFailed, "cannot use %s: it has no address in the file of connections but those of accounts", t.title())
	}
	cfg, err := pgconn.ParseConfig(address)
	if err != nil { // whose text quotes it
		return nil, sutler.Errorf(ConnectFailed, "cannot use %s: its address in the file of connections cannot be understood", t.title())
	}
	return cfg, nil
}

// allows refuses a server that the file of connections does not list: data
// would else choose where this engine connects to.
func (f *connections) allows(t target) error {
	place, err := t.place()
	if err != nil {
		return err
	}
	for _, s := range f.to {
		if strings.EqualFold(s, place) {
			return nil
		}
	}
	return sutler.Errorf(sutler.Denied, "cannot connect to %s: connections by parts may not go to that server (an administrator adds %q to servers in the file of connections; or use connect/@Name)", t.title(), place)
}

// plain returns an error of the file system without the path.
func plain(err error) string {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}
