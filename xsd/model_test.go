package xsd_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sutler/xsd"
)

// A term is a content model as the naive matcher below understands it.
type term struct {
	kind     byte // a letter: that element; s: a sequence; c: a choice
	min, max int  // max -1: unbounded
	parts    []*term
}

func randomTerm(r *rand.Rand, depth int) *term {
	t := &term{kind: "abcd"[r.IntN(4)], min: r.IntN(4), max: -1}
	if depth > 0 && r.IntN(3) > 0 {
		t.kind = "SC"[r.IntN(2)]
		for range 1 + r.IntN(3) {
			t.parts = append(t.parts, randomTerm(r, depth-1))
		}
	}
	switch r.IntN(4) {
	case 0:
		t.min, t.max = 1, 1
	case 1:
		t.min, t.max = 0, 1
	case 2:
		t.max = t.min + r.IntN(3)
	}
	return t
}

func (t *term) schema(b *strings.Builder) {
	occurs := fmt.Sprintf(` minOccurs="%d" maxOccurs="%d"`, t.min, t.max)
	if t.max < 0 {
		occurs = fmt.Sprintf(` minOccurs="%d" maxOccurs="unbounded"`, t.min)
	}
	if t.parts == nil {
		fmt.Fprintf(b, `<xs:element name="%c"%s type="xs:string"/>`, t.kind, occurs)
		return
	}
	name := map[byte]string{'S': "xs:sequence", 'C': "xs:choice"}[t.kind]
	fmt.Fprintf(b, "<%s%s>", name, occurs)
	for _, p := range t.parts {
		p.schema(b)
	}
	fmt.Fprintf(b, "</%s>", name)
}

// ends returns the places at which t may end when it begins at each of from:
// every way is tried.
func (t *term) ends(word string, from map[int]bool) map[int]bool {
	at, all := from, map[int]bool{}
	for n := 0; t.max < 0 || n <= t.max; n++ {
		if n >= t.min {
			before := len(all)
			for i := range at {
				all[i] = true
			}
			if n > t.min+len(word) && len(all) == before {
				break
			}
		}
		if at = t.once(word, at); len(at) == 0 {
			break
		}
	}
	return all
}

func (t *term) once(word string, from map[int]bool) map[int]bool {
	next := map[int]bool{}
	switch t.kind {
	case 'S':
		next = from
		for _, p := range t.parts {
			next = p.ends(word, next)
		}
	case 'C':
		for _, p := range t.parts {
			if p.max == 0 {
				continue // it is no part at all (XML Schema part 1, 3.9.2)
			}
			for i := range p.ends(word, from) {
				next[i] = true
			}
		}
	default:
		for i := range from {
			if i < len(word) && word[i] == t.kind {
				next[i+1] = true
			}
		}
	}
	return next
}

// TestModelsAgainstNaive compares the automaton with a matcher that tries
// every way, on random models that are not refused as ambiguous.
func TestModelsAgainstNaive(t *testing.T) {
	const seed = 20260131
	r := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	accepted, valid, invalid := 0, 0, 0
	for range 3000 {
		top := &term{kind: 'S', min: 1, max: 1, parts: []*term{randomTerm(r, 3)}}
		var b strings.Builder
		top.schema(&b)
		s, _ := compile(t, xsdHead+`<xs:element name="v"><xs:complexType>`+b.String()+`</xs:complexType></xs:element></xs:schema>`, xsd.Options{})
		if s == nil {
			continue
		}
		accepted++
		for range 12 {
			var word []byte
			for range r.IntN(9) {
				word = append(word, "abcd"[r.IntN(4)])
			}
			if r.IntN(2) == 0 {
				word = top.sample(r, nil)
			}
			want := top.ends(string(word), map[int]bool{0: true})[len(word)]
			var doc strings.Builder
			for _, c := range word {
				fmt.Fprintf(&doc, "<%c/>", c)
			}
			got := messages(t, s, "<v>"+doc.String()+"</v>")
			if (got == nil) != want {
				t.Fatalf("%s\n%s: valid is %v, want %v: %v", b.String(), word, got == nil, want, got)
			}
			if want {
				valid++
			} else {
				invalid++
			}
		}
	}
	if accepted < 1000 || valid < 5000 || invalid < 5000 {
		t.Errorf("%d models, %d valid and %d invalid words are too few", accepted, valid, invalid)
	}
	t.Logf("%d models, %d valid and %d invalid words", accepted, valid, invalid)
}

// sample appends a word of t.
func (t *term) sample(r *rand.Rand, word []byte) []byte {
	most := t.max
	if most < 0 {
		most = t.min + 2
	}
	n := t.min
	if most > t.min {
		n += r.IntN(most - t.min + 1)
	}
	for range n {
		if len(word) > 40 {
			break
		}
		switch t.kind {
		case 'S':
			for _, p := range t.parts {
				word = p.sample(r, word)
			}
		case 'C':
			word = t.parts[r.IntN(len(t.parts))].sample(r, word)
		default:
			word = append(word, t.kind)
		}
	}
	return word
}
