package xmltree

import (
	"strings"
	"sync"
)

// defaultDepth is the depth of a tree that is allowed when nothing else is said.
const defaultDepth = 256

// Nodes are allocated in chunks: the first of a document is small, since most
// documents are.
const (
	firstNodes = 48
	chunkNodes = 256
)

type (
	firstChunk [firstNodes]Node
	chunk      [chunkNodes]Node
)

// The nodes of released documents are used again. What lies here is zero.
var (
	firstChunks = sync.Pool{New: func() any { return new(firstChunk) }}
	chunks      = sync.Pool{New: func() any { return new(chunk) }}
)

// Document owns the nodes of one or several trees. One goroutine may edit a
// document; many may read it at once while nobody edits it.
type Document struct {
	root     *Node
	budget   *Budget
	depth    int    // how deep its trees may be
	declares bool   // a namespace was declared in it
	serial   uint32 // when it was made, counted by its budget

	main     source    // what was parsed
	entities []*source // external entities that were read for it
	unparsed map[string]unparsed

	names  map[Name]*Name
	recent [32]*Name // of them the last ones that were asked for
	chunk  []Node    // the last one
	used   int       // nodes used of it
	first  *firstChunk
	chunks []*chunk // the others
	seq    uint32
	nodes  int64 // charged to budget
	bytes  int64

	edits    uint32 // counts edits from 1, never 0: see order.go
	mu       sync.Mutex
	scopes   map[*Node][]*Node          // namespaces in scope; guarded by mu while reading
	children map[*Node]*childIndex      // guarded by mu while reading
	ids      map[*Node]map[string]*Node // elements by ID, by tree; guarded by mu while reading
	merges   map[*Node]*mergeIndex      // by target
	texts    map[*Node]*strings.Builder // long texts that grow
	spare    []*Node                    // roots that Isolate has done with
}

// New returns an empty document charged to b. A nil b is no limit.
func New(b *Budget) *Document {
	d := &Document{budget: b, depth: defaultDepth, edits: 1}
	if b != nil {
		if b.MaxDepth > 0 {
			d.depth = b.MaxDepth
		}
		b.documents++
		d.serial = b.documents
	}
	d.root = d.make(Root)
	return d
}

// Budget returns what d is charged to, or nil.
func (d *Document) Budget() *Budget { return d.budget }

// Size returns the nodes of d and the bytes of their names and text.
func (d *Document) Size() (nodes, bytes int64) { return d.nodes, d.bytes }

// File returns the name of the source as Parse was told, or "".
func (d *Document) File() string { return d.main.file }

// Root returns the root of the parsed tree, of kind Root.
func (d *Document) Root() *Node { return d.root }

// DocumentElement returns the first element below Root, or nil.
func (d *Document) DocumentElement() *Node { return d.root.FirstElement() }

// NewRoot returns the root of one more tree of d.
func (d *Document) NewRoot() *Node { return d.make(Root) }

// NewElement returns an unlinked element. Whether its name is an XML name is
// for the caller to see to; Write refuses one that is not.
func (d *Document) NewElement(name Name) *Node { return d.makeNamed(Element, name) }

// NewText returns an unlinked text.
func (d *Document) NewText(s string) *Node { return d.makeValue(Text, s) }

// NewComment returns an unlinked comment.
func (d *Document) NewComment(s string) *Node { return d.makeValue(Comment, s) }

// NewProcInst returns an unlinked processing instruction. White space before
// data is cut, as reading it back would.
func (d *Document) NewProcInst(target, data string) *Node {
	n := d.makeNamed(ProcInst, Name{Local: target})
	n.value = strings.TrimLeft(data, " \t\r\n")
	d.charge(len(n.value))
	return n
}

// make returns a zero node of d.
func (d *Document) make(k Kind) *Node {
	if d.used == len(d.chunk) {
		d.addChunk()
	}
	n := &d.chunk[d.used]
	d.used++
	d.seq++
	n.kind, n.doc, n.seq = k, d, d.seq
	if k == Namespace {
		d.declares = true
	}
	d.nodes++
	if d.budget != nil {
		d.budget.nodes++
	}
	return n
}

// addChunk makes room for more nodes.
func (d *Document) addChunk() {
	d.used = 0
	if d.first == nil {
		d.first = firstChunks.Get().(*firstChunk)
		d.chunk = d.first[:]
		return
	}
	c := chunks.Get().(*chunk)
	d.chunks = append(d.chunks, c)
	d.chunk = c[:]
}

// usedNodes returns the nodes of each chunk that were used.
func (d *Document) usedNodes(yield func([]Node) bool) {
	if d.first == nil || len(d.chunks) > 0 && !yield(d.first[:]) {
		return
	}
	for i := 0; i < len(d.chunks)-1; i++ {
		if !yield(d.chunks[i][:]) {
			return
		}
	}
	yield(d.chunk[:d.used])
}

func (d *Document) makeValue(k Kind, s string) *Node {
	n := d.make(k)
	n.value = s
	d.charge(len(s))
	return n
}

func (d *Document) makeNamed(k Kind, name Name) *Node {
	n := d.make(k)
	n.name = d.intern(name)
	d.charge(len(name.Local))
	return n
}

// charge counts bytes of names and text; a negative number gives them back.
func (d *Document) charge(bytes int) {
	d.bytes += int64(bytes)
	if d.budget != nil {
		d.budget.bytes += int64(bytes)
	}
}

// intern returns the one pointer that d has for name.
func (d *Document) intern(name Name) *Name {
	h := uint(len(name.Local))
	if h > 0 {
		h += 5*uint(name.Local[0]) + 11*uint(name.Local[h-1]) + 3*uint(name.Local[h/2])
	}
	slot := &d.recent[h%uint(len(d.recent))]
	if p := *slot; p != nil && *p == name {
		return p
	}
	p := d.names[name]
	if p == nil {
		if d.names == nil {
			d.names = make(map[Name]*Name)
		}
		p = &Name{strings.Clone(name.Space), strings.Clone(name.Prefix), strings.Clone(name.Local)}
		d.names[*p] = p
	}
	*slot = p
	return p
}

// Release recycles all nodes of d. Neither d nor any of its nodes may be used
// after it; strings taken from them stay good. Releasing twice is harmless.
func (d *Document) Release() {
	poison := false
	if b := d.budget; b != nil {
		b.nodes -= d.nodes
		b.bytes -= d.bytes
		poison = b.Poison
	}
	for used := range d.usedNodes {
		clear(used)
		if poison {
			for i := range used {
				used[i].value = "(released)"
			}
		}
	}
	if !poison && d.first != nil {
		firstChunks.Put(d.first)
		for _, c := range d.chunks {
			chunks.Put(c)
		}
	}
	d.root, d.chunk, d.first, d.chunks, d.used, d.nodes, d.bytes = nil, nil, nil, nil, 0, 0, 0
	d.recent = [32]*Name{}
	d.names, d.scopes, d.children, d.ids, d.merges, d.texts, d.spare = nil, nil, nil, nil, nil, nil, nil
}
