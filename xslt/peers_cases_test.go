package xslt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sutler/xmltree"
	"sutler/xpath"
	"sutler/xslt"
)

// What BenchmarkPeers times: stylesheets with their documents, and expressions.

const peersDir = "testdata/peers"

// peerSheets are the stylesheets, NAME.xsl, each with the documents it is for.
var peerSheets = []struct {
	name     string
	document func(size int) []byte
}{
	{"map", directory},
	{"identity", directory},
	{"calculation", orders},
}

var peerSizes = []struct {
	name  string
	bytes int
}{{"1KB", 1 << 10}, {"10KB", 10 << 10}, {"1MB", 1 << 20}}

// grow makes a document of at most size bytes of as many records as fit.
func grow(size int, head, tail string, record func(i int) string) []byte {
	b := []byte(head)
	for i := 0; ; i++ {
		r := record(i)
		if len(b)+len(r)+len(tail) > size {
			return append(b, tail...)
		}
		b = append(b, r...)
	}
}

// directory makes a request with organisations and their users.
func directory(size int) []byte {
	organisation := func(i int) string {
		return fmt.Sprintf(`    <organisation name="litware%d" status="%s">
      <domain>litware%d.example.com</domain>
      <address><street>%d Main Street</street><city>Springfield</city></address>
`, i, []string{"active", "held"}[i%2], i, i+1)
	}
	return grow(size, "<executeData>\n  <data>\n"+organisation(0), "    </organisation>\n  </data>\n</executeData>\n", func(i int) string {
		start := ""
		if i > 0 && i%20 == 0 {
			start = "    </organisation>\n" + organisation(i/20)
		}
		login := fmt.Sprintf("%s%d", []string{"ann", "bob", "eve", "joe", "zoe"}[i%5], i)
		return start + fmt.Sprintf(`      <user login="%s" type="%s" enabled="%d">
        <givenName>%s</givenName><sn>O&apos;Neill &amp; Söhne</sn>
        <mail>%s@example.com</mail><mail>%s@example.org</mail>
        <quota unit="%s">%d</quota>
        <phone>+1 555 %04d</phone>
      </user>
`, login, []string{"member", "admin", "member"}[i%3], min(1, i%4), login[:3], login, login, []string{"MB", "GB"}[i%2], 1+i*37%50, i%10000)
	})
}

// orders makes customers and their orders.
func orders(size int) []byte {
	return grow(size, "<shop>\n", "</shop>\n", func(i int) string {
		var b strings.Builder
		if i%4 == 0 {
			fmt.Fprintf(&b, "  <customer id=\"c%d\"><name>customer %05d</name><country>country %d</country></customer>\n", i/4, i*7919%10000, i%7)
		}
		fmt.Fprintf(&b, "  <order id=\"o%d\" customer=\"c%d\" date=\"2026-%02d-%02d\" months=\"%d\">\n", i, i/4*(i%3+1)/3, 1+i%12, 1+i%28, 6+i%18)
		for j := range 2 + i%4 {
			n := i*4 + j
			fmt.Fprintf(&b, "    <item id=\"i%d\"><name>%s %d</name><price>%d.%02d</price><quantity>%d</quantity></item>\n",
				n, []string{"bolt", "nut", "washer", "screw"}[n%4], n, 1+n*31%100, n*7%4*25, 1+n%9)
		}
		b.WriteString("  </order>\n")
		return b.String()
	})
}

// peerExpr is a line of xpath.txt: an expression and the path of its context node.
type peerExpr struct{ from, expr string }

func peerExprs(t testing.TB) []peerExpr {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(peersDir, "xpath.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var all []peerExpr
	for l := range strings.Lines(string(src)) {
		from, expr, ok := strings.Cut(strings.TrimSpace(l), "  ")
		if ok && !strings.HasPrefix(l, "#") {
			all = append(all, peerExpr{from, expr})
		}
	}
	return all
}

// peerWork is what our side does for a case. It writes what comes out to a
// writer, if there is one.
type peerWork func(to io.Writer) error

// newPeerWork prepares the work that the arguments of a peer ask for, as
// testdata/peers/peer.c tells them.
func newPeerWork(args []string) (peerWork, error) {
	if len(args) < 2 {
		return nil, fmt.Errorf("peer: cannot understand %q", args)
	}
	src, err := os.ReadFile(args[1])
	if err != nil {
		return nil, err
	}
	input := func() (*xmltree.Document, error) {
		return xmltree.Parse(src, xmltree.Options{File: "input.xml", Own: true})
	}
	if args[0] == "parse" {
		return func(to io.Writer) error { return parseOnce(input, to) }, nil
	}
	doc, err := input()
	if err != nil {
		return nil, err
	}
	switch {
	case args[0] == "xpath" && len(args) == 4:
		return evaluation(doc, args[2], args[3])
	case (args[0] == "bytes" || args[0] == "tree") && len(args) == 3:
		sheet, err := os.ReadFile(args[2])
		if err != nil {
			return nil, err
		}
		style, err := xmltree.Parse(sheet, xmltree.Options{File: args[2]})
		if err != nil {
			return nil, err
		}
		p, problems := xslt.Compile(style, xslt.Options{})
		if err := problems.Err(); err != nil {
			return nil, err
		}
		var out bytes.Buffer
		if args[0] == "tree" {
			return func(to io.Writer) error { return treeOnce(p, doc, to) }, nil
		}
		return func(to io.Writer) error { return bytesOnce(p, input, &out, to) }, nil
	}
	return nil, fmt.Errorf("peer: cannot understand %q", args)
}

func parseOnce(input func() (*xmltree.Document, error), to io.Writer) error {
	d, err := input()
	if err != nil {
		return err
	}
	defer d.Release()
	if to != nil {
		return d.Root().Write(to, xmltree.WriteOptions{})
	}
	return nil
}

func treeOnce(p *xslt.Program, doc *xmltree.Document, to io.Writer) error {
	result := xmltree.New(nil)
	defer result.Release()
	if err := p.Run(context.Background(), doc.Root(), result.Root(), xslt.Env{}); err != nil {
		return err
	}
	if to != nil {
		return p.Serialize(to, result.Root())
	}
	return nil
}

func bytesOnce(p *xslt.Program, input func() (*xmltree.Document, error), out *bytes.Buffer, to io.Writer) error {
	doc, err := input()
	if err != nil {
		return err
	}
	defer doc.Release()
	result := xmltree.New(nil)
	defer result.Release()
	if err := p.Run(context.Background(), doc.Root(), result.Root(), xslt.Env{}); err != nil {
		return err
	}
	out.Reset()
	if err := p.Serialize(out, result.Root()); err != nil {
		return err
	}
	if to != nil {
		_, err = to.Write(out.Bytes())
	}
	return err
}

// evaluation compiles expr for the first node of from.
func evaluation(doc *xmltree.Document, from, expr string) (peerWork, error) {
	at, err := xpath.Compile(from, xpath.Static{})
	if err != nil {
		return nil, err
	}
	c := &xpath.Context{Node: doc.Root()}
	if c.Node, err = at.First(c); err != nil || c.Node == nil {
		return nil, errors.Join(err, fmt.Errorf("peer: %s selects nothing", from))
	}
	e, err := xpath.Compile(expr, xpath.Static{})
	if err != nil {
		return nil, err
	}
	return func(to io.Writer) error {
		v, err := e.Eval(c)
		if err != nil || to == nil {
			return err
		}
		if v.Type() != xpath.NodeSetType {
			_, err = fmt.Fprintln(to, v.Str())
			return err
		}
		fmt.Fprintf(to, "%d nodes\n", len(v.Nodes()))
		for _, n := range v.Nodes() {
			fmt.Fprintln(to, n.Text())
		}
		return nil
	}, nil
}

// The cases of BenchmarkPeers give what they gave: the stylesheets on 1 KB, in
// full, and the expressions, the long values as a sum.
func TestPeerCases(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(peersDir, "expected.txtar")
	want, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := &txtar.Archive{Comment: want.Comment}
	once := func(name string, args ...string) string {
		work, err := newPeerWork(args)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var b bytes.Buffer
		if err := work(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return b.String()
	}
	for _, s := range peerSheets {
		doc := peerDocument(t, dir, s.document, 1<<10)
		sheet := filepath.Join(peersDir, s.name+".xsl")
		out := once(s.name, "bytes", doc, sheet)
		if tree := once(s.name, "tree", doc, sheet); tree != out {
			t.Errorf("%s: the result on a parsed tree is %s, want %s", s.name, tree, out)
		}
		got.Files = append(got.Files, txtar.File{Name: s.name, Data: []byte(line(out))})
	}
	big := peerDocument(t, dir, orders, 1<<20)
	var values strings.Builder
	for _, e := range peerExprs(t) {
		v := once(e.expr, "xpath", big, e.from, e.expr)
		if len(v) > 100 {
			h := fnv.New64a()
			io.WriteString(h, v)
			v = fmt.Sprintf("%s … %d bytes, sum %x", v[:strings.Index(v, "\n")], len(v), h.Sum64())
		}
		fmt.Fprintf(&values, "%s  %s\n  = %s\n", e.from, e.expr, strings.Join(strings.Split(strings.TrimSpace(v), "\n"), " | "))
	}
	got.Files = append(got.Files, txtar.File{Name: "xpath", Data: []byte(values.String())})
	if *update {
		if err := os.WriteFile(path, txtar.Format(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(got.Files) != len(want.Files) {
		t.Fatalf("%d results, want %d", len(got.Files), len(want.Files))
	}
	for i, f := range got.Files {
		if string(f.Data) != string(want.Files[i].Data) {
			t.Errorf("%s: got\n%s\nwant\n%s", f.Name, f.Data, want.Files[i].Data)
		}
	}
}

// peerDocument writes a document to a file in dir.
func peerDocument(t testing.TB, dir string, document func(size int) []byte, size int) string {
	t.Helper()
	src := document(size)
	h := fnv.New32a()
	h.Write(src)
	path := filepath.Join(dir, fmt.Sprintf("%x.xml", h.Sum32()))
	if err := os.WriteFile(path, src, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}
