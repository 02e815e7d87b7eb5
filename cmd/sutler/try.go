package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sutler"
	"sutler/engine"
)

// tryOptions are the flags of try.
type tryOptions struct {
	namespaces           []string
	namespace, procedure string
	trusted, trace       bool
	root                 string
}

// try runs one request on an engine of its own.
func (p *program) try() *cobra.Command {
	var o tryOptions
	c := &cobra.Command{
		Use:   "try [--namespaces FILE_OR_DIR]... [--namespace N --procedure P | --trusted] REQUEST.xml",
		Short: "Run one request on a throw-away engine",
		Long: `Runs one request on an engine in this process, with a store of its own in a
temporary folder, and prints the response XML. The namespaces of the built-in
providers are there; --namespaces adds others.

File and SQL providers work below --root, by default a fresh temporary folder
that is removed at the end. The caller is "local", a member of MPFAdmins and
MPFTrustedUsers. --trace shows each construct with its data before and after on
standard error. An interrupt undoes the request, and so does a
closed terminal.

Exit codes: 0 committed, 6 rolled back, 2 usage or bad input, 1 otherwise. If
the transaction could not be finished the folder is kept, and the command that
finishes it is printed.`,
		Example: `  sutler try --namespaces samples --namespace Hosting --procedure "Create Customer" samples/request-ok.xml
  sutler try --trusted --trace request.xml
  sutler try --namespaces hosting.xml -n Hosting -p "Create Customer" --root ./world request.xml`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := kindOfRequest(c, o.namespace, o.procedure, o.trusted); err != nil {
				return err
			}
			return p.tryRequest(c.Context(), o, args[0])
		},
	}
	f := c.Flags()
	f.StringArrayVar(&o.namespaces, "namespaces", nil, "namespace file, or directory of such files; may be repeated")
	requestFlags(c, &o.namespace, &o.procedure, &o.trusted)
	f.BoolVar(&o.trace, "trace", false, "show each construct with its data before and after on standard error")
	f.StringVar(&o.root, "root", "", "directory that the file and SQL providers work below (default a fresh temporary folder)")
	_ = c.MarkFlagDirname("root")
	return c
}

func (p *program) tryRequest(ctx context.Context, o tryOptions, file string) error {
	srcs, err := namespaceFiles(o.namespaces)
	if err != nil {
		return err
	}
	text, err := p.read(file)
	if err != nil {
		return err
	}
	var trace func(engine.Event)
	if o.trace {
		trace = p.printEvent
	}
	w, err := p.openWorkshop(ctx, o.root, trace)
	if err != nil {
		return err
	}
	res, err := w.run(ctx, p, srcs, submission{o.namespace, o.procedure, o.trusted, file, text})
	err = errors.Join(w.close(p, res), p.respondTry(res, err))
	return err
}

// respondTry is respond with the exit codes of try.
func (p *program) respondTry(res *sutler.Response, err error) error {
	err = p.respond(res, err)
	var ended *exit
	if errors.As(err, &ended) && ended.code != exitRolledBack && ended.code != exitUsage {
		ended.code = exitFailed
	}
	return err
}

// submission is a request that is still text.
type submission struct {
	namespace, procedure string
	trusted              bool
	file                 string
	text                 []byte
}

// workshop is a host in a temporary folder.
type workshop struct {
	*host
	folder string // temporary; holds the store, and the root unless one was given
	root   string // absolute
}

// openWorkshop makes a host that lives until close. When ctx ends, what runs is undone.
func (p *program) openWorkshop(ctx context.Context, root string, trace func(engine.Event)) (*workshop, error) {
	folder, err := os.MkdirTemp("", "sutler-")
	if err != nil {
		return nil, fmt.Errorf("cannot make a temporary folder: %w", err)
	}
	w := &workshop{folder: folder, root: filepath.Join(folder, "files")}
	if root != "" {
		if w.root, err = filepath.Abs(root); err != nil {
			return nil, fmt.Errorf("cannot use --root: %w", err)
		}
	}
	logger := slog.New(slog.NewTextHandler(p.talk, &slog.HandlerOptions{Level: slog.LevelError}))
	w.host, err = openHost(ctx, hostOptions{Data: folder, Root: w.root, Stop: ctx, Logger: logger, Trace: trace})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return w, nil
}

// run registers srcs and submits s. The response is nil if the request was
// not even begun.
func (w *workshop) run(ctx context.Context, p *program, srcs []sutler.Source, s submission) (*sutler.Response, error) {
	if len(srcs) > 0 {
		problems, err := w.Register(ctx, administrator("try"), srcs...)
		p.warn(problems)
		if err != nil {
			return nil, summary(err, problems)
		}
	}
	req, err := sutler.ParseRequest(s.text, s.file, w.Limits)
	if err != nil {
		return nil, &sutler.Error{Code: sutler.BadRequest, Err: err}
	}
	req.Namespace, req.Procedure, req.Trusted = s.namespace, s.procedure, s.trusted
	return w.Submit(ctx, administrator("try"), req)
}

// close ends the host and removes the folder, unless res is of a transaction
// that has still to be finished.
func (w *workshop) close(p *program, res *sutler.Response) error {
	err := w.host.Close()
	if res != nil && res.Transaction != "" && !res.Status.Final() {
		fmt.Fprintf(p.talk, "%s transaction %s is %s; its folder is kept. This command finishes it:\n  sutler serve --data %s --root %s --recover-only\n",
			bad.Render("not finished:"), res.Transaction, res.Status, shellWord(w.folder), shellWord(w.root))
		return err
	}
	// The store goes first: a folder that is left by halves has no store without
	// its keys, which would not start.
	return errors.Join(err, os.RemoveAll(filepath.Join(w.folder, "sutler.db")), os.RemoveAll(w.folder))
}

// shellWord quotes a word for a POSIX shell where that is needed.
func shellWord(s string) string {
	if !strings.ContainsAny(s, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// printEvent shows one construct of a running request.
func (p *program) printEvent(e engine.Event) {
	indent := strings.Repeat("  ", e.Depth)
	kind := blue.Render(fmt.Sprintf("%-8s", e.Kind))
	switch {
	case e.Err != nil:
		kind = bad.Render(fmt.Sprintf("%-8s", e.Kind))
	case e.Kind == "rollback":
		kind = undo.Render(fmt.Sprintf("%-8s", e.Kind))
	}
	number := ""
	if e.Seq > 0 {
		number = fmt.Sprintf("%d ", e.Seq)
	}
	fmt.Fprintf(p.talk, "%s%s %s%s  %s\n", indent, kind, number, strong.Render(printable(e.Name)), faint.Render(printable(e.At)))
	for _, part := range [][2]string{{"before", e.Before}, {"after", e.After}} {
		if part[1] != "" {
			fmt.Fprintf(p.talk, "%s  %s %s\n", indent, faint.Render(part[0]+":"), strings.ReplaceAll(printable(part[1]), "\n", "\n"+indent+"          "))
		}
	}
	if e.Err != nil {
		fmt.Fprintf(p.talk, "%s  %s %s\n", indent, bad.Render("error:"), printable(e.Err.Error()))
	}
}
