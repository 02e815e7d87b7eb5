package xslt_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"sutler/xslt"
)

// No picture makes the parser panic or takes long; what is written has the digits
// that were asked for.
func FuzzPicture(f *testing.F) {
	for _, p := range []string{"", "0", "#,##0.00", "0;(0)", "'#'0", "%0", "0.0#", "#.", ";", "''", "¤0", "0‰", "abc"} {
		f.Add(p, 1234.5)
	}
	f.Fuzz(func(t *testing.T, src string, n float64) {
		if !utf8.ValidString(src) {
			return // no document has it
		}
		s, ok := xslt.FormatNumber(src, n)
		again, _ := xslt.FormatNumber(src, n)
		if s != again {
			t.Errorf("%q writes %v as %q and as %q", src, n, s, again)
		}
		if ok && len(s) > 2*len(src)+2000 {
			t.Errorf("%q writes %v with %d bytes", src, n, len(s))
		}
		if ok && n == n && strings.Trim(src, "#0,") == "" && src != "" && !strings.ContainsAny(s, "0123456789I") {
			t.Errorf("%q writes %v without a digit: %q", src, n, s)
		}
	})
}

// No format of xsl:number makes the parser panic, and every number comes out.
func FuzzNumberFormat(f *testing.F) {
	for _, p := range []string{"", "1", "01", "(a)", "1.a.i", "A-", "٠١", "α", "一", "①", "zz", "-"} {
		f.Add(p, int64(12), int64(3), false, 3)
	}
	f.Fuzz(func(t *testing.T, format string, a, b int64, traditional bool, group int) {
		if a < 1 || b < 1 || !utf8.ValidString(format) {
			return
		}
		one := xslt.WriteNumbers(format, traditional, group%10, a)
		two := xslt.WriteNumbers(format, traditional, group%10, a, b)
		if one == "" || len(two) <= len(one)-len(format) {
			t.Errorf("%q writes %d as %q and %d, %d as %q", format, a, one, a, b, two)
		}
		if strings.Trim(format, "10") == "" && group%10 <= 0 && !strings.Contains(one, strconv.FormatInt(a, 10)) {
			t.Errorf("%q writes %d as %q", format, a, one)
		}
	})
}

// The numbers of testdata/pictures.txt, in the order of its columns.
var pictureNumbers = []string{"0", "0.5", "5", "-1234567.891", "2.5", "0.125", "99.995", "-0.004", "1000000000000000", "0.1", "0 div 0", "-1 div 0", "123456"}

// Pictures give what the class DecimalFormat of Java gives. testdata/pictures.txt
// has one a line: the picture in brackets and the results, or ! for an error. As
// in JDK 1.1, and unlike in later ones, digits behind the suffix are an error.
func TestPictures(t *testing.T) {
	data, err := os.ReadFile("testdata/pictures.txt")
	if err != nil {
		t.Fatal(err)
	}
	var call strings.Builder
	for _, n := range pictureNumbers {
		fmt.Fprintf(&call, `<xsl:text>&#9;</xsl:text><xsl:value-of select="format-number(%s, /p)"/>`, n)
	}
	p := compile(t, `<xsl:template match="/">`+call.String()+`</xsl:template>`)
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) < 400 {
		t.Errorf("there are %d pictures, want at least 400", len(lines))
	}
	for _, l := range lines {
		picture, want, _ := strings.Cut(l, "]\t")
		got, err := run(p, "<p>"+picture[1:]+"</p>", xslt.Env{})
		if err != nil {
			if got = "!"; !strings.Contains(err.Error(), "cannot read the number pattern") {
				t.Errorf("format-number with %s]: %v", picture, err)
			}
		}
		if got = strings.TrimPrefix(got, "\t"); got != want {
			t.Errorf("format-number with %s]:\ngot  %s (%v)\nwant %s", picture, got, err, want)
		}
	}
}

// The picture and the key that a call keeps from the run before are right for
// runs at the same time that use others.
func TestCallsKeepNothingWrong(t *testing.T) {
	p := compile(t, `<xsl:key name="a" match="i" use="@v"/><xsl:key name="b" match="i" use="@w"/><xsl:decimal-format name="f" decimal-separator="," grouping-separator="."/>
		<xsl:template match="/r"><xsl:for-each select="p"><xsl:value-of select="format-number(1.5, ., @f)"/>:<xsl:value-of select="key(@k, 1)"/>;</xsl:for-each></xsl:template>`)
	var wait sync.WaitGroup
	for g := range 8 {
		wait.Go(func() {
			src, want := `<p f="f" k="a">0</p><p f="f" k="b">#,00</p>`, "2:x;1,50:y;"
			if g%2 == 0 {
				src, want = `<p f="f" k="b">#,000</p><p f="f" k="a">0</p>`, "1,500:y;2:x;"
			}
			for range 200 {
				got, err := run(p, `<r>`+src+`<i v="1" w="2">x</i><i v="2" w="1">y</i></r>`, xslt.Env{})
				if err != nil || got != want {
					t.Errorf("Run = %q, %v, want %q", got, err, want)
					return
				}
			}
		})
	}
	wait.Wait()
}
