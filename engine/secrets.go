package engine

import (
	"encoding/json"
	"errors"
	"maps"
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

	words  map[string]bool   // those that are hidden only where they stand alone
	others *strings.Replacer // all others; nil: all three are to be made
	long   []string          // those of them that a text may cut short
}

// learn takes up values that are marked.
func (s *secrets) learn(values ...string) { s.add(&s.marked, values) }

// learnAll takes up the values in n and in all below it, of a sensitive call.
func (s *secrets) learnAll(n *xmltree.Node) {
	if n != nil {
		s.add(&s.private, leaves(n, nil))
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
				s.add(&s.private, parts(p.Value))
			}
		}
	}
}

func (s *secrets) add(to *map[string]bool, values []string) {
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
		s.others = nil
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
	if s.others == nil {
		s.prepare()
	}
	text = maskBeginnings(s.others.Replace(text), s.long)
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

func (s *secrets) prepare() {
	s.words = map[string]bool{}
	var all []string
	for _, values := range []map[string]bool{s.marked, s.private} {
		for v := range values {
			if len(v) < shortest && strings.IndexFunc(v, func(r rune) bool { return !inWord(r) }) < 0 {
				s.words[v] = true
			} else {
				all = append(all, v)
			}
		}
	}
	all = slices.Compact(slices.SortedFunc(slices.Values(spelt(all)), longerFirst))
	pairs := make([]string, 0, 2*len(all))
	for _, v := range all {
		pairs = append(pairs, v, hidden)
	}
	s.others = strings.NewReplacer(pairs...)
	s.long = slices.DeleteFunc(all, func(v string) bool { return len(v) < longSecret })
}

// all returns what is marked.
func (s *secrets) all() []string { return slices.Collect(maps.Keys(s.marked)) }

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
