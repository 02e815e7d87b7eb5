package engine

import (
	"errors"
	"strings"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
)

// checkInput checks the executeData of a call, as the before elements left it,
// against the input schema of p, where the engine is set to check or the schema
// forces it (schema B.29, C.6).
func (w *walk) checkInput(p *procedure.Procedure, in *invocation) error {
	if p.Input == nil || !w.checks && !p.Input.Forced {
		return nil
	}
	w.steps = xmltree.Budget{MaxSteps: w.limits.TransformSteps}
	err := p.CheckInput(in.data, &w.steps)
	if err == nil {
		return nil
	}
	var limit *xmltree.LimitError
	if errors.As(err, &limit) {
		return sutler.Errorf(sutler.LimitReached, "cannot call %s/%s: checking its executeData against the input schema (%s): %w", p.Namespace.Name, p.Name, p.Input.At, limit)
	}
	return sutler.Errorf(sutler.SchemaErr, "cannot call %s/%s: its executeData does not fit the input schema (%s): %s",
		p.Namespace.Name, p.Name, p.Input.At, mask(findings(err), secretsIn(in.data)))
}

// findings lists problems without the lines of source, which may hold secrets.
func findings(err error) string {
	var ps xmltree.Problems
	if !errors.As(err, &ps) {
		return err.Error()
	}
	words := make([]string, len(ps))
	for i, p := range ps {
		words[i] = p.Msg + " [" + p.Rule + "]"
		if p.Hint != "" {
			words[i] += " (" + p.Hint + ")"
		}
	}
	return strings.Join(words, "; ")
}
