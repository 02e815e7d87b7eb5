package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sutler"
	"sutler/security"
)

// explainAccess says how the engine would decide about a request.
func (p *program) explainAccess() *cobra.Command {
	var r remote
	var in struct {
		As        string `json:"as,omitempty"`
		Namespace string `json:"namespace,omitempty"`
		Procedure string `json:"procedure,omitempty"`
		Trusted   bool   `json:"trusted,omitempty"`
		Text      string `json:"request,omitempty"`
		File      string `json:"file,omitempty"`
	}
	c := &cobra.Command{
		Use:   "access",
		Short: "Say how a request would be decided, and as whom its steps would run",
		Long: `Shows each check of a request in order with the rule that decides, then for every
call of the procedure the account it would run under and why. Nothing is run. About
others than yourself administrators and auditors may ask. The exit code is 5 when a
check refuses.`,
		Example: `  sutler explain access --namespace Hosting --procedure "Create Customer"
  sutler explain access --as ann --namespace Hosting --procedure "Create Customer" --request request.xml
  sutler explain access --as ann --request trusted.xml --trusted`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if in.File != "" {
				b, err := os.ReadFile(in.File)
				if err != nil {
					return sutler.Errorf(sutler.BadInput, "cannot read the request: %w", err)
				}
				in.Text = string(b)
			}
			to, err := p.dial(&r)
			if err != nil {
				return err
			}
			defer to.Close()
			var x security.AccessExplanation
			if err := to.Post(c.Context(), "access/explain", in, &x); err != nil {
				return err
			}
			if err := p.show("explanation", x, func() error { return p.printAccess(&x) }); err != nil {
				return err
			}
			if !x.Allowed {
				return &exit{code: exitDenied}
			}
			return nil
		},
	}
	r.flags(c)
	f := c.Flags()
	f.StringVar(&in.As, "as", "", "account to ask about (default yourself)")
	f.StringVar(&in.Namespace, "namespace", "", "namespace of the procedure")
	f.StringVar(&in.Procedure, "procedure", "", "procedure that the request would call")
	f.StringVar(&in.File, "request", "", "file with the request")
	f.BoolVar(&in.Trusted, "trusted", false, "the request is a trusted one")
	return c
}

func (p *program) printAccess(x *security.AccessExplanation) error {
	word := func(allowed bool) string {
		if allowed {
			return good.Render("yes")
		}
		return bad.Render("no ")
	}
	fmt.Fprintf(p.pretty, "%s as %s, for trustee %s\n\n", strong.Render("request"), printable(x.As), printable(x.Trustee))
	for _, d := range x.Checks {
		fmt.Fprintf(p.pretty, "%s  %s: %s\n", word(d.Allowed), d.Check, printable(d.Rule))
	}
	if len(x.Steps) > 0 {
		fmt.Fprintf(p.pretty, "\n%s\n", strong.Render("calls"))
	}
	for _, s := range x.Steps {
		fmt.Fprintf(p.pretty, "%s  %s%s/%s", word(s.Allowed), strings.Repeat("  ", s.Depth), printable(s.Namespace), printable(s.Procedure))
		if s.Identity.Kind != "" {
			fmt.Fprintf(p.pretty, "  as %s", printable(s.Identity.String()))
		}
		if s.Conditional {
			fmt.Fprint(p.pretty, faint.Render("  (may be left out)"))
		}
		if s.Recursive {
			fmt.Fprint(p.pretty, faint.Render("  (runs already)"))
		}
		fmt.Fprintln(p.pretty)
		because := func(why string) {
			fmt.Fprintf(p.pretty, "     %s%s\n", strings.Repeat("  ", s.Depth), faint.Render(printable(why)))
		}
		if !s.Allowed {
			because(s.Decision.Check + ": " + s.Decision.Rule)
		}
		if s.Why != "" {
			because(s.Why)
		}
	}
	if x.More {
		fmt.Fprintln(p.pretty, faint.Render("there are more calls than are shown"))
	}
	return nil
}
