package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sutler"
	"sutler/xmltree"
)

// The exit codes of the program.
const (
	exitOK         = 0
	exitFailed     = 1
	exitUsage      = 2 // usage or bad input
	exitDenied     = 5
	exitRolledBack = 6
	exitInDoubt    = 7 // an operator is needed, or recovery has still to finish
)

// program is what the verbs share: the three streams and how to write to them.
type program struct {
	in     io.Reader
	out    io.Writer            // data, byte for byte
	pretty *colorprofile.Writer // data for people: colours where the terminal has them
	talk   *colorprofile.Writer // stderr: everything that is not data
	format string               // --output
}

// run carries out one command line and returns its exit code. When ctx ends
// the running verb stops in its orderly way.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	p := &program{
		in: stdin, out: stdout,
		pretty: coloured(stdout),
		talk:   coloured(stderr),
	}
	root := p.command()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(p.talk)
	err := root.ExecuteContext(ctx)
	if errors.Is(err, syscall.EPIPE) {
		return exitFailed // whoever read the output went away
	}
	var ended *exit
	if errors.As(err, &ended) {
		if ended.err != nil {
			p.complain(ended.err)
		}
		return ended.code
	}
	if err != nil {
		p.complain(err)
	}
	return exitCode(err)
}

// command returns the tree of all verbs.
func (p *program) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "sutler",
		Short: "Provisioning requests as transactions: whole, or undone",
		Long: `Sutler runs provisioning requests. A request changes several systems, files,
databases and others, as one transaction: if anything fails, everything done
so far is undone in reverse order.

serve, try, demo, xslt, lint, explain and version work by themselves; all
other verbs talk to a server, which they find through its data directory.

Every flag has a twin in the environment: --data is SUTLER_DATA, --output is
SUTLER_OUTPUT, and so on. Data goes to standard output, everything else to
standard error. Exit codes: 0 done, 1 failed, 2 usage or bad input, 5 denied,
6 rolled back, 7 in doubt.`,
		Example: `  sutler demo
  sutler try --namespaces hosting.xml --namespace Hosting --procedure "Create Customer" request.xml
  sutler serve --data ./sutler-data`,
		SilenceErrors: true, SilenceUsage: true,
		Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	root.PersistentFlags().StringVar(&p.format, "output", "", "how to print data: table, json, yaml or xml")
	_ = root.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usageError(c, err) })
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error {
		if err := errors.Join(noSecrets(c.Flags()), fromEnvironment(c.Flags())); err != nil {
			return usageError(c, err)
		}
		return p.checkFormat()
	}
	root.AddCommand(
		p.serve(), p.submit(), p.user(), p.groups(), p.right(), p.access(), p.procedure(), p.credential(), p.key(), p.setting(), p.namespace(), p.transaction(), p.engine(), p.audit(),
		p.try(), p.demo(), p.xslt(), p.lint(), p.explain(), p.version(), p.man(root),
	)
	return root
}

// noSecrets refuses a secret on the command line, where everybody on the host can
// read it.
func noSecrets(flags *pflag.FlagSet) error {
	given := func(name string) string {
		if f := flags.Lookup(name); f != nil && f.Changed {
			return f.Value.String()
		}
		return ""
	}
	database := given("database")
	password := strings.Contains(database, "password=")
	if u, err := url.Parse(database); err == nil {
		_, inUser := u.User.Password()
		password = password || inUser
	}
	switch {
	case password:
		return errors.New("cannot use --database: it holds a password, which others could read in the list of processes; put it into the file that PGPASSFILE names, or the whole address into SUTLER_DATABASE")
	case strings.HasPrefix(given("seal-kms"), "base64key:"):
		return fmt.Errorf("cannot use --seal-kms: it holds a key, which others could read in the list of processes; put it into %s", kmsVariable)
	}
	return nil
}

// fromEnvironment gives each flag that was not set on the command line the
// value of its twin, SUTLER_ and the name of the flag, unless that is empty.
func fromEnvironment(flags *pflag.FlagSet) error {
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "SUTLER_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v := os.Getenv(name)
		if v == "" || f.Changed || f.Name == "help" {
			return
		}
		var err error
		if list, isList := f.Value.(pflag.SliceValue); isList {
			err = list.Replace(filepath.SplitList(v))
		} else {
			err = flags.Set(f.Name, v)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("cannot use %s=%q: %w", name, v, err))
		}
	})
	return errors.Join(errs...)
}

// exit ends the program with a code of its own. err is shown, if there is one.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// usageError is a wrong command line: the error and how to find out more.
func usageError(c *cobra.Command, err error) error {
	return &exit{exitUsage, fmt.Errorf("%w\nusage: %s\nhelp:  %s --help", err, c.UseLine(), c.CommandPath())}
}

// usage makes the errors of an argument check usage errors.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := check(c, args); err != nil {
			return usageError(c, err)
		}
		return nil
	}
}

// exitCode returns the exit code for an error that no transaction stands behind.
func exitCode(err error) int {
	var ps xmltree.Problems
	var p *xmltree.Problem
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &ps), errors.As(err, &p):
		return exitUsage
	}
	switch sutler.CodeOf(err) {
	case sutler.Denied:
		return exitDenied
	case sutler.BadInput, sutler.BadRequest, sutler.BadNamespace, sutler.NotFound, sutler.NoProvider, sutler.ReadOnlyName, sutler.NotYet:
		return exitUsage
	case sutler.Doubt, sutler.UndoFailure, sutler.LogFailed:
		return exitInDoubt
	}
	return exitFailed
}

// complain shows an error: what, the code, the hint and where to read more.
func (p *program) complain(err error) {
	fmt.Fprintf(p.talk, "%s %s\n", bad.Render("error:"), printable(err.Error()))
	var e *sutler.Error
	if !errors.As(err, &e) {
		return
	}
	info, found := known(e.Code)
	fmt.Fprintf(p.talk, "  %s %s\n", faint.Render("code:"), strings.TrimSpace(e.Code.HRESULT().String()+" "+info.Name))
	if e.Transaction != "" {
		fmt.Fprintf(p.talk, "  %s %s\n", faint.Render("transaction:"), e.Transaction)
	}
	for i, s := range e.Sources {
		if s.Procedure == "" {
			continue
		}
		word := "called by:"
		if i == 0 {
			word = "in:"
		}
		fmt.Fprintf(p.talk, "  %s %s / %s\n", faint.Render(word), printable(s.Namespace), printable(s.Procedure))
	}
	if found {
		fmt.Fprintf(p.talk, "  %s %s\n", faint.Render("hint:"), info.Help)
		fmt.Fprintf(p.talk, "  %s sutler explain %s\n", faint.Render("explain:"), info.Name)
	}
}
