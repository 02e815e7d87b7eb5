package xslt

import (
	"cmp"
	"math"
	"strings"

	"sutler/xmltree"
	"sutler/xpath"
)

// sortKey is an xsl:sort (section 10).
type sortKey struct {
	sel                              *expr // nil: the string-value
	dataType, order, caseOrder, lang *avt
	at                               place
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
	k.dataType = c.constantType(n, k.dataType)
	k.order = c.constantWord(n, "order", k.order, "ascending", "descending")
	k.caseOrder = c.constantWord(n, "case-order", k.caseOrder, "upper-first", "lower-first")
	if k.lang != nil && k.lang.parts == nil && !isLanguage(k.lang.text) {
		c.warn(n.AttrNode("", "lang"), "XT024", "write a language tag such as de or en-GB", "%q is no language: the order is that of no language in particular", k.lang.text)
	}
	return k
}

// constantType checks a constant data-type, as constantWord does. A name with a
// prefix is a type of some other processor; the Recommendation leaves it open,
// and here it is text.
func (c *compiler) constantType(n *xmltree.Node, v *avt) *avt {
	if v == nil || v.parts != nil {
		return v
	}
	if prefix, _, ok := splitName(v.text); !ok || prefix == "" {
		return c.constantWord(n, "data-type", v, "text", "number")
	}
	a := n.AttrNode("", "data-type")
	if _, ok := c.qname(a); ok {
		c.warn(a, "XT024", "write text or number", "data-type %q is not known and sorts as text", v.text)
	}
	return v
}

// constantWord checks a template that must be one of words if it is constant. It
// returns v, or nil for a word that only a later version may know (section 2.5).
func (c *compiler) constantWord(n *xmltree.Node, attr string, v *avt, words ...string) *avt {
	if v != nil && v.parts == nil && c.word(n, attr, words...) != v.text {
		return nil
	}
	return v
}

// direction is what the attributes of an xsl:sort say in this run.
type direction struct {
	number, descending bool
	text               textOrder
	plain              bool // all texts are ASCII and the order of ASCII is known
}

// sortItem is a node with the values of its keys.
type sortItem struct {
	node *xmltree.Node
	keys []sortValue
}

// sortValue is a number, a text, or the collation key of a text.
type sortValue struct {
	num  float64
	text string
}

// valueSize is about what a sortValue takes.
const valueSize = 40

// sortList sorts what is in r.lists from a place on in the order of keys; equal
// nodes stay as they were. The attributes of the keys are evaluated for the node
// outside, the keys for each node of the list with its place in the list as it
// was (section 10).
func (r *run) sortList(from int, keys []sortKey) error {
	if len(keys) == 0 {
		return nil
	}
	s := r.sorter // a sort in a key makes one of its own
	r.sorter = nil
	if s == nil {
		s = &sorter{r: r}
	}
	s.at, s.cost, s.dirs = keys[0].at, 0, emptied(s.dirs, len(keys))
	if err := r.directions(keys, s.dirs); err != nil {
		return err
	}
	if n := len(r.lists) - from; n >= 2 {
		before := r.held()
		if err := r.grow(n*len(keys)*valueSize, s.at); err != nil {
			return err
		}
		if err := s.evaluate(from, n, keys); err != nil {
			return err
		}
		s.room = emptied(s.room, n)
		if err := s.sort(s.items, s.room); err != nil {
			return err
		}
		if err := r.step(s.cost, s.at); err != nil {
			return err
		}
		r.drop(before) // the keys are gone
		for i := range s.items {
			r.lists[from+i] = s.items[i].node
		}
	}
	if len(s.items) <= keptItems {
		clear(s.items)
		clear(s.room)
		clear(s.values)
		r.sorter = s
	}
	return nil
}

// keptItems is how long a list may have been for the run to keep what sorted it.
const keptItems = 1024

// emptied returns a slice of n zero values, s if it has the room.
func emptied[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// directions evaluates the attributes of keys into dirs.
func (r *run) directions(keys []sortKey, dirs []direction) error {
	for i := range keys {
		k, d := &keys[i], &dirs[i]
		var err error
		read := func(v *avt, attr, one, other string) string {
			if v == nil || err != nil {
				return ""
			}
			var s string
			if s, err = v.eval(r); err != nil || s == one || s == other {
				return s
			}
			if prefix, _, ok := splitName(s); attr != "data-type" || !ok || prefix == "" {
				err = wrong(k.at, "XT107", "write "+one+" or "+other, "%q cannot be %q", attr, s)
			}
			return s
		}
		d.number = read(k.dataType, "data-type", "text", "number") == "number"
		d.descending = read(k.order, "order", "ascending", "descending") == "descending"
		caseOrder := read(k.caseOrder, "case-order", "lower-first", "upper-first")
		if err != nil {
			return err
		}
		lang, err := k.lang.eval(r)
		if err != nil {
			return err
		}
		d.text = newTextOrder(lang, caseOrder)
	}
	return nil
}

// sorter sorts the nodes of one list.
type sorter struct {
	r      *run
	dirs   []direction
	items  []sortItem
	room   []sortItem
	values []sortValue
	at     place
	cost   int64 // of comparisons that are not charged yet
}

// evaluate gives each of the n nodes in r.lists from a place on the values of
// its keys.
func (s *sorter) evaluate(from, n int, keys []sortKey) error {
	r := s.r
	for j := range s.dirs {
		s.dirs[j].plain = s.dirs[j].text.plain
	}
	s.items = emptied(s.items, n)
	s.values = emptied(s.values, n*len(keys))
	here := r.focused()
	for i := range n {
		node := r.lists[from+i]
		r.focus(focus{node, i + 1, n})
		s.items[i] = sortItem{node, s.values[i*len(keys) : (i+1)*len(keys) : (i+1)*len(keys)]}
		for j := range keys {
			v := &s.items[i].keys[j]
			if err := r.sortValue(&keys[j], s.dirs[j].number, v); err != nil {
				return err
			}
			if err := r.step(1+int64(len(v.text)/64), s.at); err != nil {
				return err
			}
			if err := r.grow(len(v.text), s.at); err != nil {
				return err
			}
			s.dirs[j].plain = s.dirs[j].plain && isPlain(v.text)
		}
	}
	r.focus(here)
	for j := range s.dirs {
		if d := &s.dirs[j]; !d.number && !d.plain {
			if err := s.collate(j); err != nil {
				return err
			}
		}
	}
	return nil
}

// sortValue evaluates a key for the current node. It is a string first, which
// becomes a number then, so that a boolean and the infinities are none.
func (r *run) sortValue(k *sortKey, number bool, v *sortValue) (err error) {
	switch {
	case k.sel == nil:
		v.text = r.node.Text()
	case number && k.sel.Type() == xpath.NumberType:
		v.num, err = r.num(k.sel)
		if math.IsInf(v.num, 0) {
			v.num = math.NaN()
		}
		return err
	default:
		v.text, err = r.str(k.sel)
	}
	if number {
		v.num, v.text = xpath.ParseNumber(v.text), ""
	}
	return err
}

// collate replaces the texts of key j by their collation keys, which are parts
// of one string.
func (s *sorter) collate(j int) error {
	k := s.dirs[j].text.keys()
	var all []byte
	ends := make([]int, len(s.items))
	for i := range s.items {
		v := &s.items[i].keys[j]
		all = k.append(all, v.text)
		v.text = ""
		ends[i] = len(all)
		size := ends[i]
		if i > 0 {
			size -= ends[i-1]
		}
		// A key has several bytes for each letter.
		if err := s.r.step(4+int64(size/4), s.at); err != nil {
			return err
		}
		if err := s.r.grow(size, s.at); err != nil {
			return err
		}
	}
	joined, start := string(all), 0
	for i, end := range ends {
		s.items[i].keys[j].text = joined[start:end]
		start = end
	}
	return nil
}

// sort sorts list by merging; room is as long.
func (s *sorter) sort(list, room []sortItem) error {
	if len(list) < 2 {
		return nil
	}
	half := len(list) / 2
	if err := s.sort(list[:half], room[:half]); err != nil {
		return err
	}
	if err := s.sort(list[half:], room[half:]); err != nil {
		return err
	}
	if err := s.charge(); err != nil {
		return err
	}
	if s.compare(&list[half-1], &list[half]) <= 0 {
		return nil
	}
	left := room[:copy(room, list[:half])]
	i, k := 0, half
	for to := 0; i < len(left); to++ {
		if err := s.charge(); err != nil {
			return err
		}
		if k < len(list) && s.compare(&list[k], &left[i]) < 0 {
			list[to] = list[k]
			k++
		} else {
			list[to] = left[i]
			i++
		}
	}
	return nil
}

// charge pays for comparisons, many at a time.
func (s *sorter) charge() error {
	if s.cost < 256 {
		return nil
	}
	cost := s.cost
	s.cost = 0
	return s.r.step(cost, s.at)
}

// compare orders two nodes. What is not a number comes before all numbers.
func (s *sorter) compare(a, b *sortItem) int {
	for j := range s.dirs {
		d := &s.dirs[j]
		x, y := &a.keys[j], &b.keys[j]
		s.cost++
		var o int
		switch {
		case d.number:
			o = cmp.Compare(x.num, y.num)
		default:
			s.cost += int64(min(len(x.text), len(y.text)) / 64)
			if d.plain {
				o = comparePlain(x.text, y.text, d.text.upperFirst)
			} else {
				o = strings.Compare(x.text, y.text)
			}
		}
		if d.descending {
			o = -o
		}
		if o != 0 {
			return o
		}
	}
	return 0
}

// ranks are the places of the ASCII characters in the order of all languages
// that do not say otherwise, from 1; 0 is for those that are left out of it. A
// letter has the same rank in both cases.
var ranks = rankPlain("\t\n\r _-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz")

func rankPlain(order string) (ranks [128]uint8) {
	for i := range len(order) {
		ranks[order[i]] = uint8(i + 1)
	}
	for ch := 'a'; ch <= 'z'; ch++ {
		ranks[ch-'a'+'A'] = ranks[ch]
	}
	return ranks
}

// isPlain reports whether s has only characters with a rank.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] >= 128 || ranks[s[i]] == 0 {
			return false
		}
	}
	return true
}

// comparePlain orders two plain texts as a collation of the root locale does:
// by their characters, and those that differ in case alone by it.
func comparePlain(a, b string, upperFirst bool) int {
	tie := 0
	n := min(len(a), len(b))
	for i := range n {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if o := int(ranks[x&127]) - int(ranks[y&127]); o != 0 {
			return o
		}
		if tie == 0 {
			tie = strings.Compare(b[i:i+1], a[i:i+1]) // lower case has the higher numbers
		}
	}
	if upperFirst {
		tie = -tie
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), tie)
}
