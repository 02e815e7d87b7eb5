package security_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
	"sutler/security"
)

const (
	guid1 = "bf967aba-0de6-11d0-a285-00aa003049e2"
	guid2 = "00299570-246d-11d0-a768-00aa006e0529"
)

// canonical are texts that String must give back to the byte.
var canonical = []string{
	"",
	"O:BA",
	"G:SY",
	"O:BAG:SY",
	"O:S-1-5-21-1004336348-1177238915-682003330-512G:DU",
	"O:S-1-0x0102030405ff-1G:S-1-0-0",
	"O:DAG:DAD:(A;;RPWPCCDCLCRCWOWDSDSW;;;SY)",
	"O:SYD:",
	"D:",
	"S:",
	"D:S:",
	"D:P",
	"D:AR",
	"D:AI",
	"D:PARAI",
	"D:PAI",
	"D:NO_ACCESS_CONTROL",
	"D:PNO_ACCESS_CONTROL",
	"D:NO_ACCESS_CONTROLS:NO_ACCESS_CONTROL",
	"D:PS:P",
	"S:ARAI",
	"D:(A;;;;;WD)",
	"D:(A;;GA;;;BA)",
	"D:(A;;GR;;;AU)",
	"D:(A;;GRGX;;;AU)",
	"D:(A;;GXGR;;;AU)",
	"D:(A;;GAGRGWGX;;;AU)",
	"D:(A;;RCSDWDWO;;;CO)",
	"D:(A;;RPWPCCDCLCSWLODTCR;;;DA)",
	"D:(A;;FA;;;SY)(A;;FR;;;BU)(A;;FW;;;PU)(A;;FX;;;IU)",
	"D:(A;;KA;;;SY)(A;;KR;;;BU)(A;;KW;;;PU)(A;;KX;;;IU)",
	"D:(A;;0x1;;;WD)",
	"D:(A;;0x1200a9;;;BU)",
	"D:(A;;0xffffffff;;;BU)",
	"D:(A;;0x80000000;;;BU)",
	"D:(D;;GX;;;AN)",
	"D:(D;;FA;;;BG)(A;;FA;;;BA)(D;;FA;;;BG)",
	"D:(A;OI;GA;;;BA)",
	"D:(A;CI;GA;;;BA)",
	"D:(A;NP;GA;;;BA)",
	"D:(A;IO;GA;;;BA)",
	"D:(A;ID;GA;;;BA)",
	"D:(A;OICI;GA;;;BA)",
	"D:(A;OICIIO;GA;;;CO)",
	"D:(A;OICINPIOID;GA;;;CO)",
	"D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;LC;;;BU)",
	"D:(OA;;CR;" + guid2 + ";;PS)",
	"D:(OA;CI;RPWP;" + guid1 + ";" + guid2 + ";AU)",
	"D:(OA;CIIO;RPLCLORC;;" + guid1 + ";RU)",
	"D:(OA;;CCDC;" + guid1 + ";;AO)",
	"D:(OD;;CR;" + guid2 + ";;WD)",
	"D:(A;;GA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)",
	"D:(A;;GA;;;S-1-5-21-1-2-3-1104)",
	"D:(A;;GA;;;DA)(A;;GA;;;EA)(A;;GA;;;LA)",
	"D:(A;;GR;;;UD)(A;;GR;;;AC)(A;;GR;;;OW)",
	`D:(XA;;FX;;;AU;(@User.Title=="PM"))`,
	`D:(XA;;FX;;;WD;(@User.Title == "PM" && (@User.Division == "Finance" || @User.Division =="Sales")))`,
	`D:(XA;;FR;;;AU;(Member_of {SID(SA), SID(BO)}))`,
	`D:(XD;;FX;;;WD;(@User.Project Any_of @Resource.Project))`,
	`D:(XA;;FX;;;WD;(@User.Note == "a ) and a ( ; in quotes"))`,
	`D:(XA;;FX;;;WD;(@User.Name == "Zoë"))(A;;GR;;;BA)`,
	`D:(ZA;;RP;` + guid1 + `;;WD;(@User.clearance >= @Resource.level))`,
	"S:(AU;SA;GA;;;WD)",
	"S:(AU;FA;GA;;;WD)",
	"S:(AU;SAFA;WPWDWO;;;WD)",
	"S:AI(AU;CIIDSA;WPWDWO;;;WD)",
	"S:(AL;SAFA;GA;;;WD)",
	"S:(OU;CISA;WP;f30e3bbe-9ff0-11d1-b603-0000f80367c1;" + guid1 + ";WD)",
	"S:(OL;SA;WP;" + guid1 + ";;WD)",
	"S:(ML;;NW;;;LW)",
	"S:(ML;OICI;NRNWNX;;;HI)",
	"S:(ML;;0x1;;;SI)",
	"S:(SP;;;;;S-1-17-3260955821-1180564752-550833841-1617862776)",
	`S:(RA;CI;;;;WD;("Project",TS,0,"Windows","SQL"))`,
	`S:(RA;;;;;WD;("Secrecy",TU,0,3))`,
	`S:(XU;SA;GA;;;WD;(@User.Title=="VP"))`,
	"S:(TL;;0x2;;;S-1-19-512-1024)",
	`S:(FL;;FX;;;WD;(Exists WIN://SYSAPPID))`,
	"O:BAG:BAD:PAI(A;OICI;FA;;;BA)(A;OICI;FX;;;BU)S:AI(AU;OICISAFA;FA;;;WD)(ML;;NW;;;ME)",
}

func TestCanonicalTexts(t *testing.T) {
	if len(canonical) < 60 {
		t.Errorf("%d texts, want 60", len(canonical))
	}
	for _, text := range canonical {
		d, err := security.ParseSDDL(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := d.String(); got != text {
			t.Errorf("%s\nbecomes %s", text, got)
		}
	}
}

// TestValues pins what the parts of a text mean.
func TestValues(t *testing.T) {
	got, err := security.ParseSDDL("O:BAG:DUD:PAI(A;OICINPIOID;GRGX;;;WD)(OD;;0x1200a9;" + guid1 + ";" + guid2 + ";S-1-5-7)" +
		`S:ARNO_ACCESS_CONTROL`)
	if err != nil {
		t.Fatal(err)
	}
	want := security.Descriptor{
		Owner: "S-1-5-32-544",
		Group: "DU",
		DACL: &security.ACL{
			Flags: security.Protected | security.AutoInherited,
			ACEs: []security.ACE{
				{Type: "A", Flags: 0x1f, Rights: security.Rights{Mask: 0xA0000000, Codes: "GRGX"}, Trustee: "S-1-1-0"},
				{Type: "OD", Rights: security.Rights{Mask: 0x1200A9}, ObjectType: guid1, InheritType: guid2, Trustee: "S-1-5-7"},
			},
		},
		SACL: &security.ACL{Flags: security.AutoInheritRequested, Null: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got, err = security.ParseSDDL(`S:(RA;SAFA;;;;WD;("a;)",TS,0,"("))`)
	if err != nil {
		t.Fatal(err)
	}
	want = security.Descriptor{SACL: &security.ACL{ACEs: []security.ACE{{
		Type: "RA", Flags: security.AuditSuccess | security.AuditFailure, Trustee: "S-1-1-0", Data: `("a;)",TS,0,"(")`,
	}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRights pins the bits of every code.
func TestRights(t *testing.T) {
	for code, want := range map[string]uint32{
		"GA": 0x10000000, "GR": 0x80000000, "GW": 0x40000000, "GX": 0x20000000,
		"RC": 0x00020000, "SD": 0x00010000, "WD": 0x00040000, "WO": 0x00080000,
		"CC": 0x001, "DC": 0x002, "LC": 0x004, "SW": 0x008, "RP": 0x010, "WP": 0x020, "DT": 0x040, "LO": 0x080, "CR": 0x100,
		"FA": 0x1F01FF, "FR": 0x120089, "FW": 0x120116, "FX": 0x1200A0,
		"KA": 0xF003F, "KR": 0x20019, "KW": 0x20006, "KX": 0x20019,
		"NW": 1, "NR": 2, "NX": 4,
		"": 0, "0": 0, "0x0": 0, "16": 16, "020": 16, "0X1F": 31, "4294967295": 1<<32 - 1, "0x001200A9": 0x1200A9, "GRRC": 0x80020000,
	} {
		d, err := security.ParseSDDL("S:(ML;;" + code + ";;;LW)")
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		if got := d.SACL.ACEs[0].Rights.Mask; got != want {
			t.Errorf("%s is %#x, want %#x", code, got, want)
		}
	}
	for want, r := range map[string]security.Rights{
		"GRGX":     {Mask: 0xA0000000, Codes: "GRGX"},
		"0x1":      {Mask: 1, Codes: "GRGX"}, // the mask has changed since
		"0x4":      {Mask: 4, Codes: "QQ"},
		"0x10":     {Mask: 0x10, Codes: "RPX"},
		"":         {},
		"0x100000": {Mask: 0x100000},
	} {
		if got := r.String(); got != want {
			t.Errorf("%#v is written %q, want %q", r, got, want)
		}
	}
}

// TestOtherForms are texts that are understood and written in canonical form.
func TestOtherForms(t *testing.T) {
	for text, want := range map[string]string{
		" ":                               "",
		"d:(a;oici;gr;;;ba)o:syg:s-1-1-0": "O:SYG:WDD:(A;OICI;GR;;;BA)",
		"S:D:G:BAO:SY":                    "O:SYG:BAD:S:",
		"O:S-1-5-32-544":                  "O:BA",
		"O:S-1-0x5-18G:S-1-05-018":        "O:SYG:SY",
		"D:AIP":                           "D:PAI",
		"D:PPARAR":                        "D:PAR",
		"D:no_access_control":             "D:NO_ACCESS_CONTROL",
		"D:(A;CIOI;1179817;;;WD)":         "D:(A;OICI;0x1200a9;;;WD)",
		"D:(A;IDIDCI;0X00000010;;;WD)":    "D:(A;CIID;0x10;;;WD)",
		"D:(A;;0x0;;;WD)":                 "D:(A;;;;;WD)",
		"D:(A;;grGx;;;WD)":                "D:(A;;GRGX;;;WD)",
		"D:(OA;;CR;" + strings.ToUpper(guid1) + ";;WD)":                                                       "D:(OA;;CR;" + guid1 + ";;WD)",
		"\tO: BA\r\nG: SY\v\fD: P AI ( A ; OI CI ; GR GX ; ; ; WD ) \n (D;;0x1 ;;; AN) S: NO_ACCESS_CONTROL ": "O:BAG:SYD:PAI(A;OICI;GRGX;;;WD)(D;;0x1;;;AN)S:NO_ACCESS_CONTROL",
		"D:(OA;; CR ; " + guid1 + " ; " + guid2 + " ;WD)":                                                     "D:(OA;;CR;" + guid1 + ";" + guid2 + ";WD)",
		`D:(XA;;FX;;;WD; ( @User.a == " ) " ) )`:                                                              `D:(XA;;FX;;;WD;( @User.a == " ) " ))`,
	} {
		d, err := security.ParseSDDL(text)
		if err != nil || d.String() != want {
			t.Errorf("%q\nbecomes %q, %v\nwant    %q", text, d, err, want)
		}
	}
}

// TestSDDLErrors: each names the column, the wrong text and what is allowed.
func TestSDDLErrors(t *testing.T) {
	for _, row := range []struct {
		text   string
		column int
		want   string
	}{
		{"X:BA", 1, `"X" begins no part: want O: (owner), G: (group), D: (DACL) or S: (SACL)`},
		{"BA", 1, `"BA" begins no part`},
		{"O", 1, `"O" begins no part`},
		{"O :BA", 1, `"O" begins no part`},
		{"/:BA", 1, `"/" begins no part`},
		{"O:BAO:SY", 5, `a second "O:": each part may stand once`},
		{"D:(A;;GA;;;WD)d:", 15, `a second "D:"`},
		{"O:", 3, `"" is neither a SID`},
		{"O:QQG:SY", 3, `"QQ" is neither a SID, such as S-1-5-32-544, nor one of the aliases AA`},
		{"O:G:SY", 3, `"G" is neither`},
		{"O:BAX", 3, `"BAX" is neither a SID`},
		{"O:BA:", 5, `":" begins no part`},
		{"O:S-1-5G:SY", 3, `the SID "S-1-5" has no sub authority`},
		{"O:SYG:S-1-5-4294967296", 7, `the sub authority "4294967296"`},
		{"O:S-1-5-32-54 4", 15, `"4" begins no part`},
		{"D:X(A;;GA;;;WD)", 3, `"X" is no flag of a list: want P AR AI, NO_ACCESS_CONTROL or entries in parentheses`},
		{"D:PNONE", 4, `"NONE" is no flag of a list`},
		{"D:A I", 3, `"A" is no flag of a list`},
		{"D:NO_ACCESS_CONTROL(A;;GA;;;WD)", 20, `an entry after NO_ACCESS_CONTROL: such a list has none`},
		{"D:NO_ACCESS_CONTROLP", 20, `"P" begins no part`},
		{"D:(A;;GA;;;WD)P", 15, `"P" begins no part`},
		{"D:(A;;GA;;;WD))", 15, `")" begins no part`},
		{"D:(", 4, `the end is no type of an entry: want one of A D OA OD AU AL OU OL ML SP TL FL XA XD XU ZA RA`},
		{"D:()", 4, `")" is no type of an entry`},
		{"D:(B;;GA;;;WD)", 4, `"B" is no type of an entry`},
		{"D:(A", 5, `the end after the type: want ";"`},
		{"D:(A;XX;GA;;;WD)", 6, `"XX" is no flag of an entry: want OI CI NP IO ID SA FA`},
		{"D:(A;OIC;GA;;;WD)", 8, `"C" is no flag of an entry`},
		{"D:(A;OI,CI;GA;;;WD)", 8, `"," after the flags: want ";"`},
		{"D:(A;OI", 8, `the end after the flags: want ";"`},
		{"D:(A;;GQ;;;WD)", 7, `"GQ" is no right: want GA GR GW GX RC SD WD WO RP WP CC DC LC SW LO DT CR FA FR FW FX KA KR KW KX, or a number`},
		{"D:(A;;GRG;;;WD)", 9, `"G" is no right`},
		{"D:(A;;NX;;;WD)", 7, `"NX" is no right`},
		{"S:(ML;;QX;;;LW)", 8, `KX NR NW NX, or a number`},
		{"D:(A;;0x;;;WD)", 7, `"0x" is no number of 32 bits: want 0x and hexadecimal, 0 and octal, or decimal digits`},
		{"D:(A;;0x100000000;;;WD)", 7, `"0x100000000" is no number of 32 bits`},
		{"D:(A;;4294967296;;;WD)", 7, `"4294967296" is no number`},
		{"D:(A;;08;;;WD)", 7, `"08" is no number`},
		{"D:(A;;12G;;;WD)", 7, `"12G" is no number`},
		{"D:(A;;-1;;;WD)", 7, `"-1" after the rights: want ";"`},
		{"D:(A;;GR0x1;;;WD)", 9, `"0x1" after the rights: want ";"`},
		{"D:(A;;GA)", 9, `")" after the rights: want ";"`},
		{"D:(A;;GA;" + guid1 + ";;WD)", 10, `"` + guid1 + `" in an entry of type A: only OA, OD, OU, OL and ZA have the GUID of a type`},
		{"D:(XA;;GA;;" + guid1 + ";WD;(a))", 12, `in an entry of type XA`},
		{"D:(OA;;GA;" + guid1 + "0;;WD)", 11, `is no GUID: want hexadecimal digits in groups of 8-4-4-4-12`},
		{"D:(OA;;GA;bf967aba-0de6-11d0-a285-00aa003049eg;;WD)", 11, `"bf967aba-0de6-11d0-a285-00aa003049eg" is no GUID`},
		{"D:(OA;;GA;bf967aba0de6-11d0-a285-00aa-003049e2;;WD)", 11, `is no GUID`},
		{"D:(OA;;GA;;1;WD)", 12, `"1" is no GUID`},
		{"D:(OA;;GA;{" + guid1 + "};;WD)", 11, `"{" after the object type: want ";"`},
		{"D:(OA;;GA;;", 12, `the end after the inheriting object type: want ";"`},
		{"D:(A;;GA;;;)", 12, `")" is neither a SID`},
		{"D:(A;;GA;;;ann)", 12, `"ann" is neither a SID`},
		{"D:(A;;GA;;;AN N)", 15, `"N" after the last field of an entry of type A: want ")"`},
		{"D:(A;;GA;;;WD", 14, `the end after the last field of an entry of type A: want ")"`},
		{"D:(A;;GA;;;WD;(a))", 14, `";" after the last field of an entry of type A: want ")"`},
		{"D:(XA;;GA;;;WD)", 15, `")" after the trustee of an entry of type XA: want ";"`},
		{"D:(XA;;GA;;;WD;)", 16, `")" is no condition or attribute: want one in parentheses`},
		{`D:(XA;;GA;;;WD;"a")`, 16, `"\"" is no condition or attribute`},
		{"D:(XA;;GA;;;WD;", 16, `the end is no condition or attribute`},
		{`D:(XA;;GA;;;WD;(a == ")"`, 16, `"(a == \")\"" has no end: want as many ) as (, outside of quotes`},
		{`D:(XA;;GA;;;WD;(a == "))`, 16, `has no end`},
		{`D:(XA;;GA;;;WD;(a)(b))`, 19, `"(" after the last field`},
		{`D:(XA;;FX;;;WD;(@User.Name == "Zoë"))X`, 38, `"X" begins no part`},
		{"D:\xff", 3, `"\xff" is not UTF-8`},
		{"D:\u00e9\ufffd\xc3\xc3\xa9", 5, `"\xc3" is not UTF-8`},
		{"\u00a0O:BA", 1, "begins no part"},
	} {
		got, err := security.ParseSDDL(row.text)
		if err == nil {
			t.Errorf("%q: no error", row.text)
			continue
		}
		if diff := cmp.Diff(security.Descriptor{}, got); diff != "" {
			t.Errorf("%q: a result beside the error: %s", row.text, diff)
		}
		column := fmt.Sprintf("cannot read SDDL at column %d: ", row.column)
		if code := sutler.CodeOf(err); code != sutler.BadInput || !strings.HasPrefix(err.Error(), column) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%q: %v %v\nwant %s%s", row.text, code, err, column, row.want)
		}
	}
}

// TestSDDLLimits reaches each limit and goes one beyond.
func TestSDDLLimits(t *testing.T) {
	const entry = "(A;;;;;WD)"
	full := strings.Repeat(entry, 1820)
	condition := func(n int) string { // a text of n bytes
		const before, after = "D:(XA;;GX;;;WD;(a == \"", "\"))"
		return before + strings.Repeat("x", n-len(before)-len(after)) + after
	}
	longSID := "S-1-0x1" + strings.Repeat("0", 11) + numbersOf(15)
	growing := "D:" + strings.Repeat("(A;;2147483649;;;WD)", 1820) + "S:" + strings.Repeat("(A;;16;;;WD)", 500) // as long in hexadecimal
	for name, row := range map[string]struct {
		text string
		want string // "" is no error
	}{
		"entries":              {"D:" + full + "S:" + full, ""},
		"one entry more":       {"D:" + full + entry, "column 18203: more than 1820 entries in a list"},
		"one more in the SACL": {"D:" + full + "S:" + full + entry, "more than 1820 entries in a list"},
		"bytes":                {condition(65536), ""},
		"one byte more":        {condition(65537), "column 65537: the text has 65537 bytes: at most 65536 are allowed"},
		"bytes of space":       {"O:BA" + strings.Repeat(" ", 65532), ""},
		"one more of space":    {"O:BA" + strings.Repeat(" ", 65533), "the text has 65537 bytes"},
		"long SIDs":            {"D:" + strings.Repeat("(A;;GA;;;"+longSID+")", 65534/(len(longSID)+10)), ""},
		"numbers":              {growing, ""},
		"canonical form too long": {
			"D:" + strings.Repeat("(A;;16;;;S-1-0x100000000"+numbersOf(2)+")", 1300),
			"column 1: the canonical form of the text has ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := security.ParseSDDL(row.text)
			if row.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				again, err := security.ParseSDDL(d.String())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(d, again); diff != "" {
					t.Error(diff)
				}
				return
			}
			if sutler.CodeOf(err) != sutler.BadInput || !strings.Contains(err.Error(), row.want) {
				t.Errorf("%v, want %q", err, row.want)
			}
		})
	}
}

func TestGrantsExecute(t *testing.T) {
	for codes, want := range map[string]bool{
		"GX": true, "GA": true, "FX": true, "FA": true, "0x20": true, "WP": true, "KA": true, "GRGX": true, "0x1200a9": true,
		"": false, "GR": false, "GW": false, "FR": false, "FW": false, "KX": false, "KR": false, "KW": false,
		"CC": false, "CR": false, "RC": false, "WDWOSD": false, "0xcfffffdf": false,
	} {
		d, err := security.ParseSDDL("D:(A;;" + codes + ";;;WD)")
		if err != nil {
			t.Fatal(err)
		}
		if got := security.GrantsExecute(d.DACL.ACEs[0].Rights.Mask); got != want {
			t.Errorf("%q grants execute: %v, want %v", codes, got, want)
		}
	}
}

// FuzzParseSDDL: what is read is written in a form that reads as an equal value
// and is written so again; an error is one of bad input.
func FuzzParseSDDL(f *testing.F) {
	for _, text := range canonical {
		f.Add(text)
	}
	f.Add(" d:( a ; oi ; gr gx ;;; s-1-0x5-18 ) o: ba\n")
	f.Add("D:(A;;1179817;;;LA)(A;;020;;;WD)")
	f.Add("D:\u00e9\ufffd\xc3")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := security.ParseSDDL(text)
		if err != nil {
			if sutler.CodeOf(err) != sutler.BadInput {
				t.Fatalf("%q: %v %v", text, sutler.CodeOf(err), err)
			}
			return
		}
		printed := d.String()
		again, err := security.ParseSDDL(printed)
		if err != nil {
			t.Fatalf("%q is written %q: %v", text, printed, err)
		}
		if diff := cmp.Diff(d, again); diff != "" {
			t.Fatalf("%q is written %q, which is another value: %s", text, printed, diff)
		}
		if twice := again.String(); twice != printed {
			t.Fatalf("%q is written %q, then %q", text, printed, twice)
		}
	})
}
