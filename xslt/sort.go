package xslt

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sutler/xmltree"
	"sutler/xpath"
)

// sortKey is an xsl:sort (section 10).
type sortKey struct {
	sel                        *expr // nil: the string-value
	dataType, order, caseOrder *avt
	lang                       *avt // checked only: the order is the same for all languages
	at                         place
}

func (c *compiler) sort(n *xmltree.Node) sortKey {
	c.empty(n)
	k := sortKey{
		sel:       c.expr(n, "select"),
		dataType:  c.avt(n, "data-type"),
		order:     c.avt(n, "order"),
		caseOrder: c.avt(n, "case-order"),
		lang:      c.avt(n, "lang"),
		at:        placeOf(n),
	}
	c.constantWord(n, "data-type", k.dataType, "text", "number")
	c.constantWord(n, "order", k.order, "ascending", "descending")
	c.constantWord(n, "case-order", k.caseOrder, "upper-first", "lower-first")
	return k
}

// constantWord checks a template that must be one of words if it is constant.
func (c *compiler) constantWord(n *xmltree.Node, attr string, v *avt, words ...string) {
	if v != nil && v.parts == nil {
		c.word(n, attr, words...)
	}
}

// sortItem is a node with the values of its keys.
type sortItem struct {
	node *xmltree.Node
	keys []sortValue
}

type sortValue struct {
	text string
	num  float64
}

// direction is what the attributes of an xsl:sort say in this run.
type direction struct {
	number, descending, upperFirst bool
}

// sort returns nodes in the order of keys; equal ones stay as they were. Names
// and numbers of the current node list are seen unsorted, as section 10 wants.
func (r *run) sort(nodes []*xmltree.Node, keys []sortKey) ([]*xmltree.Node, error) {
	if len(keys) == 0 {
		return nodes, nil
	}
	dirs, err := r.directions(keys)
	if err != nil || len(nodes) < 2 {
		return nodes, err
	}
	items := make([]sortItem, len(nodes))
	values := make([]sortValue, len(nodes)*len(keys))
	here := r.focused()
	for i, n := range nodes {
		if err := r.step(int64(len(keys)), keys[0].at); err != nil {
			return nil, err
		}
		r.focus(focus{n, i + 1, len(nodes)})
		items[i] = sortItem{n, values[i*len(keys) : (i+1)*len(keys)]}
		for j := range keys {
			if err := r.sortValue(&keys[j], dirs[j].number, &items[i].keys[j]); err != nil {
				return nil, err
			}
		}
	}
	r.focus(here)
	slices.SortStableFunc(items, func(a, b sortItem) int {
		for j, d := range dirs {
			if o := d.compare(a.keys[j], b.keys[j]); o != 0 {
				return o
			}
		}
		return 0
	})
	sorted := make([]*xmltree.Node, len(items))
	for i := range items {
		sorted[i] = items[i].node
	}
	return sorted, nil
}

func (r *run) directions(keys []sortKey) ([]direction, error) {
	dirs := make([]direction, len(keys))
	for i := range keys {
		k := &keys[i]
		var err error
		read := func(v *avt, attr, one, other string) bool {
			if v == nil || err != nil {
				return false
			}
			var s string
			if s, err = v.eval(r); err == nil && s != one && s != other {
				err = wrong(k.at, "XT107", "write "+one+" or "+other, "%q cannot be %q", attr, s)
			}
			return s == other
		}
		dirs[i].number = read(k.dataType, "data-type", "text", "number")
		dirs[i].descending = read(k.order, "order", "ascending", "descending")
		dirs[i].upperFirst = read(k.caseOrder, "case-order", "lower-first", "upper-first")
		if err != nil {
			return nil, err
		}
	}
	return dirs, nil
}

// sortValue evaluates a key for the current node.
func (r *run) sortValue(k *sortKey, number bool, v *sortValue) (err error) {
	switch {
	case k.sel == nil:
		v.text = r.node.Text()
	case number:
		v.num, err = r.num(k.sel)
		return err
	default:
		if v.text, err = r.str(k.sel); err != nil {
			return err
		}
	}
	if number {
		v.num = xpath.ParseNumber(v.text)
	}
	return nil
}

// compare orders two values. What is not a number comes before all numbers.
func (d direction) compare(a, b sortValue) int {
	var o int
	if d.number {
		o = cmp.Compare(a.num, b.num)
	} else {
		o = compareText(a.text, b.text, d.upperFirst)
	}
	if d.descending {
		return -o
	}
	return o
}

// compareText orders texts by their letters, and those that differ in case
// alone by it, lower case first unless asked otherwise. The order does not
// depend on where the program runs.
func compareText(a, b string, upperFirst bool) int {
	tie := 0
	for a != "" && b != "" {
		x, n := utf8.DecodeRuneInString(a)
		y, m := utf8.DecodeRuneInString(b)
		a, b = a[n:], b[m:]
		if x == y {
			continue
		}
		if o := cmp.Compare(unicode.ToLower(x), unicode.ToLower(y)); o != 0 {
			return o
		}
		if tie == 0 {
			tie = cmp.Compare(y, x) // lower case has the higher numbers
		}
	}
	if upperFirst {
		tie = -tie
	}
	return cmp.Or(strings.Compare(a, b), tie)
}
