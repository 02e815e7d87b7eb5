package xsd

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// span of characters, both ends included.
type interval struct{ lo, hi rune }

// charset is a set of characters: intervals in order that do not touch.
type charset []interval

// lastChar is the last character there is.
const lastChar = unicode.MaxRune

// set makes a charset of pairs of first and last characters.
func set(ends ...rune) charset {
	var cs charset
	for i := 0; i < len(ends); i += 2 {
		cs = append(cs, interval{ends[i], ends[i+1]})
	}
	return cs.tidy()
}

// tidy sorts the intervals and joins those that overlap or touch.
func (cs charset) tidy() charset {
	slices.SortFunc(cs, func(a, b interval) int { return int(a.lo - b.lo) })
	var out charset
	for _, r := range cs {
		if n := len(out); n > 0 && r.lo <= out[n-1].hi+1 {
			out[n-1].hi = max(out[n-1].hi, r.hi)
			continue
		}
		out = append(out, r)
	}
	return out
}

func (cs charset) has(r rune) bool {
	_, ok := slices.BinarySearchFunc(cs, r, func(i interval, r rune) int {
		switch {
		case i.hi < r:
			return -1
		case i.lo > r:
			return 1
		}
		return 0
	})
	return ok
}

func (cs charset) union(other charset) charset { return append(slices.Clone(cs), other...).tidy() }

// invert returns the characters that are not in cs.
func (cs charset) invert() charset {
	var out charset
	next := rune(0)
	for _, r := range cs {
		if r.lo > next {
			out = append(out, interval{next, r.lo - 1})
		}
		next = r.hi + 1
	}
	if next <= lastChar {
		out = append(out, interval{next, lastChar})
	}
	return out
}

// minus returns the characters of cs that are not in other.
func (cs charset) minus(other charset) charset {
	return cs.invert().union(other).invert()
}

// expression writes cs as a class of a Go regular expression.
func (cs charset) expression() string {
	if len(cs) == 0 {
		return `[^\x{0}-\x{10FFFF}]`
	}
	var b strings.Builder
	b.WriteByte('[')
	for _, r := range cs {
		fmt.Fprintf(&b, `\x{%X}`, r.lo)
		if r.hi > r.lo {
			fmt.Fprintf(&b, `-\x{%X}`, r.hi)
		}
	}
	b.WriteByte(']')
	return b.String()
}

// category returns the characters of a general category of Unicode, such as L
// or Lu.
func category(name string) (charset, bool) {
	if name == "C" || name == "Cn" { // Go has no table of what is not assigned
		assigned := charset{}
		for k, t := range unicode.Categories {
			if len(k) == 2 && k != "Cn" && (name == "Cn" || k[0] != 'C') {
				assigned = append(assigned, ofTable(t)...)
			}
		}
		return assigned.tidy().invert(), true
	}
	t, ok := unicode.Categories[name]
	if !ok || len(name) > 2 || name == "LC" {
		return nil, false
	}
	return ofTable(t).tidy(), true
}

func ofTable(t *unicode.RangeTable) charset {
	var cs charset
	add := func(lo, hi, stride rune) {
		if stride == 1 {
			cs = append(cs, interval{lo, hi})
			return
		}
		for r := lo; r <= hi; r += stride {
			cs = append(cs, interval{r, r})
		}
	}
	for _, r := range t.R16 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range t.R32 {
		add(rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	return cs
}

// The classes behind the escapes of one letter.
var (
	spaceChars = set('\t', '\n', '\r', '\r', ' ', ' ')
	nameStart  = set(':', ':', 'A', 'Z', '_', '_', 'a', 'z', 0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x2FF, 0x370, 0x37D, 0x37F, 0x1FFF,
		0x200C, 0x200D, 0x2070, 0x218F, 0x2C00, 0x2FEF, 0x3001, 0xD7FF, 0xF900, 0xFDCF, 0xFDF0, 0xFFFD, 0x10000, 0xEFFFF)
	nameChar  = nameStart.union(set('-', '.', '0', '9', 0xB7, 0xB7, 0x300, 0x36F, 0x203F, 0x2040))
	numerals  = mustCategory("Nd")
	wordChars = mustCategory("P").union(mustCategory("Z")).union(mustCategory("C")).invert()
)

func mustCategory(name string) charset {
	cs, ok := category(name)
	if !ok {
		panic("xsd: no category " + name)
	}
	return cs
}

// block returns the characters of a block of Unicode by its name in patterns,
// without "Is".
func block(name string) (charset, bool) {
	i, ok := slices.BinarySearchFunc(blocks, name, func(b namedBlock, name string) int { return strings.Compare(b.name, name) })
	if !ok {
		return nil, false
	}
	b := blocks[i]
	cs := charset{{b.lo, b.hi}}
	switch name { // those that consist of two parts
	case "PrivateUse":
		cs = append(cs, interval{0xF0000, 0xFFFFD}, interval{0x100000, 0x10FFFD})
	case "Specials":
		cs = append(cs, interval{0xFEFF, 0xFEFF})
	}
	return cs.tidy(), true
}
