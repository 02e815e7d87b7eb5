package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sutler"
	"sutler/engine"
	"sutler/procedure"
	"sutler/provider/sql"
	"sutler/xmltree"
	"sutler/xpath"
	"sutler/xsd"
	"sutler/xslt"
)

// explanation is a code or a rule in words.
type explanation struct {
	Code  string `json:"code"` // 0x80070005, or XP014
	Name  string `json:"name,omitempty"`
	Title string `json:"title"`
	Help  string `json:"help"`
}

// explain says what an error code or a rule means and what to do.
func (p *program) explain() *cobra.Command {
	c := &cobra.Command{
		Use:   "explain [CODE]",
		Short: "Say what an error code or a rule means",
		Long: `Explains an error code, given as 0x80070005, as a decimal number or by its name,
and the rules that namespaces, schemas, requests, paths and stylesheets follow,
such as XML004 or XP014. Without an argument it lists all of them. explain access
says who may do what, and why.`,
		Example: `  sutler explain 0x80070005
  sutler explain Denied
  sutler explain XP014`,
		Args: usage(cobra.MaximumNArgs(1)),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var words []string
			for _, e := range explanations() {
				words = append(words, e.Code+"\t"+e.Title)
				if e.Name != "" {
					words = append(words, e.Name+"\t"+e.Title)
				}
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return p.listExplanations()
			}
			e, ok := explanationOf(args[0])
			if !ok {
				return sutler.Errorf(sutler.NotFound, "cannot explain: nothing is known of code %q; sutler explain lists all codes and rules", args[0])
			}
			return p.show("explanation", e, func() error {
				_, err := fmt.Fprintf(p.pretty, "%s\n\n%s\n", strong.Render(strings.TrimSpace(e.Code+" "+e.Name)+": "+e.Title), e.Help)
				return err
			})
		},
	}
	c.AddCommand(p.explainAccess())
	return c
}

func (p *program) listExplanations() error {
	all := explanations()
	return p.show("explanations", map[string]any{"explanations": all}, func() error {
		rows := make([][]string, len(all))
		for i, e := range all {
			rows[i] = []string{e.Code, e.Name, e.Title}
		}
		return p.table([]string{"code", "name", "meaning"}, rows)
	})
}

// explanations returns all codes, then all rules.
func explanations() []explanation {
	var all []explanation
	for _, c := range append(sutler.Codes(), sql.Codes()...) {
		help := c.Help
		if shown := c.Code.HRESULT(); shown != c.Code {
			help += " In an errorContext its code is " + shown.String() + "."
		}
		all = append(all, explanation{c.Code.String(), c.Name, c.Title, help})
	}
	for _, rules := range [][]xmltree.Rule{xmltree.Rules(), xpath.Rules(), xslt.Rules(), xsd.Rules(), procedure.Rules(), engine.Rules(), sutler.RequestRules()} {
		for _, r := range rules {
			all = append(all, explanation{Code: r.ID, Title: r.Title, Help: r.Help})
		}
	}
	return all
}

// known returns the name and the help for a code, and whether there are any.
func known(c sutler.Code) (sutler.CodeInfo, bool) {
	all := append(sutler.Codes(), sql.Codes()...)
	if i := slices.IndexFunc(all, func(info sutler.CodeInfo) bool { return info.Code == c }); i >= 0 {
		return all[i], true
	}
	return sutler.CodeInfo{}, false
}

// explanationOf finds what a person typed: a code in any notation, a name, a rule.
func explanationOf(word string) (explanation, bool) {
	code, err := sutler.ParseCode(word)
	for _, e := range explanations() {
		if strings.EqualFold(e.Code, word) || e.Name != "" && strings.EqualFold(e.Name, word) || err == nil && e.Code == code.String() {
			return e, true
		}
	}
	return explanation{}, false
}
