package security

import (
	"cmp"
	"crypto/subtle"
	_ "embed" // the list of common passwords
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"sutler"
)

// Params are what a hash of a password costs to compute, by Argon2id.
type Params struct {
	MemoryKiB uint32 // m, in KiB
	Passes    uint32 // t
	Lanes     uint8  // p
}

// DefaultParams returns m=19456, t=2, p=1: 19 MiB and some hundredths of a
// second.
func DefaultParams() Params { return Params{MemoryKiB: 19456, Passes: 2, Lanes: 1} }

// What a hash may ask for, lest one from a foreign hand stop the server.
const (
	maxMemoryKiB = 1 << 20
	maxPasses    = 16
	maxLanes     = 16
)

// Check says whether a hash may have these parameters: 8 KiB for each lane up
// to 1 GiB, 1 to 16 passes, 1 to 16 lanes. Its error is BadInput.
func (p Params) Check() error {
	switch {
	case p.Lanes < 1 || p.Lanes > maxLanes:
		return sutler.Errorf(sutler.BadInput, "cannot hash passwords in %d lanes: choose 1 to %d", p.Lanes, maxLanes)
	case p.Passes < 1 || p.Passes > maxPasses:
		return sutler.Errorf(sutler.BadInput, "cannot hash passwords in %d passes: choose 1 to %d", p.Passes, maxPasses)
	case p.MemoryKiB < 8*uint32(p.Lanes) || p.MemoryKiB > maxMemoryKiB:
		return sutler.Errorf(sutler.BadInput, "cannot hash passwords with %d KiB: choose %d to %d", p.MemoryKiB, 8*uint32(p.Lanes), maxMemoryKiB)
	}
	return nil
}

const (
	saltSize = 16
	hashSize = 32
)

// Hasher hashes and verifies passwords with the parameters of an installation.
// Each computation takes the memory of its parameters; the caller bounds how
// many run at a time.
type Hasher struct {
	Params   Params       // must pass Check, else Hash and Verify panic
	Computed func(Params) // is told of each computation of a hash, with what it costs; may be nil
}

// Hash returns the hash of password in the PHC form,
// $argon2id$v=19$m=19456,t=2,p=1$salt$hash. The salt is 16 random bytes, fresh
// for each hash. The characters of the password count, not how they are
// composed (Unicode NFC). Hash panics when the salt has another length or
// h.Params.Check complains: both are mistakes of the program.
func (h Hasher) Hash(password string, salt []byte) string {
	if len(salt) != saltSize {
		panic(fmt.Sprintf("security: a salt of %d bytes, want %d", len(salt), saltSize))
	}
	if err := h.Params.Check(); err != nil {
		panic("security: " + err.Error())
	}
	return phc{h.Params, salt, h.compute(password, salt, h.Params, hashSize)}.String()
}

// Verify reports whether hash is one of password, and if so whether it is
// stale: it has other parameters than h.Params, so that a fresh hash is to be
// kept in its place. It computes exactly one hash and compares in constant
// time. An empty hash, that of an account which does not exist, and one that
// cannot be read cost what h.Params say, and are those of no password.
func (h Hasher) Verify(hash, password string) (ok, stale bool) {
	if err := h.Params.Check(); err != nil {
		panic("security: " + err.Error())
	}
	want, known := parsePHC(hash)
	if !known {
		want = phc{h.Params, make([]byte, saltSize), make([]byte, hashSize)}
	}
	got := h.compute(password, want.salt, want.params, len(want.hash))
	same := subtle.ConstantTimeCompare(got, want.hash) == 1
	ok = same && known
	fresh := want.params == h.Params && len(want.salt) == saltSize && len(want.hash) == hashSize
	return ok, ok && !fresh
}

func (h Hasher) compute(password string, salt []byte, p Params, size int) []byte {
	if h.Computed != nil {
		h.Computed(p)
	}
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, p.Passes, p.MemoryKiB, p.Lanes, uint32(size))
}

// phc is a hash in parts.
type phc struct {
	params Params
	salt   []byte
	hash   []byte
}

func (f phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", f.params.MemoryKiB, f.params.Passes, f.params.Lanes,
		enc.EncodeToString(f.salt), enc.EncodeToString(f.hash))
}

// maxPHC bounds the length of a hash that is read at all.
const maxPHC = 512

// parsePHC reads what String writes, and nothing else: no leading zeros, no
// white space, no other order. Salt and hash may have other lengths than ours,
// as other programs write them.
func parsePHC(s string) (phc, bool) {
	parts := strings.Split(s, "$")
	if len(s) > maxPHC || len(parts) != 6 {
		return phc{}, false
	}
	var f phc
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &f.params.MemoryKiB, &f.params.Passes, &f.params.Lanes); n != 3 || err != nil {
		return phc{}, false
	}
	var err1, err2 error
	f.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	f.hash, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || f.params.Check() != nil || len(f.salt) < 8 || len(f.hash) < 16 {
		return phc{}, false
	}
	return f, f.String() == s
}

// Policy is what passwords of an installation must be.
type Policy struct {
	MinLength int      // characters; 0 means 12
	Words     []string // that no password may hold, beside those that many use, which this package knows
}

const (
	minLength        = 12
	maxPasswordBytes = 1024
	minNameInside    = 4 // names from so many characters on must not be a part of a password
)

// CheckPassword says whether account may take password: it has the least
// length and at most 1,024 bytes, is not made of the account's name, forwards
// or backwards, with or without domain, has no word of the policy in it (one of
// fewer than four characters counts if it is all of it), and is not one that
// many use, with or without digits and punctuation at its end. The case of letters does not
// matter. The error is BadInput, says what to do, and does not show password.
func CheckPassword(policy Policy, account, password string) error {
	least := cmp.Or(policy.MinLength, minLength)
	if len(password) > maxPasswordBytes {
		return sutler.Errorf(sutler.BadInput, "cannot take the password: it is too long; choose one of at most %d bytes", maxPasswordBytes)
	}
	if utf8.RuneCountInString(norm.NFC.String(password)) < least {
		return sutler.Errorf(sutler.BadInput, "cannot take the password: it is too short; choose one of at least %d characters", least)
	}
	word := fold(password)
	forms := []string{word, strings.TrimRightFunc(word, isMark), strings.TrimRightFunc(word, isTail)}
	for _, name := range namesOf(account) {
		for _, form := range forms {
			// The name is not shown: it may be the password.
			if madeOf(form, name) || madeOf(form, reversed(name)) {
				return sutler.Errorf(sutler.BadInput, "cannot take the password: it is made of the name of the account; choose one that has nothing to do with it")
			}
		}
	}
	for _, own := range policy.Words {
		for _, form := range forms {
			if madeOf(form, fold(own)) {
				return sutler.Errorf(sutler.BadInput, "cannot take the password: it holds a word that %s refuses; choose one without it", sutler.SettingPasswordWords)
			}
		}
	}
	for _, form := range forms {
		if form != "" && isCommon(form) {
			return sutler.Errorf(sutler.BadInput, "cannot take the password: it is one that many people use, and so the first to be guessed; choose another, for instance several words that do not belong together")
		}
	}
	return nil
}

// fold makes alike what differs in case or in the form of its characters only.
func fold(s string) string { return cases.Fold().String(norm.NFKC.String(s)) }

// isMark and isTail know what people put at the end of a password.
func isMark(r rune) bool { return unicode.IsPunct(r) || unicode.IsSymbol(r) || unicode.IsSpace(r) }
func isTail(r rune) bool { return isMark(r) || unicode.IsDigit(r) }

// namesOf returns the folded names of an account: corp\ann and ann@corp.example
// are ann as well.
func namesOf(account string) []string {
	whole := fold(account)
	names := []string{whole}
	if _, user, ok := strings.Cut(whole, `\`); ok {
		names = append(names, user)
	}
	if user, _, ok := strings.Cut(whole, "@"); ok {
		names = append(names, user)
	}
	return names
}

// madeOf reports whether word is name, once or repeated, or has in it a name
// that is long enough to tell.
func madeOf(word, name string) bool {
	if name == "" || !strings.Contains(word, name) {
		return false
	}
	return utf8.RuneCountInString(name) >= minNameInside || strings.ReplaceAll(word, name, "") == ""
}

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// commonText has one password a line, folded.
//
//go:embed common.txt
var commonText string

// isCommon reports whether word is one of the list, whatever digits and
// punctuation the one or the other has at its end.
func isCommon(word string) bool {
	for known := range strings.Lines(commonText) {
		known = strings.TrimRight(known, "\r\n")
		stem := strings.TrimRightFunc(known, isTail)
		if stem == "" { // nothing but digits
			stem = known
		}
		if rest, ok := strings.CutPrefix(word, stem); ok && strings.TrimRightFunc(rest, isTail) == "" {
			return true
		}
	}
	return false
}
