package admin

import (
	"fmt"
	"strings"

	"sutler"
)

func words(v sutler.AccessVerb) string { return strings.ReplaceAll(string(v), "-", " ") }

// phrase says what a change does, for errors.
func phrase(c *sutler.AccessChange) string {
	format := map[sutler.AccessVerb]string{
		sutler.SetPassword: "set the password of %q", sutler.DeleteAccount: "delete %q",
		sutler.AddMember: "add %[2]q to %[1]q", sutler.RemoveMember: "take %[2]q out of %[1]q",
		sutler.AllowAccess: "allow %[2]q on %[1]q", sutler.DenyAccess: "deny %[2]q on %[1]q", sutler.RemoveAccess: "remove %[2]q from the list of %[1]q",
		sutler.InheritAccess: "set the inheritance of %q", sutler.ImportAccess: "import the list of %q", sutler.ClearAccess: "clear the list of %q",
		sutler.SetProcedure: "set %q",
	}[c.Verb]
	switch {
	case format == "":
		return fmt.Sprintf("%s %q", words(c.Verb), c.Name)
	case strings.Contains(format, "[2]"):
		return fmt.Sprintf(format, c.Name, c.Who)
	}
	return fmt.Sprintf(format, c.Name)
}

// detail says what is changed, for the audit log.
func detail(c *sutler.AccessChange) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q", c.Verb, c.Name)
	for _, part := range []struct{ name, value string }{
		{"who", c.Who}, {"groups", strings.Join(c.Groups, ", ")}, {"rights", strings.Join(c.Rights, ", ")}, {"sddl", c.SDDL}, {"account", c.Account},
		{"execute-as", value(c.ExecuteAs)}, {"access", value(c.Access)}, {"audit", value(c.Audit)}, {"perf", value(c.Perf)}, {"save-rollback", value(c.SaveRollback)},
	} {
		if part.value != "" {
			fmt.Fprintf(&b, ", %s %q", part.name, part.value)
		}
	}
	if c.Verb == sutler.InheritAccess {
		fmt.Fprintf(&b, ", inherits %t", c.On)
	}
	return b.String()
}

func value(s *string) string {
	switch {
	case s == nil:
		return ""
	case *s == "":
		return "as the namespace says"
	}
	return *s
}
