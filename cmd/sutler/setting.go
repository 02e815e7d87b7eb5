package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sutler"
)

// setting reads and changes what an operator tunes.
func (p *program) setting() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use:   "setting",
		Short: "Read and change the settings of the server",
		Long: `Settings live in the server's store. A changed one is in force after the next
start of the server; those of the audit log within a minute.`,
		Example: `  sutler setting list
  sutler setting get limit.callTime
  sutler setting set limit.callTime 60000`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.flags(c)
	c.AddCommand(
		&cobra.Command{
			Use:   "list",
			Short: "List all settings",
			Long:  "Lists every setting with its value, its default and what it means.",
			Example: `  sutler setting list
  sutler setting list --output json`,
			Args: usage(cobra.NoArgs),
			RunE: func(c *cobra.Command, _ []string) error { return p.listSettings(c, &r) },
		},
		&cobra.Command{
			Use:     "get NAME",
			Short:   "Print the value of a setting",
			Long:    "Prints the value of one setting and nothing else.",
			Example: "  sutler setting get limit.running",
			Args:    usage(cobra.ExactArgs(1)),
			RunE:    func(c *cobra.Command, args []string) error { return p.getSetting(c, &r, args[0]) },
		},
		&cobra.Command{
			Use:   "set NAME VALUE",
			Short: "Change a setting",
			Long:  `Changes one setting. The empty value "" brings its default back.`,
			Example: `  sutler setting set limit.running 128
  sutler setting set limit.running ""`,
			Args: usage(cobra.ExactArgs(2)),
			RunE: func(c *cobra.Command, args []string) error { return p.setSetting(c, &r, args[0], args[1]) },
		},
	)
	return c
}

func (p *program) listSettings(c *cobra.Command, r *remote) error {
	all, err := p.settings(c, r)
	if err != nil {
		return err
	}
	return p.show("settings", map[string]any{"settings": all}, func() error {
		rows := make([][]string, len(all))
		for i, s := range all {
			rows[i] = []string{s.Name, s.Value, s.Default, s.Unit, s.Help}
		}
		return p.table([]string{"name", "value", "default", "unit", "meaning"}, rows)
	})
}

func (p *program) getSetting(c *cobra.Command, r *remote, name string) error {
	name, err := sutler.CheckSetting(name, "")
	if err != nil {
		return err
	}
	all, err := p.settings(c, r)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Name == name {
			return p.show("setting", s, func() error {
				_, err := fmt.Fprintln(p.out, s.Value)
				return err
			})
		}
	}
	return sutler.Errorf(sutler.NotFound, "cannot show the setting: the server has none called %q", name)
}

func (p *program) setSetting(c *cobra.Command, r *remote, name, value string) error {
	name, err := sutler.CheckSetting(name, value)
	if err != nil {
		return err
	}
	to, err := p.dial(r)
	if err != nil {
		return err
	}
	defer to.Close()
	if err := to.SetSetting(c.Context(), name, value); err != nil {
		return err
	}
	when := "; the server uses it after its next start"
	switch area, _, _ := strings.Cut(name, "."); area {
	case "audit", "log":
		when = "; it counts within a minute"
	case "access", "client", "login":
		when = "; it counts within seconds"
	}
	fmt.Fprintf(p.talk, "%s is set%s\n", name, when)
	return nil
}

func (p *program) settings(c *cobra.Command, r *remote) ([]sutler.Setting, error) {
	to, err := p.dial(r)
	if err != nil {
		return nil, err
	}
	defer to.Close()
	return to.Settings(c.Context())
}
