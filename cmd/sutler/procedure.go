package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sutler"
)

// procedure keeps what an administrator sets for procedures.
func (p *program) procedure() *cobra.Command {
	var r remote
	c := group("procedure", "Set properties of procedures", "What is set here counts before what the namespace says, and stays when the namespace is\nregistered anew.",
		`  sutler procedure set "Hosting/Create Customer" --execute-as hosting-admin
  sutler procedure list`)
	r.flags(c)
	var flags = map[string]*string{}
	var set *cobra.Command
	set = p.changing(&r, "set NAMESPACE/PROCEDURE", "Set properties of a procedure", `Sets properties of a procedure; "" takes what was set back.`,
		`  sutler procedure set "Hosting/Create Customer" --execute-as hosting-admin
  sutler procedure set "Hosting/Create Customer" --access private --audit on
  sutler procedure set "Hosting/Create Customer" --execute-as ""`, cobra.ExactArgs(1), func(args []string) (sutler.AccessChange, error) {
			in := sutler.AccessChange{Verb: sutler.SetProcedure, Name: args[0]}
			changed := false
			for name, to := range map[string]**string{"execute-as": &in.ExecuteAs, "access": &in.Access, "audit": &in.Audit, "perf": &in.Perf, "save-rollback": &in.SaveRollback} {
				if set.Flags().Changed(name) {
					*to, changed = flags[name], true
				}
			}
			if !changed {
				return in, sutler.Errorf(sutler.BadInput, "cannot set anything for %q: give --execute-as, --access, --audit, --perf or --save-rollback", args[0])
			}
			return in, nil
		}, func(args []string) string { return args[0] + " is set" })
	for name, help := range map[string]string{
		"execute-as": "credential that impersonating calls of the procedure run as; see sutler credential", "access": "public or private",
		"audit": "on or off: its calls are in the audit log", "perf": "on or off: kept without effect, for nothing measures procedures yet", "save-rollback": "on or off: its data are kept for undoing",
	} {
		flags[name] = new(string)
		set.Flags().StringVar(flags[name], name, "", help)
	}
	c.AddCommand(set, &cobra.Command{
		Use: "list", Short: "List what is set for procedures", Long: "Lists the procedures for which something is set.", Example: "  sutler procedure list", Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			v, err := p.view(c, &r)
			if err != nil {
				return err
			}
			return p.show("procedures", map[string]any{"procedures": v.Procedures}, func() error {
				word := func(b *bool) string {
					switch {
					case b == nil:
						return ""
					case *b:
						return "on"
					}
					return "off"
				}
				rows := make([][]string, len(v.Procedures))
				for i, s := range v.Procedures {
					rows[i] = []string{s.Procedure, s.ExecuteAs, s.Access, word(s.Audit), word(s.Perf), word(s.SaveRollback)}
				}
				return p.table([]string{"procedure", "execute as", "access", "audit", "perf", "save rollback"}, rows)
			})
		},
	})
	return c
}

// credential keeps the accounts that procedures execute as.
func (p *program) credential() *cobra.Command {
	var r remote
	c := group("credential", "Keep the accounts that procedures execute as", "The passwords are kept encrypted and come back through no door.", `  sutler credential set hosting-admin --account corp\\hosting
  sutler credential list
  sutler credential delete hosting-admin`)
	r.flags(c)
	var account string
	set := p.changing(&r, "set NAME", "Add a credential, or change it", "Adds or changes a credential. The password comes from SUTLER_NEW_PASSWORD or standard\ninput. Procedures use the new one from their next call on.",
		`  sutler credential set hosting-admin --account corp\\hosting`, cobra.ExactArgs(1), func(args []string) (sutler.AccessChange, error) {
			if account == "" {
				return sutler.AccessChange{}, sutler.Errorf(sutler.BadInput, "cannot set credential %q: name its account with --account", args[0])
			}
			secret, err := p.newPassword()
			return sutler.AccessChange{Verb: sutler.SetCredential, Name: args[0], Account: account, Secret: secret}, err
		}, func(args []string) string { return fmt.Sprintf("credential %s is set", args[0]) })
	set.Flags().StringVar(&account, "account", "", `account, as the systems know it: user, or domain\user`)
	c.AddCommand(set,
		p.changing(&r, "delete NAME", "Delete a credential", "Deletes a credential, and takes it from the procedures that execute as it.", "  sutler credential delete hosting-admin", cobra.ExactArgs(1),
			func(args []string) (sutler.AccessChange, error) {
				return sutler.AccessChange{Verb: sutler.DeleteCredential, Name: args[0]}, nil
			}, func(args []string) string { return fmt.Sprintf("credential %s is deleted", args[0]) }),
		&cobra.Command{
			Use: "list", Short: "List the credentials", Long: "Lists the credentials without their passwords.", Example: "  sutler credential list", Args: usage(cobra.NoArgs),
			RunE: func(c *cobra.Command, _ []string) error {
				v, err := p.view(c, &r)
				if err != nil {
					return err
				}
				return p.show("credentials", map[string]any{"credentials": v.Credentials}, func() error {
					rows := make([][]string, len(v.Credentials))
					for i, s := range v.Credentials {
						rows[i] = []string{s.Name, s.Account, when(s.Changed)}
					}
					return p.table([]string{"name", "account", "changed"}, rows)
				})
			},
		})
	return c
}
