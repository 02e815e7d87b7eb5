package xslt_test

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"pgregory.net/rapid"

	"sutler/xpath"
	"sutler/xslt"
)

// plainText is text that the table of ASCII knows.
var plainText = rapid.StringOfN(rapid.SampledFrom([]rune("aAbBcChHlLzZ09 _-.,'\"()$&\t\n~!#%*+/:;=?@[\\]^`{|}<>")), 0, 6, -1)

// The table of ASCII gives the order of the collation, for no language and for
// those that are said to have the same.
func TestPlainOrderIsTheCollation(t *testing.T) {
	for _, lang := range []string{"", "en", "en-GB", "de", "fr", "fr-CA", "it", "nl", "pt", "pt-BR"} {
		if !xslt.PlainLanguage(lang) {
			t.Errorf("%q is not compared by the table", lang)
		}
		c := collate.New(language.Make(lang))
		rapid.Check(t, func(t *rapid.T) {
			a, b := plainText.Draw(t, "a"), plainText.Draw(t, "b")
			got, ok := xslt.ComparePlain(a, b, false)
			if want := c.CompareString(a, b); !ok || cmp.Compare(got, 0) != want {
				t.Errorf("%s: ComparePlain(%q, %q) = %d, %v, want %d", lang, a, b, got, ok, want)
			}
		})
	}
	for _, lang := range []string{"cs", "da", "hu", "es", "en-u-kn-true"} {
		if xslt.PlainLanguage(lang) {
			t.Errorf("%q is compared by the table", lang)
		}
	}
}

// The keys of upper-first differ from those of lower-first in the place of case
// alone, and give the order of the table.
func TestUpperFirstKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := plainText.Draw(t, "a"), plainText.Draw(t, "b")
		for _, o := range []string{"upper-first", "lower-first"} {
			table, _ := xslt.ComparePlain(a, b, o == "upper-first")
			keys := bytes.Compare(xslt.CollationKey("", o, a), xslt.CollationKey("", o, b))
			if cmp.Compare(table, 0) != keys {
				t.Errorf("%s: %q and %q: %d by the table, %d by keys", o, a, b, table, keys)
			}
		}
	})
}

// sortBy returns the numbers of the items in the order of one xsl:sort.
func sortBy(t testing.TB, attrs string, items []string) []string {
	p := compile(t, `<xsl:template match="/"><xsl:for-each select="/l/i"><xsl:sort `+attrs+`/><xsl:value-of select="@n"/>,</xsl:for-each></xsl:template>`)
	var src strings.Builder
	for n, s := range items {
		fmt.Fprintf(&src, `<i n="%d">%s</i>`, n, strings.NewReplacer("&", "&amp;", "<", "&lt;", "\r", "&#13;", ">", "&gt;").Replace(s))
	}
	got, err := run(p, "<l>"+src.String()+"</l>", xslt.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(got, ","), ",")
}

// Sorting gives what inserting one after the other gives.
func TestSortIsTheReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		item := rapid.OneOf(plainText, rapid.SampledFrom([]string{"é", "É", "e\u0301", "ß", "ss", "ä", "Äa", "1", "10", "-2", "x", " 3 ", "0", "α", "ab", "aB"}))
		if rapid.Bool().Draw(rt, "plain") {
			item = plainText
		}
		items := rapid.SliceOfN(item, 1, 40).Draw(rt, "items")
		number := rapid.Bool().Draw(rt, "number")
		descending := rapid.Bool().Draw(rt, "descending")
		lang := rapid.SampledFrom([]string{"", "de", "sv"}).Draw(rt, "lang")
		c := collate.New(language.Make(lang))
		compare := func(a, b string) int {
			if number {
				return cmp.Compare(xpath.ParseNumber(a), xpath.ParseNumber(b))
			}
			return c.CompareString(a, b)
		}
		attrs := `lang="` + lang + `"`
		if lang == "" {
			attrs = ""
		}
		if number {
			attrs += ` data-type="number"`
		}
		sign := 1
		if descending {
			attrs, sign = attrs+` order="descending"`, -1
		}
		var want []string // the numbers of items
		var sorted []string
		for n, s := range items {
			at := len(sorted)
			for at > 0 && sign*compare(sorted[at-1], s) > 0 {
				at--
			}
			sorted, want = slices.Insert(sorted, at, s), slices.Insert(want, at, fmt.Sprint(n))
		}
		if got := sortBy(t, attrs, items); !slices.Equal(got, want) {
			rt.Errorf("%q by %s = %v, want %v", items, attrs, got, want)
		}
	})
}
