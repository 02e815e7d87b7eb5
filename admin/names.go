package admin

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"sutler"
	"sutler/security"
)

// goodName refuses names that could be taken for something else.
func goodName(name string) error {
	if name == "" || len(name) > 256 || strings.TrimSpace(name) != name {
		return sutler.Errorf(sutler.BadInput, "a name has 1 to 256 bytes and no space at its ends")
	}
	if i := strings.IndexFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }); i >= 0 {
		return sutler.Errorf(sutler.BadInput, "a name has no characters that cannot be seen")
	}
	if !norm.NFC.IsNormalString(name) {
		return sutler.Errorf(sutler.BadInput, "a name has its accents in their letters (Unicode NFC), so that two names which look the same are the same")
	}
	return nil
}

// same reports whether two names are one to lists.
func same(a, b string) bool { return security.Fold(a) == security.Fold(b) }

// principals are the names that are nobody's account; local is the holder of
// the token of a data directory.
var principals = []string{security.AuthenticatedUsers, security.Anonymous, security.Everyone, "local"}

// names returns those that no new account may have.
func names(now *security.Access) []string {
	all := slices.Clone(principals)
	for _, groups := range []bool{false, true} {
		for _, acct := range now.Accounts(groups) {
			all = append(all, acct.Name)
		}
	}
	return all
}

// looks is the same for names that a reader could take for one another, such as
// those with letters of another width.
func looks(name string) string { return cases.Fold().String(norm.NFKC.String(name)) }

// isBuiltIn reports whether a name is that of a group that every installation has.
func isBuiltIn(name string) bool {
	return slices.ContainsFunc([]string{
		security.Administrators, sutler.MPFAdmins, sutler.MPFAuditors, sutler.MPFServiceAccts, sutler.MPFClientAccts, sutler.MPFTrustedUsers,
	}, func(g string) bool { return same(g, name) })
}
