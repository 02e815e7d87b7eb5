// Sutler runs provisioning requests as transactions: whole, or undone.
//
// The verbs serve, try, demo, xslt, lint, explain, man and version work by
// themselves; all others talk to a server. Each verb is a file of this
// package; providers.go lists what an engine can act on.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"sutler/provider/file"
	"sutler/store"
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == file.HelperArgument { // started by an engine, as another account
		if err := file.Helper(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(exitFailed)
		}
		return
	}
	if err := restrict(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(exitFailed)
	}
	// A reader that goes away, as head does, must not end the program in the
	// middle of a transaction.
	signal.Ignore(syscall.SIGPIPE)
	if err := store.KeepFileLocks(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(exitFailed)
	}
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) { // nohup is obeyed
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), ends...)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
