package xslt

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"sutler/xpath"
)

// msxslFunction returns a function of MSXML 4 and later whose effect its
// documentation defines without the system that it runs on; node-set stands
// with the functions of XSLT.
func msxslFunction(name string) (xpath.Function, bool) {
	switch name {
	case "format-date":
		return extensionFunc(1, 3, xpath.StringType, formatMS(msDate))
	case "format-time":
		return extensionFunc(1, 3, xpath.StringType, formatMS(msTime))
	case "string-compare":
		return extensionFunc(2, 4, xpath.NumberType, compareMS)
	case "local-name":
		return extensionFunc(1, 1, xpath.StringType, localNameMS)
	case "namespace-uri":
		return extensionFunc(1, 1, xpath.StringType, namespaceMS)
	case "number":
		return extensionFunc(1, 1, xpath.NumberType, numberMS)
	case "schema-info-available":
		return extensionFunc(0, 0, xpath.BooleanType, func(*xpath.Context, []xpath.Value) (xpath.Value, error) {
			return xpath.Boolean(false), nil // validation leaves no types in the tree
		})
	}
	return xpath.Function{}, false
}

// msPicture is what format-date or format-time know of pictures.
type msPicture struct {
	letters   string
	words     string    // the items that are words or marks of a language
	byDefault string    // the picture for an empty one
	needs     dateParts // of the value
}

var (
	msDate = msPicture{"dMyg", "ddd dddd MMM MMMM gg", "M/d/yyyy", hasYear}
	msTime = msPicture{"hHmst", "t tt", "h:mm:ss tt", 0}
)

// formatMS returns msxsl:format-date or msxsl:format-time. A value with a time
// zone is shown in UTC; what is no date, or lacks what is to be shown, gives
// the empty string. What is no letter of the picture stands for itself.
func formatMS(p msPicture) extensionCall {
	return func(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
		all, err := argTexts(c, args)
		if err != nil {
			return xpath.Value{}, err
		}
		picture, locale := "", ""
		if len(all) > 1 {
			picture = all[1]
		}
		if len(all) > 2 {
			locale = strings.TrimSpace(all[2])
		}
		english := locale == "" || strings.EqualFold(locale, "en") || strings.HasPrefix(strings.ToLower(locale), "en-")
		if picture == "" {
			if !english {
				return xpath.Value{}, fmt.Errorf("cannot format by the habits of the locale %q, only of English; write a picture such as %q", locale, p.byDefault)
			}
			picture = p.byDefault
		}
		items, err := p.parse(picture, english, locale)
		if err != nil {
			return xpath.Value{}, err
		}
		d, ok := parseDate(all[0])
		if !ok || d.has&p.needs != p.needs || d.has&(hasYear|hasTime) == 0 {
			return xpath.String(""), nil
		}
		if d.zoned && d.has&hasTime != 0 && d.has != hasTime {
			at := d.seconds()
			d.zone = 0
			d.setSeconds(at)
		}
		size := 0
		for _, it := range items {
			size += len(it.text) + 10
		}
		if err := payText(c, size); err != nil {
			return xpath.Value{}, err
		}
		d.month, d.day = max(d.month, 1), max(d.day, 1)
		var b []byte
		for _, it := range items {
			b = it.appendMS(b, &d)
		}
		return xpath.String(string(b)), nil
	}
}

// parse splits a picture. English is the only language whose words are known.
func (p msPicture) parse(s string, english bool, locale string) ([]pictureItem, error) {
	if err := checkPicture(s); err != nil {
		return nil, err
	}
	var items []pictureItem
	for i := 0; i < len(s); {
		b := s[i]
		switch {
		case b == '\'':
			text, n, _ := quoted(s[i:]) // an open quote reaches to the end
			items = append(items, pictureItem{text: text})
			i += n
		case strings.IndexByte(p.letters, b) >= 0:
			n := repeated(s[i:])
			item := s[i : i+min(n, 4)]
			if strings.Contains(" "+p.words+" ", " "+item+" ") && !english {
				return nil, fmt.Errorf("cannot write %q in the locale %q: only English words are known", item, locale)
			}
			items = append(items, pictureItem{letter: b, count: n})
			i += n
		default:
			_, n := utf8.DecodeRuneInString(s[i:])
			items = append(items, pictureItem{text: s[i : i+n]})
			i += n
		}
	}
	return items, nil
}

// appendMS writes an item by the rules of MSXML, where they differ from those
// of the JDK in the letters and in how many of them mean a word.
func (it pictureItem) appendMS(b []byte, d *date) []byte {
	short := min(it.count, 2)
	switch it.letter {
	case 0:
		return append(b, it.text...)
	case 'd':
		if word := it.word(dayNames[d.weekday()]); word != "" {
			return append(b, word...)
		}
		return appendPadded(b, int64(d.day), short)
	case 'M':
		if word := it.word(monthNames[d.month-1]); word != "" {
			return append(b, word...)
		}
		return appendPadded(b, int64(d.month), short)
	case 'y':
		year := max(d.shownYear(), -d.shownYear())
		if it.count > 2 {
			return appendPadded(b, year, 4)
		}
		return appendPadded(b, year%100, it.count)
	case 'g':
		if d.year < 1 {
			return append(b, "B.C."...)
		}
		return append(b, "A.D."...)
	case 'h':
		return appendPadded(b, int64((d.hour+11)%12+1), short)
	case 'H':
		return appendPadded(b, int64(d.hour), short)
	case 'm':
		return appendPadded(b, int64(d.min), short)
	case 's':
		return appendPadded(b, int64(d.sec), short)
	}
	return append(b, halfDay(d.hour)[:short]...) // t
}

// compareMS compares two strings by the rules of a language: -1, 0 or 1.
// Lower case comes first, with the option u upper case; i ignores case.
func compareMS(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	all, err := argTexts(c, args)
	if err != nil {
		return xpath.Value{}, err
	}
	if err := pay(c, (len(all[0])+len(all[1]))/8); err != nil {
		return xpath.Value{}, err
	}
	all = append(all, "", "") // locale and options
	for _, o := range all[3] {
		if o != 'u' && o != 'i' {
			return xpath.Value{}, fmt.Errorf("msxsl:string-compare() has the options u and i, not %q", o)
		}
	}
	by, err := host(c).collator(all[2])
	if err != nil {
		return xpath.Value{}, err
	}
	order := by.CompareString(all[0], all[1])
	if order == 0 && !strings.Contains(all[3], "i") {
		order = compareCase(all[0], all[1])
		if strings.Contains(all[3], "u") {
			order = -order
		}
	}
	return xpath.Number(float64(order)), nil
}

// compareCase orders two strings that differ in case alone by the first letter
// that does, lower case first.
func compareCase(a, b string) int {
	x, y := []rune(a), []rune(b)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			if x[i] > y[i] { // lower case has the higher numbers
				return -1
			}
			return 1
		}
	}
	return 0
}

// collator returns the order of a language without regard to case, by default
// the one of Unicode.
func (r *run) collator(locale string) (*collate.Collator, error) {
	by := r.made.collators[locale]
	if by != nil {
		return by, nil
	}
	tag := language.Und
	if locale != "" {
		var err error
		if tag, err = language.Parse(locale); err != nil {
			return nil, fmt.Errorf("cannot compare by the language %q: it is no language tag such as de or en-US", locale)
		}
	}
	by = collate.New(tag, collate.IgnoreCase)
	if r.made.collators == nil {
		r.made.collators = map[string]*collate.Collator{}
	}
	r.made.collators[locale] = by
	return by, nil
}

// localNameMS returns the local part of a qualified name in a string.
func localNameMS(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	s, err := argText(c, args, 0)
	if err != nil {
		return xpath.Value{}, err
	}
	_, local, ok := splitName(s)
	if !ok {
		local = ""
	}
	return xpath.String(local), nil
}

// namespaceMS resolves the prefix of a qualified name in a string by the
// declarations in force at the context node.
func namespaceMS(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	s, err := argText(c, args, 0)
	if err != nil {
		return xpath.Value{}, err
	}
	prefix, _, ok := splitName(s)
	if !ok {
		return xpath.String(""), nil
	}
	for n := c.Node; n != nil; n = n.Parent() {
		if err := pay(c, 1); err != nil {
			return xpath.Value{}, err
		}
	}
	uri, _ := c.Node.Lookup(prefix)
	return xpath.String(uri), nil
}

// numberMS reads a number as XML Schema writes it, with exponents and INF, and
// else as number() does.
func numberMS(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	if t := args[0].Type(); t == xpath.NumberType || t == xpath.BooleanType {
		return xpath.Number(args[0].Num()), nil
	}
	s, err := argText(c, args, 0)
	if err != nil {
		return xpath.Value{}, err
	}
	s = strings.Trim(s, " \t\r\n")
	switch s {
	case "INF":
		return xpath.Number(math.Inf(1)), nil
	case "-INF":
		return xpath.Number(math.Inf(-1)), nil
	}
	mantissa, exponent, found := strings.Cut(strings.ToLower(strings.TrimPrefix(s, "+")), "e")
	f := xpath.ParseNumber(mantissa)
	if strings.HasPrefix(s, "+-") || mantissa != strings.Trim(mantissa, " \t\r\n") {
		f = math.NaN()
	}
	if !found || f != f {
		return xpath.Number(f), nil
	}
	if _, err := strconv.Atoi(exponent); err != nil || len(exponent) > 9 {
		return xpath.Number(math.NaN()), nil
	}
	f, _ = strconv.ParseFloat(mantissa+"e"+exponent, 64) // out of range is ±Inf or 0
	return xpath.Number(f), nil
}
