package xslt

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"sutler/xpath"
)

// Bounds of a pattern, so that compiling and matching it take memory and time
// that the steps of a run can pay for.
const (
	maxPattern      = 8 << 10 // bytes
	maxGroups       = 99      // what $99 can name
	maxRepeat       = 1000    // of repetitions inside each other together, the bound of package regexp
	maxInstructions = 5000    // of the compiled pattern
	maxFixed        = 200     // instructions of a constant pattern that is compiled with the stylesheet
	matchSteps      = 4       // of starting the machine anew for each match
	maxPatternSize  = 20_000  // of the patterns that a run keeps, about in instructions
)

// matcher is a compiled regular expression. It is immutable.
type matcher struct {
	first  *regexp.Regexp // from the beginning of a text
	rest   *regexp.Regexp // behind a place in it, for all matches: a character, then the match as group 1
	groups int
	size   int // instructions
}

// cost is what a character costs in sixteenths of a step: it may meet each
// instruction once, and each of those copies where the groups are.
func (m *matcher) cost() int { return 4 + m.size + m.size*m.groups/8 }

// patternKey names a matcher among those of a run.
type patternKey struct {
	pattern string
	fold    bool
}

// newMatcher compiles a pattern in the syntax of ECMAScript.
func newMatcher(key patternKey) (*matcher, error) {
	p, err := checkPattern(key)
	if err != nil {
		return nil, err
	}
	return p.compile(key)
}

// checkedPattern is a pattern that can be compiled.
type checkedPattern struct {
	expr         string
	groups, size int
}

// unusable is the error of a pattern.
func unusable(key patternKey, err error) error {
	return fmt.Errorf("cannot use the regular expression /%s/: %w", shortened(key.pattern), err)
}

// checkPattern finds out what is wrong with a pattern without compiling it.
func checkPattern(key patternKey) (p checkedPattern, err error) {
	fail := func(err error) (checkedPattern, error) { return p, unusable(key, err) }
	expr, groups, err := translatePattern(key.pattern, key.fold)
	if err != nil {
		return fail(err)
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return fail(reason(err))
	}
	size := instructions(tree)
	if size > maxInstructions {
		return fail(fmt.Errorf("it is more than %d instructions when its repetitions are written out", maxInstructions))
	}
	return checkedPattern{expr, groups, size}, nil
}

// compile makes the matcher of p.
func (p checkedPattern) compile(key patternKey) (*matcher, error) {
	m := &matcher{groups: p.groups, size: p.size}
	var err error
	if m.first, err = regexp.Compile(p.expr); err != nil {
		return nil, unusable(key, reason(err))
	}
	if m.rest, err = regexp.Compile(`\A(?s:.)(?s:.)*?(` + p.expr + `)`); err != nil {
		return nil, unusable(key, reason(err))
	}
	return m, nil
}

// shortened returns s for a message.
func shortened(s string) string {
	if len(s) <= 80 {
		return s
	}
	n := 80
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// reason returns what Go's own package says, without the translated pattern.
func reason(err error) error {
	var e *syntax.Error
	switch {
	case !errors.As(err, &e):
		return err
	case e.Code == syntax.ErrInvalidRepeatSize:
		return fmt.Errorf("its repetitions multiply to more than %d", maxRepeat)
	}
	return errors.New(e.Code.String())
}

// instructions returns about how large the program of a pattern is, before it
// is made: a repetition multiplies what it repeats.
func instructions(re *syntax.Regexp) int {
	const enough = maxInstructions + 1
	n := 1
	switch re.Op {
	case syntax.OpLiteral:
		n = len(re.Rune)
	case syntax.OpCharClass:
		n = 1 + len(re.Rune)/16
	}
	for _, sub := range re.Sub {
		n = min(n+instructions(sub), enough)
	}
	switch re.Op {
	case syntax.OpRepeat:
		n = min(n*max(re.Min, re.Max, 1)+1, enough)
	case syntax.OpCapture, syntax.OpQuest, syntax.OpStar, syntax.OpPlus, syntax.OpAlternate:
		n = min(n+1+len(re.Sub), enough)
	}
	return n
}

// regexpFunction returns a function of the EXSLT module regular-expressions.
func regexpFunction(name string) (xpath.Function, bool) {
	switch name {
	case "test":
		return matching(2, 3, 2, xpath.BooleanType, regexpTest)
	case "match":
		return matching(2, 3, 2, xpath.NodeSetType, regexpMatch)
	case "replace":
		return matching(4, 4, 2, xpath.StringType, regexpReplace)
	}
	return xpath.Function{}, false
}

// matching returns a function of a text, a pattern, flags in the last place or
// before the last, and more. A constant pattern is compiled with the
// stylesheet, any other once in a run.
func matching(least, most, flags int, result xpath.Type, f func(s *subject, args []xpath.Value) (xpath.Value, error)) (xpath.Function, bool) {
	var fixed *matcher // when pattern and flags are constant
	return xpath.Function{
		Min: least, Max: most, Result: result,
		Check: func(args []*xpath.Value) *xpath.Error {
			key, known := patternKey{}, args[1] != nil
			if len(args) > flags {
				known = known && args[flags] != nil
				if args[flags] != nil {
					_, fold, err := readFlags(args[flags].Str())
					if err != nil {
						return uncallable(err)
					}
					key.fold = fold
				}
			}
			if args[1] == nil {
				return nil
			}
			key.pattern = args[1].Str()
			checked, err := checkPattern(key)
			if err != nil {
				return uncallable(err)
			}
			if known && checked.size <= maxFixed {
				m, err := checked.compile(key)
				if err != nil {
					return uncallable(err)
				}
				fixed = m
			}
			return nil
		},
		Call: func(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			s := &subject{c: c, m: fixed}
			var err error
			if s.text, err = argText(c, args, 0); err != nil {
				return xpath.Value{}, err
			}
			if len(args) > flags {
				var fold bool
				if s.all, fold, err = readFlags(args[flags].Str()); err != nil {
					return xpath.Value{}, err
				}
				s.fold = fold
			}
			if s.m == nil {
				if s.m, err = host(c).matcher(c, patternKey{args[1].Str(), s.fold}); err != nil {
					return xpath.Value{}, err
				}
			}
			return f(s, args)
		},
	}, true
}

// readFlags reads the flags g, all matches, and i, without regard to case.
func readFlags(s string) (all, fold bool, err error) {
	for _, r := range s {
		switch r {
		case 'g':
			all = true
		case 'i':
			fold = true
		default:
			return false, false, fmt.Errorf("a regular expression has the flags g and i, not %q", r)
		}
	}
	return all, fold, nil
}

// matcher returns the matcher of a pattern that was made when the run first
// asked for it. Making one is work.
func (r *run) matcher(c *xpath.Context, key patternKey) (*matcher, error) {
	if m := r.made.patterns[key]; m != nil {
		return m, nil
	}
	steps := 100 + 2*len(key.pattern)
	if key.fold { // a range of three characters may hold all that have a case
		steps += 14 * len(key.pattern)
	}
	if err := pay(c, steps); err != nil {
		return nil, err
	}
	m, err := newMatcher(key)
	if err != nil {
		return nil, err
	}
	if err := pay(c, 4*m.size); err != nil {
		return nil, err
	}
	size := m.size + len(key.pattern)/8 + 50
	if r.made.patternSize += size; r.made.patterns == nil || r.made.patternSize > maxPatternSize {
		r.made.patterns, r.made.patternSize = map[patternKey]*matcher{}, size
	}
	r.made.patterns[key] = m
	return m, nil
}

// subject is a text in which a pattern is looked for.
type subject struct {
	c         *xpath.Context
	m         *matcher
	text      string
	all, fold bool
}

// find returns where the next match at or after byte from is and where its
// groups are: pairs of offsets, -1 for a group without a match; nil: none. It
// charges what was looked at, each character by the size of the pattern.
func (s *subject) find(from int) ([]int, error) {
	if from == 0 {
		if s.short() {
			return s.m.first.FindStringSubmatchIndex(s.text), s.payAll()
		}
		in := s.reader(0)
		at := s.m.first.FindReaderSubmatchIndex(in)
		return at, in.settle()
	}
	// The character before the place tells ^ and \b where they are.
	_, n := utf8.DecodeLastRuneInString(s.text[:from])
	in := s.reader(from - n)
	at := s.m.rest.FindReaderSubmatchIndex(in)
	if err := in.settle(); at == nil || err != nil {
		return nil, err
	}
	at = at[2:]
	for i := range at {
		if at[i] >= 0 {
			at[i] += from - n
		}
	}
	return at, nil
}

// short reports whether looking at all of the text costs so little that it may
// be paid beforehand, which saves the reader.
func (s *subject) short() bool { return len(s.text)*s.m.cost() < 1<<14 }

// payAll pays for looking at all of the text once.
func (s *subject) payAll() error { return pay(s.c, 1+len(s.text)*s.m.cost()>>4) }

// each visits the first match, or all of them. After an empty one the next
// is looked for a character further.
func (s *subject) each(visit func(at []int) error) error {
	for from := 0; from <= len(s.text); {
		at, err := s.find(from)
		if at == nil || err != nil {
			return err
		}
		if err := pay(s.c, matchSteps); err != nil {
			return err
		}
		if err := visit(at); err != nil || !s.all {
			return err
		}
		from = at[1]
		if at[0] == at[1] {
			if from == len(s.text) {
				return nil
			}
			_, n := utf8.DecodeRuneInString(s.text[from:])
			from += n
		}
	}
	return nil
}

// payingReader hands a text to a matcher and charges what it takes. When the
// steps are used up the text ends.
type payingReader struct {
	c      *xpath.Context
	s      string
	cost   int // of a character
	unpaid int
	err    error
}

func (s *subject) reader(from int) *payingReader {
	return &payingReader{c: s.c, s: s.text[from:], cost: s.m.cost()}
}

// settle pays what is left and returns the error that ended the text.
func (p *payingReader) settle() error {
	if p.err == nil {
		p.err = pay(p.c, 1+p.unpaid>>4)
	}
	return p.err
}

// ReadRune is that of io.RuneReader.
func (p *payingReader) ReadRune() (r rune, size int, err error) {
	if p.unpaid += p.cost; p.unpaid >= 1<<12 {
		p.err = pay(p.c, p.unpaid>>4)
		p.unpaid = 0
	}
	if p.s == "" || p.err != nil {
		return 0, 0, io.EOF
	}
	r, size = utf8.DecodeRuneInString(p.s)
	p.s = p.s[size:]
	return r, size, nil
}

func regexpTest(s *subject, _ []xpath.Value) (xpath.Value, error) {
	if s.short() {
		return xpath.Boolean(s.m.first.MatchString(s.text)), s.payAll()
	}
	in := s.reader(0)
	found := s.m.first.MatchReader(in)
	return xpath.Boolean(found), in.settle()
}

// regexpMatch returns match elements: without g for the match and each of its
// groups, with g for each match.
func regexpMatch(s *subject, _ []xpath.Value) (xpath.Value, error) {
	matches := newTokenRows(s.c, "match")
	err := s.each(func(at []int) error {
		if s.all {
			at = at[:2]
		}
		for i := 0; i < len(at); i += 2 {
			if err := matches.add(s.group(at, i/2)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return xpath.Value{}, err
	}
	return matches.value()
}

// group returns what group i matched, "" if it did not.
func (s *subject) group(at []int, i int) string {
	if at[2*i] < 0 {
		return ""
	}
	return s.text[at[2*i]:at[2*i+1]]
}

// regexpReplace replaces the first match, or all, by a text in which $1 to $99
// are groups, $& is the match, $` and $' are what stands before and after it,
// and $$ is a dollar sign.
func regexpReplace(s *subject, args []xpath.Value) (xpath.Value, error) {
	by, err := argText(s.c, args, 3)
	if err != nil {
		return xpath.Value{}, err
	}
	var b strings.Builder
	last := 0
	err = s.each(func(at []int) error {
		b.WriteString(s.text[last:at[0]])
		last = at[1]
		return s.expand(&b, by, at)
	})
	if err != nil {
		return xpath.Value{}, err
	}
	b.WriteString(s.text[last:])
	return xpath.String(b.String()), nil
}

// expand writes a replacement for the match at at.
func (s *subject) expand(b *strings.Builder, by string, at []int) error {
	for by != "" {
		part, n := by, len(by)
		switch i := strings.IndexByte(by, '$'); {
		case i > 0:
			part, n = by[:i], i
		case i == 0:
			part, n = s.reference(by, at)
		}
		if err := room(s.c, len(part)); err != nil {
			return err
		}
		b.WriteString(part)
		by = by[n:]
	}
	return nil
}

// reference returns what the dollar sign at the beginning of by and what
// follows it stand for, and its length. What is no reference stands for itself.
func (s *subject) reference(by string, at []int) (text string, n int) {
	if len(by) < 2 {
		return by, len(by)
	}
	switch b := by[1]; {
	case b == '$':
		return "$", 2
	case b == '&':
		return s.group(at, 0), 2
	case b == '`':
		return s.text[:at[0]], 2
	case b == '\'':
		return s.text[at[1]:], 2
	case '0' <= b && b <= '9':
		group := int(b - '0')
		if len(by) > 2 && '0' <= by[2] && by[2] <= '9' {
			if two := group*10 + int(by[2]-'0'); 1 <= two && two <= s.m.groups {
				return s.group(at, two), 3
			}
		}
		if 1 <= group && group <= s.m.groups {
			return s.group(at, group), 2
		}
	}
	return "$", 1
}
