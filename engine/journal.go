package engine

import (
	"context"
	"time"

	"sutler"
)

// journal holds the records of one transaction: those that are durable, then
// those that may wait for the next commit.
type journal struct {
	log     sutler.TransactionLog
	lease   sutler.Lease
	id      sutler.TransactionID
	now     func() time.Time
	records []sutler.Record
	durable int
	acted   bool   // the world may have been touched: a call that is not a read has started
	lost    error  // set when the log failed: nothing may be touched any more
	last    string // the enlisted connection that commits last, or ""
	live    bool   // whoever asked still waits
	sealer  sutler.Sealer
	secrets secrets // what no text of it shows
}

// stamp completes a record, and hides secrets in its text.
func (j *journal) stamp(r sutler.Record) sutler.Record {
	if r.Kind != sutler.AuditCommand { // has its own way of hiding them
		r.Text = j.secrets.hide(r.Text)
	}
	r.Transaction = j.id
	r.At = j.now().UTC().Truncate(time.Microsecond)
	return r
}

// hold adds a record that becomes durable with the next write.
func (j *journal) hold(r sutler.Record) {
	j.records = append(j.records, j.stamp(r))
	j.acted = j.acted || r.Kind == sutler.StepStarted && (r.Type != sutler.Read || r.Enlisted)
}

// write makes rs and everything held durable in one commit. If the log refuses
// it, nothing was written and rs are forgotten: the transaction may be undone.
// After any other error the journal is lost.
func (j *journal) write(rs ...sutler.Record) error {
	if j.lost != nil {
		return j.lost
	}
	for _, r := range rs {
		j.hold(r)
	}
	out := make([]sutler.Record, 0, len(j.records)-j.durable)
	for _, r := range j.records[j.durable:] {
		r, err := j.seal(r)
		if err != nil {
			j.lost = sutler.Errorf(sutler.LogRefused, "cannot seal a record of call %d: %w", r.Seq, err)
			return j.lost
		}
		out = append(out, r)
	}
	// The caller's cancel and deadline do not reach the log: a record is
	// written or the journal is lost, nothing in between.
	if err := j.log.Append(context.Background(), j.lease, out...); err != nil {
		err = &sutler.Error{Code: sutler.CodeOf(err), Err: err, Transaction: j.id}
		if code := sutler.CodeOf(err); code == sutler.LogRefused || code == sutler.Duplicate {
			j.records = j.records[:len(j.records)-len(rs)]
			return err
		}
		j.lost = err
		return err
	}
	j.durable = len(j.records)
	return nil
}

// must is write for records that nothing else can stand for: refused, the
// journal is lost too.
func (j *journal) must(rs ...sutler.Record) error {
	err := j.write(rs...)
	if err != nil {
		j.lost = err
	}
	return err
}

// told reports whether there is anything to make durable: more than the record
// that the transaction began, or that one if it must be found again.
func (j *journal) told() bool {
	return len(j.records) > 1 || j.durable > 0 || j.records[0].Client != ""
}

// transaction returns the fold of all records, waiting ones included.
func (j *journal) transaction() (*sutler.Transaction, error) { return sutler.Fold(j.records) }
