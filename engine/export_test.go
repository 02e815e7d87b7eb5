package engine

import (
	"context"

	"sutler"
)

// Recover recovers one transaction under the engine's own lease.
func (e *Engine) Recover(ctx context.Context, id sutler.TransactionID) (sutler.Status, error) {
	return e.recoverUnder(ctx, e.Lease(), id)
}
