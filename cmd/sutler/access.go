package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sutler"
	"sutler/security"
)

// right keeps who may submit what.
func (p *program) right() *cobra.Command {
	var r remote
	c := group("right", "Say who may submit requests", `The four rights of MPF on engines and, separately, on queue managers:
procedures   submit simple requests
credentials  put credentials, or any security context, into a request
trusted      submit trusted requests
private      call private procedures directly from a request
A deny counts before an allow.`, `  sutler right list
  sutler right allow procedures,credentials --to operators
  sutler right deny private --to interns --on queues`)
	r.flags(c)
	c.AddCommand(p.listsShown(&r, "list", "List who has which right", "  sutler right list", cobra.NoArgs, func([]string) func(string) bool {
		return func(object string) bool { return object == "engines" || object == "queues" }
	}))
	for _, v := range []struct {
		use, short string
		verb       sutler.AccessVerb
	}{{"allow", "Allow rights", sutler.AllowAccess}, {"deny", "Deny rights", sutler.DenyAccess}, {"remove", "Neither allow nor deny rights any more", sutler.RemoveAccess}} {
		var to, on string
		sub := p.changing(&r, v.use+" RIGHT[,RIGHT]", v.short, v.short+" to a user or a group: procedures, credentials, trusted, private or all.",
			"  sutler right "+v.use+" procedures --to operators", cobra.ExactArgs(1), func(args []string) (sutler.AccessChange, error) {
				if to == "" {
					return sutler.AccessChange{}, sutler.Errorf(sutler.BadInput, "cannot %s a right: name a user or group with --to", v.use)
				}
				return sutler.AccessChange{Verb: v.verb, Name: on, Who: to, Rights: strings.Split(args[0], ",")}, nil
			}, func(args []string) string { return fmt.Sprintf("%s: %s %s on %s", to, v.use, args[0], on) })
		sub.Flags().StringVar(&to, "to", "", "user or group")
		sub.Flags().StringVar(&on, "on", "engines", "engines or queues")
		c.AddCommand(sub)
	}
	return c
}

// access keeps the access lists of namespaces and procedures.
func (p *program) access() *cobra.Command {
	var r remote
	c := group("access", "Say who may call which procedure", `Access lists allow or deny users and groups to call the procedures of a namespace,
OBJECT being NAMESPACE, or NAMESPACE/PROCEDURE. A procedure inherits the list of its
namespace; its own entries count first, and of each list the denying ones. Whoever
no entry fits is refused. What has no list at all is open, unless the setting
access.defaultDeny is on.`, `  sutler access allow Hosting operators
  sutler access deny "Hosting/Create Customer" interns
  sutler access who-can Hosting "Create Customer"`)
	r.flags(c)
	c.AddCommand(p.listsShown(&r, "show [OBJECT]", "Show access lists", "  sutler access show Hosting\n  sutler access show --output json", cobra.MaximumNArgs(1), func(args []string) func(string) bool {
		return func(object string) bool {
			return object != "engines" && object != "queues" && (len(args) == 0 || strings.EqualFold(object, args[0]))
		}
	}))
	for _, v := range editVerbs {
		c.AddCommand(p.changing(&r, v.use+" OBJECT WHO", v.short, v.short+".", "  sutler access "+v.use+" Hosting operators", cobra.ExactArgs(2),
			func(args []string) (sutler.AccessChange, error) {
				return sutler.AccessChange{Verb: v.verb, Name: args[0], Who: args[1]}, nil
			}, func(args []string) string { return fmt.Sprintf("%s: %s %s", args[0], v.use, args[1]) }))
	}
	c.AddCommand(
		p.changing(&r, "inherit NAMESPACE/PROCEDURE on|off", "Say whether the namespace's list counts for a procedure",
			"With off the procedure's own list counts alone; if it has none it gets an empty one,\nwhich lets nobody in.", `  sutler access inherit "Hosting/Create Customer" off`, cobra.ExactArgs(2),
			func(args []string) (sutler.AccessChange, error) {
				if args[1] != "on" && args[1] != "off" {
					return sutler.AccessChange{}, sutler.Errorf(sutler.BadInput, "cannot set inheritance to %q: want on or off", args[1])
				}
				return sutler.AccessChange{Verb: sutler.InheritAccess, Name: args[0], On: args[1] == "on"}, nil
			}, func(args []string) string { return fmt.Sprintf("%s: inheritance is %s", args[0], args[1]) }),
		p.changing(&r, "import OBJECT SDDL", "Take an access list from a security descriptor",
			"Replaces a list by the DACL of a security descriptor. Entries that grant or deny\nexecute count: GX, GA, FX. Those of names that no\ndirectory and no list has stay as SIDs.", `  sutler access import Hosting 'D:P(A;;GX;;;BA)(A;;GX;;;AU)'`, cobra.ExactArgs(2),
			func(args []string) (sutler.AccessChange, error) {
				return sutler.AccessChange{Verb: sutler.ImportAccess, Name: args[0], SDDL: args[1]}, nil
			}, func(args []string) string { return args[0] + ": the list is replaced" }),
		p.changing(&r, "clear OBJECT", "Remove an access list", "Removes a list: the procedure then has what its namespace has, the namespace what\naccess.defaultDeny says.", "  sutler access clear Hosting", cobra.ExactArgs(1),
			func(args []string) (sutler.AccessChange, error) {
				return sutler.AccessChange{Verb: sutler.ClearAccess, Name: args[0]}, nil
			}, func(args []string) string { return args[0] + " has no list of its own any more" }),
		p.canI(&r), p.whoCan(&r), p.accessDiff(&r))
	return c
}

// editVerbs are those that change one entry of a list.
var editVerbs = []struct {
	use, short string
	verb       sutler.AccessVerb
}{
	{"allow", "Let a user or group call", sutler.AllowAccess},
	{"deny", "Keep a user or group from calling", sutler.DenyAccess},
	{"remove", "Neither allow nor deny a user or group any more", sutler.RemoveAccess},
}

func (p *program) listsShown(r *remote, use, short, example string, args cobra.PositionalArgs, chosen func(args []string) func(object string) bool) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: short + ".", Example: example, Args: usage(args),
		RunE: func(c *cobra.Command, args []string) error {
			v, err := p.view(c, r)
			if err != nil {
				return err
			}
			choose := chosen(args)
			lists := slices.DeleteFunc(v.Lists, func(l sutler.ListView) bool { return !choose(l.Object) })
			return p.show("lists", map[string]any{"lists": lists}, func() error {
				var rows [][]string
				for _, l := range lists {
					notes := ""
					if l.Protected {
						notes = "inherits nothing"
					}
					if len(l.Entries) == 0 {
						rows = append(rows, []string{l.Object, "", "nobody", "", notes})
					}
					for _, e := range l.Entries {
						verb := "allow"
						if e.Deny {
							verb = "deny"
						}
						rows = append(rows, []string{l.Object, verb, e.Who, strings.Join(e.Rights, ", "), notes})
					}
				}
				return p.table([]string{"object", "", "who", "rights", ""}, rows)
			})
		},
	}
}

func (p *program) canI(r *remote) *cobra.Command {
	var as string
	c := &cobra.Command{
		Use: "can-i [NAMESPACE PROCEDURE]", Short: "Ask whether a procedure may be called, or list all that may",
		Long: `Says whether you, or with --as another account, may call a procedure by a simple
request, and which rule decides. Without a procedure it lists all that may be called.
The exit code is 5 when it may not.`,
		Example: `  sutler access can-i Hosting "Create Customer"
  sutler access can-i --as ann`,
		Args: usage(func(_ *cobra.Command, args []string) error {
			if len(args) != 0 && len(args) != 2 {
				return fmt.Errorf("want NAMESPACE and PROCEDURE, or neither")
			}
			return nil
		}),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			q := url.Values{}
			if as != "" {
				q.Set("as", as)
			}
			if len(args) == 0 {
				var out struct {
					Account    string             `json:"account"`
					Procedures []security.WhatCan `json:"procedures"`
				}
				if err := to.Ask(c.Context(), "access/can-i", q, &out); err != nil {
					return err
				}
				return p.show("access", out, func() error {
					rows := make([][]string, len(out.Procedures))
					for i, w := range out.Procedures {
						rows[i] = []string{w.Namespace, w.Procedure, w.Rule}
					}
					return p.table([]string{"namespace", "procedure", "because"}, rows)
				})
			}
			q.Set("namespace", args[0])
			q.Set("procedure", args[1])
			var out struct {
				Account string `json:"account"`
				security.Decision
			}
			if err := to.Ask(c.Context(), "access/can-i", q, &out); err != nil {
				return err
			}
			err = p.show("access", out, func() error {
				word := good.Render("yes")
				if !out.Allowed {
					word = bad.Render("no")
				}
				_, err := fmt.Fprintf(p.pretty, "%s  %s: %s\n", word, out.Check, printable(out.Rule))
				return err
			})
			if err == nil && !out.Allowed {
				return &exit{code: exitDenied}
			}
			return err
		},
	}
	c.Flags().StringVar(&as, "as", "", "account to ask about (default yourself)")
	return c
}

func (p *program) whoCan(r *remote) *cobra.Command {
	return &cobra.Command{
		Use: "who-can NAMESPACE PROCEDURE", Short: "List who may call a procedure",
		Long:    "Lists the users that may call a procedure by a simple request, with the rule that lets them.",
		Example: `  sutler access who-can Hosting "Create Customer"`,
		Args:    usage(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			var out struct {
				Accounts []security.WhoCan `json:"accounts"`
			}
			if err := to.Ask(c.Context(), "access/who-can", url.Values{"namespace": {args[0]}, "procedure": {args[1]}}, &out); err != nil {
				return err
			}
			return p.show("accounts", out, func() error {
				rows := make([][]string, len(out.Accounts))
				for i, w := range out.Accounts {
					rows[i] = []string{w.Account, w.Rule}
				}
				return p.table([]string{"account", "because"}, rows)
			})
		},
	}
}

func (p *program) accessDiff(r *remote) *cobra.Command {
	return &cobra.Command{
		Use: "diff allow|deny|remove OBJECT WHO", Short: "Show what an edit of a list would change",
		Long:      "Shows which accounts could call which procedures after an edit and cannot now, or the\nother way round. Nothing is changed.",
		Example:   `  sutler access diff deny Hosting interns`,
		ValidArgs: []string{"allow", "deny", "remove"},
		Args:      usage(cobra.ExactArgs(3)),
		RunE: func(c *cobra.Command, args []string) error {
			in := sutler.AccessChange{Name: args[1], Who: args[2]}
			for _, v := range editVerbs {
				if v.use == args[0] {
					in.Verb = v.verb
				}
			}
			if in.Verb == "" {
				return sutler.Errorf(sutler.BadInput, "cannot compare: %q is no edit; want allow, deny or remove", args[0])
			}
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			var out struct {
				Changes []security.AccessEffect `json:"changes"`
			}
			if err := to.Post(c.Context(), "access/diff", in, &out); err != nil {
				return err
			}
			return p.show("changes", out, func() error {
				words := map[bool]string{true: "may", false: "may not"}
				rows := make([][]string, len(out.Changes))
				for i, e := range out.Changes {
					rows[i] = []string{e.Account, e.Namespace, e.Procedure, words[e.Before.Allowed], words[e.After.Allowed], e.After.Rule}
				}
				return p.table([]string{"account", "namespace", "procedure", "before", "after", "because"}, rows)
			})
		},
	}
}
