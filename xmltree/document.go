package xmltree

import (
	"strings"
	"sync"
)

// defaultDepth is the depth of a tree that is allowed when nothing else is said.
const defaultDepth = 256

// chunkNodes is the number of nodes that are allocated at once.
const chunkNodes = 256

type chunk [chunkNodes]Node

// chunks recycles the nodes of released documents. What lies in it is zero.
var chunks = sync.Pool{New: func() any { return new(chunk) }}

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
	chunks []*chunk
	used   int // nodes used of the last chunk
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
	if len(d.chunks) == 0 || d.used == chunkNodes {
		d.chunks = append(d.chunks, chunks.Get().(*chunk))
		d.used = 0
	}
	n := &d.chunks[len(d.chunks)-1][d.used]
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
	if p := d.names[name]; p != nil {
		return p
	}
	if d.names == nil {
		d.names = make(map[Name]*Name)
	}
	p := &Name{strings.Clone(name.Space), strings.Clone(name.Prefix), strings.Clone(name.Local)}
	d.names[*p] = p
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
	for i, c := range d.chunks {
		used := c[:]
		if i == len(d.chunks)-1 {
			used = c[:d.used]
		}
		clear(used)
		if poison {
			for i := range used {
				used[i].value = "(released)"
			}
			continue
		}
		chunks.Put(c)
	}
	d.root, d.chunks, d.used, d.nodes, d.bytes = nil, nil, 0, 0, 0
	d.names, d.scopes, d.children, d.ids, d.merges, d.texts, d.spare = nil, nil, nil, nil, nil, nil, nil
}
