package xmltree

import (
	"slices"
	"strings"
)

// mergeIndex finds among the child elements of one element those that are
// equal to, contain or are contained in a given one, without a look at the
// others. What it says must be checked: it may name too many.
//
// It rests on features. A feature is an attribute with its value, an own text
// or the emptiness of an element, together with the names on the way to it
// from the record. What contains a record has all features of the record.
//
// While there are few children there are no maps: all of them are named.
type mergeIndex struct {
	children []indexed // in document order
	all      places    // while there are few
	equal    map[uint64]*places
	having   map[uint64]*places // by each feature
	signed   map[uint64]*places // by one feature, the rarest: who is contained in a record is found by one of its features
	asides   map[aside]int      // comments and processing instructions
	text     *strings.Builder   // the own text of the element; nil: not asked for yet
	merges   int                // counts the merges into the element
}

type indexed struct {
	node  *Node
	hash  uint64
	taken int // the last merge in which it was matched
}

// aside is what a comment or processing instruction says.
type aside struct {
	kind          Kind
	target, value string
}

// places are indexes of children in rising order.
type places struct {
	at   []int
	head int // all before it are taken, in the round of head
	in   int
}

// skip returns the first index of p.at that may be free.
func (p *places) skip(free func(int) bool) int {
	for p.head < len(p.at) && !free(p.at[p.head]) {
		p.head++
	}
	return p.head
}

// add puts k in its place.
func (p *places) add(k int) {
	if n := len(p.at); n == 0 || p.at[n-1] < k {
		p.at = append(p.at, k)
		return
	}
	if i, found := slices.BinarySearch(p.at, k); !found {
		p.at = slices.Insert(p.at, i, k)
	}
}

func (p *places) remove(k int) {
	if i, found := slices.BinarySearch(p.at, k); found {
		p.at = slices.Delete(p.at, i, i+1)
	}
}

func add(m map[uint64]*places, key uint64, k int) {
	p := m[key]
	if p == nil {
		p = new(places)
		m[key] = p
	}
	p.add(k)
}

// newMergeIndex returns an index of the children of n.
func newMergeIndex(c *comparer, n *Node) *mergeIndex {
	x := new(mergeIndex)
	var records []record
	for e := n.first; e != nil; e = e.next {
		switch e.kind {
		case Element:
			records = append(records, newRecord(c, e))
		case Comment, ProcInst:
			x.noteAside(aside{e.kind, e.Local(), e.value})
		}
	}
	x.children = make([]indexed, 0, len(records)+1)
	for _, r := range records {
		x.children = append(x.children, indexed{node: r.node, hash: r.hash})
		x.all.add(len(x.children) - 1)
	}
	if len(records) > fewChildren {
		x.build(records)
	}
	return x
}

// fewChildren is how many children have no maps.
const fewChildren = 8

// build makes the maps for the records of all children.
func (x *mergeIndex) build(records []record) {
	x.all = places{}
	x.equal, x.having, x.signed = make(map[uint64]*places), make(map[uint64]*places), make(map[uint64]*places)
	for k, r := range records {
		x.register(k, r)
	}
	for k, r := range records {
		x.sign(k, r)
	}
}

// append adds a child after the others.
func (x *mergeIndex) append(c *comparer, r record) {
	k := len(x.children)
	x.children = append(x.children, indexed{node: r.node, hash: r.hash, taken: x.merges})
	switch {
	case x.having != nil:
		x.register(k, r)
		x.sign(k, r)
	case k < fewChildren:
		x.all.add(k)
	default:
		records := make([]record, 0, k+1)
		for _, i := range x.children {
			records = append(records, newRecord(c, i.node))
		}
		x.build(records)
	}
}

func (x *mergeIndex) noteAside(a aside) {
	if x.asides == nil {
		x.asides = make(map[aside]int)
	}
	x.asides[a]++
}

// register notes the hash and the features of child k.
func (x *mergeIndex) register(k int, r record) {
	add(x.equal, r.hash, k)
	for _, f := range r.features {
		add(x.having, f, k)
	}
}

// sign notes child k under its rarest feature.
func (x *mergeIndex) sign(k int, r record) {
	best := r.features[0]
	for _, f := range r.features {
		if len(x.having[f].at) < len(x.having[best].at) {
			best = f
		}
	}
	add(x.signed, best, k)
}

// replace notes that r, which contains child k, took its place. The signature
// stays good: r has all features that the child had.
func (x *mergeIndex) replace(k int, r record) {
	was := x.children[k].hash
	x.children[k].node, x.children[k].hash = r.node, r.hash
	if x.having != nil {
		x.equal[was].remove(k)
		x.register(k, r)
	}
}

// alike returns the children that may be equal to r.
func (x *mergeIndex) alike(r record) *places {
	if x.having == nil {
		return &x.all
	}
	return x.equal[r.hash]
}

// inside returns the children that may be contained in a record with feature
// f; the caller asks for each of the features, or once while there are few.
func (x *mergeIndex) inside(f uint64) *places {
	if x.having == nil {
		return &x.all
	}
	return x.signed[f]
}

// rarest returns the children that have the rarest of the features, nil for none.
func (x *mergeIndex) rarest(features []uint64) *places {
	if x.having == nil {
		return &x.all
	}
	var best *places
	for _, f := range features {
		p := x.having[f]
		if p == nil {
			return nil
		}
		if best == nil || len(p.at) < len(best.at) {
			best = p
		}
	}
	return best
}

// free reports whether child k is not matched in this merge.
func (x *mergeIndex) free(k int) bool { return x.children[k].taken != x.merges }

// first returns the first free child in p that fits, or -1.
func (x *mergeIndex) first(p *places, fits func(k int) bool) int {
	if p == nil {
		return -1
	}
	if p.in != x.merges {
		p.in, p.head = x.merges, 0
	}
	for i := p.skip(x.free); i < len(p.at); i++ {
		if k := p.at[i]; x.free(k) && fits(k) {
			return k
		}
	}
	return -1
}

// record is an element with what the index wants to know of it.
type record struct {
	node     *Node
	hash     uint64   // the same for elements that contain each other
	features []uint64 // sorted; at least one
}

func newRecord(c *comparer, n *Node) record {
	r := record{node: n}
	r.hash = r.read(c, n, offset)
	slices.Sort(r.features)
	r.features = slices.Compact(r.features)
	return r
}

// read collects the features of n, which lies at path, and returns its hash.
func (r *record) read(c *comparer, n *Node, path uint64) uint64 {
	c.step(1)
	name := hash(hash(offset, n.name.Space), n.name.Local)
	path = hash(hash(path, n.name.Space), n.name.Local)
	sum, before := name, len(r.features)
	for a := n.attrs; a != nil; a = a.next {
		h := hash(hash(hash(offset, a.name.Space), a.name.Local), a.value)
		sum += mix(h)
		r.features = append(r.features, mix(path^h))
	}
	if text := ownText(n); text != "" {
		h := hash(offset+1, text)
		sum += mix(h)
		r.features = append(r.features, mix(path^h))
	}
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		sum += mix(r.read(c, e, path) + 2)
	}
	if len(r.features) == before {
		r.features = append(r.features, mix(path))
	}
	return mix(sum)
}

// offset and prime are those of FNV-1a. The hashes need not be good against
// an enemy: what they name is compared, and comparisons are charged.
const (
	offset = 14695981039346656037
	prime  = 1099511628211
)

// hash returns h continued by s and its end.
func hash(h uint64, s string) uint64 {
	for i := 0; i < len(s); i++ {
		h = (h ^ uint64(s[i])) * prime
	}
	return (h ^ 0x100) * prime
}

// mix spreads h over all bits, so that sums of mixed hashes differ.
func mix(h uint64) uint64 {
	h ^= h >> 32
	h *= 0x9E3779B97F4A7C15
	h ^= h >> 29
	h *= 0xBF58476D1CE4E5B9
	return h ^ h>>32
}
