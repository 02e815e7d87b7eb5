package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sutler"
	"sutler/client"
	"sutler/login"
	"sutler/server"
)

// grace is how long an ending server waits for its requests before it has
// them undone, and then for their undoing.
const grace = 20 * time.Second

// serveOptions are the flags of serve.
type serveOptions struct {
	data, listen, root string
	database, engine   string
	anchor             string
	recoverOnly        bool
	tlsCert, tlsKey    string
	hosts              []string
	samples            bool
	sealKMS            string
	keysLost           bool
}

// serve runs a server.
func (p *program) serve() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run a server",
		Long: `Runs a server: an engine with its store in the data directory, and a door for
HTTP with JSON. Started in an empty directory it works.

At the first start it makes a token, kept in client.token in the data directory
for the owner alone; client verbs find it there through --data. It also makes the
account admin and prints its password once, and the keys that secrets are sealed
with, in seal.keys or wrapped by a key management service. login.json in the data directory names an OpenID issuer and
authorities of client certificates. Off loopback the door speaks TLS alone: with
--tls-cert, or with a certificate of its own authority, tls/ca.crt. What an earlier
run left unfinished is finished or undone before the door opens. Only one
server can use a data directory.

The collector of the server works seldom while there is memory: up to a quarter
of it, 4 GiB at most. GOGC and GOMEMLIMIT in the environment take its place.

An interrupt, SIGTERM or SIGHUP ends it: running requests have 20 seconds to finish and
are then undone. A second one ends it at once; the next start undoes the rest.`,
		Example: `  sutler serve
  sutler serve --data /var/lib/sutler --listen 127.0.0.1:7071 --root /srv/hosting
  sutler serve --samples
  sutler serve --listen 0.0.0.0:7443 --host engine.example.com
  sutler serve --database postgres://sutler@db.example/sutler --engine web1 --root /srv/hosting
  VAULT_ADDR=https://vault.example:8200 sutler serve --seal-kms hashivault://sutler
  sutler serve --data /tmp/sutler-1 --root ./world --recover-only`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := goodAddress(o.listen); err != nil {
				return err
			}
			if o.root == "" {
				o.root = filepath.Join(o.data, "files")
			}
			defer tuneCollector()()
			return p.runServer(c.Context(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.data, "data", defaultData, "directory for the store and the token; made when missing")
	f.StringVar(&o.listen, "listen", client.DefaultAddress, "address to listen on, with TLS unless it is a loopback one; port 0 takes a free one")
	f.StringVar(&o.root, "root", "", "directory that the file and SQL providers work below (default files in --data)")
	f.StringVar(&o.database, "database", "", "PostgreSQL database of the store, postgres://user@host/name, which several engines may share (default a SQLite file in --data)")
	f.StringVar(&o.engine, "engine", "", "name of the engine among those that share the database (default the host's name; sutler without --database)")
	f.StringVar(&o.anchor, "audit-anchor", "", "file that the signed heads of the audit log are copied to, best on another machine (default audit.anchor in --data)")
	f.StringVar(&o.tlsCert, "tls-cert", "", "file with the server's certificate, PEM; read anew when it changes (default off loopback: one of the server's own authority)")
	f.StringVar(&o.tlsKey, "tls-key", "", "file with the key of --tls-cert")
	f.StringSliceVar(&o.hosts, "host", nil, "name under which the server is asked for; it must be in the certificate; repeat for more")
	f.StringVar(&o.sealKMS, "seal-kms", "", "key management service that wraps the keys that seal secrets, which the store then keeps: hashivault://KEY; in SUTLER_SEAL_KMS alone also base64key://KEY (default: they are in seal.keys in --data)")
	f.BoolVar(&o.keysLost, "keys-lost", false, "give up what was sealed by keys that are nowhere any more, and make new ones")
	f.BoolVar(&o.recoverOnly, "recover-only", false, "finish what an earlier run left, also what waits for an operator, then end")
	f.BoolVar(&o.samples, "samples", false, "register the sample namespace Hosting, to play with")
	_ = c.MarkFlagDirname("data")
	_ = c.MarkFlagDirname("root")
	return c
}

// goodAddress refuses what is no address to listen on.
func goodAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return sutler.Errorf(sutler.BadInput, "cannot listen on %q: want host:port, with a port from 0 to 65535", address)
	}
	return nil
}

func (p *program) runServer(ctx context.Context, o serveOptions) error {
	logger := slog.New(slog.NewTextHandler(p.talk, nil))
	stop, undoRunning := context.WithCancel(context.WithoutCancel(ctx))
	defer undoRunning()
	name, err := engineOf(o)
	if err != nil {
		return err
	}
	var service *kms
	if o.sealKMS != "" {
		if service, err = openKMS(o.sealKMS); err != nil {
			return err
		}
	}
	h, err := openHost(ctx, hostOptions{
		KMS: service, KeysLost: o.keysLost, Data: o.data, Database: o.database, Engine: name, Root: o.root, Anchor: o.anchor, Serve: !o.recoverOnly, Stop: stop, Logger: logger,
	})
	if err != nil {
		return err
	}
	if o.recoverOnly {
		return errors.Join(p.finishAll(ctx, h), h.Close())
	}
	if o.samples {
		err = p.registerSample(ctx, h)
	}
	if err == nil {
		err = p.answer(ctx, o, h, logger)
	}
	undoRunning() // all requests came through the door, which had patience with them
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if h.Engine.Close(within) != nil {
		// The store stays open for those that still run; the process ends now.
		return errors.Join(err, errors.New("requests still ran; the next start will finish them"))
	}
	return errors.Join(err, h.Close())
}

// engineOf returns the name of the engine.
func engineOf(o serveOptions) (sutler.EngineID, error) {
	if o.engine != "" || o.database == "" {
		return sutler.EngineID(o.engine), nil
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("cannot name the engine: %w; use --engine", err)
	}
	return sutler.EngineID(name), nil
}

func (p *program) registerSample(ctx context.Context, h *host) error {
	src, err := sample("hosting.xml")
	if err != nil {
		return err
	}
	problems, err := h.Register(ctx, administrator("serve"), src)
	return summary(err, problems)
}

// answer opens the door and keeps it open until ctx ends.
func (p *program) answer(ctx context.Context, o serveOptions, h *host, logger *slog.Logger) error {
	token, err := tokenOf(o.data)
	if err != nil {
		return err
	}
	gate, closed, cas, err := h.gate(o.data, token.secret, logger)
	if err != nil {
		return err
	}
	certificates, authority, err := tlsOf(o, cas, logger)
	if err != nil {
		return err
	}
	names := o.hosts
	if host, _, err := net.SplitHostPort(o.listen); err == nil {
		names = append(names, host)
	}
	door, err := h.door(gate, closed, names, logger)
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		if op := (*net.OpError)(nil); errors.As(err, &op) {
			err = op.Err // without the address again
		}
		return fmt.Errorf("cannot listen on %q: %w; --listen takes another address", o.listen, err)
	}
	password, err := h.firstAdministrator(ctx, h.admin()) // when nothing can keep it from being shown
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	address, scheme := atHome(ln.Addr()), "http://"
	if certificates != nil {
		scheme = "https://"
		ln = tls.NewListener(ln, login.ServerTLS(certificates, cas))
	}
	addressFile := filepath.Join(o.data, client.AddressFile)
	if err := putInPlace(addressFile, []byte(strings.TrimPrefix(scheme, "http://")+address+"\n")); err != nil {
		return errors.Join(fmt.Errorf("cannot leave the address for clients: %w", err), ln.Close())
	}
	defer os.Remove(addressFile)
	fmt.Fprintf(p.out, "%s%s\n", scheme, address)
	fmt.Fprintf(p.talk, "%s on %s%s; clients find the token in %s\n", good.Render("serving"), scheme, ln.Addr(), filepath.Join(o.data, client.TokenFile))
	if authority != "" {
		fmt.Fprintf(p.talk, "its certificate is of its own authority: give clients %s\n", authority)
	}
	if password != "" {
		fmt.Fprintf(p.talk, "the account admin was made, with the password %s\nit is shown this once; change it with sutler user set-password admin\n", password)
	}
	return server.Serve(ctx, ln, door, grace, logger)
}

// atHome returns how a listener is reached from its own host.
func atHome(a net.Addr) string {
	if tcp, ok := a.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", strconv.Itoa(tcp.Port))
	}
	return a.String()
}

// finishAll tries once more to finish the transactions that wait for an
// operator or pause, and fails if there are some that it cannot.
func (p *program) finishAll(ctx context.Context, h *host) error {
	var left []string
	for _, status := range []sutler.Status{sutler.RollbackFailed, sutler.InDoubt, sutler.Active, sutler.Preparing, sutler.Committing, sutler.RollingBack} {
		list, err := h.Store.Transactions(ctx, sutler.Filter{Status: status, Limit: 1000})
		if err != nil {
			return err
		}
		for _, tx := range list {
			now, err := h.Resolve(ctx, administrator("serve"), tx.ID, sutler.Resolution{Verb: sutler.Retry, Reason: "serve --recover-only"})
			if err != nil {
				return err
			}
			if !now.Final() {
				left = append(left, fmt.Sprintf("%s is %s: %s", tx.ID, now, tx.Text))
			}
		}
	}
	if len(left) > 0 {
		return &exit{exitInDoubt, fmt.Errorf("%d %s could not be finished:\n  %s", len(left), plural(len(left), "transaction"), strings.Join(left, "\n  "))}
	}
	fmt.Fprintln(p.talk, "nothing is unfinished")
	return nil
}
