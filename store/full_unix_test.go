//go:build unix

package store_test

import (
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"sutler"
)

// TestFullDisk lets the files grow up to a limit only: what was acknowledged
// is there after the store is opened again, and nothing else is.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	l := lease(t, s, "e")
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}()
	full := before
	full.Cur = 300_000
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &full); err != nil {
		t.Fatal(err)
	}
	id := func(n int) sutler.TransactionID { return sutler.TransactionID(fmt.Sprintf("{%d}", n)) }
	acknowledged := 0
	for {
		r := record(id(acknowledged), sutler.Began)
		r.Text = strings.Repeat("x", 10_000)
		if err := s.Append(t.Context(), l, r); err != nil {
			wantCode(t, "Append to a full disk", err, sutler.LogFailed)
			break
		}
		if acknowledged++; acknowledged > 100 {
			t.Fatal("the disk is never full")
		}
	}
	wantCode(t, "Append after it", s.Append(t.Context(), l, record("{late}", sutler.Began)), sutler.LogFailed)
	closeStore(t, s)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir)
	for n := range acknowledged {
		wantKinds(t, s, id(n), "began")
	}
	wantKinds(t, s, "{late}", "")
	mustAppend(t, s, lease(t, s, "e"), record("{late}", sutler.Began))
}
