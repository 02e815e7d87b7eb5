package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sutler"
)

// resolutions are the verbs by which an operator goes on with a transaction
// that waits or pauses.
func (p *program) resolutions(r *remote) []*cobra.Command {
	verbs := []struct {
		verb            sutler.Verb
		short, long, eg string
		needsStep       bool
	}{
		{sutler.Retry, "Try again what failed",
			"Tries once more to commit or to undo what is left of a transaction that waits for\nan operator (rollbackFailed, inDoubt) or pauses.", `retry {3F0C5B7E-0000-0000-0000-000000000001} --reason "the file server is back"`, false},
		{sutler.SkipStep, "Leave one call as it is and finish the rest",
			"Leaves one call of a waiting transaction as it is: it is neither undone nor\ncommitted any more. The others are finished.", `skip-step {3F0C5B7E-0000-0000-0000-000000000001} --step 4 --reason "the server is gone for good"`, true},
		{sutler.MarkDone, "Say that a call was finished by hand",
			"Says that what was left to do for one call of a waiting transaction, undoing it or\ncommitting it, was done by hand. The others are finished.", `mark-done {3F0C5B7E-0000-0000-0000-000000000001} --step 4 --reason "removed the mailbox by hand, ticket 812"`, true},
		{sutler.RollbackVerb, "Turn a transaction back that was committing",
			"Undoes a transaction in doubt, also one that was committing: what is committed\nalready is undone as far as its provider can.", `rollback {3F0C5B7E-0000-0000-0000-000000000001} --reason "the customer has withdrawn"`, false},
	}
	var all []*cobra.Command
	for _, v := range verbs {
		var step int
		var reason string
		c := &cobra.Command{
			Use:     string(v.verb) + " TRANSACTION --reason TEXT",
			Short:   v.short,
			Long:    v.long + "\n\nThe reason is kept with the transaction, for the audit log.",
			Example: "  sutler transaction " + v.eg,
			Args:    usage(cobra.ExactArgs(1)),
			RunE: func(c *cobra.Command, args []string) error {
				if v.needsStep && step == 0 {
					return usageError(c, errors.New("the number of the call is missing: --step"))
				}
				to, err := p.dial(r)
				if err != nil {
					return err
				}
				defer to.Close()
				id := braced(args[0])
				status, err := to.Resolve(c.Context(), sutler.Caller{}, id, sutler.Resolution{Verb: v.verb, Seq: step, Reason: reason})
				if err != nil {
					return err
				}
				if err := p.show("transaction", map[string]any{"transaction": id, "status": status}, func() error {
					_, err := fmt.Fprintf(p.pretty, "%s %s\n", strong.Render(string(id)), paint(status))
					return err
				}); err != nil || status.Final() {
					return err
				}
				return &exit{exitInDoubt, fmt.Errorf("transaction %s is %s; sutler transaction show tells why", id, status)}
			},
		}
		c.Flags().StringVar(&reason, "reason", "", "why, for the audit log (required)")
		if v.needsStep {
			c.Flags().IntVar(&step, "step", 0, "number of the call, as sutler transaction show prints it (required)")
		}
		all = append(all, c)
	}
	return all
}
