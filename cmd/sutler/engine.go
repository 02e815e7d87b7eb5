package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sutler"
)

// engine lists the engines that share a store and says which of them work.
func (p *program) engine() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use:   "engine",
		Short: "List engines, and say which of them take requests",
		Long: `Engines that share a PostgreSQL database take over what a dead one of them left
unfinished. Any of them can be asked, about all of them.`,
		Example: `  sutler engine list
  sutler engine drain web2
  sutler engine activate web2`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.flags(c)
	c.AddCommand(p.engineList(&r))
	for _, s := range []struct {
		verb        string
		state       sutler.EngineState
		short, long string
	}{
		{"activate", sutler.EngineActive, "Let an engine take requests", "Lets an engine take requests again."},
		{"deactivate", sutler.EngineInactive, "Keep an engine from taking requests", "Keeps an engine from taking requests, within a second. Those that run go on. It still\ntakes over what dead engines left."},
		{"drain", sutler.EngineDraining, "Let an engine finish what it has", "Keeps an engine from taking requests and makes it inactive when its last one is\nanswered, so that it can be stopped."},
	} {
		c.AddCommand(&cobra.Command{
			Use:     s.verb + " NAME",
			Short:   s.short,
			Long:    s.long,
			Example: "  sutler engine " + s.verb + " web2",
			Args:    usage(cobra.ExactArgs(1)),
			RunE: func(c *cobra.Command, args []string) error {
				to, err := p.dial(&r)
				if err != nil {
					return err
				}
				defer to.Close()
				if err := to.SetEngineState(c.Context(), sutler.EngineID(args[0]), s.state); err != nil {
					return err
				}
				fmt.Fprintf(p.talk, "engine %s is %s\n", args[0], s.state)
				return nil
			},
		})
	}
	return c
}

func (p *program) engineList(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the engines",
		Long:  "Lists the engines that share the server's store. One is alive while it renews its lease.",
		Example: `  sutler engine list
  sutler engine list --output json`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			list, err := to.Engines(c.Context())
			if err != nil {
				return err
			}
			return p.show("engines", map[string]any{"engines": list}, func() error {
				rows := make([][]string, len(list))
				for i, e := range list {
					alive := "no"
					if e.Alive {
						alive = "yes"
					}
					rows[i] = []string{string(e.Name), string(e.State), alive, when(e.Seen), fmt.Sprint(e.Fence)}
				}
				return p.table([]string{"engine", "state", "alive", "seen", "lease"}, rows)
			})
		},
	}
}
