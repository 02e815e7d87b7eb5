package sutler_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sutler"
)

func at(seconds int64) time.Time { return time.Unix(1_700_000_000+seconds, 0).UTC() }

// records makes the records of one transaction from their kinds: stepStarted 2
// is a start of call 2.
func records(spec string) []sutler.Record {
	kinds := map[string]sutler.RecordKind{
		"began": sutler.Began, "start": sutler.StepStarted, "flush": sutler.StepFlushed, "done": sutler.StepDone,
		"failed": sutler.StepFailed, "preparing": sutler.PreparingTx, "committing": sutler.CommittingTx,
		"stepCommitted": sutler.StepCommitted, "committed": sutler.CommittedTx, "rollingBack": sutler.RollingBackTx,
		"undone": sutler.StepUndone, "undoFailed": sutler.StepUndoFailed, "rolledBack": sutler.RolledBackTx,
		"rollbackFailed": sutler.RollbackFailTx, "inDoubt": sutler.InDoubtTx, "refused": sutler.Refused, "nonsense": 99,
	}
	var rs []sutler.Record
	for i, word := range strings.Fields(spec) {
		name := strings.TrimRight(word, "0123456789")
		r := sutler.Record{Transaction: "{1}", Kind: kinds[name], At: at(int64(i)), Text: "text of " + name}
		if n := strings.TrimPrefix(word, name); n != "" {
			r.Seq = int(n[0] - '0')
			r.Type = sutler.Write
		}
		rs = append(rs, r)
	}
	return rs
}

func TestFold(t *testing.T) {
	for _, c := range []struct {
		spec, status, steps string
	}{
		{"began", "active", ""},
		{"began start1", "active", "1 started"},
		{"began start1 flush1 done1", "active", "1 done"},
		{"began start1 failed1", "active", "1 failed"},
		{"began start1 done1 committed", "committed", "1 done"},
		{"began start2 done2 start5 done5 preparing", "preparing", "2 done, 5 done"},
		{"began start1 done1 preparing committing", "committing", "1 done"},
		{"began start1 done1 preparing committing stepCommitted1 committed", "committed", "1 committed"},
		{"began start1 done1 preparing committing inDoubt", "inDoubt", "1 done"},
		{"began start1 done1 rollingBack", "rollingBack", "1 done"},
		{"began start1 done1 preparing rollingBack undone1 rolledBack", "rolledBack", "1 undone"},
		{"began start1 done1 rollingBack undone1 undone1 rolledBack", "rolledBack", "1 undone"},
		{"began start1 done1 rollingBack undoFailed1 rollbackFailed", "rollbackFailed", "1 undoFailed"},
		{"began start1 done1 rollingBack undoFailed1 rollbackFailed rollingBack undone1 rolledBack", "rolledBack", "1 undone"},
		{"began start1 inDoubt", "inDoubt", "1 started"},
		{"began refused rollingBack rolledBack", "rolledBack", ""},
	} {
		tx, err := sutler.Fold(records(c.spec))
		if err != nil {
			t.Errorf("Fold(%s): %v", c.spec, err)
			continue
		}
		var steps []string
		for _, s := range tx.Steps {
			steps = append(steps, string(rune('0'+s.Seq))+" "+string(s.Status))
		}
		if got := strings.Join(steps, ", "); string(tx.Status) != c.status || got != c.steps {
			t.Errorf("Fold(%s) = %s, steps %q; want %s, %q", c.spec, tx.Status, got, c.status, c.steps)
		}
		if tx.Status.Final() != !tx.Ended.IsZero() {
			t.Errorf("Fold(%s): final %v but ended %v", c.spec, tx.Status.Final(), tx.Ended)
		}
	}
}

func TestFoldRefusesWhatCannotBe(t *testing.T) {
	for spec, want := range map[string]string{
		"":                                  "no records",
		"began done1":                       "never started",
		"began start1 start1":               "starts twice",
		"began committed committed":         "after it was committed",
		"began rollingBack committed":       "does not fit the state rollingBack",
		"began committing":                  "does not fit the state active",
		"began rolledBack":                  "does not fit the state active",
		"began nonsense":                    "no record has the kind 99",
		"began start1 done1 rollbackFailed": "does not fit the state active",
	} {
		_, err := sutler.Fold(records(spec))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Fold(%s): error %v, want one with %q", spec, err, want)
		}
	}
	mixed := records("began start1")
	mixed[1].Transaction = "{2}"
	if _, err := sutler.Fold(mixed); sutler.CodeOf(err) != sutler.Corrupt {
		t.Errorf("Fold of two transactions: %v, want code %v", err, sutler.Corrupt)
	}
}

func anyRecord(t *rapid.T) sutler.Record {
	text := rapid.String()
	r := sutler.Record{
		Transaction: sutler.TransactionID(text.Draw(t, "id")),
		Kind:        sutler.RecordKind(rapid.IntRange(1, 21).Draw(t, "kind")),
		At:          at(int64(rapid.IntRange(0, 1<<30).Draw(t, "at"))),
		Caller:      text.Draw(t, "caller"), Trustee: text.Draw(t, "trustee"), Client: text.Draw(t, "client"),
		Namespace: text.Draw(t, "namespace"), Procedure: text.Draw(t, "procedure"),
		Revision: rapid.Int64().Draw(t, "revision"), Seq: rapid.IntRange(-5, 1<<40).Draw(t, "seq"),
		Provider: text.Draw(t, "provider"), Type: sutler.ProcedureType(rapid.IntRange(0, 3).Draw(t, "type")),
		Policy:   sutler.Policy(rapid.IntRange(0, 2).Draw(t, "policy")),
		Identity: sutler.Identity{Kind: sutler.IdentityKind(text.Draw(t, "ik")), Account: text.Draw(t, "ia")},
		Context:  text.Draw(t, "context"), Input: text.Draw(t, "input"), Text: text.Draw(t, "text"),
		Code: sutler.Code(rapid.Uint32().Draw(t, "code")), Response: text.Draw(t, "response"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "n") {
		r.Programs = append(r.Programs, text.Draw(t, "program"))
		r.Parents = append(r.Parents, sutler.Frame{Seq: rapid.Int().Draw(t, "s"), Namespace: text.Draw(t, "n"), Procedure: text.Draw(t, "p")})
		r.Rollback = append(r.Rollback, sutler.Pair{Name: text.Draw(t, "k"), Value: text.Draw(t, "v")})
	}
	return r
}

func TestEncodeRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want []sutler.Record
		for range rapid.IntRange(0, 5).Draw(t, "records") {
			want = append(want, anyRecord(t))
		}
		got, err := sutler.DecodeRecords(sutler.EncodeRecords(nil, want))
		if err != nil {
			t.Fatalf("DecodeRecords: %v", err)
		}
		if len(want) == 0 && len(got) == 0 {
			return
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("records changed by encoding (-want +got):\n%s", d)
		}
	})
}

// TestDecodeFormats pins the formats: groups written by any version stay
// readable for ever, and this one writes its own.
func TestDecodeFormats(t *testing.T) {
	want := []sutler.Record{
		{Transaction: "{7}", Kind: sutler.StepStarted, Seq: 5, Rollback: []sutler.Pair{{Name: "a", Value: "b"}}},
		{Transaction: "{7}", Kind: sutler.StepDone, Seq: 5},
		{Kind: sutler.Refused, Text: "no"},
	}
	for format, written := range map[int]string{
		1: "\x01\x03\x11\x01\x03{7}\x02\x01\x04\x0b\x01\x0a\x14\x04\x01a\x01b\x0b\x01\x03{7}\x02\x01\x08\x0b\x01\x0a\x07\x02\x01\x20\x16\x02no",
		2: "\x02\x03\x11\x01\x03{7}\x02\x01\x04\x0b\x01\x0a\x14\x04\x01a\x01b\x06\x02\x01\x08\x0b\x01\x0a\x09\x01\x00\x02\x01\x20\x16\x02no",
		3: "\x03\x03\x11\x01\x03{7}\x02\x01\x04\x0b\x01\x0a\x14\x04\x01a\x01b\x06\x02\x01\x08\x0b\x01\x0a\x09\x01\x00\x02\x01\x20\x16\x02no",
	} {
		got, err := sutler.DecodeRecords([]byte(written))
		if err != nil {
			t.Fatalf("format %d: %v", format, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("format %d: DecodeRecords (-want +got):\n%s", format, d)
		}
		if again := sutler.EncodeRecords(nil, want); format == 3 && string(again) != written {
			t.Errorf("EncodeRecords = %q, want %q", again, written)
		}
	}
}

// TestDecodeOldFile reads what the first version wrote.
func TestDecodeOldFile(t *testing.T) {
	b, err := os.ReadFile("testdata/records-v1.bin")
	if err != nil {
		t.Fatal(err)
	}
	rs, err := sutler.DecodeRecords(b)
	if err != nil {
		t.Fatal(err)
	}
	tx, err := sutler.Fold(rs)
	if err != nil {
		t.Fatal(err)
	}
	if tx.Status != sutler.Committed || tx.Client != "c-1" || len(tx.Steps) != 1 || tx.Steps[0].Rollback[0].Value != "a/b" {
		t.Errorf("the old file tells of %+v", tx)
	}
}

func FuzzDecodeRecords(f *testing.F) {
	f.Add(sutler.EncodeRecords(nil, records("began start1 done1 committed")))
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		rs, err := sutler.DecodeRecords(b)
		if err != nil {
			if sutler.CodeOf(err) != sutler.Corrupt {
				t.Errorf("DecodeRecords: code %v, want %v", sutler.CodeOf(err), sutler.Corrupt)
			}
			return
		}
		if again, err := sutler.DecodeRecords(sutler.EncodeRecords(nil, rs)); err != nil || len(again) != len(rs) {
			t.Errorf("decoded records cannot be encoded again: %v", err)
		}
		_, _ = sutler.Fold(rs) // must not panic
	})
}

func TestParseCode(t *testing.T) {
	for _, c := range []struct {
		in   string
		want sutler.Code
		err  bool
	}{
		{"0x80070005", sutler.Denied, false}, {"0X8007000e", 0x8007000E, false}, {" -2147024891 ", sutler.Denied, false},
		{"2147942405", sutler.Denied, false}, {"0", 0, false}, {"0x", 0, true}, {"0x123456789", 0, true}, {"0xg", 0, true},
		{"", 0, true}, {"-", 0, true}, {"4294967296", 0, true}, {"-2147483649", 0, true}, {"12a", 0, true}, {"99999999999", 0, true},
	} {
		got, err := sutler.ParseCode(c.in)
		if (err != nil) != c.err || got != c.want {
			t.Errorf("ParseCode(%q) = %v, %v; want %v, error %v", c.in, got, err, c.want, c.err)
		}
	}
}

func TestCodesAreExplained(t *testing.T) {
	seen := map[sutler.Code]string{}
	for _, info := range sutler.Codes() {
		if other, twice := seen[info.Code]; twice {
			t.Errorf("%s and %s have the same code %v", other, info.Name, info.Code)
		}
		seen[info.Code] = info.Name
		if info.Title == "" || info.Help == "" {
			t.Errorf("%s lacks a title or help", info.Name)
		}
	}
}
