package xmltree_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sutler/xmltree"
)

// element draws a small element over few names and values, so that equal,
// containing and contained ones are frequent.
func element(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom([]string{"a", "a", "b"}).Draw(t, "name")
		s := "<" + name
		for _, attr := range []string{"x", "y", "z"} {
			if v := rapid.SampledFrom([]string{"", "", "1", "2"}).Draw(t, attr); v != "" {
				s += " " + attr + `="` + v + `"`
			}
		}
		s += ">" + rapid.SampledFrom([]string{"", "", "", "t", " t ", "u"}).Draw(t, "text")
		if depth > 0 {
			for range rapid.IntRange(0, 3).Draw(t, "children") {
				s += element(depth-1).Draw(t, "child")
			}
		}
		return s + "</" + name + ">"
	})
}

func TestMergeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		root := rapid.Custom(func(t *rapid.T) string {
			s := rapid.SampledFrom([]string{"<r>", "<r>", "<r>text", `<r k="1">`, "<r><!--c--><!--c--><?p d?>"}).Draw(t, "start")
			for range rapid.IntRange(0, 5).Draw(t, "n") {
				s += element(2).Draw(t, "child") + rapid.SampledFrom([]string{"", "", "", "more"}).Draw(t, "tail")
			}
			return s + "</r>"
		})
		target, source := root.Draw(t, "target"), root.Draw(t, "source")
		dst, before, src := parse(t, target), parse(t, target), parse(t, source)
		merge(t, dst, src)
		if got := src.String(); got != parse(t, source).String() {
			t.Fatalf("the source became %s", got)
		}
		once := xmltree.Canonical(dst)

		for _, side := range []*xmltree.Node{before, src} {
			if !xmltree.Embeds(side, dst) {
				t.Fatalf("records of %s are lost in %s", side, dst)
			}
			for a := side.Attrs(); a != nil; a = a.Next() {
				if dst.AttrNode("", a.Local()) == nil {
					t.Fatalf("attribute %s is lost in %s", a, dst)
				}
			}
		}
		for c := dst.FirstElement(); c != nil; c = c.NextElement() {
			if !among(c, before) && !among(c, src) {
				t.Fatalf("record %s is of neither side", c)
			}
		}
		merge(t, dst, src)
		if twice := xmltree.Canonical(dst); twice != once {
			t.Fatalf("merged once  %s\nmerged twice %s", once, twice)
		}
		// With a fresh index as with the kept one.
		fresh := parse(t, once)
		merge(t, fresh, src)
		if twice := xmltree.Canonical(fresh); twice != once {
			t.Fatalf("merged once  %s\nmerged twice %s with a fresh index", once, twice)
		}
	})
}

// among reports whether a child of e equals n.
func among(n, e *xmltree.Node) bool {
	for c := e.FirstElement(); c != nil; c = c.NextElement() {
		if xmltree.Equal(c, n) {
			return true
		}
	}
	return false
}

type fataler interface {
	Helper()
	Fatal(...any)
}

func parse(t fataler, s string) *xmltree.Node {
	t.Helper()
	d, err := xmltree.Parse([]byte(s), xmltree.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return d.DocumentElement()
}

func merge(t fataler, dst, src *xmltree.Node) {
	t.Helper()
	if err := dst.Document().Merge(dst, src, nil); err != nil {
		t.Fatal(err)
	}
}

func TestMerge(t *testing.T) {
	const (
		data = `<data><user id="7"><n>Ann</n></user><dc>d1</dc></data>`
		back = `<executeData><user id="7"/><path>p</path></executeData>`
	)
	for _, test := range []struct {
		name, target, source, want string
	}{
		// The rows of schema C.5 with mode merge, as design L1 has them.
		{"before: user into user", `<user/>`, `<user id="7"><n>Ann</n></user>`, `<user id="7"><n>Ann</n></user>`},
		{"before: data into executeData", `<executeData><user/></executeData>`, data,
			`<executeData><user/><user id="7"><n>Ann</n></user><dc>d1</dc></executeData>`},
		{"before: dc into user", `<user/>`, `<dc>d1</dc>`, `<user>d1</user>`},
		{"after: executeData into data", `<data><user id="7"/></data>`, back, `<data><user id="7"/><path>p</path></data>`},
		{"after: input taken with move", `<data/>`, back, `<data><user id="7"/><path>p</path></data>`},

		{"root attributes overwrite", `<a x="1" y="2"/>`, `<b y="3" z="4"/>`, `<a x="1" y="3" z="4"/>`},
		{"the larger stays, here of the target", `<r><u id="1"><n>A</n></u></r>`, `<r><u id="1"/></r>`, `<r><u id="1"><n>A</n></u></r>`},
		{"the larger stays, here of the source, in its place", `<r><u id="1"/><v/></r>`, `<r><u id="1"><n>A</n></u></r>`, `<r><u id="1"><n>A</n></u><v/></r>`},
		{"each has what the other lacks", `<r><u id="1" a="1"/></r>`, `<r><u id="1" b="1"/></r>`, `<r><u id="1" a="1"/><u id="1" b="1"/></r>`},
		{"another value", `<r><u id="1"/></r>`, `<r><u id="2"/></r>`, `<r><u id="1"/><u id="2"/></r>`},
		{"another text", `<r><n>A</n></r>`, `<r><n>B</n></r>`, `<r><n>A</n><n>B</n></r>`},
		{"text is trimmed", "<r><n> A\n</n></r>", `<r><n>A</n></r>`, "<r><n> A\n</n></r>"},
		{"no text lies in text", `<r><u id="1">t</u></r>`, `<r><u id="1"/></r>`, `<r><u id="1">t</u></r>`},
		{"empty matches empty", `<r><u/></r>`, `<r><u/></r>`, `<r><u/></r>`},
		{"empty matches nothing else", `<r><u id="1"/></r>`, `<r><u/></r>`, `<r><u id="1"/><u/></r>`},
		{"nor the other way", `<r><u/></r>`, `<r><u id="1"/></r>`, `<r><u/><u id="1"/></r>`},
		{"white space alone is empty", `<r><u/></r>`, `<r><u> </u></r>`, `<r><u/></r>`},
		{"two equal ones need two", `<r><u/></r>`, `<r><u/><u/></r>`, `<r><u/><u/></r>`},
		{"one with one", `<r><u id="1"/><u id="1"/></r>`, `<r><u id="1"/></r>`, `<r><u id="1"/><u id="1"/></r>`},
		{"what was appended is not matched", `<r/>`, `<r><u a="1"/><u a="1" b="2"/></r>`, `<r><u a="1"/><u a="1" b="2"/></r>`},
		{"other name", `<r><u id="1"/></r>`, `<r><v id="1"/></r>`, `<r><u id="1"/><v id="1"/></r>`},
		{"other namespace", `<r><u id="1"/></r>`, `<r xmlns:p="n"><p:u id="1"/></r>`, `<r xmlns:p="n"><u id="1"/><p:u id="1"/></r>`},
		{"other prefix of the namespace", `<r><u xmlns="n" id="1"/></r>`, `<r xmlns:p="n"><p:u id="1"/></r>`, `<r><u xmlns="n" id="1"/></r>`},
		{"children in another order", `<r><u><a>1</a><b>2</b></u></r>`, `<r><u><b>2</b><a>1</a></u></r>`, `<r><u><a>1</a><b>2</b></u></r>`},
		{"fewer children", `<r><u><a>1</a><b>2</b></u></r>`, `<r><u><b>2</b></u></r>`, `<r><u><a>1</a><b>2</b></u></r>`},
		{"children one with one", `<r><u><a/></u></r>`, `<r><u><a/><a/></u></r>`, `<r><u><a/><a/></u></r>`},
		{"children of children", `<r><u><a><b x="1" y="2"/></a></u></r>`, `<r><u><a><b x="1"/></a></u></r>`, `<r><u><a><b x="1" y="2"/></a></u></r>`},
		{"a child must give way", `<r><u><a x="1" y="1"/><a x="1"/></u></r>`, `<r><u><a x="1"/><a y="1"/></u></r>`, `<r><u><a x="1" y="1"/><a x="1"/></u></r>`},
		{"containers are records", `<r><us><u id="1"/></us></r>`, `<r><us><u id="2"/></us></r>`, `<r><us><u id="1"/></us><us><u id="2"/></us></r>`},
		{"a container that grew", `<r><us><u id="1"/></us></r>`, `<r><us><u id="2"/><u id="1"/></us></r>`, `<r><us><u id="2"/><u id="1"/></us></r>`},
		{"equal before containing", `<r><u a="1" b="2"/><u a="1"/></r>`, `<r><u a="1"/><u a="1" b="2"/></r>`, `<r><u a="1" b="2"/><u a="1"/></r>`},
		{"containing before contained", `<r><u a="1"/><u a="1" b="2" c="3"/></r>`, `<r><u a="1" b="2"/></r>`, `<r><u a="1"/><u a="1" b="2" c="3"/></r>`},
		{"equal sources find the same places again", `<r><u a="1" b="1"/><u b="1" c="1"/></r>`, `<r><u a="1"/><u b="1"/><u a="1"/></r>`,
			`<r><u a="1" b="1"/><u b="1" c="1"/><u a="1"/></r>`},
		{"first of several", `<r><u a="1" x="1"/><u a="1" x="2"/></r>`, `<r><u a="1"/></r>`, `<r><u a="1" x="1"/><u a="1" x="2"/></r>`},
		{"first contained of several", `<r><u x="1"/><u y="1"/></r>`, `<r><u y="1" x="1"/></r>`, `<r><u y="1" x="1"/><u y="1"/></r>`},
		{"text appended", `<r>a</r>`, `<r>b</r>`, `<r>ab</r>`},
		{"text that is there", `<r>ab</r>`, `<r> b </r>`, `<r>ab</r>`},
		{"text in its place", `<r/>`, `<r>a<u/>b</r>`, `<r>a<u/>b</r>`},
		{"white space is no text", `<r>a</r>`, `<r> <u/> </r>`, `<r>a<u/></r>`},
		{"comments and instructions", `<r><!--a--><?p x?></r>`, `<r><!--a--><!--b--><?p x?><?p y?></r>`, `<r><!--a--><?p x?><!--b--><?p y?></r>`},
		{"nothing into something", `<r a="1">t<u/></r>`, `<r/>`, `<r a="1">t<u/></r>`},
	} {
		dst, src := parse(t, test.target), parse(t, test.source)
		for _, times := range []string{"once", "twice"} {
			merge(t, dst, src)
			if want := parse(t, test.want); xmltree.Canonical(dst) != xmltree.Canonical(want) {
				t.Errorf("%s, %s: %s, want %s", test.name, times, dst, test.want)
			}
		}
		if got := src.String(); got != parse(t, test.source).String() {
			t.Errorf("%s: the source became %s", test.name, got)
		}
		if err := xmltree.Check(dst); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestMergeManyContainers reaches the index of larger elements on each level.
func TestMergeManyContainers(t *testing.T) {
	list := func(from, to, step int, attrs string) string {
		s := "<r><us>"
		for i := from; i != to; i += step {
			s += fmt.Sprintf(`<u id="%d"%s><n>N%d</n></u>`, i, attrs, i)
		}
		return s + "</us></r>"
	}
	for name, test := range map[string]struct{ target, source, want string }{
		"reversed":          {list(0, 100, 1, ""), list(99, -1, -1, ""), list(0, 100, 1, "")},
		"contained":         {list(0, 100, 1, ` x="1"`), list(70, 20, -1, ""), list(0, 100, 1, ` x="1"`)},
		"containing":        {list(70, 20, -1, ""), list(0, 100, 1, ` x="1"`), list(0, 100, 1, ` x="1"`)},
		"neither, twice us": {list(0, 20, 1, ""), list(10, 30, 1, ""), list(0, 20, 1, "")[:len(list(0, 20, 1, ""))-4] + list(10, 30, 1, "")[3:]},
	} {
		dst, src := parse(t, test.target), parse(t, test.source)
		merge(t, dst, src)
		if !xmltree.Equal(dst, parse(t, test.want)) {
			t.Errorf("%s: %s", name, dst)
		}
	}
}

func TestMergeOfItsOwn(t *testing.T) {
	for _, test := range []struct{ name, dst, src, want string }{
		{"itself", "/r/a", "/r/a", `<r x="1"><a y="2"><b>t</b></a></r>`},
		{"what holds it", "/r/a", "/r", `<r x="1"><a y="2" x="1"><b>t</b><a y="2"><b>t</b></a></a></r>`},
		{"what lies in it", "/r", "/r/a", `<r x="1" y="2"><a y="2"><b>t</b></a><b>t</b></r>`},
	} {
		r := parse(t, `<r x="1"><a y="2"><b>t</b></a></r>`)
		merge(t, at(t, r, test.dst), at(t, r, test.src))
		if r.String() != test.want {
			t.Errorf("%s: %s, want %s", test.name, r, test.want)
		}
	}
	r := parse(t, `<r x="1">text</r>`)
	for _, pair := range [][2]*xmltree.Node{{r, r.First()}, {r.First(), r}, {r, r.Attrs()}} {
		if err := r.Document().Merge(pair[0], pair[1], nil); err == nil {
			t.Errorf("%s is merged into %s", pair[1].Path(), pair[0].Path())
		}
	}
}

// TestMergeSeesEdits edits a target between merges: the index must not
// remember what is no longer so.
func TestMergeSeesEdits(t *testing.T) {
	src := parse(t, `<r><u id="1"><n>A</n></u></r>`)
	for name, edit := range map[string]func(u *xmltree.Node){
		"detach":           func(u *xmltree.Node) { u.Detach() },
		"attribute":        func(u *xmltree.Node) { u.SetAttr(xmltree.Name{Local: "id"}, "2") },
		"remove attribute": func(u *xmltree.Node) { u.RemoveAttr("", "id"); u.SetAttr(xmltree.Name{Local: "z"}, "1") },
		"attribute value":  func(u *xmltree.Node) { u.Attrs().SetValue("2") },
		"rename attribute": func(u *xmltree.Node) { u.Attrs().Rename(xmltree.Name{Local: "z"}) },
		"rename":           func(u *xmltree.Node) { u.Rename(xmltree.Name{Local: "v"}) },
		"deep text":        func(u *xmltree.Node) { u.First().First().SetValue("B") },
		"deep append text": func(u *xmltree.Node) { u.First().AppendText("B") },
		"deep rename":      func(u *xmltree.Node) { u.First().Rename(xmltree.Name{Local: "m"}) },
		"deep replace":     func(u *xmltree.Node) { _ = u.First().ReplaceWith(u.Document().NewElement(xmltree.Name{Local: "m"})) },
		"merge below":      func(u *xmltree.Node) { merge(t, u.First(), parse(t, "<n>B</n>")) },
	} {
		dst := parse(t, `<r/>`)
		merge(t, dst, src)
		edit(dst.First())
		merge(t, dst, src)
		if !xmltree.Embeds(src, dst) {
			t.Errorf("%s: %s lacks a record of %s", name, dst, src)
		}
		again := dst.String()
		merge(t, dst, src)
		if dst.String() != again {
			t.Errorf("%s: %s became %s", name, again, dst)
		}
	}
}

// TestMergeSteps counts the steps of large merges: they grow with the number
// of records and not with its square.
func TestMergeSteps(t *testing.T) {
	const most = 60 // steps for each record
	list := func(n int, record func(i int) string) *xmltree.Node {
		var b strings.Builder
		b.WriteString("<r>")
		for i := range n {
			b.WriteString(record(i))
		}
		b.WriteString("</r>")
		return parse(t, b.String())
	}
	byAttr := func(i int) string { return fmt.Sprintf(`<u type="x" id="%d"/>`, i) }
	byText := func(i int) string { return fmt.Sprintf(`<u type="x"><id>%d</id></u>`, i) }
	for name, shape := range map[string]struct{ target, source func(i int) string }{
		"equal":               {byAttr, byAttr},
		"equal by deep text":  {byText, byText},
		"disjoint":            {byAttr, func(i int) string { return byAttr(-i - 1) }},
		"contained":           {func(i int) string { return fmt.Sprintf(`<u type="x" id="%d" n="N%d"/>`, i, i) }, byAttr},
		"containing":          {byText, func(i int) string { return fmt.Sprintf(`<u type="x"><n/><id>%d</id></u>`, i) }},
		"another order":       {byAttr, func(i int) string { return byAttr((i*7919 + 13) % 100_003) }},
		"all the same":        {func(int) string { return `<u type="x"/>` }, func(int) string { return `<u type="x"/>` }},
		"all empty":           {func(int) string { return `<u/>` }, func(int) string { return `<u/>` }},
		"each has more":       {func(i int) string { return fmt.Sprintf(`<u type="x" id="%d" a=""/>`, i) }, func(i int) string { return fmt.Sprintf(`<u type="x" id="%d" b=""/>`, i) }},
		"the same in larger":  {func(i int) string { return fmt.Sprintf(`<u type="x" id="%d"/>`, i) }, func(int) string { return `<u type="x"/>` }},
		"larger than all one": {func(int) string { return `<u type="x"/>` }, byAttr},
	} {
		for _, n := range []int{1_000, 10_000} {
			dst, src := list(n, shape.target), list(n, shape.source)
			b := &xmltree.Budget{MaxSteps: int64(n) * most}
			if err := dst.Document().Merge(dst, src, b); err != nil {
				t.Errorf("%s, %d records: %v", name, n, err)
			}
		}
	}
	t.Run("100,000", func(t *testing.T) {
		const n = 100_000
		dst, src := list(n, byAttr), list(n, func(i int) string { return byAttr(i + n/2) })
		b := &xmltree.Budget{MaxSteps: n * most}
		if err := dst.Document().Merge(dst, src, b); err != nil {
			t.Error(err)
		}
	})
	t.Run("one by one", func(t *testing.T) {
		for _, n := range []int{1_000, 10_000, 100_000} {
			b := &xmltree.Budget{MaxSteps: int64(n) * most}
			dst, src := parse(t, "<r/>"), parse(t, `<r><u type="x" id=""/></r>`)
			for i := range n {
				src.First().SetAttr(xmltree.Name{Local: "id"}, fmt.Sprint(i%(n/2)))
				if err := dst.Document().Merge(dst, src, b); err != nil {
					t.Fatalf("%d merges: %v", n, err)
				}
			}
			count := 0
			for c := dst.First(); c != nil; c = c.Next() {
				count++
			}
			if count != n/2 {
				t.Errorf("%d records after %d merges, want %d", count, n, n/2)
			}
		}
	})
	t.Run("nested", func(t *testing.T) {
		const n = 10_000
		wrap := func(e *xmltree.Node) *xmltree.Node {
			d := xmltree.New(nil)
			r := d.NewElement(xmltree.Name{Local: "r"})
			if err := r.Append(e); err != nil {
				t.Fatal(err)
			}
			return r
		}
		dst := wrap(list(n, byAttr))
		src := wrap(list(n-1, func(i int) string { return byAttr(n - 1 - i) }))
		b := &xmltree.Budget{MaxSteps: n * most}
		if err := dst.Document().Merge(dst, src, b); err != nil {
			t.Error(err)
		}
		if dst.First() != dst.Last() {
			t.Error("the smaller list is not found in the larger one")
		}
	})
}

func TestMergeOverBudget(t *testing.T) {
	dst, src := parse(t, `<r><u a="1"/><u a="1" b="1"/></r>`), parse(t, `<r><u a="1"/><u a="2"/><u a="3"/></r>`)
	var limit *xmltree.LimitError
	if err := dst.Document().Merge(dst, src, &xmltree.Budget{MaxSteps: 3}); !errors.As(err, &limit) || limit.Limit != "steps" {
		t.Fatalf("error %v", err)
	}
	merge(t, dst, src)
	if !xmltree.Embeds(src, dst) {
		t.Errorf("after an error, then a merge: %s", dst)
	}
}
