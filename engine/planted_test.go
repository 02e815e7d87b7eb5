//go:build !race

package engine_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// edit replaces text that stands in a source file once. In the replacement
// PLANTED is true when the mistake is the one to be found.
type edit struct{ file, old, new string }

// mistakes are wrong rules that somebody could write into the engine.
var mistakes = []struct {
	name  string
	edits []edit
}{
	{"deny ignored", []edit{{"security/list.go", "if e.Rights&right == 0 ||", "if e.Deny && PLANTED || e.Rights&right == 0 ||"}}},
	{"allow before deny", []edit{{"security/list.go", "if e.Deny {\n\t\t\treturn e, true", "if e.Deny || PLANTED {\n\t\t\treturn e, true"}}},
	{"names in lists compared with their case", []edit{{"security/list.go", "l.Entries[i].key = Fold(l.Entries[i].Who)", "l.Entries[i].key = Fold(l.Entries[i].Who); if PLANTED { l.Entries[i].key = l.Entries[i].Who }"}}},
	{"inherited allow before explicit deny", []edit{{"security/rules.go", "\tif own != nil {\n", "\tif up := a.lists[NamespaceObject(t.Namespace)]; PLANTED && up != nil && (own == nil || !own.Protected) {\n\t\tif d, found := listed(up, w, \"\"); found && d.Allowed {\n\t\t\treturn d\n\t\t}\n\t}\n\tif own != nil {\n"}}},
	{"broken inheritance ignored", []edit{{"security/rules.go", "!own.Protected {", "!own.Protected || PLANTED {"}}},
	{"explicit list stands alone", []edit{{"security/rules.go", "if own == nil ||", "if own == nil || !PLANTED &&"}}},
	{"default deny ignored", []edit{{"security/rules.go", "case a.DefaultDeny:", "case a.DefaultDeny && !PLANTED:"}}},
	{"empty list is open", []edit{{"security/rules.go", "case own != nil || above != nil:", "case (own != nil || above != nil) && !(PLANTED && above != nil && len(above.Entries) == 0):"}}},
	{"nested groups ignored", []edit{{"security/who.go", "\tif acct != nil {\n", "\tif acct != nil && !(PLANTED && acct.Group) {\n"}}},
	{"disabled group allows", []edit{{"security/who.go", "live = live && (acct == nil || !acct.Disabled)", "live = live && (acct == nil || !acct.Disabled || PLANTED)"}}},
	{"disabled group does not deny", []edit{{"security/who.go", "return in && (live || deny)", "return in && (live || deny && !PLANTED)"}}},
	{"disabled account let in", []edit{{"security/who.go", "(known.Disabled || known.Group)", "(known.Disabled && !PLANTED || known.Group)"}}},
	{"Anonymous is one of Everyone", []edit{{"security/who.go", "w.is[Fold(Anonymous)] = true", "w.is[Fold(Anonymous)] = true; w.is[Fold(Everyone)] = PLANTED"}}},
	{"unknown caller believed", []edit{{"security/who.go", "if c.Unknown {", "if c.Unknown && !PLANTED {"}}},
	{"administrator's access type ignored", []edit{{"security/rules.go", `.Access; s != "" {`, `.Access; s != "" && !PLANTED {`}}},
	{"private reachable through a trusted request", []edit{{"engine/call.go", "nested: len(f.parents) > 0", "nested: len(f.parents) > 0 || PLANTED"}}},
	{"private reachable once a nested call was allowed", []edit{{"engine/permit.go", "permission{p, in.nested}", "permission{p, in.nested && !PLANTED}"}}},
	{"private asked of the trustee", []edit{{"engine/permit.go", "MayCall(l.caller,", "MayCall(map[bool]*security.Who{true: l.trustee, false: l.caller}[PLANTED],"}}},
	{"trustee's list checked against the caller", []edit{{"engine/permit.go", "l.trustee, security.Engines", "map[bool]*security.Who{true: l.caller, false: l.trustee}[PLANTED], security.Engines"}}},
	{"trustee in the groups of the caller", []edit{{"engine/permit.go", "l.trustee = access.Trustee(trustee)", "l.trustee = access.Trustee(trustee); if PLANTED { l.trustee = access.Who(trustee, caller.Groups) }"}}},
	{"trustee of no directory an authenticated user", []edit{{"security/who.go", "if a.accounts[Fold(name)] != nil {", "if a.accounts[Fold(name)] != nil || PLANTED {"}}},
	{"principal named as the trustee", []edit{{"security/who.go", "Disabled: many,", "Disabled: many && !PLANTED,"}}},
	{"unknown told from forbidden", []edit{{"engine/permit.go", "if in.nested || mayAsk(", "if in.nested || PLANTED || mayAsk("}}},
	{"unknown not told to auditors", []edit{{"engine/asker.go", "access.MayAudit(w).Allowed", "access.MayAudit(w).Allowed && !PLANTED"}}},
	{"list of a nested call not checked", []edit{{"engine/permit.go", "!now.allowed[key] {", "!now.allowed[key] && !(in.nested && PLANTED) {"}}},
	{"check after what comes before the call", []edit{
		{"engine/step.go", "\t\"sutler/procedure\"\n", "\t\"sutler/procedure\"\n\t\"sutler/security\"\n"},
		{"engine/step.go", "if s.Kind == procedure.Execute {", "if s.Kind == procedure.Execute && !PLANTED {"},
		{"engine/step.go", "case procedure.Execute:\n", "case procedure.Execute:\n\t\tif in == nil {\n\t\t\tin = invocationOf(f, s)\n\t\t\tif err := w.permit(f, in); err != nil {\n\t\t\t\treturn w.refused(in, err)\n\t\t\t}\n\t\t}\n"}}},
	{"credentials in a trusted request not asked for", []edit{{"security/rules.go", "if s.Credentials ||", "if s.Credentials && !(s.Trusted && PLANTED) ||"}}},
	{"context in a simple request not asked for", []edit{{"security/rules.go", "s.Context && !s.Trusted {", "s.Context && !s.Trusted && !PLANTED {"}}},
	{"credential without a password taken", []edit{{"security/rules.go", "if s.NoPassword {", "if s.NoPassword && !PLANTED {"}}},
	{"simple request with start values", []edit{{"security/rules.go", `case s.StartValue != "":`, `case s.StartValue != "" && !PLANTED:`}}},
	{"simple request with a trustee", []edit{{"security/rules.go", `case s.Trustee != "" &&`, `case s.Trustee != "" && !PLANTED &&`}}},
	{"simple request with steps", []edit{{"engine/submit.go", "case !req.Trusted && req.Steps != nil:", "case !req.Trusted && req.Steps != nil && !PLANTED:"}}},
	{"impersonate 2 inherits", []edit{{"engine/call.go", "impersonate: s.Impersonate.Apply(f.identity.Impersonate)", "impersonate: s.Impersonate.Apply(f.identity.Impersonate) || PLANTED && f.identity.Impersonate"}}},
	{"impersonation leaks to a sibling", []edit{{"engine/permit.go", "\tin.identity, err = ", "\tif PLANTED {\n\t\tf.identity.Impersonate = in.impersonate\n\t}\n\tin.identity, err = "}}},
	{"execute-as leaks to a sibling", []edit{{"engine/permit.go", "now.enter(f.identity, p, in.impersonate, w.world.secret)\n", "now.enter(f.identity, p, in.impersonate, w.world.secret)\n\tif PLANTED && err == nil && now.access.ExecuteAs(p.Namespace.Name, p.Name) != nil {\n\t\tf.identity, err = now.enter(f.identity, p, f.identity.Impersonate, w.world.secret)\n\t}\n"}}},
	{"execute-as leaks back to the caller", []edit{{"engine/call.go", "\tin.data.Rename(xmltree.Name{Local: \"executeData\"})\n", "\tin.data.Rename(xmltree.Name{Local: \"executeData\"})\n\tif PLANTED {\n\t\tcallee.identity.Impersonate = f.identity.Impersonate\n\t\tf.identity = callee.identity\n\t}\n"}}},
	{"execute-as without impersonation", []edit{{"security/identity.go", "case !f.Impersonate:", `case !f.Impersonate && !(PLANTED && f.Credential != ""):`}}},
	{"basic before execute-as", []edit{{"security/identity.go", "if executeAs != nil {", `if executeAs != nil && !(PLANTED && f.Basic != "" && f.Credential == "") {`}}},
	{"outer execute-as before inner", []edit{{"security/identity.go", "f.Impersonate = impersonate\n", "f.Impersonate = impersonate\n\tif PLANTED && f.Credential != \"\" {\n\t\texecuteAs = nil\n\t}\n"}}},
	{"caller before basic", []edit{{"security/identity.go", `case f.Basic != "":`, `case f.Basic != "" && !PLANTED:`}}},
	{"caller impersonated who does not allow it", []edit{{"security/identity.go", "case i.Reach == sutler.ReachNone:", "case i.Reach == sutler.ReachNone && !PLANTED:"}}},
	{"credentials handed to a step that is not trusted", []edit{{"engine/call.go", "s != nil && !trusted {", "s != nil && !trusted && !PLANTED {"}}},
	{"sensitive 2 inherits", []edit{{"engine/call.go", "sensitive: s.Sensitive.Apply(f.sensitive)", "sensitive: s.Sensitive.Apply(f.sensitive) || PLANTED && f.sensitive"}}},
	{"undone as the service account", []edit{{"engine/seal.go", "who := s.Identity\n", "who := s.Identity\n\tif PLANTED {\n\t\treturn sutler.Identity{Kind: sutler.ServiceAccount}, nil\n\t}\n"}}},
}

// switchSource tells the edited sources which mistake they make.
const switchSource = `package security

import "os"

var planted = os.Getenv("SUTLER_PLANTED")

func Planted(mistake string) bool { return planted == mistake }
`

// TestTreesFindMistakes has TestTrees find every mistake that is planted in the rules.
// All are compiled into one test binary, which makes one of them at a time, and
// none when none is asked for.
func TestTreesFindMistakes(t *testing.T) {
	binary := plantedBinary(t)
	run := func(mistake string) (string, error) {
		c := exec.Command(binary, "-test.run", "^TestTrees$")
		c.Env = append(os.Environ(), "SUTLER_PLANTED="+mistake, "SUTLER_TREES=20000", "SUTLER_SEED=7")
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := run(""); err != nil {
		t.Fatalf("without a mistake: %v\n%s", err, out)
	}
	for _, m := range mistakes {
		t.Run(m.name, func(t *testing.T) {
			if out, err := run(m.name); err == nil || !strings.Contains(out, "(-model +engine):") {
				t.Errorf("not found: %v\n%s", err, out)
			}
		})
	}
}

// plantedBinary compiles the tests of this package over the edited sources.
func plantedBinary(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"security/planted.go": switchSource}
	for _, m := range mistakes {
		for _, e := range m.edits {
			source, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(source), e.old); n != 1 {
				t.Fatalf("%s: %q stands in %s %d times, want once: the mistake must be planted elsewhere", m.name, e.old, e.file, n)
			}
			text, edited := texts[e.file]
			if !edited {
				text = string(source)
			}
			ask := `security.Planted("` + m.name + `")`
			if strings.HasPrefix(e.file, "security/") {
				ask = strings.TrimPrefix(ask, "security.")
			}
			if n := strings.Count(text, e.old); n != 1 {
				t.Fatalf("%s: %q stands %d times in %s as edited for the mistakes before", m.name, e.old, n, e.file)
			}
			texts[e.file] = strings.Replace(text, e.old, strings.ReplaceAll(e.new, "PLANTED", ask), 1)
		}
	}
	dir := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	for file, text := range texts {
		path := filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][filepath.Join(root, filepath.FromSlash(file))] = path
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	list, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "planted.test")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "test", "-c", "-vet=off", "-overlay", list, "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("the edited sources do not compile: %v\n%s", err, out)
	}
	return binary
}
