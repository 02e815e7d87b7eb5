package xpath_test

import (
	"errors"
	"testing"

	"sutler/xmltree"
	"sutler/xpath"
)

// Check sees constant arguments, folded ones too, and its error has the place
// of the call. A function that is not there may say why.
func TestFunctionCheck(t *testing.T) {
	var seen string
	s := xpath.Static{Functions: func(name xmltree.Name) (xpath.Function, bool) {
		f := xpath.Function{Min: 1, Max: 2, Result: xpath.StringType, Check: func(args []*xpath.Value) *xpath.Error {
			seen = ""
			for _, v := range args {
				if v == nil {
					seen += "?"
				} else {
					seen += v.Str()
				}
			}
			if seen == "bad" || name.Local == "refused" {
				return &xpath.Error{Rule: "XY001", Offset: 99, Msg: "refused"}
			}
			return nil
		}}
		return f, name.Local == "f"
	}}
	for _, c := range []struct {
		src, seen, rule string
		at              int
	}{
		{"f('a')", "a", "", 0},
		{"f('a', b)", "a?", "", 0},
		{"f(concat('b', 'ad'))", "bad", "XY001", 0},
		{"1 + f('bad')", "bad", "XY001", 4},
		{"f()", "", "XP013", 0},
		{"a | refused(1)", "1", "XY001", 4},
		{"unknown(1)", "1", "XP012", 0},
	} {
		seen = ""
		_, err := xpath.Compile(c.src, s)
		var e *xpath.Error
		switch {
		case c.rule == "" && err != nil, c.rule != "" && (!errors.As(err, &e) || e.Rule != c.rule || e.Offset != c.at):
			t.Errorf("Compile(%s) = %v, want rule %q at %d", c.src, err, c.rule, c.at)
		case seen != c.seen:
			t.Errorf("Check of %s saw %q, want %q", c.src, seen, c.seen)
		}
	}
}
