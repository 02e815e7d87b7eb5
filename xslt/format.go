package xslt

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"sutler/xpath"
)

// formatNumber is the function format-number with the default decimal format
// (section 12.3).
func formatNumber(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	if len(args) == 3 {
		return xpath.Value{}, fmt.Errorf("there is no decimal format named %q", args[2].Str())
	}
	p, err := parsePicture(args[1].Str())
	if err != nil {
		return xpath.Value{}, fmt.Errorf("cannot read the number pattern %q: %w", args[1].Str(), err)
	}
	return xpath.String(p.format(args[0].Num())), nil
}

// picture is a number pattern of the JDK 1.1 class DecimalFormat.
type picture struct {
	plus, minus affixes
	scale       float64 // 100 for percent, 1000 for per mille
	minInt      int
	minFrac     int
	maxFrac     int
	group       int // digits between separators; 0: none
}

type affixes struct{ prefix, suffix string }

func parsePicture(s string) (*picture, error) {
	p := &picture{scale: 1}
	positive, negative, two := cutUnquoted(s, ';')
	if err := p.parse(positive, &p.plus); err != nil {
		return nil, err
	}
	p.minus = affixes{"-" + p.plus.prefix, p.plus.suffix}
	if two {
		if _, _, more := cutUnquoted(negative, ';'); more {
			return nil, errors.New(`";" may stand once`)
		}
		if err := (&picture{scale: 1}).parse(negative, &p.minus); err != nil {
			return nil, err
		}
		if p.minus == p.plus {
			p.minus.prefix = "-" + p.minus.prefix
		}
	}
	return p, nil
}

// cutUnquoted cuts s at the first sep that is not in quotes.
func cutUnquoted(s string, sep byte) (before, after string, found bool) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\'':
			quoted = !quoted
		case s[i] == sep && !quoted:
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}

// parse reads one half of a pattern: prefix, number, suffix.
func (p *picture) parse(s string, a *affixes) error {
	var prefix, suffix strings.Builder
	const before, integer, fraction, after = 0, 1, 2, 3
	state := before
	digits, sinceComma := 0, -1
	quoted := false
	runes := []rune(s)
	for i, ch := range runes {
		affix := &prefix
		if state != before {
			affix = &suffix
		}
		if ch == '\'' {
			if i > 0 && runes[i-1] == '\'' && !quoted {
				affix.WriteRune('\'')
			}
			quoted = !quoted
			continue
		}
		if !quoted && strings.ContainsRune("#0,.", ch) {
			if state == after {
				return fmt.Errorf("%q stands behind the end of the number", ch)
			}
			if state == before {
				state = integer
			}
			switch {
			case ch == '.' && state == fraction:
				return errors.New(`"." may stand once`)
			case ch == '.':
				state = fraction
			case ch == ',' && state == fraction:
				return errors.New(`"," must not stand behind "."`)
			case ch == ',':
				sinceComma = 0
				continue
			case state == integer && ch == '0':
				p.minInt++
			case state == integer && p.minInt > 0:
				return errors.New(`"#" must not stand behind "0"`)
			case state == fraction && ch == '0':
				if p.maxFrac > p.minFrac {
					return errors.New(`"0" must not stand behind "#"`)
				}
				p.minFrac++
				p.maxFrac++
			case state == fraction:
				p.maxFrac++
			}
			digits++
			if state == integer && sinceComma >= 0 {
				sinceComma++
			}
			continue
		}
		if state != before {
			state = after
			affix = &suffix
		}
		if !quoted {
			switch ch {
			case '%':
				p.scale = 100
			case '‰':
				p.scale = 1000
			case '¤':
				return errors.New(`the currency sign "¤" must not be used`)
			}
		}
		affix.WriteRune(ch)
	}
	if digits == 0 {
		return errors.New("it has no digits")
	}
	if sinceComma == 0 {
		return errors.New(`"," must stand before a digit`)
	}
	p.group = max(sinceComma, 0)
	a.prefix, a.suffix = prefix.String(), suffix.String()
	return nil
}

// format writes f. A number is rounded half to even.
func (p *picture) format(f float64) string {
	if math.IsNaN(f) {
		return "NaN"
	}
	a := p.plus
	if math.Signbit(f) && f != 0 {
		a, f = p.minus, -f
	}
	if math.IsInf(f, 1) {
		return a.prefix + "Infinity" + a.suffix
	}
	return a.prefix + p.digits(f*p.scale) + a.suffix
}

func (p *picture) digits(f float64) string {
	integer, fraction, _ := strings.Cut(strconv.FormatFloat(f, 'f', min(p.maxFrac, 340), 64), ".")
	for len(fraction) > p.minFrac && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	if integer == "0" {
		integer = ""
	}
	if integer == "" && p.minInt == 0 && fraction == "" {
		integer = "0"
	}
	if pad := p.minInt - len(integer); pad > 0 {
		integer = strings.Repeat("0", pad) + integer
	}
	integer = grouped(integer, p.group, ",")
	if fraction == "" {
		return integer
	}
	return integer + "." + fraction
}

// grouped puts sep between groups of size digits, counted from the right.
func grouped(digits string, size int, sep string) string {
	if size <= 0 || len(digits) <= size {
		return digits
	}
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%size == 0 {
			b.WriteString(sep)
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}
