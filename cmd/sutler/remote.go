package main

import (
	"os"

	"github.com/spf13/cobra"

	"sutler/client"
)

// remote are the flags of the verbs that talk to a server.
type remote struct{ data, address, user, ca, cert, key string }

// defaultData is the data directory when nothing is said.
const defaultData = "./sutler-data"

func (r *remote) flags(c *cobra.Command) {
	f := c.PersistentFlags()
	f.StringVar(&r.data, "data", defaultData, "the server's data directory, where its address and token are found")
	f.StringVar(&r.address, "address", "", "host:port of the server, or https://host:port; the token may come in SUTLER_TOKEN")
	f.StringVar(&r.user, "user", "", "local account to log in as; its password comes in SUTLER_PASSWORD (default: the token)")
	f.StringVar(&r.ca, "ca", "", "file with the authority of the server's certificate (default tls/ca.crt in --data)")
	f.StringVar(&r.cert, "cert", "", "file with the certificate to log in with, PEM; needs https")
	f.StringVar(&r.key, "key", "", "file with the key of --cert")
	_ = c.MarkPersistentFlagDirname("data")
}

// dial returns a client of the server that r names, for the account, certificate
// or token there, in SUTLER_TOKEN or in the data directory.
func (p *program) dial(r *remote) (*client.Client, error) {
	o := client.Options{
		Address: r.address, Token: os.Getenv("SUTLER_TOKEN"), Data: r.data,
		User: r.user, CertFile: r.cert, KeyFile: r.key, CAFile: r.ca,
	}
	if r.user != "" {
		var err error
		if o.Password, err = p.password(r.user); err != nil {
			return nil, err
		}
	}
	return client.New(o)
}
