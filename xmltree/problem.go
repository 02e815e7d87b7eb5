package xmltree

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a source text. Line and Col count from 1, Col in
// characters; the zero Pos means that the place is not known.
type Pos struct {
	Line int `json:"line"`
	Col  int `json:"column"`
}

// String returns line:column, or "-" for the zero Pos.
func (p Pos) String() string {
	if p.Line == 0 {
		return "-"
	}
	return fmt.Sprintf("%d:%d", p.Line, p.Col)
}

// Problem is one diagnostic of an XML language: what is wrong, where, and what
// to do about it. It is the only diagnostic type of the XML languages, so that
// all of them look the same.
type Problem struct {
	Rule    string   `json:"rule"`           // stable code, for instance XML004 or XP014
	File    string   `json:"file,omitempty"` // as the caller named the source; may be empty
	Pos     Pos      `json:"pos"`
	Msg     string   `json:"message"`          // what is wrong, naming object and value
	Hint    string   `json:"hint,omitempty"`   // what to do; may be empty
	Line    string   `json:"source,omitempty"` // the line of source at Pos, of a long one the part around it; may be empty
	Notes   []string `json:"notes,omitempty"`  // how it came to that, the nearest first: node and templates
	Warning bool     `json:"warning"`          // registration goes on in spite of it
	Err     error    `json:"-"`                // what is behind it, such as a *LimitError; may be nil

	col int // where Pos is in Line; 0: at its column
}

// Unwrap returns Err.
func (p *Problem) Unwrap() error { return p.Err }

// Error renders the problem as file:line:col: message [rule], the source line,
// a caret below the column, the notes, and the hint.
func (p *Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.Brief())
	if p.Line != "" && p.Pos.Col > 0 {
		line, caret := clip(p.Line, cmp.Or(p.col, p.Pos.Col))
		fmt.Fprintf(&b, "\n  %s\n  %s^", line, caret)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(&b, "\n  %s", note)
	}
	if p.Hint != "" {
		fmt.Fprintf(&b, "\n  hint: %s", p.Hint)
	}
	return b.String()
}

// Brief renders the problem on one line: file:line:col: message [rule].
func (p *Problem) Brief() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		b.WriteByte(':')
	}
	if p.Pos.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", p.Pos.Line, p.Pos.Col)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	fmt.Fprintf(&b, "%s [%s]", p.Msg, p.Rule)
	return b.String()
}

// clip cuts a long source line to a window around the column and returns it
// with the white space that puts a caret below the column. Control characters
// become blanks, so that a hostile source cannot write to the terminal.
func clip(line string, col int) (window, pad string) {
	const before, after = 60, 40
	rs := []rune(line)
	at := min(col-1, len(rs))
	from, to := max(0, at-before), min(len(rs), at+after)
	var w, p strings.Builder
	if from > 0 {
		w.WriteString("…")
		p.WriteByte(' ')
	}
	for i, r := range rs[from:to] {
		if r == '\t' {
			r = ' '
		}
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			r = '·'
		}
		w.WriteRune(r)
		if from+i < at {
			p.WriteByte(' ')
		}
	}
	if to < len(rs) {
		w.WriteString("…")
	}
	return w.String(), p.String()
}

// Problems are the diagnostics of one source in order of their place. It is an
// error when it holds one that is not a warning; see Err.
type Problems []*Problem

// Error renders all problems, one after the other.
func (ps Problems) Error() string {
	all := make([]string, len(ps))
	for i, p := range ps {
		all[i] = p.Error()
	}
	return strings.Join(all, "\n")
}

// Unwrap returns the problems as errors.
func (ps Problems) Unwrap() []error {
	all := make([]error, len(ps))
	for i, p := range ps {
		all[i] = p
	}
	return all
}

// Err returns ps as an error if one of them is not a warning, else nil.
func (ps Problems) Err() error {
	for _, p := range ps {
		if !p.Warning {
			return ps
		}
	}
	return nil
}

// Sort puts ps in order of their files and places, those of one place in the
// order in which they were found.
func (ps Problems) Sort() {
	slices.SortStableFunc(ps, func(a, b *Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
}

// Rule is the entry of one rule in the list of its language: what sutler
// explain shows for its code.
type Rule struct {
	ID    string // for instance XML004
	Title string // one line: what is wrong
	Help  string // why it is a rule and what to do, one or two sentences
}
