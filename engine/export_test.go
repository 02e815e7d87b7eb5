package engine

import (
	"context"

	"sutler"
)

// Recover recovers one transaction under the engine's own lease.
func (e *Engine) Recover(ctx context.Context, id sutler.TransactionID) (sutler.Status, error) {
	return e.recoverUnder(ctx, e.Lease(), id)
}

// HideValues hides values in text, and nothing but them: no other spellings.
func HideValues(text string, values []string) string {
	var t trie
	for _, v := range values {
		t.add(v, inTexts)
		t.add(v[:len(v)/2], inLiterals) // to be left alone, as the next
		t.add(v+"-of-audit-commands-and-of-nothing-else-but-them", inLiterals)
	}
	return t.hide(text, inTexts)
}
