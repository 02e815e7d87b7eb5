package xpath

import (
	"math"
	"strings"
	"unicode/utf8"

	"sutler/xmltree"
)

// String functions (section 4.2). A result that is part of an argument shares
// its memory.

func toString(c *Context, args []expr) (string, error) { return stringOf(c, args[0]) }

func concat(c *Context, args []expr) (string, error) {
	var few [8]string
	parts, size := few[:0], 0
	for _, a := range args {
		s, err := stringOf(c, a)
		if err != nil {
			return "", err
		}
		parts = append(parts, s)
		size += len(s)
		// Charged as it goes, so that nothing is made that is too long.
		if err := chargeMade(c, len(s)); err != nil {
			return "", err
		}
	}
	var b strings.Builder
	b.Grow(size)
	for _, s := range parts {
		b.WriteString(s)
	}
	return b.String(), nil
}

// twoStrings evaluates two arguments.
func twoStrings(c *Context, args []expr) (s, t string, err error) {
	if s, err = stringOf(c, args[0]); err != nil {
		return "", "", err
	}
	if t, err = stringOf(c, args[1]); err != nil {
		return "", "", err
	}
	return s, t, charge(c, 1+(len(s)+len(t))/bytesRead)
}

func startsWith(c *Context, args []expr) (bool, error) {
	s, t, err := twoStrings(c, args)
	return strings.HasPrefix(s, t), err
}

func contains(c *Context, args []expr) (bool, error) {
	s, t, err := twoStrings(c, args)
	return strings.Contains(s, t), err
}

func substringBefore(c *Context, args []expr) (string, error) {
	s, t, err := twoStrings(c, args)
	if before, _, ok := strings.Cut(s, t); ok {
		return before, err
	}
	return "", err
}

func substringAfter(c *Context, args []expr) (string, error) {
	s, t, err := twoStrings(c, args)
	if _, after, ok := strings.Cut(s, t); ok {
		return after, err
	}
	return "", err
}

// substring selects the characters whose position, from 1, is at least the
// second argument rounded and less than that plus the third one rounded.
// Infinities and NaN need no more than this definition.
func substring(c *Context, args []expr) (string, error) {
	s, err := stringOf(c, args[0])
	if err != nil {
		return "", err
	}
	first, err := numberOf(c, args[1])
	if err != nil {
		return "", err
	}
	first = round(first)
	behind := math.Inf(1)
	if len(args) == 3 {
		n, err := numberOf(c, args[2])
		if err != nil {
			return "", err
		}
		behind = first + round(n)
	}
	from, to := -1, len(s)
	at := 0.0
	for i := range s {
		at++
		if from < 0 && at >= first && at < behind {
			from = i
		}
		if at >= behind {
			to = i
			break
		}
	}
	if err := charge(c, 1+to/bytesRead); err != nil || from < 0 {
		return "", err
	}
	return s[from:to], nil
}

func stringLength(c *Context, args []expr) (float64, error) {
	s, err := stringOf(c, args[0])
	if err != nil {
		return 0, err
	}
	return float64(utf8.RuneCountInString(s)), chargeRead(c, s)
}

func normalizeSpace(c *Context, args []expr) (string, error) {
	if p, ok := args[0].(*path); ok && p.here && c.Node.First() != nil {
		return normalizedText(c, c.Node)
	}
	s, err := stringOf(c, args[0])
	if err != nil {
		return "", err
	}
	s = trimmed(s)
	same := 0 // how much of s is as it should be
	for same < len(s) && (!isSpace(s[same]) || s[same] == ' ' && !isSpace(s[same+1])) {
		same++
	}
	if same == len(s) {
		return s, chargeRead(c, s)
	}
	if err := chargeMade(c, len(s)); err != nil {
		return "", err
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:same])
	for i := same; i < len(s); {
		from := i
		for i < len(s) && !isSpace(s[i]) {
			i++
		}
		b.WriteString(s[from:i])
		if i < len(s) {
			b.WriteByte(' ')
		}
		for i < len(s) && isSpace(s[i]) {
			i++
		}
	}
	return b.String(), nil
}

// normalizedText is normalizeSpace of the text in n, put together only once.
func normalizedText(c *Context, n *xmltree.Node) (string, error) {
	var room [256]byte
	b := room[:0]
	for m := n; m != nil; m = below(m, n) {
		if err := charge(c, 1); err != nil {
			return "", err
		}
		if m.Kind() != xmltree.Text {
			continue
		}
		s := m.Value()
		if err := chargeMade(c, len(s)); err != nil {
			return "", err
		}
		for i := 0; i < len(s); {
			from := i
			for i < len(s) && isSpace(s[i]) {
				i++
			}
			if i > from && len(b) > 0 && b[len(b)-1] != ' ' {
				b = append(b, ' ')
			}
			from = i
			for i < len(s) && !isSpace(s[i]) {
				i++
			}
			b = append(b, s[from:i]...)
		}
	}
	if len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return string(b), nil
}

func translate(c *Context, args []expr) (string, error) {
	s, from, err := twoStrings(c, args)
	if err != nil {
		return "", err
	}
	to, err := stringOf(c, args[2])
	if err != nil {
		return "", err
	}
	if err := chargeMade(c, len(s)+len(from)+len(to)); err != nil {
		return "", err
	}
	if ascii(from) && ascii(to) {
		return translateBytes(s, from, to), nil
	}
	into := make(map[rune]rune) // -1 drops
	for _, r := range from {
		t, size := utf8.DecodeRuneInString(to)
		if size == 0 {
			t = -1
		}
		if _, known := into[r]; !known {
			into[r] = t
		}
		to = to[size:]
	}
	return strings.Map(func(r rune) rune {
		if t, ok := into[r]; ok {
			return t
		}
		return r
	}, s), nil
}

// ascii reports whether s is ASCII without the byte 0.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] == 0 {
			return false
		}
	}
	return true
}

// translateBytes is translate where only ASCII is exchanged or dropped.
func translateBytes(s, from, to string) string {
	const keep, drop = 0, 0xFF
	var into [256]byte // keep, drop or what the byte becomes
	for i := range len(from) {
		switch {
		case into[from[i]] != keep:
		case i < len(to):
			into[from[i]] = to[i]
		default:
			into[from[i]] = drop
		}
	}
	same := 0
	for same < len(s) && into[s[same]] == keep {
		same++
	}
	if same == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:same])
	for i := same; i < len(s); i++ {
		switch t := into[s[i]]; t {
		case keep:
			b.WriteByte(s[i])
		case drop:
		default:
			b.WriteByte(t)
		}
	}
	return b.String()
}
