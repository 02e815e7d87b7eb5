package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sutler"
	"sutler/client"
	"sutler/security"
)

// group returns a verb that only has verbs below it.
func group(use, short, long, example string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Example: example,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
}

// changing returns a verb that makes one change of who may do what.
func (p *program) changing(r *remote, use, short, long, example string, args cobra.PositionalArgs, change func(args []string) (sutler.AccessChange, error), done func(args []string) string) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Example: example, Args: usage(args),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := change(args)
			if err != nil {
				return err
			}
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			if err := to.ChangeAccess(c.Context(), in); err != nil {
				return err
			}
			fmt.Fprintln(p.talk, done(args))
			if in.Verb == sutler.AllowAccess || in.Verb == sutler.DenyAccess {
				return p.noteUnknown(c.Context(), to, in.Who)
			}
			return nil
		},
	}
}

// noteUnknown says so when an entry is for somebody whom nobody knows: names are
// misspelt more often than given in advance.
func (p *program) noteUnknown(ctx context.Context, to *client.Client, who string) error {
	if strings.Contains(who, ":") || strings.HasPrefix(who, "S-") || strings.EqualFold(who, localAccount) {
		return nil
	}
	for _, name := range []string{security.Everyone, security.AuthenticatedUsers, security.Anonymous} {
		if security.Fold(name) == security.Fold(who) {
			return nil
		}
	}
	view, err := to.Access(ctx)
	if err != nil {
		return err
	}
	for _, a := range view.Accounts {
		if security.Fold(a.Name) == security.Fold(who) {
			return nil
		}
	}
	fmt.Fprintf(p.talk, "note: no account or group is called %q yet; the entry waits for one, or for a trustee of that name\n", who)
	return nil
}

// view reads who may do what.
func (p *program) view(c *cobra.Command, r *remote) (sutler.AccessView, error) {
	to, err := p.dial(r)
	if err != nil {
		return sutler.AccessView{}, err
	}
	defer to.Close()
	return to.Access(c.Context())
}

// user keeps the users of the installation.
func (p *program) user() *cobra.Command {
	var r remote
	c := group("user", "Keep the users that log in with a password", `Users are local accounts: they log in by name and password, with --user and
SUTLER_PASSWORD. A password has at least 12 characters, is not the name of the
account and not a common one. Other users come from an OpenID issuer or with
client certificates; one that is added here without a password gives such a user
groups.`, `  sutler user add ann --group MPFClientAccts
  sutler user list
  sutler user disable ann`)
	r.flags(c)
	var groups []string
	var without bool
	add := p.changing(&r, "add NAME", "Add a user", "Adds a user. The password comes from SUTLER_NEW_PASSWORD or standard input.", `  echo 'a long and quiet sentence' | sutler user add ann --group MPFClientAccts
  sutler user add corp\\ann --no-password --group operators`, cobra.ExactArgs(1), func(args []string) (in sutler.AccessChange, err error) {
		in = sutler.AccessChange{Verb: sutler.AddUser, Name: args[0], Groups: groups}
		if !without {
			in.Secret, err = p.newPassword()
		}
		return in, err
	}, func(args []string) string { return fmt.Sprintf("user %s is added", args[0]) })
	add.Flags().StringSliceVar(&groups, "group", nil, "group to be a member of; repeat for more")
	add.Flags().BoolVar(&without, "no-password", false, "the user cannot log in by password")
	c.AddCommand(add, p.accountList(&r, false),
		p.changing(&r, "set-password NAME", "Change a password", "Changes the password of a user. It comes from SUTLER_NEW_PASSWORD or standard input.", "  sutler user set-password ann", cobra.ExactArgs(1),
			func(args []string) (sutler.AccessChange, error) {
				secret, err := p.newPassword()
				return sutler.AccessChange{Verb: sutler.SetPassword, Name: args[0], Secret: secret}, err
			}, func(args []string) string { return fmt.Sprintf("the password of %s is changed", args[0]) }))
	p.accountVerbs(c, &r, "user")
	return c
}

// accountVerbs adds what users and groups have in common.
func (p *program) accountVerbs(c *cobra.Command, r *remote, kind string) {
	for _, v := range []struct {
		use, short, long, done string
		verb                   sutler.AccessVerb
	}{
		{"disable", "Keep a " + kind + " from doing anything", "Disables a " + kind + ": within seconds it has no rights any more, also in requests that run.", "is disabled", sutler.DisableAccount},
		{"enable", "Give a disabled " + kind + " its rights back", "Enables a " + kind + " that was disabled.", "is enabled", sutler.EnableAccount},
		{"delete", "Delete a " + kind, "Deletes a " + kind + " with its memberships and its entries in access lists.", "is deleted", sutler.DeleteAccount},
	} {
		c.AddCommand(p.changing(r, v.use+" NAME", v.short, v.long, "  sutler "+kind+" "+v.use+" interns", cobra.ExactArgs(1),
			func(args []string) (sutler.AccessChange, error) {
				return sutler.AccessChange{Verb: v.verb, Name: args[0]}, nil
			},
			func(args []string) string { return fmt.Sprintf("%s %s %s", kind, args[0], v.done) }))
	}
}

// groups keeps the groups of the installation.
func (p *program) groups() *cobra.Command {
	var r remote
	c := group("group", "Keep groups of users", `Groups hold users and other groups. MPFAdmins, MPFAuditors, MPFServiceAccts,
MPFClientAccts, MPFTrustedUsers and Administrators are there from the start.`, `  sutler group add operators
  sutler group add-member operators ann
  sutler group list`)
	r.flags(c)
	var within []string
	add := p.changing(&r, "add NAME", "Add a group", "Adds a group.", "  sutler group add operators --group MPFTrustedUsers", cobra.ExactArgs(1), func(args []string) (sutler.AccessChange, error) {
		return sutler.AccessChange{Verb: sutler.AddGroup, Name: args[0], Groups: within}, nil
	}, func(args []string) string { return fmt.Sprintf("group %s is added", args[0]) })
	add.Flags().StringSliceVar(&within, "group", nil, "group to be a member of; repeat for more")
	c.AddCommand(add, p.accountList(&r, true))
	for _, v := range []struct {
		use, short, done string
		verb             sutler.AccessVerb
	}{
		{"add-member", "Put a user or group into a group", "is a member of", sutler.AddMember},
		{"remove-member", "Take a user or group out of a group", "is no longer a member of", sutler.RemoveMember},
	} {
		c.AddCommand(p.changing(&r, v.use+" GROUP MEMBER", v.short, v.short+".", "  sutler group "+v.use+" operators ann", cobra.ExactArgs(2),
			func(args []string) (sutler.AccessChange, error) {
				return sutler.AccessChange{Verb: v.verb, Name: args[0], Who: args[1]}, nil
			}, func(args []string) string { return fmt.Sprintf("%s %s %s", args[1], v.done, args[0]) }))
	}
	p.accountVerbs(c, &r, "group")
	return c
}

func (p *program) accountList(r *remote, groups bool) *cobra.Command {
	kind := "user"
	if groups {
		kind = "group"
	}
	return &cobra.Command{
		Use: "list", Short: "List the " + kind + "s", Long: "Lists the " + kind + "s with the groups they are in.",
		Example: "  sutler " + kind + " list\n  sutler " + kind + " list --output json",
		Args:    usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			v, err := p.view(c, r)
			if err != nil {
				return err
			}
			all := slices.DeleteFunc(v.Accounts, func(a sutler.AccountView) bool { return a.Group != groups })
			return p.show("accounts", map[string]any{"accounts": all}, func() error {
				rows := make([][]string, len(all))
				for i, a := range all {
					state := "active"
					if a.Disabled {
						state = "disabled"
					}
					rows[i] = []string{a.Name, state, strings.Join(a.MemberOf, ", "), when(a.Changed)}
				}
				return p.table([]string{"name", "state", "member of", "changed"}, rows)
			})
		},
	}
}
