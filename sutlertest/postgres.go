//go:build unix

package sutlertest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Postgres is a PostgreSQL server of a test's own, on loopback with a free
// port, with its data in a temporary directory.
type Postgres struct {
	Port int
	dir  string
	bin  string
	cmd  *exec.Cmd
	attr *syscall.SysProcAttr
	next atomic.Int64
}

// StartPostgres makes a cluster and starts its server, which ends with the
// test. settings are lines of postgresql.conf, such as fsync=off. PostgreSQL
// must be installed; make test sees to that.
func StartPostgres(tb testing.TB, settings ...string) *Postgres {
	tb.Helper()
	p := &Postgres{bin: postgresBin(tb)}
	var err error
	if p.dir, err = os.MkdirTemp("", "sutler-postgres-"); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		p.Stop(tb)
		if err := os.RemoveAll(p.dir); err != nil {
			tb.Error(err)
		}
	})
	if err := p.giveUpRoot(); err != nil {
		tb.Fatal(err)
	}
	if out, err := p.command("initdb", "-D", p.Data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions", "-N").CombinedOutput(); err != nil {
		tb.Fatalf("initdb: %v\n%s", err, out)
	}
	conf := append([]string{"listen_addresses='127.0.0.1'", "unix_socket_directories=''", "max_connections=200"}, settings...)
	f, err := os.OpenFile(filepath.Join(p.Data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		tb.Fatal(err)
	}
	_, err = f.WriteString("\n" + strings.Join(conf, "\n") + "\n")
	if err = errors.Join(err, f.Close()); err != nil {
		tb.Fatal(err)
	}
	p.Port = freePort(tb)
	p.Start(tb)
	return p
}

// Start starts a server that was stopped or killed, on the same port.
func (p *Postgres) Start(tb testing.TB) {
	tb.Helper()
	p.cmd = p.command("postgres", "-D", p.Data(), "-p", strconv.Itoa(p.Port))
	log, err := os.OpenFile(filepath.Join(p.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if err := p.command("pg_isready", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(p.Port)).Run(); err == nil {
			return
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(filepath.Join(p.dir, "log"))
			tb.Fatalf("PostgreSQL does not answer:\n%s", text)
		}
	}
}

// Stop ends the server, cutting the connections of its clients. What is
// committed is kept. A server that does not run stays so.
func (p *Postgres) Stop(tb testing.TB) { p.end(tb, syscall.SIGINT) }

// Kill ends the server as a loss of power would, as far as a process can: it
// gets no time to write anything and recovers at the next Start.
func (p *Postgres) Kill(tb testing.TB) { p.end(tb, syscall.SIGQUIT) }

func (p *Postgres) end(tb testing.TB, sig os.Signal) {
	tb.Helper()
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Errorf("cannot end PostgreSQL: %v", err)
	}
	_ = p.cmd.Wait() // its status tells of the signal
	p.cmd = nil
}

// Database makes an empty database and returns its address for a superuser.
func (p *Postgres) Database(tb testing.TB) string {
	tb.Helper()
	name := fmt.Sprintf("test%d", p.next.Add(1))
	if out, err := p.command("createdb", "-h", "127.0.0.1", "-p", strconv.Itoa(p.Port), "-U", "postgres", name).CombinedOutput(); err != nil {
		tb.Fatalf("createdb: %v\n%s", err, out)
	}
	return p.Address("postgres", name)
}

// Address returns the address of a database of this server for a user, who
// needs no password.
func (p *Postgres) Address(user, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", user, p.Port, database)
}

// SQL runs commands with psql as superuser and returns what they print,
// unaligned and without headings.
func (p *Postgres) SQL(tb testing.TB, database, commands string) string {
	tb.Helper()
	c := p.command("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", strconv.Itoa(p.Port), "-U", "postgres", "-d", database)
	c.Stdin = strings.NewReader(commands)
	out, err := c.CombinedOutput()
	if err != nil {
		tb.Fatalf("psql: %v\n%s", err, out)
	}
	return strings.TrimRight(string(out), "\n")
}

// Data returns the directory of the cluster.
func (p *Postgres) Data() string { return filepath.Join(p.dir, "data") }

// Log returns what the server has written to its log from offset on, where a
// statement of a client stands before its answer when log_statement=all is set.
func (p *Postgres) Log(tb testing.TB, offset int64) string {
	tb.Helper()
	f, err := os.Open(filepath.Join(p.dir, "log"))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, offset, 1<<40))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// AskPassword makes the server ask a user for a password, which Address does
// not hold. Other users still need none.
func (p *Postgres) AskPassword(tb testing.TB, user, password string) {
	tb.Helper()
	quoted := strings.ReplaceAll(password, "'", "''")
	name := `"` + strings.ReplaceAll(user, `"`, `""`) + `"`
	p.SQL(tb, "postgres", "alter role "+name+" login password '"+quoted+"'")
	path := filepath.Join(p.Data(), "pg_hba.conf")
	rules, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	rules = append([]byte("host all "+name+" all scram-sha-256\n"), rules...)
	if err := os.WriteFile(path, rules, 0o600); err != nil {
		tb.Fatal(err)
	}
	p.SQL(tb, "postgres", "select pg_reload_conf()")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		out, err := p.command("psql", "-X", "-w", "-h", "127.0.0.1", "-p", strconv.Itoa(p.Port), "-U", user, "-d", "postgres", "-c", "select 1").CombinedOutput()
		if err != nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("PostgreSQL does not ask for a password: %s", out)
		}
	}
}

func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.bin, name), args...)
	c.Dir, c.SysProcAttr = p.dir, p.attr
	c.Env = append(os.Environ(), "LC_ALL=C", "PGUSER=postgres")
	return c
}

// giveUpRoot lets the server run as another account, since it refuses root.
func (p *Postgres) giveUpRoot() error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return err
		}
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return err
	}
	p.attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return os.Chown(p.dir, int(uid), int(gid))
}

// postgresBin returns the directory of PostgreSQL's programs.
func postgresBin(tb testing.TB) string {
	tb.Helper()
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	slices.Sort(debian)
	slices.Reverse(debian)
	for _, dir := range debian {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir
		}
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		tb.Fatal("cannot find PostgreSQL: install it (on Debian: .ci/install postgresql)")
	}
	return filepath.Dir(path)
}

func freePort(tb testing.TB) int {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
