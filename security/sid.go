package security

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sutler"
)

// SID is the security identifier of a trustee in its one canonical form,
// S-1-5-32-544 (MS-DTYP 2.4.2.1): numbers without leading zeros, an authority
// of 2^32 and above as 0x and twelve small hexadecimal digits. The alias of a
// trustee of a domain, such as DA, says nothing about which domain; it is kept
// as its two letters. The zero SID is nobody.
//
// Two whole SIDs of ParseSID are the same trustee if, and only if, they are ==.
type SID string

// maxSubAuthorities is how many numbers may follow the authority of a SID.
const maxSubAuthorities = 15

// wellKnown are the aliases of trustees that are the same everywhere
// (MS-DTYP 2.5.1.1, 2.4.2.4).
var wellKnown = []struct {
	alias string
	sid   SID
}{
	{"WD", "S-1-1-0"},            // everyone
	{"CO", "S-1-3-0"},            // creator owner
	{"CG", "S-1-3-1"},            // creator group
	{"OW", "S-1-3-4"},            // owner rights
	{"NU", "S-1-5-2"},            // logged on over the network
	{"IU", "S-1-5-4"},            // logged on interactively
	{"SU", "S-1-5-6"},            // logged on as a service
	{"AN", "S-1-5-7"},            // anonymous
	{"ED", "S-1-5-9"},            // enterprise domain controllers
	{"PS", "S-1-5-10"},           // the object itself
	{"AU", "S-1-5-11"},           // authenticated users
	{"RC", "S-1-5-12"},           // restricted code
	{"SY", "S-1-5-18"},           // the local system
	{"LS", "S-1-5-19"},           // local service
	{"NS", "S-1-5-20"},           // network service
	{"BA", "S-1-5-32-544"},       // administrators
	{"BU", "S-1-5-32-545"},       // users
	{"BG", "S-1-5-32-546"},       // guests
	{"PU", "S-1-5-32-547"},       // power users
	{"AO", "S-1-5-32-548"},       // account operators
	{"SO", "S-1-5-32-549"},       // server operators
	{"PO", "S-1-5-32-550"},       // printer operators
	{"BO", "S-1-5-32-551"},       // backup operators
	{"RE", "S-1-5-32-552"},       // replicator
	{"RU", "S-1-5-32-554"},       // pre-Windows 2000 compatible access
	{"RD", "S-1-5-32-555"},       // remote desktop users
	{"NO", "S-1-5-32-556"},       // network configuration operators
	{"MU", "S-1-5-32-558"},       // performance monitor users
	{"LU", "S-1-5-32-559"},       // performance log users
	{"IS", "S-1-5-32-568"},       // identities of web sites
	{"CY", "S-1-5-32-569"},       // cryptographic operators
	{"ER", "S-1-5-32-573"},       // event log readers
	{"CD", "S-1-5-32-574"},       // DCOM access to certificate services
	{"RA", "S-1-5-32-575"},       // remote access servers of remote desktops
	{"ES", "S-1-5-32-576"},       // endpoint servers of remote desktops
	{"MS", "S-1-5-32-577"},       // management servers of remote desktops
	{"HA", "S-1-5-32-578"},       // Hyper-V administrators
	{"AA", "S-1-5-32-579"},       // access control assistance operators
	{"RM", "S-1-5-32-580"},       // remote management users
	{"WR", "S-1-5-33"},           // write restricted code
	{"UD", "S-1-5-84-0-0-0-0-0"}, // user mode drivers
	{"AC", "S-1-15-2-1"},         // all application packages
	{"LW", "S-1-16-4096"},        // low integrity
	{"ME", "S-1-16-8192"},        // medium integrity
	{"MP", "S-1-16-8448"},        // medium plus integrity
	{"HI", "S-1-16-12288"},       // high integrity
	{"SI", "S-1-16-16384"},       // system integrity
	{"AS", "S-1-18-1"},           // identity asserted by an authentication authority
	{"SS", "S-1-18-2"},           // identity asserted by a service
}

// ofDomain are the aliases of trustees of a domain.
var ofDomain = []string{
	"RO", // enterprise read-only domain controllers, of the forest's root
	"LA", // administrator, of the machine
	"LG", // guest, of the machine
	"DA", // domain administrators
	"DU", // domain users
	"DG", // domain guests
	"DC", // domain computers
	"DD", // domain controllers
	"CA", // certificate publishers
	"SA", // schema administrators, of the forest's root
	"EA", // enterprise administrators, of the forest's root
	"PA", // group policy administrators
	"CN", // clonable domain controllers
	"AP", // protected users
	"KA", // key administrators
	"EK", // enterprise key administrators, of the forest's root
	"RS", // remote access servers
}

// ParseSID reads a SID or one of the two-letter aliases of MS-DTYP 2.5.1.1, in
// small or capital letters. An authority below 2^32 may be decimal, any
// authority may be 0x and up to twelve hexadecimal digits. One to 15
// numbers of 32 bits follow, in decimal. An error is of code BadInput.
func ParseSID(text string) (SID, error) {
	sid, used, err := readSID(text)
	if err == nil && used < len(text) {
		err = fmt.Errorf("%q follows the SID %s", short(text[used:]), sid)
	}
	if err != nil {
		return "", sutler.Errorf(sutler.BadInput, "cannot read SID %q: %w", short(text), err)
	}
	return sid, nil
}

// Alias returns the two letters that stand for s in SDDL, or "" if there are
// none. A whole SID of a domain has none: another reader would take its own
// domain.
func (s SID) Alias() string {
	for _, w := range wellKnown {
		if w.sid == s {
			return w.alias
		}
	}
	if s.Relative() {
		return string(s)
	}
	return ""
}

// Relative reports whether s is the alias of a trustee of a domain not named.
func (s SID) Relative() bool {
	return slices.Contains(ofDomain, string(s))
}

// numbers are what a SID consists of.
type numbers struct {
	authority uint64 // of 48 bits
	sub       []uint32
}

// sid returns the canonical form of n.
func (n numbers) sid() SID {
	b := []byte("S-1-")
	if n.authority < 1<<32 {
		b = strconv.AppendUint(b, n.authority, 10)
	} else {
		b = fmt.Appendf(b, "0x%012x", n.authority)
	}
	for _, sub := range n.sub {
		b = append(b, '-')
		b = strconv.AppendUint(b, uint64(sub), 10)
	}
	return SID(b)
}

// readSID reads the SID or alias that text begins with, and how long it is.
func readSID(text string) (SID, int, error) {
	if len(text) >= 2 && text[1] == '-' {
		n, used, err := readNumbers(text)
		if err != nil {
			return "", 0, err
		}
		return n.sid(), used, nil
	}
	word := wordOf(text)
	if alias := strings.ToUpper(word); len(word) == 2 {
		for _, w := range wellKnown {
			if w.alias == alias {
				return w.sid, 2, nil
			}
		}
		if SID(alias).Relative() {
			return SID(alias), 2, nil
		}
	}
	return "", 0, fmt.Errorf("%q is neither a SID, such as S-1-5-32-544, nor one of the aliases %s", short(word), aliasList())
}

// readNumbers reads the SID that text begins with, and how long it is.
func readNumbers(text string) (numbers, int, error) {
	var n numbers
	at := len("S-1-")
	if len(text) < at || !strings.EqualFold(text[:at], "S-1-") {
		return n, 0, fmt.Errorf("%q is no SID: want S-1- and numbers, such as S-1-5-32-544", short(wordOf(text)))
	}
	var err error
	if len(text) >= at+2 && strings.EqualFold(text[at:at+2], "0x") {
		end := at + 2 + leading(text[at+2:], hexDigits)
		if n.authority, err = strconv.ParseUint(text[at+2:end], 16, 48); err != nil || end-at > 14 {
			return n, 0, fmt.Errorf("the authority %q of the SID is no hexadecimal number of one to twelve digits", short(text[at:end]))
		}
		at = end
	} else {
		end := at + leading(text[at:], digits)
		if n.authority, err = strconv.ParseUint(text[at:end], 10, 32); err != nil || end-at > 10 {
			return n, 0, fmt.Errorf("the authority %q of the SID is no decimal number up to 4294967295: want a greater one as 0x and twelve hexadecimal digits", short(text[at:end]))
		}
		at = end
	}
	for at < len(text) && text[at] == '-' {
		if len(n.sub) == maxSubAuthorities {
			return n, 0, fmt.Errorf("the SID %q has more than %d sub authorities", short(text[:at]), maxSubAuthorities)
		}
		end := at + 1 + leading(text[at+1:], digits)
		sub, err := strconv.ParseUint(text[at+1:end], 10, 32)
		if err != nil || end-at > 11 {
			return n, 0, fmt.Errorf("the sub authority %q of the SID is no decimal number up to 4294967295", short(text[at+1:end]))
		}
		n.sub = append(n.sub, uint32(sub))
		at = end
	}
	if len(n.sub) == 0 {
		return n, 0, fmt.Errorf("the SID %q has no sub authority: want one to %d", short(text[:at]), maxSubAuthorities)
	}
	return n, at, nil
}

const (
	digits    = "0123456789"
	hexDigits = digits + "abcdefABCDEF"
	letters   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// leading returns how many bytes at the start of text are of set.
func leading(text, set string) int {
	return len(text) - len(strings.TrimLeft(text, set))
}

// wordOf returns the word that text begins with, or else its first character,
// as an alias is read and as messages quote what is wrong. The letter of a part of a
// descriptor that follows, G:, does not belong to it.
func wordOf(text string) string {
	n := leading(text, letters+digits+"-_")
	if n > 2 && n < len(text) && text[n] == ':' {
		n--
	}
	if n > 0 {
		return text[:n]
	}
	for _, r := range text {
		return string(r)
	}
	return ""
}

// short cuts what a message quotes.
func short(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// aliasList returns all aliases for a message.
func aliasList() string {
	var all []string
	for _, w := range wellKnown {
		all = append(all, w.alias)
	}
	all = append(all, ofDomain...)
	slices.Sort(all)
	return strings.Join(all, " ")
}
