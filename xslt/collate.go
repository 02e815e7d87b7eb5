package xslt

import (
	"slices"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"
)

// textOrder is an order of texts: that of a language, or of none in particular,
// which is the root collation of Unicode. It does not depend on where or when
// the program runs.
//
// The root collation gives a A b B and looks at punctuation before digits and at
// digits before letters, as dictionaries and most processors do; the numbers of
// the characters (A B a b) are an order for machines only.
type textOrder struct {
	tag        language.Tag
	upperFirst bool
	plain      bool // ASCII texts have the order of comparePlain
}

// newTextOrder returns the order of lang with a case-order; both may be empty.
// What is no language tag counts as none.
func newTextOrder(lang, caseOrder string) textOrder {
	o := textOrder{tag: language.Und, upperFirst: caseOrder == "upper-first", plain: true}
	if lang == "" {
		return o
	}
	tag, err := language.Parse(lang)
	if err != nil {
		return o
	}
	o.tag = tag
	base, _ := tag.Base()
	// These write capitals first (CLDR, caseFirst upper).
	if caseOrder == "" && (base.String() == "da" || base.String() == "mt") {
		o.upperFirst = true
	}
	// Only of these is it known that no letters of ASCII have a place of their
	// own, alone or together, as "ch" has in Czech.
	o.plain = len(tag.Extensions()) == 0 && slices.Contains([]string{"en", "de", "fr", "it", "nl", "pt"}, base.String())
	return o
}

// isLanguage reports whether lang is a well-formed language tag.
func isLanguage(lang string) bool {
	_, err := language.Parse(lang)
	_, unknown := err.(language.ValueError) // well-formed, but nobody's language
	return err == nil || unknown
}

// collator makes keys whose bytes have the order of texts.
type collator struct {
	order  textOrder
	all    *collate.Collator
	nocase *collate.Collator // for upperFirst
	buffer collate.Buffer
}

func (o textOrder) keys() *collator {
	k := &collator{order: o, all: collate.New(o.tag)}
	if o.upperFirst {
		k.nocase = collate.New(o.tag, collate.IgnoreCase)
	}
	return k
}

// append appends the key of s to key.
func (k *collator) append(key []byte, s string) []byte {
	defer k.buffer.Reset()
	if k.nocase == nil {
		return append(key, k.all.KeyFromString(&k.buffer, s)...)
	}
	// Letters and accents first, then case, then all that is left.
	key = append(key, k.nocase.KeyFromString(&k.buffer, s)...)
	key = append(key, 0, 0)
	for _, r := range norm.NFD.String(s) {
		switch {
		case unicode.Is(unicode.M, r):
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			key = append(key, 1)
		default:
			key = append(key, 2)
		}
	}
	key = append(key, 0)
	return append(key, k.all.KeyFromString(&k.buffer, s)...)
}
