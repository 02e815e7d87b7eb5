package xmltree

import (
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
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
	root   *Node
	budget *Budget
	depth  int    // how deep its trees may be
	serial uint32 // when it was made, counted by its budget

	file   string
	source string // UTF-8
	lines  struct {
		once  sync.Once
		start []int // byte offsets
		runes []int // characters before each whole columnBlock of the source
	}

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
func (d *Document) File() string { return d.file }

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
	d.names, d.scopes, d.children, d.merges, d.texts, d.spare = nil, nil, nil, nil, nil, nil
}

// Offset returns the byte offset of n in the source of its document, as UTF-8;
// ok is false for a node that was not parsed there.
func (n *Node) Offset() (off int, ok bool) { return int(n.off) - 1, n.off > 0 }

// Pos returns the place of n in the source of its document. A node that was
// not parsed there, such as a copy, has the place of none.
func (n *Node) Pos() Pos {
	if n.off == 0 {
		return Pos{}
	}
	return n.doc.pos(int(n.off) - 1)
}

// Problem returns a problem at the place of n with its line of source; n may
// be nil.
func (d *Document) Problem(n *Node, rule, msg, hint string) *Problem {
	if n == nil || n.off == 0 {
		return &Problem{Rule: rule, File: d.file, Msg: msg, Hint: hint}
	}
	return n.doc.ProblemAt(int(n.off)-1, rule, msg, hint)
}

// ProblemAt returns a problem at a byte offset of the source with its line.
func (d *Document) ProblemAt(off int, rule, msg, hint string) *Problem {
	p := &Problem{Rule: rule, File: d.file, Msg: msg, Hint: hint, Pos: d.pos(off)}
	if p.Pos.Line > 0 {
		p.Line, p.col = d.excerpt(off, p.Pos.Line)
	}
	return p
}

// pos turns a byte offset of the source into line and column.
func (d *Document) pos(off int) Pos {
	if off < 0 || off > len(d.source) || d.source == "" {
		return Pos{}
	}
	d.lines.once.Do(d.findLines)
	line := sort.SearchInts(d.lines.start, off+1) - 1
	return Pos{Line: line + 1, Col: d.runes(d.lines.start[line], off) + 1}
}

// columnBlock is how much of a line is counted for a column at most, so that
// a file of one line and many places is not counted again for each.
const columnBlock = 4096

// runes counts the characters of the source from one byte offset to another.
func (d *Document) runes(from, to int) int {
	i, j := (from+columnBlock-1)/columnBlock, to/columnBlock
	if i >= j {
		return runeStarts(d.source[from:to])
	}
	return runeStarts(d.source[from:i*columnBlock]) + d.lines.runes[j] - d.lines.runes[i] + runeStarts(d.source[j*columnBlock:to])
}

// runeStarts counts the characters that begin in s.
func runeStarts(s string) int {
	n := 0
	for i := range len(s) {
		if utf8.RuneStart(s[i]) {
			n++
		}
	}
	return n
}

// findLines makes the table of line starts. A line ends with \n, \r or \r\n.
func (d *Document) findLines() {
	start := []int{0}
	for i := 0; i < len(d.source); i++ {
		switch c := d.source[i]; {
		case c == '\n', c == '\r' && (i+1 == len(d.source) || d.source[i+1] != '\n'):
			start = append(start, i+1)
		}
	}
	d.lines.start = start
	d.lines.runes = []int{0}
	for i := columnBlock; i <= len(d.source); i += columnBlock {
		d.lines.runes = append(d.lines.runes, d.lines.runes[len(d.lines.runes)-1]+runeStarts(d.source[i-columnBlock:i]))
	}
}

// excerpt returns the text of a line counted from 1, without its end, and the
// column of the byte offset off in it. Of a long line it is the part around off.
func (d *Document) excerpt(off, line int) (text string, col int) {
	const around = 512
	from, to := d.lines.start[line-1], len(d.source)
	if line < len(d.lines.start) {
		to = d.lines.start[line]
	}
	from, to = max(from, off-around), min(to, off+around)
	for from < off && !utf8.RuneStart(d.source[from]) {
		from++
	}
	for to < len(d.source) && to > off && !utf8.RuneStart(d.source[to]) {
		to--
	}
	return strings.TrimRight(d.source[from:to], "\r\n"), d.runes(from, off) + 1
}
