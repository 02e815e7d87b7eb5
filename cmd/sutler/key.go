package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// key keeps the keys that secrets are sealed with.
func (p *program) key() *cobra.Command {
	var r remote
	c := group("key", "Keep the keys that secrets are sealed with", `Secrets at rest are encrypted with the keys in seal.keys in the server's data
directory: stored credentials, and what the log keeps of sensitive calls. Whoever
loses the file loses them; engines that share a database need the same file.`, "  sutler key rotate")
	r.flags(c)
	c.AddCommand(&cobra.Command{
		Use: "rotate", Short: "Seal with a new key from now on",
		Long:    "Makes a new key while the server runs. What older keys sealed still opens: copy the\nfile to other engines of the database before they need it.",
		Example: "  sutler key rotate", Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			to, err := p.dial(&r)
			if err != nil {
				return err
			}
			defer to.Close()
			if err := to.Post(c.Context(), "keys/rotate", struct{}{}, nil); err != nil {
				return err
			}
			fmt.Fprintln(p.talk, "a new key seals from now on")
			return nil
		},
	})
	return c
}
