package xslt

import (
	"strconv"
	"unicode"
)

// FormatNumber writes n by a picture in the default decimal format.
func FormatNumber(src string, n float64) (s string, ok bool) {
	p, err := plainFormat.parse(src)
	if err != nil {
		return err.Error(), false
	}
	return string(p.append(nil, n)), true
}

// WriteNumbers writes numbers by a format of xsl:number.
func WriteNumbers(format string, traditional bool, group int, numbers ...int64) string {
	var digits []string
	for _, n := range numbers {
		digits = append(digits, strconv.FormatInt(n, 10))
	}
	return parseNumbering(format, traditional).write(digits, group, ",")
}

// ComparePlain compares by the table of ASCII; ok is false if it does not know
// the texts.
func ComparePlain(a, b string, upperFirst bool) (order int, ok bool) {
	return comparePlain(a, b, upperFirst), isPlain(a) && isPlain(b)
}

// CollationKey returns the key of s in a language.
func CollationKey(lang, caseOrder, s string) []byte {
	return newTextOrder(lang, caseOrder).keys().append(nil, s)
}

// PlainLanguage reports whether ASCII texts of lang are compared by the table.
func PlainLanguage(lang string) bool { return newTextOrder(lang, "").plain }

// DigitFamilies returns the decimal digits of Unicode with the value that they
// are taken to have.
func DigitFamilies() map[rune]int {
	m := map[rune]int{}
	for _, t := range unicode.Nd.R16 {
		for r := rune(t.Lo); r <= rune(t.Hi); r += rune(t.Stride) {
			m[r], _ = digitValue(r)
		}
	}
	for _, t := range unicode.Nd.R32 {
		for r := rune(t.Lo); r <= rune(t.Hi); r += rune(t.Stride) {
			m[r], _ = digitValue(r)
		}
	}
	return m
}
