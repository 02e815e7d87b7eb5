package engine

import (
	"strings"
	"unicode/utf8"
)

// places are where a value is to be hidden.
type places uint8

const (
	inTexts    places = 1 << iota // all that the log keeps but audit commands
	inLiterals                    // those of audit commands
)

// A text may show a long secret cut short. It is recognized by its beginning.
const (
	longSecret = 40
	beginning  = 16
)

// overlap is how much of what is hidden is looked at again for a value that
// goes on after it. It bounds the work on a text that repeats itself.
const overlap = 256

// trie is a set of values that finds each of them in a text. What it costs to
// add a value, and to look through a text, does not depend on how many there
// are. It needs two nodes for a value at most, which share its bytes, so that
// what bounds the values bounds it, too. The zero value is empty.
type trie struct {
	nodes []trieNode // the first is the root
	below map[trieEdge]int32
}

type trieNode struct {
	label string // what leads here from the node above; never empty below the root
	ends  places // of the value that ends here
	long  places // of long values that end here or below
}

// trieEdge is how a node is found: by the node above and how its label begins.
type trieEdge struct {
	above int32
	first byte
}

// add takes up a value that is to be hidden in some places, beside those where
// it was to be hidden before.
func (t *trie) add(value string, in places) {
	if value == "" {
		return
	}
	if t.nodes == nil {
		t.nodes, t.below = make([]trieNode, 1, 4), map[trieEdge]int32{}
	}
	var long places
	if len(value) >= longSecret {
		long = in
	}
	for at, rest := int32(0), value; ; {
		t.nodes[at].long |= long
		if rest == "" {
			t.nodes[at].ends |= in
			return
		}
		edge := trieEdge{at, rest[0]}
		below := t.below[edge]
		if below == 0 {
			t.below[edge] = int32(len(t.nodes))
			t.nodes = append(t.nodes, trieNode{rest, in, long})
			return
		}
		n := common(t.nodes[below].label, rest)
		if n < len(t.nodes[below].label) {
			below = t.split(edge, n)
		}
		at, rest = below, rest[n:]
	}
}

// split puts a node on the way over an edge, after n bytes, and returns it.
func (t *trie) split(edge trieEdge, n int) int32 {
	upper, lower := int32(len(t.nodes)), t.below[edge]
	label := t.nodes[lower].label
	t.nodes[lower].label = label[n:]
	t.nodes = append(t.nodes, trieNode{label: label[:n], long: t.nodes[lower].long})
	t.below[edge], t.below[trieEdge{upper, label[n]}] = upper, lower
	return upper
}

// match returns how many bytes text begins with that are a value, or the
// beginning of a long one: the most there are, or 0.
func (t *trie) match(text string, in places) int {
	found := 0
	for at, depth := int32(0), 0; depth < len(text); {
		if at = t.below[trieEdge{at, text[depth]}]; at == 0 {
			break
		}
		node := &t.nodes[at]
		if node.long&in == 0 && depth+len(node.label) >= longSecret {
			break // only values for other places go on here
		}
		n := common(node.label, text[depth:])
		depth += n
		if node.long&in != 0 && depth >= beginning {
			found = depth
		}
		if n < len(node.label) {
			break
		}
		if node.ends&in != 0 {
			found = depth
		}
	}
	return found
}

// hide returns text without the values. Those that overlap become one mask.
func (t *trie) hide(text string, in places) string {
	if len(t.nodes) == 0 {
		return text
	}
	var b strings.Builder
	end := 0 // of what is hidden so far
	for i := 0; i < len(text); i++ {
		n := t.match(text[i:], in)
		if n == 0 {
			continue
		}
		if i >= end {
			b.WriteString(text[end:i])
			b.WriteString(hidden)
		}
		for n += i; n < len(text) && !utf8.RuneStart(text[n]); n++ { // a value cut short ends anywhere
		}
		end = max(end, n)
		i = max(i, end-overlap)
	}
	if end == 0 {
		return text
	}
	b.WriteString(text[end:])
	return b.String()
}

// common returns how many bytes a and b begin with alike.
func common(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
