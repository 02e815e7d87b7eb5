//go:build unix

package sutlertest_test

import (
	"testing"

	"sutler/sutlertest"
)

// TestPostgres looks whether the server keeps what is committed over a kill.
func TestPostgres(t *testing.T) {
	p := sutlertest.StartPostgres(t, "max_prepared_transactions=10")
	p.Database(t)
	p.SQL(t, "test1", "create table t (n int); insert into t values (7)")
	p.Kill(t)
	p.Start(t)
	if got := p.SQL(t, "test1", "select n from t"); got != "7" {
		t.Errorf("after a kill the table holds %q, want 7", got)
	}
}
