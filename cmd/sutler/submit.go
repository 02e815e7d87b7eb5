package main

import (
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/chroma/v2/quick"
	"github.com/spf13/cobra"

	"sutler"
	"sutler/client"
)

// submit sends a request to the server.
func (p *program) submit() *cobra.Command {
	var r remote
	var s client.Submission
	c := &cobra.Command{
		Use:   "submit [--namespace N --procedure P | --trusted] FILE|-",
		Short: "Run a request on the server",
		Long: `Sends a request to the server and waits until its transaction is committed or
undone. The response XML goes to standard output, also that of a failed request.

A simple request names a procedure with --namespace and --procedure; a trusted
one (--trusted) carries its procedure inside. Exit codes: 0 committed, 6 rolled
back, 7 in doubt; 2 and 5 when nothing was begun.`,
		Example: `  sutler submit --namespace Hosting --procedure "Create Customer" samples/request-ok.xml
  sutler submit --trusted request.xml
  cat request.xml | sutler submit --namespace Hosting --procedure "Show Customer" -`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if err := kindOfRequest(c, s.Namespace, s.Procedure, s.Trusted); err != nil {
				return err
			}
			text, err := p.read(args[0])
			if err != nil {
				return err
			}
			to, err := p.dial(&r)
			if err != nil {
				return err
			}
			defer to.Close()
			s.Request, s.File = string(text), args[0]
			res, err := to.Send(c.Context(), s)
			return p.respond(res, err)
		},
	}
	r.flags(c)
	requestFlags(c, &s.Namespace, &s.Procedure, &s.Trusted)
	return c
}

// requestFlags are the flags that say which procedure a request is for.
func requestFlags(c *cobra.Command, namespace, procedure *string, trusted *bool) {
	c.Flags().StringVarP(namespace, "namespace", "n", "", "namespace of the procedure of a simple request")
	c.Flags().StringVarP(procedure, "procedure", "p", "", "procedure of a simple request")
	c.Flags().BoolVar(trusted, "trusted", false, "the request carries its procedure inside")
}

// kindOfRequest refuses flags that name two kinds of requests, or none.
func kindOfRequest(c *cobra.Command, namespace, procedure string, trusted bool) error {
	switch {
	case trusted && (namespace != "" || procedure != ""):
		return usageError(c, fmt.Errorf("--trusted cannot stand with --namespace or --procedure: a trusted request carries its procedure inside"))
	case !trusted && (namespace == "" || procedure == ""):
		return usageError(c, fmt.Errorf("a simple request needs --namespace and --procedure; one that carries its procedure inside needs --trusted"))
	}
	return nil
}

// read returns the content of a file, or of standard input for "-".
func (p *program) read(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(p.in)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, &exit{exitUsage, fmt.Errorf("cannot read the input: %w", err)}
	}
	return b, nil
}

// respond prints the response and ends with the exit code of the outcome.
func (p *program) respond(res *sutler.Response, err error) error {
	if res == nil {
		return err
	}
	if err := p.printResponse(res); err != nil {
		return err
	}
	return outcome(res, err)
}

func (p *program) printResponse(res *sutler.Response) error {
	if p.format == "" || p.format == asXML || p.format == asTable {
		return p.printXML(string(res.XML))
	}
	return p.show("response", struct {
		Transaction sutler.TransactionID `json:"transaction,omitempty"`
		Status      sutler.Status        `json:"status,omitempty"`
		Response    string               `json:"response"`
		Error       *sutler.Error        `json:"error,omitempty"`
	}{res.Transaction, res.Status, string(res.XML), res.Err}, nil)
}

// printXML writes a document, in colour on a terminal.
func (p *program) printXML(text string) error {
	if onTerminal(p.pretty) {
		if err := quick.Highlight(p.pretty, text, "xml", "terminal16m", "friendly"); err == nil {
			_, err = fmt.Fprintln(p.pretty)
			return err
		}
	}
	_, err := fmt.Fprintln(p.out, text)
	return err
}

// outcome turns what Submit returned into the exit code of the transaction.
func outcome(res *sutler.Response, err error) error {
	switch {
	case res.Status == sutler.Committed:
		return nil
	case res.Transaction == "":
		return &exit{exitCode(err), err}
	case res.Status != sutler.RolledBack:
		return &exit{exitInDoubt, err}
	}
	// A request that was not allowed, or names no procedure there is, never ran.
	if e := res.Err; e.Code == sutler.Denied && e.Seq == 0 || (e.Code == sutler.NotFound || e.Code == sutler.Denied) && e.Seq == 1 && len(e.Sources) == 1 {
		return &exit{exitCode(err), err}
	}
	return &exit{exitRolledBack, err}
}
