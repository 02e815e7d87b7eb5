package xslt

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// numbering is a format of xsl:number such as "1.a)" (section 7.7.1).
type numbering struct {
	prefix, suffix string
	tokens         []numeral // at least one
	seps           []string  // before each token but the first
	size           int       // bytes of the format
}

// numbers are decimal digits, so that none is too large.
func (f *numbering) write(numbers []string, group int, sep string) string {
	var b strings.Builder
	b.WriteString(f.prefix)
	for i, n := range numbers {
		t := min(i, len(f.tokens)-1)
		switch {
		case i == 0:
		case t > 0:
			b.WriteString(f.seps[t-1])
		default:
			b.WriteByte('.')
		}
		f.tokens[t].write(&b, n, group, sep)
	}
	b.WriteString(f.suffix)
	return b.String()
}

// parseNumbering splits a format into tokens of letters and digits and what
// stands around them. In one without tokens the same text is prefix and suffix.
func parseNumbering(format string, traditional bool) *numbering {
	f := &numbering{size: len(format)}
	between := ""
	for format != "" {
		word := strings.IndexFunc(format, isAlnum)
		if word < 0 {
			word = len(format)
		}
		between, format = format[:word], format[word:]
		end := strings.IndexFunc(format, func(r rune) bool { return !isAlnum(r) })
		if end < 0 {
			end = len(format)
		}
		if end == 0 {
			break
		}
		if f.tokens == nil {
			f.prefix = between
		} else {
			f.seps = append(f.seps, between)
		}
		f.tokens, format, between = append(f.tokens, parseNumeral(format[:end], traditional)), format[end:], ""
	}
	f.suffix = between
	if f.tokens == nil {
		f.prefix, f.tokens = between, []numeral{decimal}
	}
	return f
}

func isAlnum(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// numeral is one way to write a number.
type numeral struct {
	letters func(n int64) string // nil: decimal; "" for a number that it cannot write
	zero    rune                 // of the family of decimal digits
	width   int                  // least number of digits
}

var decimal = numeral{zero: '0', width: 1}

// parseNumeral returns the numeral of a token; one that begins no sequence known
// here counts as 1.
func parseNumeral(token string, traditional bool) numeral {
	last, size := utf8.DecodeLastRuneInString(token)
	if value, ok := digitValue(last); ok && value == 1 && strings.Trim(token[:len(token)-size], string(last-1)) == "" {
		return numeral{zero: last - 1, width: utf8.RuneCountInString(token)}
	}
	if size != len(token) {
		return decimal
	}
	switch last {
	case 'I':
		return numeral{letters: roman}
	case 'i':
		return numeral{letters: func(n int64) string { return strings.ToLower(roman(n)) }}
	}
	if traditional {
		for _, t := range traditions {
			if t.first == last {
				return numeral{letters: t.write}
			}
		}
	}
	for _, a := range alphabets {
		if strings.HasPrefix(a, token) {
			return numeral{letters: func(n int64) string { return alphabetic(n, []rune(a)) }}
		}
	}
	for _, l := range enumerations {
		if strings.HasPrefix(l, token) {
			return numeral{letters: func(n int64) string { return enumerated(n, []rune(l)) }}
		}
	}
	if last == '一' {
		return numeral{letters: kanji}
	}
	return decimal
}

// digitValue returns the value of a decimal digit. Each family of them is ten
// characters in a row that begin with the zero.
func digitValue(r rune) (int, bool) {
	if r < utf8.RuneSelf {
		return int(r - '0'), '0' <= r && r <= '9'
	}
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return int(r-rune(t.Lo)) % 10, true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return int(r-rune(t.Lo)) % 10, true
		}
	}
	return 0, false
}

// write writes the number with those decimal digits. What the letters cannot
// write becomes a decimal number.
func (t numeral) write(b *strings.Builder, digits string, group int, sep string) {
	if t.letters != nil {
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n > 0 {
			if s := t.letters(n); s != "" {
				b.WriteString(s)
				return
			}
		}
		t = decimal
	}
	if pad := t.width - len(digits); pad > 0 {
		digits = strings.Repeat("0", pad) + digits
	}
	b.Write(appendDigits(nil, digits, t.zero, group, sep))
}

// alphabetic writes 1, 2 … as a, b … z, aa, ab ….
func alphabetic(n int64, alphabet []rune) string {
	var s []rune
	for size := int64(len(alphabet)); n > 0; n = (n - 1) / size {
		s = append(s, alphabet[(n-1)%size])
	}
	slices.Reverse(s)
	return string(s)
}

// enumerated writes the numbers that have a character of their own.
func enumerated(n int64, list []rune) string {
	if n > int64(len(list)) {
		return ""
	}
	return string(list[n-1])
}

// roman writes a Roman number; above 4999 there is none.
func roman(n int64) string {
	if n > 4999 {
		return ""
	}
	var b strings.Builder
	for _, d := range []struct {
		value int64
		text  string
	}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}} {
		for ; n >= d.value; n -= d.value {
			b.WriteString(d.text)
		}
	}
	return b.String()
}

// kanji writes a number as Japanese does, 十一 for 11; above 9999 there is none.
func kanji(n int64) string {
	if n > 9999 {
		return ""
	}
	var b strings.Builder
	for _, unit := range []struct {
		value int64
		text  string
	}{{1000, "千"}, {100, "百"}, {10, "十"}, {1, ""}} {
		d := n / unit.value
		n %= unit.value
		if d > 1 || d == 1 && unit.value == 1 {
			b.WriteRune([]rune("一二三四五六七八九")[d-1])
		}
		if d > 0 {
			b.WriteString(unit.text)
		}
	}
	return b.String()
}

// alphabets are the alphabetic sequences. The first letter is the token.
var alphabets = []string{
	"abcdefghijklmnopqrstuvwxyz",
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"αβγδεζηθικλμνξοπρστυφχψω",
	"ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
	"абвгдежзийклмнопрстуфхцчшщъыьэюя",
	"АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ",
	"אבגדהוזחטיכלמנסעפצקרשת",
	"ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
	"աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
	"ԱԲԳԴԵԶԷԸԹԺԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖ",
	"აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
	"กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ",
	"あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわゐゑをん",
	"いろはにほへとちりぬるをわかよたれそつねならむうゐのおくやまけふこえてあさきゆめみしゑひもせす",
	"アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヰヱヲン",
	"イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス",
	"ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ",
	"가나다라마바사아자차카타파하",
	"ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ",
	"ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ",
}

// enumerations have a character for each of the first numbers and end there.
var enumerations = []string{
	"①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳㉑㉒㉓㉔㉕㉖㉗㉘㉙㉚㉛㉜㉝㉞㉟㊱㊲㊳㊴㊵㊶㊷㊸㊹㊺㊻㊼㊽㊾㊿",
	"⑴⑵⑶⑷⑸⑹⑺⑻⑼⑽⑾⑿⒀⒁⒂⒃⒄⒅⒆⒇",
	"⒈⒉⒊⒋⒌⒍⒎⒏⒐⒑⒒⒓⒔⒕⒖⒗⒘⒙⒚⒛",
	"ⅠⅡⅢⅣⅤⅥⅦⅧⅨⅩⅪⅫ",
	"ⅰⅱⅲⅳⅴⅵⅶⅷⅸⅹⅺⅻ",
	"甲乙丙丁戊己庚辛壬癸",
	"子丑寅卯辰巳午未申酉戌亥",
}

// tradition is a numbering in which letters stand for 1 to 9, 10 to 90, 100 to
// 900: letter-value="traditional".
type tradition struct {
	first     rune
	ones      string
	tens      string
	hundreds  string
	thousands string // letters; or
	before    string // the mark before the letter of 1 to 9, or
	behind    string // the one behind it
	most      int64
	change    *strings.Replacer // of what would be written otherwise
}

var traditions = []tradition{
	{first: 'α', ones: "αβγδεϛζηθ", tens: "ικλμνξοπϟ", hundreds: "ρστυφχψωϡ", before: "͵", most: 9999},
	{first: 'Α', ones: "ΑΒΓΔΕϚΖΗΘ", tens: "ΙΚΛΜΝΞΟΠϞ", hundreds: "ΡΣΤΥΦΧΨΩϠ", before: "͵", most: 9999},
	{first: 'а', ones: "авгдеѕзиѳ", tens: "іклмнѯопч", hundreds: "рстуфхѱѡц", before: "҂", most: 9999, change: teens("і", "авгдеѕзиѳ")},
	{first: 'А', ones: "АВГДЕЅЗИѲ", tens: "ІКЛМНѮОПЧ", hundreds: "РСТУФХѰѠЦ", before: "҂", most: 9999, change: teens("І", "АВГДЕЅЗИѲ")},
	{first: 'א', ones: "אבגדהוזחט", tens: "יכלמנסעפצ", hundreds: "קרשת", behind: "׳", most: 9999, change: strings.NewReplacer("יה", "טו", "יו", "טז")},
	{first: 'ا', ones: "ابجدهوزحط", tens: "يكلمنسعفص", hundreds: "قرشتثخذضظ", thousands: "غ", most: 1999},
	{first: 'ა', ones: "აბგდევზჱთ", tens: "იკლმნჲოპჟ", hundreds: "რსტჳფქღყშ", thousands: "ჩცძწჭხჴჯჰ", most: 9999},
	{first: 'ա', ones: "աբգդեզէըթ", tens: "ժիլխծկհձղ", hundreds: "ճմյնշոչպջ", thousands: "ռսվտրցւփք", most: 9999},
	{first: 'Ա', ones: "ԱԲԳԴԵԶԷԸԹ", tens: "ԺԻԼԽԾԿՀՁՂ", hundreds: "ՃՄՅՆՇՈՉՊՋ", thousands: "ՌՍՎՏՐՑՒՓՔ", most: 9999},
}

// teens swaps ten and ones from 11 to 19, as they are spoken.
func teens(ten, ones string) *strings.Replacer {
	var pairs []string
	for _, one := range ones {
		pairs = append(pairs, ten+string(one), string(one)+ten)
	}
	return strings.NewReplacer(pairs...)
}

func (t *tradition) write(n int64) string {
	if n > t.most {
		return ""
	}
	letter := func(list string, d int64) string {
		if d == 0 {
			return ""
		}
		return string([]rune(list)[d-1])
	}
	var b strings.Builder
	switch d := n / 1000; {
	case d == 0:
	case t.thousands != "":
		b.WriteString(letter(t.thousands, d))
	default:
		b.WriteString(t.before + letter(t.ones, d) + t.behind)
	}
	hundreds := n / 100 % 10
	for most := int64(utf8.RuneCountInString(t.hundreds)); hundreds > most; hundreds -= most {
		b.WriteString(letter(t.hundreds, most)) // 500 is 400 and 100
	}
	b.WriteString(letter(t.hundreds, hundreds))
	low := letter(t.tens, n/10%10) + letter(t.ones, n%10)
	if t.change != nil {
		low = t.change.Replace(low)
	}
	b.WriteString(low)
	return b.String()
}
