package engine

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode"

	"sutler"
	"sutler/xmltree"
)

// secrets are the values that one transaction has met and that nobody but its
// caller may see. They outlive the marks, because a procedure may have copied a
// value without its mark. The zero value has none.
type secrets struct {
	mu      sync.Mutex      // providers hide texts, also when nobody waits for them any more
	marked  map[string]bool // do-not-log and passwords: hidden in all that the log keeps
	private map[string]bool // values of sensitive calls: hidden in its texts

	// Most transactions have no text to hide a value in: until there is one,
	// values wait.
	waiting []waitingValue
	words   map[string]bool // those that texts hide only where they stand alone
	values  trie            // all others, in each spelling
}

type waitingValue struct {
	value string
	in    places
}

// learn takes up values that are marked.
func (s *secrets) learn(values ...string) { s.add(&s.marked, inTexts|inLiterals, values) }

// learnAll takes up the values in n and in all below it, of a sensitive call.
func (s *secrets) learnAll(n *xmltree.Node) {
	if n != nil {
		s.add(&s.private, inTexts, leaves(n, nil))
	}
}

// learnCall takes up what c holds: what is marked and, of a sensitive call, all.
func (s *secrets) learnCall(c *sutler.Call, sensitive bool) {
	s.learn(secretsOf(c)...)
	if sensitive {
		s.learnAll(c.Data)
		if c.Rollback == nil {
			return
		}
		for _, p := range c.Rollback.Pairs() {
			if p.Name != sutler.CommitsLast {
				s.add(&s.private, inTexts, parts(p.Value))
			}
		}
	}
}

func (s *secrets) add(to *map[string]bool, in places, values []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range values {
		if v == "" || (*to)[v] {
			continue
		}
		if *to == nil {
			*to = map[string]bool{}
		}
		(*to)[v] = true
		s.waiting = append(s.waiting, waitingValue{v, in})
	}
}

// leaves adds the values of n and of all below it, each once.
func leaves(n *xmltree.Node, all []string) []string {
	add := func(v string) {
		if v = strings.TrimSpace(v); v != "" {
			all = append(all, v)
		}
	}
	for a := n.Attrs(); a != nil; a = a.Next() {
		add(a.Value())
	}
	if n.FirstElement() == nil {
		add(n.Text()) // in one piece, whatever it is made of
		return all
	}
	for c := n.First(); c != nil; c = c.Next() {
		if c.Kind() == xmltree.Element {
			all = leaves(c, all)
		} else {
			add(c.Value())
		}
	}
	return all
}

// parts returns a rollback datum and, when it is JSON, the texts in it.
func parts(datum string) []string {
	all := []string{strings.TrimSpace(datum)}
	var v any
	if json.Unmarshal([]byte(datum), &v) != nil {
		return all
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			all = append(all, strings.TrimSpace(v))
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return all
}

// shortest is the length from which a value is hidden also within a word.
// Shorter ones, such as 1 or on, would leave nothing of a text.
const shortest = 4

// hide returns a text for the log: without any of the values.
func (s *secrets) hide(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text == "" || len(s.marked)+len(s.private) == 0 {
		return text
	}
	s.take()
	text = s.values.hide(text, inTexts)
	if len(s.words) == 0 {
		return text
	}
	var b strings.Builder
	for text != "" {
		n := strings.IndexFunc(text, func(r rune) bool { return !inWord(r) })
		if n < 0 {
			n = len(text)
		}
		if word := text[:n]; s.words[word] {
			b.WriteString(hidden)
		} else {
			b.WriteString(word)
		}
		text = text[n:]
		if n = strings.IndexFunc(text, inWord); n < 0 {
			n = len(text)
		}
		b.WriteString(text[:n])
		text = text[n:]
	}
	return b.String()
}

// hideError returns an error for the log.
func (s *secrets) hideError(e *sutler.Error) *sutler.Error {
	kept := *e
	kept.Err, kept.Detail = errors.New(s.hide(e.Error())), s.hide(e.Detail)
	return &kept
}

// quotedIn reports whether n, an errorContext, quotes one of the values.
func (s *secrets) quotedIn(n *xmltree.Node) bool {
	return n != nil && slices.ContainsFunc(leaves(n, nil), func(v string) bool { return s.hide(v) != v })
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// hideLiteral returns the value of a literal in an audit command without what
// is marked.
func (s *secrets) hideLiteral(value string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.marked) == 0 {
		return value
	}
	s.take()
	return s.values.hide(value, inLiterals)
}

// take makes the values that wait known to texts, each once.
func (s *secrets) take() {
	for _, w := range s.waiting {
		in := w.in
		if len(w.value) < shortest && strings.IndexFunc(w.value, func(r rune) bool { return !inWord(r) }) < 0 {
			if s.words == nil {
				s.words = map[string]bool{}
			}
			s.words[w.value] = true
			if in &^= inTexts; in == 0 {
				continue
			}
		}
		for _, v := range spelt(w.value) {
			s.values.add(v, in)
		}
	}
	s.waiting = nil
}

// within reports whether n, or something below it, has a value that is marked
// elsewhere.
func (s *secrets) within(n *xmltree.Node) bool {
	if len(s.marked) == 0 || n == nil {
		return false
	}
	return slices.ContainsFunc(leaves(n, nil), func(v string) bool { return s.marked[v] })
}

// xml returns n as the log keeps it: what is marked is hidden, and so is the
// same value where it stands without its mark.
func (s *secrets) xml(n *xmltree.Node) string {
	if !s.within(n) {
		return maskedXML(n)
	}
	return copied(n, func(c *xmltree.Node) {
		blank(c)
		s.blank(c)
	})
}

func (s *secrets) blank(n *xmltree.Node) {
	secret := func(v string) bool { return s.marked[strings.TrimSpace(v)] }
	for a := n.Attrs(); a != nil; a = a.Next() {
		if secret(a.Value()) {
			a.SetValue(hidden)
		}
	}
	if n.FirstElement() == nil && secret(n.Text()) {
		for n.First() != nil {
			n.First().Detach()
		}
		n.AppendText(hidden)
		return
	}
	for c := n.First(); c != nil; c = c.Next() {
		if c.Kind() == xmltree.Element {
			s.blank(c)
		} else if secret(c.Value()) {
			c.SetValue(hidden)
		}
	}
}
