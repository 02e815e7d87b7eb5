package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sutler"
	"sutler/xmltree"
)

// transaction shows what became of requests.
func (p *program) transaction() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use:   "transaction",
		Short: "List and show transactions, and finish those that wait",
		Long: `Every request that ran is a transaction in the server's log: who asked, which
calls were made, what was undone, and why. Those that could not be finished by
themselves are rollbackFailed or inDoubt and wait for an operator.`,
		Example: `  sutler transaction list --status inDoubt
  sutler transaction show {3F0C5B7E-0000-0000-0000-000000000001}
  sutler transaction retry {3F0C5B7E-0000-0000-0000-000000000001} --reason "the file server is back"`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.flags(c)
	c.AddCommand(p.transactionList(&r), p.transactionShow(&r))
	c.AddCommand(p.resolutions(&r)...)
	return c
}

func (p *program) transactionList(r *remote) *cobra.Command {
	var f sutler.Filter
	var status, after string
	c := &cobra.Command{
		Use:   "list",
		Short: "List transactions, newest first",
		Long: `Lists transactions, newest first. The states are active, preparing, committing,
committed, rollingBack, rolledBack, and rollbackFailed and inDoubt, which wait
for an operator.`,
		Example: `  sutler transaction list --limit 10
  sutler transaction list --status rolledBack --output json`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			f.Status, f.After = sutler.Status(status), sutler.TransactionID(after)
			list, err := to.Transactions(c.Context(), f)
			if err != nil {
				return err
			}
			return p.show("transactions", map[string]any{"transactions": list}, func() error {
				rows := make([][]string, len(list))
				for i, tx := range list {
					rows[i] = []string{string(tx.ID), string(tx.Status), when(tx.Started), took(tx.Started, tx.Ended), tx.Caller, target(&tx), tx.Text}
				}
				return p.table([]string{"transaction", "status", "started", "took", "caller", "procedure", "error"}, rows)
			})
		},
	}
	c.Flags().StringVar(&status, "status", "", "only transactions in this state")
	c.Flags().StringVar(&after, "after", "", "only transactions older than this one, for the next page")
	c.Flags().IntVar(&f.Limit, "limit", 50, "at most so many, up to 1000")
	_ = c.RegisterFlagCompletionFunc("status", cobra.FixedCompletions([]string{
		"active", "preparing", "committing", "committed", "rollingBack", "rolledBack", "rollbackFailed", "inDoubt",
	}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (p *program) transactionShow(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show the calls of a transaction, what was undone, and its error",
		Long: `Shows one transaction: the tree of its calls with their times, which of them
were undone and when, and the error with the procedures it passed through.
Calls that only read are shown if their procedure is audited.`,
		Example: "  sutler transaction show {3F0C5B7E-0000-0000-0000-000000000001}",
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			tx, err := to.Transaction(c.Context(), braced(args[0]))
			if err != nil {
				return err
			}
			return p.show("transaction", tx, func() error { return p.printTransaction(tx) })
		},
	}
}

// braced adds the braces of a transaction ID, which shells make awkward to type.
func braced(id string) sutler.TransactionID {
	if id != "" && !strings.HasPrefix(id, "{") {
		id = "{" + strings.ToUpper(id) + "}"
	}
	return sutler.TransactionID(id)
}

// target names the procedure that a transaction began with.
func target(tx *sutler.Transaction) string {
	if tx.Procedure == "" {
		return "(trusted request)"
	}
	return tx.Namespace + " / " + tx.Procedure
}

func (p *program) printTransaction(tx *sutler.Transaction) error {
	line := func(word, text string) {
		if text != "" {
			fmt.Fprintf(p.pretty, "  %s %s\n", faint.Render(word+":"), printable(text))
		}
	}
	fmt.Fprintf(p.pretty, "%s %s\n", strong.Render(string(tx.ID)), paint(tx.Status))
	line("request", target(tx))
	line("caller", tx.Caller)
	if tx.Trustee != tx.Caller {
		line("trustee", tx.Trustee)
	}
	line("client transaction", tx.Client)
	line("started", when(tx.Started))
	line("ended", when(tx.Ended))
	line("took", took(tx.Started, tx.Ended))
	if !tx.Due.IsZero() {
		line("pauses", fmt.Sprintf("%d %s failed, the next begins %s", tx.Round, plural(tx.Round, "round"), when(tx.Due)))
	}
	for _, r := range tx.Resolved {
		what := string(r.Verb)
		if r.Seq != 0 {
			what += fmt.Sprint(" of call ", r.Seq)
		}
		line("operator", fmt.Sprintf("%s by %s at %s: %s", what, r.Caller, when(r.At), r.Reason))
	}
	p.printSteps(tx)
	for _, r := range tx.Refusals {
		what := "the request"
		if r.Seq != 0 {
			what = fmt.Sprintf("call %d, %s / %s,", r.Seq, r.Namespace, r.Procedure)
		}
		fmt.Fprintf(p.pretty, "\n%s %s by %s\n", bad.Render("refused"), printable(what), printable(r.Rule))
	}
	if tx.Code != sutler.OK {
		fmt.Fprintf(p.pretty, "\n%s %s %s\n", bad.Render("error"), tx.Code.HRESULT(), printable(tx.Text))
		for i, s := range stackOf(tx.Response) {
			fmt.Fprintf(p.pretty, "  %s%s\n", strings.Repeat("  ", i), s)
		}
		fmt.Fprintf(p.pretty, "  %s sutler explain %s\n", faint.Render("explain:"), cmp.Or(tx.Code.Name(), tx.Code.String()))
	} else if tx.Status.Waiting() {
		line("waits because", tx.Text)
	}
	return nil
}

// printSteps prints the calls as a tree: each composite procedure once, its
// calls below it.
func (p *program) printSteps(tx *sutler.Transaction) {
	if len(tx.Steps) == 0 {
		fmt.Fprintf(p.pretty, "\n%s\n", faint.Render("no calls that leave records"))
		return
	}
	fmt.Fprintln(p.pretty)
	var shown []sutler.Frame
	for _, s := range tx.Steps {
		same := 0
		for same < len(shown) && same < len(s.Parents) && shown[same] == s.Parents[same] {
			same++
		}
		for i := same; i < len(s.Parents); i++ {
			f := s.Parents[i]
			fmt.Fprintf(p.pretty, "%s%4d  %s\n", strings.Repeat("  ", i), f.Seq, strong.Render(printable(f.Namespace+" / "+f.Procedure)))
		}
		shown = s.Parents
		p.printStep(&s)
	}
}

func (p *program) printStep(s *sutler.Step) {
	indent := strings.Repeat("  ", len(s.Parents))
	as := ""
	if k := s.Identity.Kind; k != "" && k != sutler.ServiceAccount {
		as = "  as " + printable(s.Identity.String())
	}
	fmt.Fprintf(p.pretty, "%s%4d  %s%s  %s  %s\n", indent, s.Seq, printable(s.Namespace+" / "+s.Procedure), as, paint(s.Status), faint.Render(took(s.Began, s.Ended)))
	if s.Namespace == sutler.ConfigNamespace {
		if detail := textOf(s.Before); detail != "" {
			fmt.Fprintf(p.pretty, "%s      %s\n", indent, printable(detail))
		}
	}
	if s.Enlisted {
		fmt.Fprintf(p.pretty, "%s      %s\n", indent, faint.Render("enlisted: commits with the transaction"))
	}
	if !s.UndoneAt.IsZero() {
		fmt.Fprintf(p.pretty, "%s      %s\n", indent, undo.Render("undone at "+s.UndoneAt.Local().Format("15:04:05.000000")))
	}
	if s.Text != "" {
		fmt.Fprintf(p.pretty, "%s      %s\n", indent, bad.Render(printable(s.Text)))
	}
}

// textOf returns the text of an element, or "".
func textOf(element string) string {
	doc, err := xmltree.Parse([]byte(element), xmltree.Options{})
	if err != nil {
		return ""
	}
	defer doc.Release()
	return doc.DocumentElement().Text()
}

// stackOf returns the procedures that an error passed through, innermost
// first, as the errorContext of a response names them.
func stackOf(response string) []string {
	doc, err := xmltree.Parse([]byte(response), xmltree.Options{})
	if err != nil {
		return nil
	}
	defer doc.Release()
	e := doc.DocumentElement().Child("errorContext")
	if e == nil {
		return nil
	}
	var stack []string
	for s := e.FirstElement(); s != nil; s = s.NextElement() {
		if s.Is("", "errorSource") && s.Attr("procedure") != "" {
			word := "in "
			if len(stack) > 0 {
				word = "called by "
			}
			stack = append(stack, word+printable(s.Attr("namespace")+" / "+s.Attr("procedure")))
		}
	}
	return stack
}
