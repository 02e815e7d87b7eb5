package xslt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sutler/xmltree"
	"sutler/xpath"
)

// Limits bound one run. A zero field means its default.
//
// A step is a node that is visited, matched or made, a comparison, a call, 64
// bytes of text that are looked at or 4 that are made, four instructions of a
// long body, up to 16 characters of a regular expression's work. Costly things
// are several: 128 to ask for a document, 8 to recover from an error, 4 and one
// for 4 bytes for the collation key of a text, 4 for each instruction of a
// regular expression that is compiled, and one more for each 8 attributes that
// an element has when it gets another one. 10 million take about a second.
//
// Besides its result a run may take three bytes of memory for each of
// ResultBytes, which count whatever it makes even when that is not needed any
// more: texts, 96 bytes for each node of the result, of temporary trees and of
// documents that it reads, attributes and namespaces too, and 8 bytes for a node
// in a set. What templates, lists and sorting hold counts while they run.
type Limits struct {
	Depth       int   // nested templates, default 3,000
	Steps       int64 // work, default 10 million
	ResultBytes int64 // text and names of all trees that the run builds, temporary ones too, default 64 MiB
}

// Env is what a run may see of the world. The zero value is usable.
type Env struct {
	Now     time.Time       // the only clock a transformation sees
	Budget  *xmltree.Budget // for the nodes of temporary trees; may be nil
	Limits  Limits
	Params  map[string]xpath.Value // top-level xsl:param by name, {uri}local or local
	Message func(text string)      // takes the text of each xsl:message; nil: dropped
	// Load reads a document for the function document(). href is as written,
	// base the file name of the document that it is relative to. The document
	// must not be edited or released before the run ends, and no two may have the
	// same File: the order among documents depends on it. It may be that of the
	// source, if that is a Root, or of a stylesheet. nil: nothing can be read.
	Load func(href, base string) (*xmltree.Document, error)

	// Strict makes every error end the run. Otherwise the run recovers from those
	// that the Recommendation lets a processor recover from, in the way it says,
	// and tells Warn, which may be nil.
	Strict bool
	Warn   func(*xmltree.Problem)

	Trace func(Event) // is told of each begin and end of a template; may be nil
}

// Run transforms the tree n and appends the result tree to into, a Root or an
// element. An n of kind Root is the source tree; any other node except an
// attribute is seen as the only child of a document for the time of the run,
// in which nobody else may use its tree. Processing starts at that root.
//
// An error is, or wraps, an *xmltree.Problem with the place of the instruction;
// errors.As finds the *xmltree.LimitError of a reached limit in it, and errors.Is
// the error of a ctx that was done. After an error into is as it was. Equal
// arguments give equal results, byte for byte. When p.Text() holds, the texts of
// the result are for Serialize only: they may hold marks that no document can.
func (p *Program) Run(ctx context.Context, n, into *xmltree.Node, env Env) error {
	r := p.newRun(ctx, env)
	defer r.release()
	if n.Kind() == xmltree.Attribute || n.Kind() == xmltree.Namespace {
		return (&xmltree.Problem{Rule: "XT111", File: p.file,
			Msg: fmt.Sprintf("cannot transform %s: it cannot stand alone in a document", n.Path()), Hint: "transform its element"})
	}
	if err := ctx.Err(); err != nil {
		return r.fail(place{}, err)
	}
	r.from = n
	source, restore, err := r.source(n)
	if err != nil {
		return r.fail(place{}, err)
	}
	defer func() { restore() }()
	// Editing the document of the source would end its document order.
	target := into
	if into.Document() == n.Document() {
		target = r.document().NewRoot()
	}
	last := target.Last()
	if err := r.transform(source, target); err != nil {
		for target.Last() != last {
			target.Last().Detach()
		}
		return err
	}
	if target == into {
		return nil
	}
	restore()
	restore = func() {}
	for target.First() != nil {
		if err := into.Append(target.First()); err != nil {
			return r.fail(place{}, err)
		}
	}
	return nil
}

// source returns the root of the tree that the run sees for n.
func (r *run) source(n *xmltree.Node) (root *xmltree.Node, restore func(), err error) {
	restore = func() {}
	if r.p.space.strip(n) {
		root, err = r.stripped(n)
		return root, restore, err
	}
	if n.Kind() == xmltree.Root {
		return n, restore, nil
	}
	restore = n.Isolate()
	return n.Parent(), restore, nil
}

// stripped returns the root of a copy of n without the white space to drop.
func (r *run) stripped(n *xmltree.Node) (*xmltree.Node, error) {
	d := r.document()
	if r.origins == nil {
		r.origins = map[*xmltree.Document]*xmltree.Document{}
	}
	r.origins[d] = n.Document()
	root, err := r.p.space.copy(d, n)
	if err != nil {
		return nil, err
	}
	return root, r.holdTree(d)
}

// run is the state of one run. It is pooled by its program.
type run struct {
	p   *Program
	ctx context.Context
	env Env

	steps     xmltree.Budget
	ran       int64 // steps that are not charged yet
	batch     int64 // how many of them there may be
	bytes     int64
	depth     int
	template  *template // that runs
	rule      *template // the current template rule (section 5.6), nil in xsl:for-each
	ruleMode  *mode     // … and the mode in which it was taken
	expr      *expr     // that is evaluated
	returned  returned  // by the function that runs
	unwinding unwinding // of the error that is on its way

	from *xmltree.Node // what Run was given
	root *xmltree.Node // of the source as the run sees it
	node *xmltree.Node // current node
	xc   xpath.Context // of the instructions; its Node is node
	pc   xpath.Context // of match patterns
	vars stack
	args []passed

	out     sink
	pending []byte // text of the open sinks that is not in a node yet
	texts   xmltree.Strings
	lists   []*xmltree.Node // node lists that are being processed, one behind the other
	found   *[foundNames]found
	sorter  *sorter // that is free

	globals []globalState
	docs    []*xmltree.Document    // made by the run, released with it
	trees   *xmltree.Document      // the one that holds result tree fragments
	raws    map[*xmltree.Node]bool // texts in trees that are not to be escaped
	keys    map[keyUse]map[string][]*xmltree.Node
	tallies map[tallyKey]*tally // what xsl:number counted
	ids     map[*xmltree.Node]int

	loaded     map[string]*xmltree.Node                // by base and name
	byDocument map[*xmltree.Document]*xmltree.Node     // what the run sees of a document it read
	origins    map[*xmltree.Document]*xmltree.Document // where copies come from
	made       extensionState
}

// globalState is the value of a top-level variable.
type globalState struct {
	value      xpath.Value
	open, done bool
}

// passed is the value of an xsl:with-param.
type passed struct {
	name  int
	value xpath.Value
}

func (p *Program) newRun(ctx context.Context, env Env) *run {
	r, ok := p.states.Get().(*run)
	if !ok {
		r = &run{p: p, globals: make([]globalState, len(p.globals)), found: new([foundNames]found)}
	}
	if env.Limits.Depth <= 0 {
		env.Limits.Depth = 3000
	}
	if env.Limits.Steps <= 0 {
		env.Limits.Steps = 10_000_000
	}
	if env.Limits.ResultBytes <= 0 {
		env.Limits.ResultBytes = 64 << 20
	}
	r.ctx, r.env = ctx, env
	r.steps = xmltree.Budget{MaxSteps: env.Limits.Steps, MaxMade: memoryFactor * min(env.Limits.ResultBytes, 1<<50)}
	r.batch = min(stepBatch, 1+env.Limits.Steps/64)
	r.xc = xpath.Context{Budget: &r.steps, Host: r, Poll: ctx.Err}
	r.pc = xpath.Context{Budget: &r.steps, Host: r, Poll: ctx.Err}
	return r
}

// release gives r back. Nothing of the run is kept but empty slices.
func (r *run) release() {
	for _, d := range r.docs {
		d.Release()
	}
	clear(r.globals)
	clear(r.docs)
	clear(r.args[:cap(r.args)])
	r.vars.clear()
	clear(r.lists[:cap(r.lists)])
	r.lists = r.lists[:0]
	*r = run{p: r.p, globals: r.globals, docs: r.docs[:0], args: r.args[:0], vars: r.vars, pending: r.pending[:0], texts: r.texts, lists: r.lists, found: r.found, sorter: r.sorter}
	r.p.states.Put(r)
}

// document returns a new document that lives as long as the run.
func (r *run) document() *xmltree.Document {
	b := r.env.Budget
	if b == nil {
		b = &r.steps // numbers the documents of the run
	}
	d := xmltree.New(b)
	r.docs = append(r.docs, d)
	return d
}

func (r *run) transform(source, target *xmltree.Node) error {
	r.root = source
	r.out = sink{final: true}
	r.out.b.Start(target)
	r.focus(focus{source, 1, 1})
	if err := r.apply(source, r.p.start, 0, 0, place{}); err != nil {
		return err
	}
	if err := r.flush(place{}); err != nil {
		return err
	}
	return r.charge(place{})
}

// focus is the current node and its place in the current node list.
type focus struct {
	node      *xmltree.Node
	pos, size int
}

func (r *run) focused() focus { return focus{r.node, r.xc.Position, r.xc.Size} }

func (r *run) focus(f focus) {
	r.node, r.xc.Node, r.xc.Position, r.xc.Size = f.node, f.node, f.pos, f.size
}

// stepBatch is how many steps are taken at most before they are charged and ctx
// is asked.
const stepBatch = 1024

// step takes n steps of the instruction at p.
func (r *run) step(n int64, p place) error {
	if r.ran += n; r.ran < r.batch {
		return nil
	}
	return r.charge(p)
}

// charge pays for the steps taken and asks whether the run is still wanted.
func (r *run) charge(p place) error {
	n := r.ran
	r.ran = 0
	if err := r.steps.Steps(n); err != nil {
		return r.fail(p, err)
	}
	if err := r.ctx.Err(); err != nil {
		return r.fail(p, err)
	}
	return nil
}

// What is charged as memory, about.
const (
	nodeBytes  = 96  // a node without its name and text
	valueBytes = 72  // a variable
	argBytes   = 120 // an argument
	listBytes  = 24  // a node in a list that is processed
)

// memoryFactor is how many bytes of memory a run has for each byte of result.
const memoryFactor = 3

// grow charges bytes of result, which take memory too.
func (r *run) grow(bytes int, p place) error { return r.growNodes(0, bytes, p) }

// growNodes charges nodes with that many bytes of names and text.
func (r *run) growNodes(nodes, bytes int, p place) error {
	r.bytes += int64(bytes)
	if r.steps.Make(int64(nodes*nodeBytes+bytes)) && r.bytes <= r.env.Limits.ResultBytes {
		return nil
	}
	return r.tooMuch(p)
}

// hold charges bytes of memory.
func (r *run) hold(bytes int, p place) error {
	if r.steps.Make(int64(bytes)) {
		return nil
	}
	return r.tooMuch(p)
}

// tooMuch is the error of what was charged last.
func (r *run) tooMuch(p place) error {
	if r.bytes > r.env.Limits.ResultBytes {
		return r.fail(p, &xmltree.LimitError{Limit: "bytes of result", Value: r.env.Limits.ResultBytes, Setting: "ResultBytes"})
	}
	return r.fail(p, r.steps.Err())
}

// held is what a run holds, to return to when what was made since is gone.
type held struct{ bytes, made int64 }

func (r *run) held() held { return held{r.bytes, r.steps.Made()} }

func (r *run) drop(since held) {
	r.bytes = since.bytes
	_ = r.steps.Make(since.made - r.steps.Made()) // less is no error
}

// failure is a problem with what caused it.
type failure struct {
	*xmltree.Problem
	cause error
}

func (f *failure) Unwrap() []error { return []error{f.Problem, f.cause} }

// fail gives err the place p, unless it has one.
func (r *run) fail(p place, err error) error { return r.failIn(p, 0, err) }

// failIn is fail for an error of the expression at byte base of the attribute at p.
func (r *run) failIn(p place, base int, err error) error {
	var problem *xmltree.Problem
	if errors.As(err, &problem) {
		return err
	}
	var xe *xpath.Error
	if errors.As(err, &xe) {
		return asProblem(p, base, xe)
	}
	in := ""
	if r.template != nil {
		in = fmt.Sprintf(" in the template %s at line %d", r.template.info.Name, r.template.info.Pos.Line)
		if p.doc == nil {
			p = r.template.at
		}
	}
	var limit *xmltree.LimitError
	switch {
	case errors.As(err, &limit):
		return &failure{p.problem("XT120", limit.Error()+in, "look for a recursion or a loop that grows, or raise the limit"), limit}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &failure{p.problem("XT121", fmt.Sprintf("the transformation was stopped%s: %v", in, err), ""), err}
	}
	return &failure{p.problem("XT110", err.Error(), ""), err}
}

// recoverSteps is what it costs to recover from an error.
const recoverSteps = 8

// recoverable is an error from which the Recommendation lets a processor
// recover. It returns nil if the run does so.
func (r *run) recoverable(p place, rule, hint, format string, args ...any) error {
	r.ran += recoverSteps
	switch {
	case r.env.Strict || r.out.strict:
		return wrong(p, rule, hint, format, args...)
	case r.env.Warn != nil:
		problem := p.problem(rule, fmt.Sprintf(format, args...), hint)
		problem.Warning = true
		r.env.Warn(problem)
	}
	return nil
}

// wrong returns the problem of an instruction.
func wrong(p place, rule, hint, format string, args ...any) error {
	return p.problem(rule, fmt.Sprintf(format, args...), hint)
}

// stack holds the variables of the running templates. A frame never moves.
type stack struct {
	chunks     [][]xpath.Value
	chunk, top int
}

// mark is a state of the stack to return to.
type mark struct{ chunk, top int }

// push returns a frame of n variables.
func (s *stack) push(n int) ([]xpath.Value, mark) {
	m := mark{s.chunk, s.top}
	if n == 0 {
		return nil, m
	}
	for s.chunk < len(s.chunks) && s.top+n > len(s.chunks[s.chunk]) {
		s.chunk++
		s.top = 0
	}
	if s.chunk == len(s.chunks) {
		s.chunks = append(s.chunks, make([]xpath.Value, max(n, 32<<min(s.chunk, 10))))
	}
	f := s.chunks[s.chunk][s.top : s.top+n : s.top+n]
	s.top += n
	return f, m
}

// pop takes the frame off and returns to m.
func (s *stack) pop(frame []xpath.Value, m mark) {
	clear(frame)
	s.chunk, s.top = m.chunk, m.top
}

// clear empties the stack after an error left frames on it.
func (s *stack) clear() {
	if s.chunk == 0 && s.top == 0 {
		return
	}
	for _, c := range s.chunks {
		clear(c)
	}
	s.chunk, s.top = 0, 0
}
