package sutler_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sutler"
)

func TestCheckSetting(t *testing.T) {
	for _, c := range []struct {
		name, value string
		want        string // the name it is kept under
		code        sutler.Code
	}{
		{"limit.running", "1", "limit.running", sutler.OK},
		{"LIMIT.RUNNING", "100000", "limit.running", sutler.OK},
		{"TreeNodes", "5", "limit.treeNodes", sutler.OK},
		{"limit.running", "", "limit.running", sutler.OK},
		{"limit.running", "0", "", sutler.BadInput},
		{"limit.running", "-1", "", sutler.BadInput},
		{"limit.running", "100001", "", sutler.BadInput},
		{"limit.running", "1.5", "", sutler.BadInput},
		{"limit.running", " 1", "", sutler.BadInput},
		{"limit.requestBytes", "99999999999999999999", "", sutler.BadInput},
		{"validation", "off", "validation", sutler.OK},
		{"Validation", "", "validation", sutler.OK},
		{"validation", "on", "validation", sutler.OK},
		{"validation", "yes", "", sutler.BadInput},
		{"login.passwordLength", "8", "login.passwordLength", sutler.OK},
		{"LOGIN.passwordlength", "128", "login.passwordLength", sutler.OK},
		{"login.passwordLength", "", "login.passwordLength", sutler.OK},
		{"login.passwordLength", "7", "", sutler.BadInput},
		{"login.passwordLength", "129", "", sutler.BadInput},
		{"login.passwordLength", "long", "", sutler.BadInput},
		{"login.passwordWords", "litware, fabrikam", "login.passwordWords", sutler.OK},
		{"login.passwordWords", strings.Repeat("x", 4097), "", sutler.BadInput},
		{"login.passwordWords", "a\nb", "", sutler.BadInput},
		{"colour", "red", "", sutler.NotFound},
		{"", "", "", sutler.NotFound},
	} {
		got, err := sutler.CheckSetting(c.name, c.value)
		if got != c.want || sutler.CodeOf(err) != c.code {
			t.Errorf("CheckSetting(%q, %q) = %q, %v; want %q, code %v", c.name, c.value, got, err, c.want, c.code)
		}
	}
}

func TestPasswordRulesOf(t *testing.T) {
	for _, c := range []struct {
		stored map[string]string
		length int
		words  []string
	}{
		{nil, 12, nil},
		{map[string]string{"login.passwordLength": "20", "login.passwordWords": " litware,, Fabrikam Inc ,"}, 20, []string{"litware", "Fabrikam Inc"}},
		{map[string]string{"login.passwordLength": "1"}, 12, nil},
	} {
		length, words := sutler.PasswordRulesOf(c.stored)
		if diff := cmp.Diff(c.words, words); length != c.length || diff != "" {
			t.Errorf("PasswordRulesOf(%v) = %d (-want +got):\n%s", c.stored, length, diff)
		}
	}
}

// TestLimitsOf sets every limit to its own value and finds it where it belongs.
func TestLimitsOf(t *testing.T) {
	got, err := sutler.LimitsOf(map[string]string{
		"limit.requestBytes": "1", "limit.depth": "2", "limit.treeNodes": "3", "limit.treeBytes": "4", "limit.callDepth": "5",
		"limit.calls": "6", "limit.templateDepth": "7", "limit.transformSteps": "8", "limit.resultBytes": "9",
		"limit.transformTime": "10", "limit.callTime": "11", "limit.running": "12", "limit.waiting": "13", "validation": "off", "other": "x",
	})
	want := sutler.Limits{
		RequestBytes: 1, Depth: 2, TreeNodes: 3, TreeBytes: 4, CallDepth: 5, Calls: 6, TemplateDepth: 7, TransformSteps: 8, ResultBytes: 9,
		TransformTime: 10, CallTime: 11, Running: 12, Waiting: 13,
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("LimitsOf = %v; (-want +got):\n%s", err, diff)
	}
	if got, err := sutler.LimitsOf(nil); err != nil || got != sutler.DefaultLimits() {
		t.Errorf("LimitsOf(nil) = %+v, %v; want the defaults", got, err)
	}
	if _, err := sutler.LimitsOf(map[string]string{"limit.running": "none"}); sutler.CodeOf(err) != sutler.BadInput {
		t.Errorf("LimitsOf with a bad value: %v", err)
	}
}

// TestSettings sees that every default may be set, and that what is set shows.
func TestSettings(t *testing.T) {
	for _, s := range sutler.Settings(map[string]string{"limit.running": "3"}) {
		want := s.Default
		if s.Name == "limit.running" {
			want = "3"
		}
		if name, err := sutler.CheckSetting(s.Name, s.Default); s.Value != want || name != s.Name || err != nil || s.Help == "" {
			t.Errorf("setting %+v: %v; want value %q", s, err, want)
		}
	}
}

// TestErrorJSON sends an error there and back.
func TestErrorJSON(t *testing.T) {
	sent := &sutler.Error{
		Code: sutler.Denied, Err: errors.New("no"), Detail: "<fault/>", Seq: 4, Transaction: "{1}",
		Sources: []sutler.ErrorSource{{Namespace: "N", Procedure: "P"}},
	}
	b, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	info, _ := sutler.Explain(sutler.Denied)
	var seen map[string]any
	if err := json.Unmarshal(b, &seen); err != nil || seen["code"] != "0x80070005" || seen["name"] != "Denied" || seen["hint"] != info.Help {
		t.Errorf("Marshal = %s, %v", b, err)
	}
	var got sutler.Error
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Error() != sent.Error() || got.Code != sent.Code || got.Detail != sent.Detail || got.Seq != sent.Seq || got.Transaction != sent.Transaction {
		t.Errorf("came back as %+v, want %+v", got, sent)
	}
	if diff := cmp.Diff(sent.Sources, got.Sources); diff != "" {
		t.Error(diff)
	}
}

func TestValidationOf(t *testing.T) {
	for value, want := range map[string]bool{"on": true, "off": false, "": false} {
		if got := sutler.ValidationOf(map[string]string{"validation": value}); got != want {
			t.Errorf("ValidationOf(%q) = %v, want %v", value, got, want)
		}
	}
	if sutler.ValidationOf(nil) {
		t.Error("ValidationOf(nil) = true, want false: off is the default")
	}
}
