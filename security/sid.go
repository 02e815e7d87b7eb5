package security

import (
	"encoding/binary"
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
// as its two letters, and In makes it a whole SID. The zero SID is nobody.
//
// Two whole SIDs of ParseSID or SIDFromBinary are the same trustee if, and only
// if, they are ==.
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

// ofDomain are the aliases of trustees of a domain: the last number of the SID
// that they stand for.
var ofDomain = []struct {
	alias string
	rid   uint32
}{
	{"RO", 498}, // enterprise read-only domain controllers, of the forest's root
	{"LA", 500}, // administrator, of the machine
	{"LG", 501}, // guest, of the machine
	{"DA", 512}, // domain administrators
	{"DU", 513}, // domain users
	{"DG", 514}, // domain guests
	{"DC", 515}, // domain computers
	{"DD", 516}, // domain controllers
	{"CA", 517}, // certificate publishers
	{"SA", 518}, // schema administrators, of the forest's root
	{"EA", 519}, // enterprise administrators, of the forest's root
	{"PA", 520}, // group policy administrators
	{"CN", 522}, // clonable domain controllers
	{"AP", 525}, // protected users
	{"KA", 526}, // key administrators
	{"EK", 527}, // enterprise key administrators, of the forest's root
	{"RS", 553}, // remote access servers
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

// SIDFromBinary reads a SID as MS-DTYP 2.4.2.2 packs it; b must be that SID
// and nothing more. An error is of code BadInput.
func SIDFromBinary(b []byte) (SID, error) {
	wrong := func(format string, args ...any) (SID, error) {
		return "", sutler.Errorf(sutler.BadInput, "cannot read binary SID of %d bytes: %w", len(b), fmt.Errorf(format, args...))
	}
	if len(b) < 8 {
		return wrong("want at least 12")
	}
	if b[0] != 1 {
		return wrong("its revision is %d, want 1", b[0])
	}
	count := int(b[1])
	if count < 1 || count > maxSubAuthorities {
		return wrong("it says that it has %d sub authorities, want 1 to %d", count, maxSubAuthorities)
	}
	if want := 8 + 4*count; len(b) != want {
		return wrong("with %d sub authorities it must have %d", count, want)
	}
	n := numbers{authority: binary.BigEndian.Uint64(b) & (1<<48 - 1)}
	for at := 8; at < len(b); at += 4 {
		n.sub = append(n.sub, binary.LittleEndian.Uint32(b[at:]))
	}
	return n.sid(), nil
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
	for _, d := range ofDomain {
		if d.alias == string(s) {
			return true
		}
	}
	return false
}

// In returns the whole SID of s if s is the alias of a trustee of a domain, and
// s itself otherwise. Which domain is meant depends on the alias: LA and LG are
// of the machine, EA, EK, RO and SA of the root domain of the forest, the others
// of the domain of the account. An error is of code BadInput.
func (s SID) In(domain SID) (SID, error) {
	for _, d := range ofDomain {
		if d.alias != string(s) {
			continue
		}
		n, err := readAll(domain)
		if err != nil {
			return "", sutler.Errorf(sutler.BadInput, "cannot find %s in domain %q: %w", s, short(string(domain)), err)
		}
		if len(n.sub) == maxSubAuthorities {
			return "", sutler.Errorf(sutler.BadInput, "cannot find %s in domain %s: it has %d sub authorities already", s, domain, maxSubAuthorities)
		}
		n.sub = append(n.sub, d.rid)
		return n.sid(), nil
	}
	return s, nil
}

// Binary returns s as MS-DTYP 2.4.2.2 packs it. It returns nil if s is no whole
// SID: zero, an alias of a domain not named, or not made by this package.
func (s SID) Binary() []byte {
	n, err := readAll(s)
	if err != nil {
		return nil
	}
	b := binary.BigEndian.AppendUint64(nil, n.authority)
	b[0], b[1] = 1, byte(len(n.sub))
	for _, sub := range n.sub {
		b = binary.LittleEndian.AppendUint32(b, sub)
	}
	return b
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

// readAll reads the numbers of a whole SID.
func readAll(s SID) (numbers, error) {
	n, used, err := readNumbers(string(s))
	if err == nil && used < len(s) {
		err = fmt.Errorf("%q follows the SID", short(string(s[used:])))
	}
	return n, err
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
	for _, d := range ofDomain {
		all = append(all, d.alias)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
