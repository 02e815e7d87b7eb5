package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sutler"
	"sutler/audit"
	"sutler/client"
	"sutler/store"
)

// exitTampered is the exit code of audit verify when the log is not whole.
const exitTampered = 8

// audit searches the audit log and proves that it is whole.
func (p *program) audit() *cobra.Command {
	var r remote
	c := &cobra.Command{
		Use:   "audit",
		Short: "Search, show, verify and export the audit log",
		Long: `The audit log holds what the setting audit.level keeps of finished transactions,
and every refusal. It is part of the transaction log, whose rows form hash
chains; a server signs their heads every ten seconds or thousand records.`,
		Example: `  sutler audit search --outcome rolledBack --from 24h
  sutler audit show {3F0C5B7E-0000-0000-0000-000000000001}
  sutler audit verify --anchor /mnt/elsewhere/audit.anchor
  sutler audit export --from 720h`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	r.flags(c)
	c.AddCommand(p.auditSearch(&r), p.auditShow(&r), p.auditVerify(&r), p.auditExport(&r), p.auditBadCommands(&r))
	return c
}

// auditFlags are the filters of search and export.
type auditFlags struct {
	f                        sutler.AuditFilter
	from, to, outcome, after string
}

func (a *auditFlags) add(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&a.from, "from", "", "only what began at or after this time: 2026-01-31, 2026-01-31T15:04:05Z, or so long ago, such as 24h")
	f.StringVar(&a.to, "to", "", "only what began before this time")
	f.StringVar(&a.f.Trustee, "trustee", "", "only transactions checked for this account")
	f.StringVar(&a.f.Caller, "caller", "", "only transactions of this caller")
	f.StringVar(&a.f.Namespace, "namespace", "", "only transactions that call this namespace")
	f.StringVar(&a.f.Procedure, "procedure", "", "only transactions that call this procedure")
	f.StringVar(&a.outcome, "outcome", "", "only what came to this: committed, rolledBack, rollbackFailed, inDoubt or refused")
	f.StringVar(&a.f.Text, "text", "", "only transactions with this text in their error, names or accounts")
	_ = c.RegisterFlagCompletionFunc("outcome", cobra.FixedCompletions([]string{"committed", "rolledBack", "rollbackFailed", "inDoubt", "refused"}, cobra.ShellCompDirectiveNoFileComp))
}

// filter returns what the flags ask for.
func (a *auditFlags) filter() (sutler.AuditFilter, error) {
	var err error
	if a.f.From, err = timeFlag(a.from); err != nil {
		return a.f, err
	}
	if a.f.To, err = timeFlag(a.to); err != nil {
		return a.f, err
	}
	a.f.Outcome, a.f.After = sutler.Status(a.outcome), sutler.TransactionID(a.after)
	return a.f, nil
}

// timeFlag reads a time, a day, or how long ago.
func timeFlag(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return time.Now().Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, sutler.Errorf(sutler.BadInput, "cannot read the time %q: want 2026-01-31, 2026-01-31T15:04:05Z, or so long ago, such as 24h", s)
}

func (p *program) auditSearch(r *remote) *cobra.Command {
	var a auditFlags
	c := &cobra.Command{
		Use:   "search",
		Short: "Search the audit log, newest first",
		Long: `Lists audited transactions, newest first. Texts are compared without regard to
case; all that is asked for must fit. What administrators did, and who was not
let in or refused at the door, is found under the namespace MPF Config.`,
		Example: `  sutler audit search --trustee ann --from 2026-01-01
  sutler audit search --outcome refused --output json
  sutler audit search --namespace "MPF Config" --from 168h
  sutler audit search --procedure "log in" --trustee ann
  sutler audit search --text "quota" --limit 10`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := a.filter()
			if err != nil {
				return err
			}
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			list, err := to.Audited(c.Context(), f)
			if err != nil {
				return err
			}
			return p.show("transactions", map[string]any{"transactions": list}, func() error {
				rows := make([][]string, len(list))
				for i, tx := range list {
					rows[i] = []string{string(tx.ID), string(tx.Status), when(tx.Started), took(tx.Started, tx.Ended), tx.Caller, tx.Trustee, target(&tx), tx.Text}
				}
				return p.table([]string{"transaction", "outcome", "started", "took", "caller", "trustee", "procedure", "error"}, rows)
			})
		},
	}
	a.add(c)
	c.Flags().IntVar(&a.f.Limit, "limit", 50, "at most so many, up to 1000")
	c.Flags().StringVar(&a.after, "after", "", "only transactions older than this one, for the next page")
	return c
}

func (p *program) auditShow(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:     "show TRANSACTION",
		Short:   "Show one audited transaction",
		Long:    "Shows one transaction in the detail in which the audit log keeps it.",
		Example: "  sutler audit show {3F0C5B7E-0000-0000-0000-000000000001}",
		Args:    usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			tx, err := to.AuditedTransaction(c.Context(), braced(args[0]))
			if err != nil {
				return err
			}
			return p.show("transaction", tx, func() error { return p.printTransaction(tx) })
		},
	}
}

func (p *program) auditExport(r *remote) *cobra.Command {
	var a auditFlags
	var format string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write audited transactions, a line each",
		Long: `Writes all audited transactions that are asked for, newest first: as JSON lines
with their calls, or as CSV with their heads.`,
		Example: `  sutler audit export --from 24h
  sutler audit export --from 2026-01-01 --to 2026-02-01 --format csv`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			f, err := a.filter()
			if err != nil {
				return err
			}
			if format != "jsonl" && format != "csv" {
				return sutler.Errorf(sutler.BadInput, "cannot export as %q: want jsonl or csv", format)
			}
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			return p.export(c.Context(), to, f, format)
		},
	}
	a.add(c)
	c.Flags().StringVar(&format, "format", "jsonl", "jsonl or csv")
	return c
}

// export writes page after page.
func (p *program) export(ctx context.Context, from *client.Client, f sutler.AuditFilter, format string) error {
	table := csv.NewWriter(p.out)
	if format == "csv" {
		if err := table.Write([]string{"transaction", "outcome", "started", "ended", "caller", "trustee", "clientTransactionId", "namespace", "procedure", "code", "error"}); err != nil {
			return err
		}
	}
	lines := json.NewEncoder(p.out)
	lines.SetEscapeHTML(false)
	for f.Limit = 1000; ; {
		page, err := from.Audited(ctx, f)
		if err != nil {
			return err
		}
		for i := range page {
			tx := &page[i]
			if format == "csv" {
				err = table.Write([]string{string(tx.ID), string(tx.Status), tx.Started.Format(time.RFC3339Nano), tx.Ended.Format(time.RFC3339Nano),
					tx.Caller, tx.Trustee, tx.Client, tx.Namespace, tx.Procedure, tx.Code.String(), tx.Text})
			} else if tx, err = from.AuditedTransaction(ctx, tx.ID); err == nil {
				err = lines.Encode(tx)
			}
			if err != nil {
				return err
			}
		}
		if len(page) < f.Limit {
			table.Flush()
			return table.Error()
		}
		f.After = page[len(page)-1].ID
	}
}

func (p *program) auditBadCommands(r *remote) *cobra.Command {
	return &cobra.Command{
		Use:   "bad-commands",
		Short: "List commands for the audit database that have failed",
		Long: `Lists what calls of Custom Audit / Audit left for the audit database and what
failed there. They are tried again with growing pauses (setting
audit.badCommandsDelay).`,
		Example: "  sutler audit bad-commands",
		Args:    usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			to, err := p.dial(r)
			if err != nil {
				return err
			}
			defer to.Close()
			list, err := to.BadCommands(c.Context())
			if err != nil {
				return err
			}
			return p.show("commands", map[string]any{"commands": list}, func() error {
				rows := make([][]string, len(list))
				for i, b := range list {
					rows[i] = []string{string(b.Transaction), fmt.Sprint(b.Seq), fmt.Sprint(b.Tries), when(b.Due), b.SQL, b.Error}
				}
				return p.table([]string{"transaction", "call", "tries", "next", "command", "error"}, rows)
			})
		},
	}
}

func (p *program) auditVerify(r *remote) *cobra.Command {
	var database, anchor string
	var keys []string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Prove that nobody has changed the log",
		Long: `Reads the log itself, not through the server, which may run meanwhile: follows
every hash chain from its beginning and compares it with the signed statements
about its heads. Each place where something was changed, removed, added or moved
is named; then the exit code is 8.

The anchor is the copy of the statements outside the database. Keep it, and the
public key, where those who can write to the database cannot: without an anchor a
cut at the end of the log is not found.`,
		Example: `  sutler audit verify
  sutler audit verify --anchor /mnt/elsewhere/audit.anchor --key /mnt/elsewhere/audit.pub
  sutler audit verify --database postgres://auditor@db.example/sutler --key web1.pub --key web2.pub`,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			o := store.Options{Path: filepath.Join(r.data, "sutler.db")}
			if database != "" {
				o = store.Options{Database: database}
			}
			return p.verify(c.Context(), o, r.data, anchor, keys)
		},
	}
	f := c.Flags()
	f.StringVar(&database, "database", "", "PostgreSQL database of the log (default the SQLite file in --data)")
	f.StringVar(&anchor, "anchor", "", "the anchor (default audit.anchor in --data, if it is there)")
	f.StringArrayVar(&keys, "key", nil, "a public key that is trusted; may be given several times (default audit.pub in --data)")
	return c
}

func (p *program) verify(ctx context.Context, o store.Options, data, anchor string, files []string) error {
	if len(files) == 0 {
		files = []string{filepath.Join(data, audit.PublicFile)}
	}
	if anchor == "" {
		anchor = filepath.Join(data, audit.AnchorFile)
	}
	keys, err := audit.ReadPublic(files[0])
	for _, file := range files[1:] {
		if err != nil {
			break
		}
		more, merr := audit.ReadPublic(file)
		keys, err = append(keys, more...), merr
	}
	if err != nil {
		return err
	}
	// The anchor first: what is signed after this is not asked for.
	lines, err := audit.ReadAnchor(anchor)
	if err != nil {
		return err
	}
	log, err := store.OpenReader(ctx, o)
	if err != nil {
		return err
	}
	defer log.Close()
	findings := []audit.Finding{}
	report, err := audit.Verify(ctx, log, lines, keys, func(f audit.Finding) { findings = append(findings, f) })
	if err != nil {
		return err
	}
	err = p.show("verification", map[string]any{"report": report, "anchored": lines != nil, "findings": findings}, func() error {
		for _, f := range findings {
			fmt.Fprintln(p.pretty, bad.Render(f.String()))
			for _, id := range f.Transactions {
				fmt.Fprintf(p.pretty, "  %s\n", id)
			}
		}
		word := good.Render("whole")
		if len(findings) > 0 {
			word = bad.Render(fmt.Sprintf("%d %s", len(findings), plural(len(findings), "finding")))
		}
		fmt.Fprintf(p.pretty, "%s: %d rows in %d %s, %d signed statements, %d rows not signed yet\n",
			word, report.Rows, report.Chains, plural(report.Chains, "chain"), report.Statements, report.Unsigned)
		if lines == nil {
			fmt.Fprintln(p.pretty, undo.Render("without an anchor: a cut at the end of the log would not be found"))
		}
		return nil
	})
	if err != nil || len(findings) == 0 {
		return err
	}
	return &exit{exitTampered, nil}
}
