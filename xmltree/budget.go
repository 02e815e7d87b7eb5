package xmltree

import "fmt"

// Budget bounds what the documents of one owner, such as a transaction, may
// hold and do together. A zero limit is no limit. Edits that return no error
// are charged all the same; the next one that returns an error reports it. A
// nil *Budget is without limits. A Budget is not for concurrent use.
type Budget struct {
	MaxNodes int64 // living nodes: made and not yet released
	MaxBytes int64 // bytes of their names and text
	MaxSteps int64 // steps of work: nodes visited, comparisons, characters made
	MaxDepth int   // depth of a tree in elements; 0: 256
	MaxMade  int64 // bytes of memory that work takes, see Make

	// Poison makes Release overwrite the nodes instead of recycling them, so
	// that a test sees every use of a node after its release.
	Poison bool

	nodes, bytes, steps, made int64
	documents                 uint32
}

// LimitError tells which limit was reached, its value, and which setting
// changes it.
type LimitError struct {
	Limit   string // for instance "living nodes"
	Value   int64
	Setting string // the name of the limit where it is set, for instance "TreeNodes"; "": it is fixed
}

// Error names the limit, its value and the setting.
func (e *LimitError) Error() string {
	if e.Setting == "" {
		return fmt.Sprintf("the limit of %d %s is reached", e.Value, e.Limit)
	}
	return fmt.Sprintf("the limit of %d %s is reached (setting %s)", e.Value, e.Limit, e.Setting)
}

// Steps charges n steps. It returns a *LimitError when a limit of b, of any
// kind, is exceeded.
func (b *Budget) Steps(n int64) error {
	if b == nil {
		return nil
	}
	b.steps += n
	return b.Err()
}

// Make charges bytes of memory for what work makes: texts, sets and nodes. A
// negative number gives some back. It reports whether there are no more than
// MaxMade; if not, Err is the error.
func (b *Budget) Make(bytes int64) bool {
	if b == nil {
		return true
	}
	b.made += bytes
	return b.made <= b.MaxMade || b.MaxMade <= 0
}

// Made returns what Make charged.
func (b *Budget) Made() int64 { return b.made }

// Err returns a *LimitError while a limit of b is exceeded, else nil.
func (b *Budget) Err() error {
	switch {
	case b == nil:
		return nil
	case b.MaxSteps > 0 && b.steps > b.MaxSteps:
		return &LimitError{Limit: "steps", Value: b.MaxSteps, Setting: "TransformSteps"}
	case b.MaxMade > 0 && b.made > b.MaxMade:
		return &LimitError{Limit: "bytes of memory, three for each byte of result,", Value: b.MaxMade, Setting: "ResultBytes"}
	case b.MaxNodes > 0 && b.nodes > b.MaxNodes:
		return &LimitError{Limit: "living nodes", Value: b.MaxNodes, Setting: "TreeNodes"}
	case b.MaxBytes > 0 && b.bytes > b.MaxBytes:
		return &LimitError{Limit: "bytes of tree", Value: b.MaxBytes, Setting: "TreeBytes"}
	}
	return nil
}

// Used returns the living nodes, their bytes of names and text, and the steps
// charged so far.
func (b *Budget) Used() (nodes, bytes, steps int64) { return b.nodes, b.bytes, b.steps }

// depthError is the error of a tree deeper than max.
func depthError(max int) *LimitError {
	return &LimitError{Limit: "levels of XML", Value: int64(max), Setting: "Depth"}
}
