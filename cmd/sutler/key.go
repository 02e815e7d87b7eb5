package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// key keeps the keys that secrets are sealed with.
func (p *program) key() *cobra.Command {
	var r remote
	c := group("key", "Keep the keys that secrets are sealed with", `Secrets at rest are encrypted with the keys in seal.keys in the server's data
directory, or in the store, wrapped by a key management service (serve --seal-kms):
stored credentials, and what the log keeps of sensitive calls. Whoever loses the
keys loses them. Engines that share a database need the same keys.`, "  sutler key rotate")
	r.flags(c)
	var prepare bool
	rotate := &cobra.Command{
		Use: "rotate", Short: "Seal with a new key from now on",
		Long: `Makes a new key while the server runs, and seals with it. What older keys sealed still
opens.

Engines that share a database by copies of seal.keys must have the key before they
meet what it sealed: --prepare adds it to the file and seals nothing with it. Copy
the file to the other engines, then rotate: all engines seal with it within seconds.
With a key management service nothing needs to be prepared.`,
		Example: "  sutler key rotate\n  sutler key rotate --prepare", Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			to, err := p.dial(&r)
			if err != nil {
				return err
			}
			defer to.Close()
			body := struct {
				Prepare bool `json:"prepare,omitempty"`
			}{prepare}
			if err := to.Post(c.Context(), "keys/rotate", body, nil); err != nil {
				return err
			}
			if prepare {
				fmt.Fprintln(p.talk, "a new key is prepared: copy seal.keys to the other engines, then sutler key rotate")
				return nil
			}
			fmt.Fprintln(p.talk, "a new key seals from now on")
			return nil
		},
	}
	rotate.Flags().BoolVar(&prepare, "prepare", false, "add a key that seals nothing before the next rotate")
	c.AddCommand(rotate)
	return c
}
