package security_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sutler"
	"sutler/security"
)

// numbersOf returns n sub authorities as text.
func numbersOf(n int) string { return strings.Repeat("-4294967295", n) }

func TestParseSID(t *testing.T) {
	for _, row := range []struct {
		text  string
		want  security.SID
		alias string
	}{
		{"S-1-5-32-544", "S-1-5-32-544", "BA"},
		{"s-1-5-32-544", "S-1-5-32-544", "BA"},
		{"S-1-05-0032-0000000544", "S-1-5-32-544", "BA"},
		{"S-1-0x5-32-544", "S-1-5-32-544", "BA"},
		{"S-1-0X000000000005-18", "S-1-5-18", "SY"},
		{"S-1-0-0", "S-1-0-0", ""},
		{"S-1-5-21-1004336348-1177238915-682003330-512", "S-1-5-21-1004336348-1177238915-682003330-512", ""},
		{"S-1-4294967295-1", "S-1-4294967295-1", ""},
		{"S-1-0xFFFFFFFF-1", "S-1-4294967295-1", ""},
		{"S-1-0x100000000-1", "S-1-0x000100000000-1", ""},
		{"S-1-0xFFFFFFFFFFFF-0", "S-1-0xffffffffffff-0", ""},
		{"S-1-5" + numbersOf(15), security.SID("S-1-5" + numbersOf(15)), ""},
		{"BA", "S-1-5-32-544", "BA"},
		{"wd", "S-1-1-0", "WD"},
		{"da", "DA", "DA"},
	} {
		got, err := security.ParseSID(row.text)
		if err != nil || got != row.want {
			t.Errorf("ParseSID(%q) = %q, %v, want %q", row.text, got, err, row.want)
		}
		if got.Alias() != row.alias {
			t.Errorf("%q.Alias() = %q, want %q", got, got.Alias(), row.alias)
		}
	}
}

func TestParseSIDErrors(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{"", `"" is neither a SID`},
		{"B", `"B" is neither a SID`},
		{"QQ", `"QQ" is neither a SID, such as S-1-5-32-544, nor one of the aliases AA AC AN`},
		{"Administrators", `cannot read SID "Administrators"`},
		{"BAx", `"BAx" is neither`},
		{"S-1-5-32-544x", `"x" follows the SID S-1-5-32-544`},
		{" BA", `" " is neither`},
		{"BA ", `" " follows`},
		{"S-", `"S-" is no SID`},
		{"S-2-5-32", `"S-2-5-32" is no SID: want S-1-`},
		{"S-1-", `the authority "" of the SID`},
		{"S-1-5", `the SID "S-1-5" has no sub authority: want one to 15`},
		{"S-1-5-", `the sub authority "" of the SID`},
		{"S-1-5-32-", `the sub authority "" of the SID`},
		{"S-1-5--1", `the sub authority ""`},
		{"S-1-5-+1", `the sub authority ""`},
		{"S-1-5-4294967296", `the sub authority "4294967296" of the SID is no decimal number up to 4294967295`},
		{"S-1-5-00000000001", `the sub authority "00000000001"`},
		{"S-1-5-0x20", `"x20" follows the SID S-1-5-0`},
		{"S-1-4294967296-1", `the authority "4294967296" of the SID is no decimal number up to 4294967295: want a greater one as 0x`},
		{"S-1-00000000005-1", `the authority "00000000005"`},
		{"S-1-0x-1", `the authority "0x"`},
		{"S-1-0x1000000000000-1", `the authority "0x1000000000000" of the SID is no hexadecimal number of one to twelve digits`},
		{"S-1-0x0000000000005-1", `the authority "0x0000000000005"`},
		{"S-1-5" + numbersOf(16), `has more than 15 sub authorities`},
	} {
		got, err := security.ParseSID(row.text)
		if err == nil || got != "" {
			t.Errorf("ParseSID(%q) = %q, %v, want an error", row.text, got, err)
			continue
		}
		if code := sutler.CodeOf(err); code != sutler.BadInput || !strings.Contains(err.Error(), row.want) {
			t.Errorf("ParseSID(%q): %v %v, want %q", row.text, code, err, row.want)
		}
	}
}

// TestAliases pins the SID of every alias of a trustee that is the same
// everywhere.
func TestAliases(t *testing.T) {
	builtin := map[string]int{
		"BA": 544, "BU": 545, "BG": 546, "PU": 547, "AO": 548, "SO": 549, "PO": 550, "BO": 551, "RE": 552, "RU": 554,
		"RD": 555, "NO": 556, "MU": 558, "LU": 559, "IS": 568, "CY": 569, "ER": 573, "CD": 574, "RA": 575, "ES": 576,
		"MS": 577, "HA": 578, "AA": 579, "RM": 580,
	}
	want := map[string]string{
		"WD": "S-1-1-0", "CO": "S-1-3-0", "CG": "S-1-3-1", "OW": "S-1-3-4", "NU": "S-1-5-2", "IU": "S-1-5-4",
		"SU": "S-1-5-6", "AN": "S-1-5-7", "ED": "S-1-5-9", "PS": "S-1-5-10", "AU": "S-1-5-11", "RC": "S-1-5-12",
		"SY": "S-1-5-18", "LS": "S-1-5-19", "NS": "S-1-5-20", "WR": "S-1-5-33", "UD": "S-1-5-84-0-0-0-0-0",
		"AC": "S-1-15-2-1", "LW": "S-1-16-4096", "ME": "S-1-16-8192", "MP": "S-1-16-8448", "HI": "S-1-16-12288",
		"SI": "S-1-16-16384", "AS": "S-1-18-1", "SS": "S-1-18-2",
	}
	for alias, rid := range builtin {
		want[alias] = fmt.Sprintf("S-1-5-32-%d", rid)
	}
	relative := strings.Fields("RO LA LG DA DU DG DC DD CA SA EA PA CN AP KA EK RS")
	known := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			alias := string(a) + string(b)
			sid, err := security.ParseSID(alias)
			if err != nil {
				continue
			}
			known++
			if sid.Alias() != alias {
				t.Errorf("%s is %s, whose alias is %q", alias, sid, sid.Alias())
			}
			if slices.Contains(relative, alias) {
				if !sid.Relative() || string(sid) != alias {
					t.Errorf("%s is %s, relative %t", alias, sid, sid.Relative())
				}
				continue
			}
			if sid.Relative() || string(sid) != want[alias] {
				t.Errorf("%s is %s, want %q", alias, sid, want[alias])
			}
		}
	}
	if known != len(want)+len(relative) {
		t.Errorf("%d aliases are known, want %d", known, len(want)+len(relative))
	}
}

// FuzzParseSID: what is read is canonical, survives its alias, and an error is one of bad input.
func FuzzParseSID(f *testing.F) {
	for _, text := range []string{
		"", "BA", "da", "S-1-5-32-544", "S-1-0x0102030405ff-1", "S-1-5", "S-1-5-0x20", "S-1-5" + numbersOf(15), "S-1-5" + numbersOf(16), "ſ-1-5-1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sid, err := security.ParseSID(text)
		if err != nil {
			if sutler.CodeOf(err) != sutler.BadInput {
				t.Fatalf("%q: %v %v", text, sutler.CodeOf(err), err)
			}
			return
		}
		if again, err := security.ParseSID(string(sid)); err != nil || again != sid {
			t.Fatalf("%q is %q, and that is %q, %v", text, sid, again, err)
		}
		if alias := sid.Alias(); alias != "" {
			if again, err := security.ParseSID(alias); err != nil || again != sid {
				t.Fatalf("%q is %q, its alias %q is %q, %v", text, sid, alias, again, err)
			}
		}
	})
}
