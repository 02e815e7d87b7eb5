package xpath

import (
	"fmt"

	"sutler/xmltree"
)

// Error says what is wrong with an expression or a pattern, or, when it comes
// from an evaluation, which part of it met a value of the wrong type.
type Error struct {
	Rule   string // XP001 …; see Rules
	Offset int    // byte offset in the expression
	Msg    string // what is wrong, naming the token
	Hint   string // what to do; may be empty
}

// Error returns message, offset, rule and hint in one line.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s (at byte %d) [%s]", e.Msg, e.Offset, e.Rule)
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

const (
	ruleEmpty       = "XP001"
	ruleCharacter   = "XP002"
	ruleLiteral     = "XP003"
	ruleName        = "XP004"
	ruleClose       = "XP005"
	ruleTrailing    = "XP006"
	ruleOperand     = "XP007"
	ruleStep        = "XP008"
	ruleNodeTest    = "XP009"
	ruleAxis        = "XP010"
	ruleAbbreviated = "XP011"
	ruleFunction    = "XP012"
	ruleArguments   = "XP013"
	ruleVariable    = "XP014"
	rulePrefix      = "XP015"
	ruleNodeSet     = "XP016"
	ruleDeep        = "XP017"
	ruleLong        = "XP018"
	rulePattern     = "XP019"
	rulePatternAxis = "XP020"
	ruleUnset       = "XP021"
	ruleContext     = "XP022"
)

// Rules returns all rules of this package in order.
func Rules() []xmltree.Rule {
	return []xmltree.Rule{
		{ID: ruleEmpty, Title: "an expression is empty",
			Help: "An expression or pattern must hold something besides white space. The context node itself is written as a full stop."},
		{ID: ruleCharacter, Title: "a character has no meaning in an expression",
			Help: "XPath 1.0 has the operators and, or, mod and div as words and no &, !, % or braces. In an XML file < and & are written as references."},
		{ID: ruleLiteral, Title: "a literal is not closed",
			Help: "A literal stands between two ' or two \" and cannot hold the quote that it stands in; concat() joins parts in different quotes."},
		{ID: ruleName, Title: "a name is not well formed",
			Help: "A name is prefix:name, prefix:* or name without white space in it; a variable is a $ and its name."},
		{ID: ruleClose, Title: "a bracket is not closed",
			Help: "Each ( needs its ) and each [ its ], in the right order."},
		{ID: ruleTrailing, Title: "something follows that does not belong there",
			Help: "After a complete operand only an operator, a step, a predicate or the end can follow. The operators of XPath 2.0 (eq, ne, to, …) do not exist in XPath 1.0."},
		{ID: ruleOperand, Title: "an operand is missing",
			Help: "An operator needs an operand on both sides, a bracket something inside. Equality is a single =, inequality != and a choice the word or."},
		{ID: ruleStep, Title: "a step is missing in a path",
			Help: "After / and // a step must follow: a name, *, @name, an axis, . or .. ; predicates belong to a step. Where older patterns are tolerated, a/[b] is read as a[b]."},
		{ID: ruleNodeTest, Title: "a node test is wrong",
			Help: "A step names nodes, or says *, node(), text(), comment() or processing-instruction('target'). A function cannot be a step in XPath 1.0."},
		{ID: ruleAxis, Title: "an axis is unknown",
			Help: "The axes are ancestor, ancestor-or-self, attribute, child, descendant, descendant-or-self, following, following-sibling, namespace, parent, preceding, preceding-sibling and self."},
		{ID: ruleAbbreviated, Title: "a predicate follows . or ..",
			Help: "The abbreviated steps take no predicate; write self::node()[…] or parent::node()[…]."},
		{ID: ruleFunction, Title: "a function is unknown",
			Help: "Only the core function library and what the host language adds can be called, in exactly this spelling."},
		{ID: ruleArguments, Title: "a function has too many or too few arguments",
			Help: "The message tells how many the function takes."},
		{ID: ruleVariable, Title: "a variable is unknown",
			Help: "A variable must be declared by the host language and be in scope where it is used."},
		{ID: rulePrefix, Title: "a prefix is not declared",
			Help: "Declare the prefix with xmlns:prefix on the element that holds the expression or above it. Names without a prefix are in no namespace; a default namespace does not count."},
		{ID: ruleNodeSet, Title: "a node-set is needed",
			Help: "Paths, predicates, | and some functions work on nodes only; strings, numbers and booleans cannot become nodes."},
		{ID: ruleDeep, Title: "an expression is nested too deeply",
			Help: "Brackets, operators in a row and steps of a path may count 4,000 levels together. Split the expression."},
		{ID: ruleLong, Title: "an expression is too long",
			Help: "An expression may have 256 KiB and 30,000 steps and predicates. Put lists into the document and compare with a path."},
		{ID: rulePattern, Title: "an expression is not a pattern",
			Help: "A pattern is one path or several between |, may begin with /, //, id('…') or key('…', '…'), and has a step or these, not a variable, number or other call, where an expression could have them."},
		{ID: rulePatternAxis, Title: "an axis cannot stand in a pattern",
			Help: "The steps of a pattern are on the child and the attribute axis, between / or //. Conditions on other nodes belong into a predicate."},
		{ID: ruleUnset, Title: "a variable has no value",
			Help: "The variable is declared, but was not given a value before the expression was evaluated."},
		{ID: ruleContext, Title: "there is no context node",
			Help: "The expression looks at the document, but was evaluated without a node to start from."},
	}
}
