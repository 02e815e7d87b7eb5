package procedure

import (
	"strings"

	"sutler"
	"sutler/xmltree"
	"sutler/xpath"
	"sutler/xslt"
)

// Namespace is a compiled namespace file. It is immutable and safe for many
// transactions at once.
type Namespace struct {
	Name           string
	Description    string
	ProviderSource string
	ReadOnly       bool
	Version        int
	Context        *xmltree.Node // providerContext, or nil
	Procedures     []*Procedure  // in document order
	File           string
	Hash           string // hexadecimal SHA-256 of the source

	byName map[string]*Procedure // by folded name
	doc    *xmltree.Document
}

// Procedure returns the procedure of that name without regard to case, or nil.
func (ns *Namespace) Procedure(name string) *Procedure { return ns.byName[Fold(name)] }

// Fold returns the form in which names of namespaces, procedures and providers
// are compared.
func Fold(name string) string { return strings.ToLower(name) }

// Procedure is a compiled procedure: a provider procedure when Body is empty,
// else a composite one. The inline procedure of a trusted request has neither
// namespace nor name and is always composite.
type Procedure struct {
	Namespace   *Namespace // nil for an inline procedure
	Name        string
	Description string
	Public      bool
	Type        sutler.ProcedureType
	SaveData    bool // saveDataForRollback
	Audit, Perf bool
	Data        *xmltree.Node // procedureData start value, or nil
	Body        []Node
	Input       *Schema
	Output      *Schema
	Inline      bool
	Hash        string // of an inline procedure: hexadecimal SHA-256 of its canonical form
	At          Place
}

// Composite reports whether the procedure consists of steps.
func (p *Procedure) Composite() bool { return len(p.Body) > 0 || p.Inline }

// Place is where a construct stands in its file.
type Place struct {
	File string
	Pos  xmltree.Pos
}

// String returns file:line:column.
func (p Place) String() string {
	if p.File == "" {
		return p.Pos.String()
	}
	return p.File + ":" + p.Pos.String()
}

// Node is a construct in the body of a procedure: *Select, *Step or *Try.
type Node interface{ Place() Place }

// Select gives a named case a value (schema B.31).
type Select struct {
	Name    string
	Source  Scope
	Path    *Path // nil: the source itself
	Where   []Where
	Default *string // defaultCase
	IfNull  *string // ifNullCase
	At      Place
}

// Where maps a value to a case (schema B.36).
type Where struct{ Value, Case string }

// Try is a try with the catch that follows it (schema B.34, B.6).
type Try struct {
	Body, Catch []Node
	At, CatchAt Place
}

// StepKind tells the three kinds of steps apart.
type StepKind uint8

// The kinds of steps.
const (
	Execute StepKind = iota + 1
	Queue
	Transform
)

// String returns the element name.
func (k StepKind) String() string { return [...]string{"", "execute", "queue", "transform"}[k] }

// Step is an execute, queue or transform element (schema B.14, B.24, B.33).
type Step struct {
	Kind        StepKind
	Namespace   string
	Procedure   string
	Impersonate Inherit
	Sensitive   Inherit
	Trusted     Inherit
	Suspended   bool          // queueSuspended
	Literal     *xmltree.Node // executeData, or nil
	ForEach     []ForEach
	Repeat      []Repeat
	When        []When
	Before      []Transfer
	After       []Transfer
	At          Place

	element *xmltree.Node
}

// Inherit is a three-state setting: 0 as the caller, 1 on, 2 off.
type Inherit uint8

// The states of Inherit, with the numbers of the language.
const (
	AsCaller Inherit = 0
	On       Inherit = 1
	Off      Inherit = 2
)

// Apply returns the effective setting below one that is in force.
func (i Inherit) Apply(inForce bool) bool {
	if i == AsCaller {
		return inForce
	}
	return i == On
}

// ScopeKind tells the scope roots apart.
type ScopeKind uint8

// The scope roots (schema B.5): data, context, procedureData, executeData, or a forEach of the step.
const (
	Data ScopeKind = iota + 1
	Context
	ProcedureData
	ExecuteData
	Loop
)

// Scope names a scope root; Index is the forEach of the step for Loop.
type Scope struct {
	Kind  ScopeKind
	Index int
	Name  string // as written
}

// Path is a compiled path expression.
type Path struct {
	Text  string
	Expr  *xpath.Expr
	Plain []xmltree.Name // the child names when the path is a/b/c, else nil
	At    Place
}

// IfNull says what happens when a path selects nothing.
type IfNull uint8

// The three answers to an empty selection.
const (
	Fail IfNull = iota
	Skip
	Ignore
)

// ForEach is one loop of a step (schema B.17). Its root is data,
// procedureData or an earlier loop.
type ForEach struct {
	Name   string
	Root   Scope
	Path   *Path
	IfNull IfNull
	At     Place
}

// Repeat runs the call a number of times read from the data (schema B.26).
type Repeat struct {
	Source Scope
	Path   *Path
	IfNull IfNull
	At     Place
}

// When is a condition of a step: a path that must hold, or a case that a
// select must have (schema B.35). Select is empty for the first form.
type When struct {
	Source Scope
	Path   *Path
	Select string
	Case   string
	At     Place
}

// Mode is how a transfer joins the node with its target (schema C.5, design L1).
type Mode uint8

// The modes.
const (
	Insert Mode = iota
	Merge
	Replace
	Move
)

// String returns the word of the language.
func (m Mode) String() string { return [...]string{"insert", "merge", "replace", "move"}[m] }

// Transfer is a before or an after (schema B.1, B.5).
type Transfer struct {
	Source     Scope
	SourcePath *Path
	Dest       Scope
	DestPath   *Path
	Mode       Mode
	IfNull     IfNull
	AllowNull  bool          // allowNullTransform
	Sheet      *xslt.Program // nil without templates
	At         Place
}

// Place returns where the select stands.
func (s *Select) Place() Place { return s.At }

// Place returns where the step stands.
func (s *Step) Place() Place { return s.At }

// Place returns where the try stands.
func (t *Try) Place() Place { return t.At }
