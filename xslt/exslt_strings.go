package xslt

import (
	"math"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"sutler/xpath"
)

// strFunction returns a function of the EXSLT module strings.
func strFunction(name string) (xpath.Function, bool) {
	switch name {
	case "tokenize":
		return extensionFunc(1, 2, xpath.NodeSetType, tokenize)
	case "split":
		return extensionFunc(1, 2, xpath.NodeSetType, splitString)
	case "replace":
		return extensionFunc(3, 3, xpath.StringType, replaceStrings)
	case "padding":
		return extensionFunc(1, 2, xpath.StringType, padding)
	case "align":
		return extensionFunc(2, 3, xpath.StringType, align)
	case "concat":
		return overNodes("str:concat", 1, xpath.StringType, concatNodes)
	case "encode-uri":
		return extensionFunc(2, 3, xpath.StringType, encodeURI)
	case "decode-uri":
		return extensionFunc(1, 2, xpath.StringType, decodeURI)
	}
	return xpath.Function{}, false
}

// tokenize makes a token of each run of characters between delimiters. Without
// delimiters each character is one.
func tokenize(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	s, err := argText(c, args, 0)
	if err != nil {
		return xpath.Value{}, err
	}
	delimiters := "\t\r\n "
	if len(args) == 2 {
		if delimiters, err = argText(c, args, 1); err != nil {
			return xpath.Value{}, err
		}
	}
	tokens := newTokenRows(c, "token")
	if delimiters == "" {
		return characters(tokens, s)
	}
	ends := func(r rune) bool { return strings.ContainsRune(delimiters, r) }
	if len(delimiters) > 16 {
		set := map[rune]bool{}
		for _, r := range delimiters {
			set[r] = true
		}
		ends = func(r rune) bool { return set[r] }
	}
	from := 0
	for i, r := range s {
		if !ends(r) {
			continue
		}
		if i > from {
			if err := tokens.add(s[from:i]); err != nil {
				return xpath.Value{}, err
			}
		}
		from = i + utf8.RuneLen(r)
	}
	if from < len(s) {
		if err := tokens.add(s[from:]); err != nil {
			return xpath.Value{}, err
		}
	}
	return tokens.value()
}

// splitString makes a token of what stands between occurrences of a string, unless
// that is empty. With an empty string each character is a token.
func splitString(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	s, err := argText(c, args, 0)
	if err != nil {
		return xpath.Value{}, err
	}
	sep := " "
	if len(args) == 2 {
		if sep, err = argText(c, args, 1); err != nil {
			return xpath.Value{}, err
		}
	}
	tokens := newTokenRows(c, "token")
	if sep == "" {
		return characters(tokens, s)
	}
	for found := true; found; {
		var token string
		token, s, found = strings.Cut(s, sep)
		if err := pay(c, 1); err != nil {
			return xpath.Value{}, err
		}
		if token == "" {
			continue
		}
		if err := tokens.add(token); err != nil {
			return xpath.Value{}, err
		}
	}
	return tokens.value()
}

func characters(tokens *tokenRows, s string) (xpath.Value, error) {
	for s != "" {
		_, n := utf8.DecodeRuneInString(s)
		if err := tokens.add(s[:n]); err != nil {
			return xpath.Value{}, err
		}
		s = s[n:]
	}
	return tokens.value()
}

// replaceStrings replaces each of a list of strings by the one at its place in
// another list, at each place of the text the longest that stands there. What
// has no replacement is taken out, and nothing is replaced twice. An empty
// string stands between any two characters.
func replaceStrings(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	s, err := argText(c, args, 0)
	if err != nil {
		return xpath.Value{}, err
	}
	from, err := argList(c, args[1])
	if err != nil {
		return xpath.Value{}, err
	}
	to, err := argList(c, args[2])
	if err != nil {
		return xpath.Value{}, err
	}
	if len(from) == 1 && from[0] != "" {
		by := ""
		if len(to) > 0 {
			by = to[0]
		}
		return replaceOne(c, s, from[0], by)
	}
	t, between := newReplacements(from, to)
	var b strings.Builder
	for s != "" {
		n, by, visited := t.longest(s)
		if n == 0 {
			_, n = utf8.DecodeRuneInString(s)
			if by = s[:n]; n < len(s) {
				by += between
			}
		}
		if err := pay(c, 1+visited/4); err != nil {
			return xpath.Value{}, err
		}
		if len(by) > n {
			if err := room(c, len(by)-n); err != nil {
				return xpath.Value{}, err
			}
		}
		b.WriteString(by)
		s = s[n:]
	}
	return xpath.String(b.String()), nil
}

// replaceOne is replaceStrings for one string.
func replaceOne(c *xpath.Context, s, from, to string) (xpath.Value, error) {
	n := strings.Count(s, from)
	if err := pay(c, n/4); err != nil {
		return xpath.Value{}, err
	}
	if len(to) > len(from) {
		if err := room(c, n*(len(to)-len(from))); err != nil {
			return xpath.Value{}, err
		}
	}
	return xpath.String(strings.ReplaceAll(s, from, to)), nil
}

// argList returns the string-values of a node-set, any other value as one string.
func argList(c *xpath.Context, v xpath.Value) ([]string, error) {
	if v.Type() != xpath.NodeSetType {
		s := v.Str()
		return []string{s}, payText(c, len(s))
	}
	var all []string
	for _, n := range v.Nodes() {
		s := n.Text()
		if err := payText(c, len(s)); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// replacements are strings to look for, sorted, each once and none empty.
type replacements []replacement

type replacement struct{ s, by string }

// newReplacements pairs two lists; of equal strings the first counts. What
// replaces the empty string is between.
func newReplacements(from, to []string) (t replacements, between string) {
	seen := map[string]bool{}
	for i, s := range from {
		if seen[s] {
			continue
		}
		seen[s] = true
		by := ""
		if i < len(to) {
			by = to[i]
		}
		if s == "" {
			between = by
			continue
		}
		t = append(t, replacement{s, by})
	}
	slices.SortFunc(t, func(a, b replacement) int { return strings.Compare(a.s, b.s) })
	return t, between
}

// longest returns the length of the longest string at the beginning of s, 0 if
// there is none, what replaces it, and how many bytes were looked at.
func (t replacements) longest(s string) (n int, by string, visited int) {
	for i := range len(s) {
		b := s[i]
		lo := sort.Search(len(t), func(k int) bool { return t[k].s[i] >= b })
		hi := lo + sort.Search(len(t)-lo, func(k int) bool { return t[lo+k].s[i] > b })
		t = t[lo:hi]
		if len(t) > 0 && len(t[0].s) == i+1 {
			n, by, t = i+1, t[0].by, t[1:]
		}
		if len(t) == 0 {
			return n, by, i
		}
	}
	return n, by, len(s)
}

// padding repeats a string, by default a space, to a length in characters.
func padding(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	chars := ""
	if len(args) == 2 {
		var err error
		if chars, err = argText(c, args, 1); err != nil {
			return xpath.Value{}, err
		}
	}
	if chars == "" {
		chars = " "
	}
	wanted := math.Floor(args[0].Num())
	if !(wanted >= 1) {
		return xpath.String(""), nil
	}
	wanted = min(wanted, 1<<40) // more than any limit lets pass
	size := utf8.RuneCountInString(chars)
	whole, rest := int(wanted)/size, int(wanted)%size
	part := chars[:byteOf(chars, rest)]
	if err := room(c, int(min(float64(whole)*float64(len(chars))+float64(len(part)), 1<<50))); err != nil {
		return xpath.Value{}, err
	}
	return xpath.String(strings.Repeat(chars, whole) + part), nil
}

// byteOf returns where character n of s begins, or the length of s.
func byteOf(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// align puts a string over one end or the middle of another one, whose length
// the result has.
func align(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	all, err := argTexts(c, args)
	if err != nil {
		return xpath.Value{}, err
	}
	s, under := all[0], all[1]
	n, width := utf8.RuneCountInString(s), utf8.RuneCountInString(under)
	if n >= width {
		return xpath.String(s[:byteOf(s, width)]), nil
	}
	if err := room(c, len(under)+len(s)); err != nil {
		return xpath.Value{}, err
	}
	left := 0
	if len(all) == 3 {
		switch all[2] {
		case "right":
			left = width - n
		case "center":
			left = (width - n) / 2
		}
	}
	return xpath.String(under[:byteOf(under, left)] + s + under[byteOf(under, left+n):]), nil
}

// concatNodes joins the string-values of nodes.
func concatNodes(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	var b strings.Builder
	for _, n := range args[0].Nodes() {
		s := n.Text()
		if err := room(c, len(s)); err != nil {
			return xpath.Value{}, err
		}
		b.WriteString(s)
	}
	return xpath.String(b.String()), nil
}
