package xmltree_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sutler/xmltree"
)

// at returns the node at a path as Path writes it.
func at(t testing.TB, top *xmltree.Node, path string) *xmltree.Node {
	t.Helper()
	var found *xmltree.Node
	var walk func(n *xmltree.Node)
	walk = func(n *xmltree.Node) {
		if n.Path() == path {
			found = n
		}
		for a := n.Attrs(); a != nil; a = a.Next() {
			walk(a)
		}
		for c := n.First(); c != nil; c = c.Next() {
			walk(c)
		}
	}
	walk(top.Top())
	if found == nil {
		t.Fatalf("there is no %s in %s", path, top)
	}
	return found
}

func TestEdits(t *testing.T) {
	const doc = `<r><a x="1" y="2">one<b/>two</a><c><d/></c></r>`
	for _, test := range []struct {
		name string
		edit func(at func(string) *xmltree.Node) error
		want string // the document afterwards, or the error
	}{
		{"append moves", func(at func(string) *xmltree.Node) error { return at("/r/c").Append(at("/r/a/b")) },
			`<r><a x="1" y="2">onetwo</a><c><d/><b/></c></r>`},
		{"append what is last", func(at func(string) *xmltree.Node) error { return at("/r").Append(at("/r/c")) }, doc},
		{"append to its parent", func(at func(string) *xmltree.Node) error { return at("/r").Append(at("/r/a")) },
			`<r><c><d/></c><a x="1" y="2">one<b/>two</a></r>`},
		{"append an attribute", func(at func(string) *xmltree.Node) error { return at("/r/c").Append(at("/r/a/@x")) },
			`<r><a y="2">one<b/>two</a><c x="1"><d/></c></r>`},
		{"append to itself", func(at func(string) *xmltree.Node) error { return at("/r/c").Append(at("/r/c")) },
			`cannot append /r/c to /r/c, which lies in it`},
		{"append to a descendant", func(at func(string) *xmltree.Node) error { return at("/r/c/d").Append(at("/r")) },
			`cannot append /r to /r/c/d, which lies in it`},
		{"append to text", func(at func(string) *xmltree.Node) error { return at("/r/a/text()[1]").Append(at("/r/c")) },
			`cannot append /r/c to /r/a/text()[1]`},
		{"append to an attribute", func(at func(string) *xmltree.Node) error { return at("/r/a/@x").Append(at("/r/c")) },
			`cannot append /r/c to /r/a/@x`},
		{"append an attribute to the root", func(at func(string) *xmltree.Node) error { return at("/r").Parent().Append(at("/r/a/@x")) },
			`cannot append /r/a/@x to /`},
		{"append a tree", func(at func(string) *xmltree.Node) error {
			root := at("/r").Document().NewRoot()
			root.AppendText("x")
			root.First().ReplaceWith(at("/r/c/d"))
			root.AppendText("y")
			return at("/r/c").Append(root)
		}, `<r><a x="1" y="2">one<b/>two</a><c><d/>y</c></r>`},
		{"insert before", func(at func(string) *xmltree.Node) error { return at("/r/a").InsertBefore(at("/r/c"), at("/r/a/b")) },
			`<r><a x="1" y="2">one<c><d/></c><b/>two</a></r>`},
		{"insert before itself", func(at func(string) *xmltree.Node) error { return at("/r").InsertBefore(at("/r/c"), at("/r/c")) }, doc},
		{"insert at the end", func(at func(string) *xmltree.Node) error { return at("/r/c").InsertBefore(at("/r/a/b"), nil) },
			`<r><a x="1" y="2">onetwo</a><c><d/><b/></c></r>`},
		{"insert before a stranger", func(at func(string) *xmltree.Node) error { return at("/r/c").InsertBefore(at("/r/a"), at("/r/a/b")) },
			`cannot insert before /r/a/b: it is not a child of /r/c`},
		{"replace", func(at func(string) *xmltree.Node) error { return at("/r/a").ReplaceWith(at("/r/c/d")) },
			`<r><d/><c/></r>`},
		{"replace by a child", func(at func(string) *xmltree.Node) error { return at("/r/a").ReplaceWith(at("/r/a/b")) },
			`<r><b/><c><d/></c></r>`},
		{"replace by a sibling", func(at func(string) *xmltree.Node) error { return at("/r/c").ReplaceWith(at("/r/a")) },
			`<r><a x="1" y="2">one<b/>two</a></r>`},
		{"replace by itself", func(at func(string) *xmltree.Node) error { return at("/r/c").ReplaceWith(at("/r/c")) }, doc},
		{"replace by an ancestor", func(at func(string) *xmltree.Node) error { return at("/r/c/d").ReplaceWith(at("/r/c")) },
			`cannot append /r/c to /r/c, which lies in it`},
		{"replace an attribute", func(at func(string) *xmltree.Node) error {
			c := at("/r/c")
			c.SetAttr(xmltree.Name{Local: "z"}, "3")
			return at("/r/a/@x").ReplaceWith(at("/r/c/@z"))
		}, `<r><a y="2" z="3">one<b/>two</a><c><d/></c></r>`},
		{"replace the unlinked", func(at func(string) *xmltree.Node) error {
			a := at("/r/a")
			a.Detach()
			return a.ReplaceWith(at("/r/c"))
		}, `cannot replace /a: it has no parent`},
		{"detach", func(at func(string) *xmltree.Node) error {
			for _, path := range []string{"/r/a/@y", "/r/a/b", "/r/c"} {
				n := at(path)
				n.Detach()
				n.Detach()
			}
			return nil
		}, `<r><a x="1">onetwo</a></r>`},
		{"set attributes", func(at func(string) *xmltree.Node) error {
			a := at("/r/a")
			a.SetAttr(xmltree.Name{Local: "x"}, "9")
			a.SetAttr(xmltree.Name{Local: "z"}, "3")
			a.SetAttr(xmltree.Name{Space: "u", Prefix: "p", Local: "x"}, "4")
			a.RemoveAttr("", "y")
			a.RemoveAttr("", "none")
			if at("/r/a/text()[1]").SetAttr(xmltree.Name{Local: "x"}, "1") != nil {
				return errors.New("text has an attribute")
			}
			return nil
		}, `<r><a xmlns:p="u" x="9" z="3" p:x="4">one<b/>two</a><c><d/></c></r>`},
		{"append text", func(at func(string) *xmltree.Node) error {
			at("/r/a").AppendText("+")
			at("/r/c").AppendText("new")
			at("/r/c").AppendText("")
			at("/r/c").AppendText("er")
			return nil
		}, `<r><a x="1" y="2">one<b/>two+</a><c><d/>newer</c></r>`},
		{"set values", func(at func(string) *xmltree.Node) error {
			at("/r/a/@x").SetValue("v")
			at("/r/a/text()[1]").SetValue("1")
			at("/r/c").SetValue("text")
			return nil
		}, `<r><a x="v" y="2">1<b/>two</a><c>text</c></r>`},
		{"rename", func(at func(string) *xmltree.Node) error {
			at("/r/a/@x").Rename(xmltree.Name{Local: "z"})
			at("/r/c").Rename(xmltree.Name{Space: "u", Local: "e"})
			at("/r/a/text()[1]").Rename(xmltree.Name{Local: "no"})
			return nil
		}, `<r><a z="1" y="2">one<b/>two</a><e xmlns="u"><d xmlns=""/></e></r>`},
		{"declare", func(at func(string) *xmltree.Node) error {
			c := at("/r/c")
			c.Declare("p", "u")
			c.Declare("p", "v")
			c.Declare("xml", "u")
			return nil
		}, `<r><a x="1" y="2">one<b/>two</a><c xmlns:p="v"><d/></c></r>`},
		{"move contents", func(at func(string) *xmltree.Node) error {
			at("/r/c").SetAttr(xmltree.Name{Local: "x"}, "0")
			return at("/r/a").MoveContents(at("/r/c"))
		}, `<r><a/><c x="1" y="2"><d/>one<b/>two</c></r>`},
		{"move contents into itself", func(at func(string) *xmltree.Node) error { return at("/r").MoveContents(at("/r/c")) },
			`cannot append /r to /r/c, which lies in it`},
		{"move contents up", func(at func(string) *xmltree.Node) error { return at("/r/c").MoveContents(at("/r")) },
			`<r><a x="1" y="2">one<b/>two</a><c/><d/></r>`},
		{"clear", func(at func(string) *xmltree.Node) error { at("/r/a").Clear(); return nil }, `<r><a/><c><d/></c></r>`},
		{"copy and append", func(at func(string) *xmltree.Node) error {
			c, err := at("/r").Document().Copy(at("/r/a"))
			if err != nil {
				return err
			}
			return at("/r/c").Append(c)
		}, `<r><a x="1" y="2">one<b/>two</a><c><d/><a x="1" y="2">one<b/>two</a></c></r>`},
	} {
		r := parse(t, doc)
		root := r.Document().Root()
		got := ""
		if err := test.edit(func(path string) *xmltree.Node { return at(t, r, path) }); err != nil {
			got = err.Error()
			if !strings.Contains(test.name, "unlinked") && root.String() != doc {
				t.Errorf("%s: the document became %s", test.name, root)
			}
		} else {
			got = root.String()
		}
		if got != test.want {
			t.Errorf("%s:\n%s\nwant %s", test.name, got, test.want)
		}
		if err := xmltree.Check(root); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestAppendFromAnotherDocument(t *testing.T) {
	from, to := parse(t, `<a><b x="1"><c/></b></a>`), parse(t, `<r/>`)
	b := from.First()
	if err := to.Append(b); err != nil {
		t.Fatal(err)
	}
	if from.String() != "<a/>" || to.String() != `<r><b x="1"><c/></b></r>` {
		t.Errorf("%s and %s", from, to)
	}
	if b.Parent() != nil || b.String() != `<b x="1"><c/></b>` || to.First() == b {
		t.Error("the original is not left as it was, unlinked")
	}
	if to.First().Document() != to.Document() || to.First().Pos() != (xmltree.Pos{}) {
		t.Error("the copy is not of the document it is in")
	}
}

func TestDepthHoldsAfterEdits(t *testing.T) {
	chain := func(d *xmltree.Document, n int) *xmltree.Node {
		top := d.NewElement(xmltree.Name{Local: "a"})
		e := top
		for range n - 1 {
			c := d.NewElement(xmltree.Name{Local: "a"})
			if err := e.Append(c); err != nil {
				t.Fatal(err)
			}
			e = c
		}
		return top
	}
	deepest := func(e *xmltree.Node) *xmltree.Node {
		for e.First() != nil {
			e = e.First()
		}
		return e
	}
	d := xmltree.New(&xmltree.Budget{MaxDepth: 10})
	e := chain(d, 6)
	var limit *xmltree.LimitError
	five := chain(d, 5)
	for name, err := range map[string]error{
		"append":        deepest(e).Append(five),
		"insert":        deepest(e).InsertBefore(five, nil),
		"move contents": func() error { x := chain(d, 6); return x.MoveContents(deepest(e)) }(),
		"copy":          func() error { _, err := d.Copy(chain(xmltree.New(nil), 11)); return err }(),
		"merge":         func() error { x := chain(xmltree.New(nil), 6); return d.Merge(deepest(e), x, nil) }(),
		"foreign":       deepest(e).Append(chain(xmltree.New(nil), 5)),
	} {
		if !errors.As(err, &limit) || limit.Value != 10 {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if err := deepest(e).Append(chain(d, 4)); err != nil {
		t.Errorf("ten levels: %v", err)
	}
	deepest(e).AppendText("text is no level")
}

func TestBudget(t *testing.T) {
	b := &xmltree.Budget{MaxNodes: 100, MaxBytes: 1000, MaxSteps: 10}
	d := xmltree.New(b)
	var limit *xmltree.LimitError
	e := d.NewElement(xmltree.Name{Local: "e"})
	for range 200 {
		if err := e.Append(d.NewText("")); err != nil {
			if !errors.As(err, &limit) || limit.Limit != "living nodes" || limit.Value != 100 {
				t.Fatalf("error %v", err)
			}
			break
		}
	}
	if limit == nil {
		t.Fatal("more nodes than the budget has")
	}
	if _, err := d.Copy(e); !errors.As(err, &limit) {
		t.Errorf("copy: error %v", err)
	}
	d.Release()
	d.Release()
	if nodes, bytes, _ := b.Used(); nodes != 0 || bytes != 0 {
		t.Errorf("%d nodes and %d bytes after the release", nodes, bytes)
	}

	d = xmltree.New(b)
	e = d.NewElement(xmltree.Name{Local: "e"})
	e.AppendText(strings.Repeat("x", 1001))
	if err := b.Err(); !errors.As(err, &limit) || limit.Limit != "bytes of tree" {
		t.Errorf("text: error %v", err)
	}
	e.SetValue("short")
	if _, bytes, _ := b.Used(); bytes > 1100 {
		t.Errorf("%d bytes after SetValue", bytes)
	}
	d.Release()
	if err := b.Steps(10); err != nil {
		t.Error(err)
	}
	if err := b.Steps(1); !errors.As(err, &limit) || limit.Limit != "steps" || limit.Setting == "" {
		t.Errorf("steps: error %v", err)
	}
	if err := (*xmltree.Budget)(nil).Steps(1 << 60); err != nil {
		t.Error(err)
	}
}

func TestReleasedNodesArePoisoned(t *testing.T) {
	d := xmltree.New(&xmltree.Budget{Poison: true})
	e := d.NewElement(xmltree.Name{Local: "e"})
	text := d.NewText("secret")
	if err := e.Append(text); err != nil {
		t.Fatal(err)
	}
	value := text.Value()
	d.Release()
	if value != "secret" {
		t.Errorf("a string taken before the release became %q", value)
	}
	if text.Value() == "secret" || text.Kind() != 0 || e.First() != nil || e.Document() != nil {
		t.Error("a released node looks alive")
	}
	// Recycled nodes are zero.
	for range 3 {
		d := xmltree.New(nil)
		for range 1000 {
			if n := d.NewText(""); n.Value() != "" || n.First() != nil || n.Attrs() != nil || n.Parent() != nil || n.KeepsSpace() {
				t.Fatal("a recycled node is not empty")
			}
		}
		d.NewText("dirty")
		d.Release()
	}
}

func TestAppendTextKeepsEarlierStrings(t *testing.T) {
	d := xmltree.New(nil)
	e := d.NewElement(xmltree.Name{Local: "e"})
	var want strings.Builder
	var seen []string
	for i := range 2000 {
		s := fmt.Sprint(i, " ")
		e.AppendText(s)
		want.WriteString(s)
		if e.Text() != want.String() {
			t.Fatalf("after %d: %q", i, e.Text())
		}
		if i%100 == 0 {
			seen = append(seen, e.Text())
		}
	}
	for _, s := range seen {
		if !strings.HasPrefix(want.String(), s) {
			t.Errorf("an earlier text became %q", s)
		}
	}
	e.First().SetValue("x")
	e.AppendText(strings.Repeat("y", 300))
	if e.Text() != "x"+strings.Repeat("y", 300) {
		t.Error("text after SetValue is wrong")
	}
}

func TestText(t *testing.T) {
	e := parse(t, `<a x="v">one<b>two<!--no--><c>three</c></b><?no no?>four<d/></a>`)
	for path, want := range map[string]string{
		"/a": "onetwothreefour", "/a/b": "twothree", "/a/d": "", "/a/@x": "v", "/a/text()[2]": "four", "/a/b/comment()": "no",
	} {
		if got := at(t, e, path).Text(); got != want {
			t.Errorf("text of %s is %q, want %q", path, got, want)
		}
	}
	if got := e.Document().Root().Text(); got != "onetwothreefour" {
		t.Errorf("text of the root is %q", got)
	}
}

func TestIsolate(t *testing.T) {
	r := parse(t, `<r><a/><b><c/></b><d/></r>`)
	b := at(t, r, "/r/b")
	for range 3 {
		restore := b.Isolate()
		if b.Path() != "/b" || b.Parent().Kind() != xmltree.Root || b.Prev() != nil || b.Next() != nil {
			t.Errorf("isolated %s", b.Path())
		}
		if xmltree.Compare(b, b.First()) != -1 {
			t.Error("an isolated element does not come before its child")
		}
		restore()
		if b.Path() != "/r/b" || r.String() != `<r><a/><b><c/></b><d/></r>` {
			t.Errorf("restored %s in %s", b.Path(), r)
		}
		if xmltree.Compare(b, r.Last()) != -1 || xmltree.Compare(b.First(), r.First()) != 1 {
			t.Error("the order is wrong after restoring")
		}
	}
	restore := r.Isolate()
	restore()
	if err := xmltree.Check(r.Top()); err != nil {
		t.Error(err)
	}
}

func TestNamespacesInScope(t *testing.T) {
	r := parse(t, `<r xmlns:p="u" xmlns:q="v" xmlns="d"><a xmlns:p="w" xmlns=""><b/></a></r>`)
	b := r.First().First()
	show := func(e *xmltree.Node) string {
		var s []string
		for _, n := range e.NamespacesInScope() {
			if n.Parent() != e || n.Kind() != xmltree.Namespace {
				t.Errorf("namespace %s is not of %s", n.Local(), e.Path())
			}
			s = append(s, n.Local()+"="+n.Value())
		}
		return strings.Join(s, " ")
	}
	if got := show(b); got != "p=w q=v xml="+xmltree.XMLSpace {
		t.Errorf("in scope: %s", got)
	}
	if got := show(r); got != "=d p=u q=v xml="+xmltree.XMLSpace {
		t.Errorf("in scope: %s", got)
	}
	if first := b.NamespacesInScope()[0]; b.NamespacesInScope()[0] != first {
		t.Error("the nodes are others each time")
	}
	b.Declare("q", "x")
	if got := show(b); got != "p=w q=x xml="+xmltree.XMLSpace {
		t.Errorf("in scope after an edit: %s", got)
	}
	for prefix, want := range map[string]string{"p": "w", "q": "x", "": "", "xml": xmltree.XMLSpace} {
		if uri, ok := b.Lookup(prefix); !ok || uri != want {
			t.Errorf("Lookup(%q) = %q, %t", prefix, uri, ok)
		}
	}
	if _, ok := b.Lookup("none"); ok {
		t.Error("a prefix is known that nobody declared")
	}
}

func TestCompare(t *testing.T) {
	r := parse(t, `<r xmlns:p="u" x="1"><a y="1" z="2">t<b/></a><c/></r>`)
	var order []*xmltree.Node
	var walk func(n *xmltree.Node)
	walk = func(n *xmltree.Node) {
		order = append(order, n)
		order = append(order, n.NamespacesInScope()...)
		for a := n.Attrs(); a != nil; a = a.Next() {
			order = append(order, a)
		}
		for c := n.First(); c != nil; c = c.Next() {
			walk(c)
		}
	}
	check := func() {
		t.Helper()
		order = order[:0]
		walk(r.Top())
		for i, a := range order {
			for j, b := range order {
				want := 0
				if i < j {
					want = -1
				} else if i > j {
					want = 1
				}
				if got := xmltree.Compare(a, b); got != want {
					t.Errorf("Compare(%s, %s) = %d, want %d", a.Path(), b.Path(), got, want)
				}
			}
		}
	}
	check()
	if err := r.Append(r.First()); err != nil {
		t.Fatal(err)
	}
	check()
	r.SetAttr(xmltree.Name{Local: "w"}, "1")
	check()

	d := r.Document()
	one, two := d.NewRoot(), d.NewRoot()
	other := parse(t, "<o/>")
	for _, pair := range [][2]*xmltree.Node{{d.Root(), one}, {one, two}, {r, two}, {r, other}} {
		a, b := xmltree.Compare(pair[0], pair[1]), xmltree.Compare(pair[1], pair[0])
		if a == 0 || a != -b || a != xmltree.Compare(pair[0], pair[1]) {
			t.Errorf("trees compare as %d and %d", a, b)
		}
	}
	b := new(xmltree.Budget)
	if first, second := xmltree.New(b), xmltree.New(b); xmltree.Compare(first.Root(), second.Root()) != -1 {
		t.Error("the document made first does not come first")
	}
}

// TestManyReaders is for the race detector.
func TestManyReaders(t *testing.T) {
	r := parse(t, "<r>"+strings.Repeat(`<a x="1"><b/></a>`, 50)+`<last/></r>`)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			mine := xmltree.New(nil)
			if _, err := mine.Copy(r); err != nil {
				t.Error(err)
			}
			if r.Child("last") != r.Last() || xmltree.Compare(r.First().First(), r.Last()) != -1 {
				t.Error("wrong answer")
			}
			if r.Last().Pos().Line != 1 || len(r.NamespacesInScope()) != 1 {
				t.Error("wrong answer")
			}
			_, _ = r.String(), xmltree.Canonical(r)
			mine.Release()
		})
	}
	wait.Wait()
}

// TestRandomEdits compares edits of a document, with all it remembers, with
// the plain answers.
func TestRandomEdits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := xmltree.New(nil)
		r := d.NewElement(xmltree.Name{Local: "r"})
		if err := d.Root().Append(r); err != nil {
			t.Fatal(err)
		}
		names := rapid.SampledFrom([]string{"a", "b", "c"})
		for range 30 {
			if err := r.Append(d.NewElement(xmltree.Name{Local: "filler"})); err != nil {
				t.Fatal(err)
			}
		}
		pick := func() *xmltree.Node {
			n := 0
			for c := r.First(); c != nil; c = c.Next() {
				n++
			}
			if n == 0 {
				return nil
			}
			c := r.First()
			for range rapid.IntRange(0, n-1).Draw(t, "child") {
				c = c.Next()
			}
			return c
		}
		for range rapid.IntRange(1, 40).Draw(t, "edits") {
			e := d.NewElement(xmltree.Name{Local: names.Draw(t, "name")})
			var err error
			switch c := pick(); rapid.IntRange(0, 7).Draw(t, "edit") {
			case 0, 1:
				err = r.Append(e)
			case 2:
				err = r.InsertBefore(e, c)
			case 3:
				if c != nil {
					c.Detach()
				}
			case 4:
				if c != nil {
					err = c.ReplaceWith(e)
				}
			case 5:
				if c != nil {
					err = r.Append(c)
				}
			case 6:
				if c != nil {
					c.Rename(e.Name())
				}
			case 7:
				if first := r.Child(e.Local()); first != nil {
					first.Detach()
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"a", "b", "c", "filler"} {
				var want *xmltree.Node
				for x := r.First(); x != nil && want == nil; x = x.Next() {
					if x.Local() == name {
						want = x
					}
				}
				if got := r.Child(name); got != want {
					t.Fatalf("Child(%s) is another than the first", name)
				}
			}
			if err := xmltree.Check(d.Root()); err != nil {
				t.Fatal(err)
			}
			if a, b := pick(), pick(); a != nil && a != b {
				want := 1
				for x := a; x != nil; x = x.Next() {
					if x == b {
						want = -1
					}
				}
				if got := xmltree.Compare(a, b); got != want {
					t.Fatalf("Compare = %d, want %d", got, want)
				}
			}
		}
	})
}
