package main

import (
	"bytes"
	"errors"
	"io"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTable sees that empty cells at the end of a row keep the columns of the
// rows around it together.
func TestTable(t *testing.T) {
	var out bytes.Buffer
	p := &program{pretty: coloured(&out)}
	err := p.table([]string{"name", "provider", "description"}, [][]string{
		{"Mail", "a long provider", "sends\nletters"},
		{"Hosting", "", ""},
		{"SQL Provider", "sql", "rows"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `NAME          PROVIDER         DESCRIPTION
Mail          a long provider  sends letters
Hosting
SQL Provider  sql              rows
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
}

// TestReaderGone sees that each format hands on that nobody reads any more;
// run ends quietly then.
func TestReaderGone(t *testing.T) {
	r, w := io.Pipe()
	r.CloseWithError(syscall.EPIPE)
	for _, format := range formats {
		p := &program{out: w, pretty: coloured(w), format: format}
		err := p.show("v", map[string]string{"a": "b"}, func() error { return p.table([]string{"a"}, [][]string{{"b"}}) })
		if !errors.Is(err, syscall.EPIPE) {
			t.Errorf("--output %s: %v, want EPIPE", format, err)
		}
	}
}
