package security_test

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sutler"
	"sutler/security"
)

const pony = "correct pony battery"

// quick costs next to nothing.
var quick = security.Params{MemoryKiB: 64, Passes: 1, Lanes: 1}

var salt = []byte("0123456789abcdef")

// foreign are hashes that the reference program of Argon2 made.
var foreign = []struct {
	hash, password string
	params         security.Params
	ours           bool // of the lengths that Hash writes
}{
	{"$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J8z2XJAorXgooxRdbaMAAzFfC3ZMjI+lYoZxbksWIAc", pony, security.DefaultParams(), true},
	{"$argon2id$v=19$m=64,t=3,p=4$MDEyMzQ1Njc4OWFiY2RlZg$sDydmNEGRyHIou6UGRQrKFVhVLxZmh9IXqcwoDRT4T4", "mélodie à quatre", security.Params{MemoryKiB: 64, Passes: 3, Lanes: 4}, true},
	{"$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ", pony, quick, true},
	{"$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$qMbR06XjyLhYCx7N2qqmQg", pony, quick, false},
	{"$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc$n1xEb10y1P3TeCO8eeCWW84WQhG42m79ECahVlGogy0", pony, quick, false},
}

func TestHashIsArgon2id(t *testing.T) {
	for _, row := range foreign {
		if got := (security.Hasher{Params: row.params}).Hash(row.password, salt); row.ours && got != row.hash {
			t.Errorf("Hash = %s\nwant   %s", got, row.hash)
		}
		for _, p := range []security.Params{row.params, {MemoryKiB: 65, Passes: 3, Lanes: 4}, {MemoryKiB: 64, Passes: 2, Lanes: 4}, {MemoryKiB: 64, Passes: 3, Lanes: 3}} {
			h := security.Hasher{Params: p}
			wantStale := p != row.params || !row.ours
			if ok, stale := h.Verify(row.hash, row.password); !ok || stale != wantStale {
				t.Errorf("%v: Verify(%s) = %t, stale %t; want true, stale %t", p, row.hash, ok, stale, wantStale)
			}
			if ok, stale := h.Verify(row.hash, row.password+"x"); ok || stale {
				t.Errorf("%v: Verify(%s) of another password = %t, stale %t", p, row.hash, ok, stale)
			}
		}
	}
}

func TestHashOfComposedCharacters(t *testing.T) {
	h := security.Hasher{Params: quick}
	hash := h.Hash("m\u00e9lodie", salt)
	if ok, _ := h.Verify(hash, "me\u0301lodie"); !ok {
		t.Error("é composed and decomposed are two passwords")
	}
	if ok, _ := h.Verify(hash, "melodie"); ok {
		t.Error("é and e are one password")
	}
}

// badHashes cannot be read, or ask for more than is allowed.
var badHashes = []string{
	"", "x", pony, "$$$$$", "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg",
	"$argon2i$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=16$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=064,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=+64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$t=1,m=64,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=64,t=1,p=1,keyid=a$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ\n",
	"$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZh$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=64,t=1,p=1$$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$",
	"$argon2id$v=19$m=1048577,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=64,t=17,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=256,t=1,p=17$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=64,t=0,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=64,t=1,p=0$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=7,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=4294967360,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ",
	"$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$J+I4QgsSlgq45Huse2nmARpA5bN0cYuMydLH5yYF4LQ" + strings.Repeat("A", 1000),
}

// TestVerifyAlwaysComputesOnce has the account that does not exist and broken
// hashes cost what a good one costs.
func TestVerifyAlwaysComputesOnce(t *testing.T) {
	computed := 0
	h := security.Hasher{Params: quick, Computed: func(security.Params) { computed++ }}
	good := h.Hash(pony, salt)
	if computed != 1 {
		t.Fatalf("Hash computed %d hashes, want 1", computed)
	}
	for _, hash := range append([]string{good}, badHashes...) {
		for _, password := range []string{pony, "wrong", ""} {
			computed = 0
			ok, stale := h.Verify(hash, password)
			if want := hash == good && password == pony; ok != want || stale {
				t.Errorf("Verify(%q, %q) = %t, stale %t; want %t, stale false", hash, password, ok, stale, want)
			}
			if computed != 1 {
				t.Errorf("Verify(%q, %q) computed %d hashes, want 1", hash, password, computed)
			}
		}
	}
}

// TestVerifyOfUnknownCosts measures by memory what is computed for an account
// that does not exist: that of h.Params, not less.
func TestVerifyOfUnknownCosts(t *testing.T) {
	h := security.Hasher{Params: security.Params{MemoryKiB: 4096, Passes: 1, Lanes: 1}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h.Verify("", pony)
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got < 4<<20 {
		t.Errorf("an unknown account takes %d bytes, want at least 4 MiB", got)
	}
}

func TestParamsCheck(t *testing.T) {
	for p, good := range map[security.Params]bool{
		security.DefaultParams():                       true,
		{MemoryKiB: 1 << 20, Passes: 16, Lanes: 16}:    true,
		{MemoryKiB: 128, Passes: 1, Lanes: 16}:         true,
		{}:                                             false,
		{MemoryKiB: 127, Passes: 1, Lanes: 16}:         false,
		{MemoryKiB: 1<<20 + 1, Passes: 1, Lanes: 1}:    false,
		{MemoryKiB: 64, Passes: 0, Lanes: 1}:           false,
		{MemoryKiB: 64, Passes: 17, Lanes: 1}:          false,
		{MemoryKiB: 64, Passes: 1, Lanes: 0}:           false,
		{MemoryKiB: 1 << 12, Passes: 1, Lanes: 17}:     false,
		{MemoryKiB: 4294967295, Passes: 1, Lanes: 255}: false,
	} {
		err := p.Check()
		if (err == nil) != good {
			t.Errorf("Check of %+v: %v", p, err)
		}
		if !good {
			refuses(t, err, sutler.BadInput, "cannot hash passwords")
		}
	}
	for name, wrong := range map[string]func(){
		"salt":   func() { security.Hasher{Params: quick}.Hash(pony, salt[:15]) },
		"params": func() { security.Hasher{}.Hash(pony, salt) },
		"verify": func() { security.Hasher{}.Verify("", pony) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			wrong()
		}()
	}
}

func FuzzVerify(f *testing.F) {
	for _, hash := range badHashes {
		f.Add(hash, pony)
	}
	for _, row := range foreign[1:] {
		f.Add(row.hash, row.password)
	}
	h := security.Hasher{Params: quick}
	f.Fuzz(func(t *testing.T, hash, password string) {
		if strings.Contains(hash, "m=") && !strings.Contains(hash, "m=64,t=1,") { // valid, and slow
			return
		}
		if ok, _ := h.Verify(hash, password); ok {
			if again, _ := h.Verify(h.Hash(password, salt), password); !again {
				t.Errorf("a fresh hash of %q does not verify", password)
			}
		}
	})
}

func TestCheckPassword(t *testing.T) {
	const (
		short, long, name, common, fine = "at least 12 characters", "at most 1024 bytes", "name of the account", "many people use", ""
	)
	rows := []struct{ account, password, want string }{
		{"ann", "tangle-orbit-quince", fine},
		{"ann", "twelve chars", fine},
		{"ann", "eleven char", short},
		{"ann", "", short},
		{"ann", "äöüäöüäöüäöß", fine},                          // 12 characters
		{"ann", "äöüäöüäöüäö", short},                          // 11 characters, 22 bytes
		{"ann", "a\u0301o\u0301" + "tangle-or", short},         // 11 characters in 13
		{"ann", strings.Repeat("quince-orb ", 93), fine},       // 1,023 bytes
		{"ann", strings.Repeat("quince-orb ", 93) + "x", fine}, // 1,024 bytes
		{"ann", strings.Repeat("quince-orb ", 93) + "xy", long},
		{"ann", strings.Repeat("ü", 513), long},

		{"administrator1", "administrator1", name},
		{"administrator1", "AdministratoR1", name},
		{"Margarethe.Kohl", "margarethe.kohl", name},
		{"margarethe.kohl", "lhok.ehteragram", name},
		{"margarethe.kohl", "my MARGARETHE.KOHL 7!", name},
		{"margarethe.kohl", "my lhok.ehteragram 7!", name},
		{"margarethe.kohl", "margarethe-quince", fine},
		{`corp\margarethe`, "Margarethe-quince", name},
		{`corp\margarethe`, "corporate-quince", fine},
		{"margarethe@corp.example", "Margarethe-quince", name},
		{"STRASSE", "straße-quince", name},
		{"anna", "quince-annanas", name},
		{"ann", "quince-annanas", fine},
		{"ann", "annannannann", name},
		{"ann", "AnnAnnAnnAnn", name},
		{"ann", "annannannann7!", name},
		{"ann", "nnannannanna", name},
		{"ann", "ann847261950", name},
		{"ann", "ann-tangle-orbit", fine},
		{`corp\`, "tangle-orbit-quince", fine},
		{"", "tangle-orbit-quince", fine},

		{"ann", "password1234", common},
		{"ann", "PassWord1234", common},
		{"ann", "ｐａｓｓｗｏｒｄ１２３４", common}, // full width
		{"ann", "password98765", common},
		{"ann", "Password2031!?", common},
		{"ann", "qwertyuiop12", common},
		{"ann", "123456789012", common},
		{"ann", "123456789012!!", common},
		{"ann", "1234567890127 7", common},
		{"ann", "correct horse battery staple", common},
		{"ann", "correct horse battery staple 7", common},
		{"ann", "password-tangle-orbit", fine},
		{"ann", "847261950372", fine},
	}
	for _, row := range rows {
		err := security.CheckPassword(security.Policy{}, row.account, row.password)
		switch {
		case row.want == fine && err != nil:
			t.Errorf("%q for %q: %v", row.password, row.account, err)
		case row.want != fine:
			refuses(t, err, sutler.BadInput, row.want)
			if err == nil {
				t.Errorf("%q for %q is taken", row.password, row.account)
			} else if row.password != "" && strings.Contains(strings.ToLower(err.Error()), strings.ToLower(row.password)) {
				t.Errorf("error %q shows the password", err)
			}
		}
	}
}

func TestCheckPasswordByAPolicy(t *testing.T) {
	policy := security.Policy{MinLength: 6, Words: []string{"Quince", "kim"}}
	refuses(t, security.CheckPassword(policy, "ann", "orbit"), sutler.BadInput, "at least 6 characters")
	for _, word := range []string{"Quince7!", "a jar of QUINCES", "kimkim", "KimKim1!"} {
		refuses(t, security.CheckPassword(policy, "ann", word), sutler.BadInput, sutler.SettingPasswordWords)
	}
	refuses(t, security.CheckPassword(policy, "ann", "Dragon"), sutler.BadInput, "many people use")
	if err := security.CheckPassword(policy, "ann", "a kimono"); err != nil {
		t.Errorf("a short word is no word of its own there: %v", err)
	}
}

func TestCommonPasswords(t *testing.T) {
	b, err := os.ReadFile("common.txt")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(words) < 200 || !slices.IsSorted(words) || len(slices.Compact(slices.Clone(words))) != len(words) || bytes.ContainsRune(b, '\r') {
		t.Errorf("%d words, want at least 200, sorted, each once", len(words))
	}
	for _, word := range words {
		if n := utf8.RuneCountInString(word); n < 12 {
			t.Errorf("%q has %d characters, want at least 12", word, n)
		}
		for _, form := range []string{word, strings.ToUpper(word), word + "!", word + " 7"} {
			refuses(t, security.CheckPassword(security.Policy{}, "ann", form), sutler.BadInput, "many people use")
		}
	}
}
