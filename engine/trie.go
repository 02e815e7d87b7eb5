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
// are. It needs two nodes for a value at most, which share the bytes of the
// value. The zero value is empty.
type trie struct {
	nodes []trieNode // the first is the root
}

type trieNode struct {
	label       string // what leads here from the node above; never empty below the root
	child, next int32  // the first below, and the next beside it; 0: none
	ends        places // of the value that ends here
	long        places // of long values that end here or below
}

// add takes up a value that is to be hidden in some places, beside those where
// it was to be hidden before.
func (t *trie) add(value string, in places) {
	if value == "" {
		return
	}
	if t.nodes == nil {
		t.nodes = make([]trieNode, 1, 4)
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
		below := t.below(at, rest[0])
		if below == 0 {
			t.nodes = append(t.nodes, trieNode{label: rest, next: t.nodes[at].child, ends: in, long: long})
			t.nodes[at].child = int32(len(t.nodes) - 1)
			return
		}
		n := common(t.nodes[below].label, rest)
		if n < len(t.nodes[below].label) {
			t.split(below, n)
		}
		at, rest = below, rest[n:]
	}
}

// split puts a node in the middle of the way to at, after n bytes.
func (t *trie) split(at int32, n int) {
	lower := t.nodes[at]
	lower.label, lower.next = lower.label[n:], 0
	t.nodes = append(t.nodes, lower)
	upper := &t.nodes[at]
	upper.label, upper.child, upper.ends = upper.label[:n], int32(len(t.nodes)-1), 0
}

// below returns the node below at whose label begins with b, or 0.
func (t *trie) below(at int32, b byte) int32 {
	for at = t.nodes[at].child; at != 0 && t.nodes[at].label[0] != b; at = t.nodes[at].next {
	}
	return at
}

// match returns how many bytes text begins with that are a value, or the
// beginning of a long one: the most there are, or 0.
func (t *trie) match(text string, in places) int {
	found := 0
	for at, depth := int32(0), 0; depth < len(text); {
		if at = t.below(at, text[depth]); at == 0 {
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
