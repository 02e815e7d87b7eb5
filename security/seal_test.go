package security_test

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"

	"sutler"
	"sutler/security"
)

const secret = "swordfish at dawn"

var record = []byte("credential/7")

func newKeys(t testing.TB) *security.Keys {
	t.Helper()
	k, err := security.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func seal(t testing.TB, k *security.Keys, plain string) []byte {
	t.Helper()
	sealed, err := k.Seal([]byte(plain), record)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func opens(t testing.TB, k *security.Keys, sealed []byte, want string) {
	t.Helper()
	plain, err := k.Open(sealed, record)
	if err != nil || string(plain) != want {
		t.Errorf("Open = %q, %v; want %q", plain, err, want)
	}
}

// refuses checks the code of an error and that it tells no secret.
func refuses(t testing.TB, err error, code sutler.Code, text string) {
	t.Helper()
	if err == nil || sutler.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v of code %v, want code %v and %q", err, sutler.CodeOf(err), code, text)
	}
	if err != nil && strings.Contains(err.Error(), secret) {
		t.Errorf("error %q shows the plain text", err)
	}
}

func TestSealOpens(t *testing.T) {
	k := newKeys(t)
	for _, plain := range []string{secret, "", "\x00\xff", strings.Repeat("x", 1<<16)} {
		sealed := seal(t, k, plain)
		if plain != "" && bytes.Contains(sealed, []byte(plain)) {
			t.Errorf("the sealed value holds its plain text")
		}
		opens(t, k, sealed, plain)
	}
	if bytes.Equal(seal(t, k, secret), seal(t, k, secret)) {
		t.Error("two seals of the same are the same")
	}
}

func TestOpenChangedByte(t *testing.T) {
	k := newKeys(t)
	sealed := seal(t, k, secret)
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		code := sutler.Corrupt
		if 1 <= i && i <= 4 { // the ID of the key
			code = sutler.NotFound
		}
		_, err := k.Open(changed, record)
		refuses(t, err, code, `cannot open the value of record "credential/7"`)
	}
	for n := range sealed {
		if _, err := k.Open(sealed[:n], record); err == nil {
			t.Errorf("the first %d bytes open", n)
		}
	}
	_, err := k.Open(append(bytes.Clone(sealed), 0), record)
	refuses(t, err, sutler.Corrupt, "was changed")
	_, err = k.Open([]byte(secret), record)
	refuses(t, err, sutler.Corrupt, "it was not sealed")
}

func TestOpenOfAnotherRecord(t *testing.T) {
	k := newKeys(t)
	sealed := seal(t, k, secret)
	for _, other := range []string{"credential/8", "credential/", "credential/77", ""} {
		_, err := k.Open(sealed, []byte(other))
		refuses(t, err, sutler.Corrupt, "sealed for another record")
	}
	for _, none := range [][]byte{nil, {}} {
		_, err := k.Seal([]byte(secret), none)
		refuses(t, err, sutler.BadInput, "the ID of its record is empty")
	}
}

func TestOpenOfAnotherSet(t *testing.T) {
	_, err := newKeys(t).Open(seal(t, newKeys(t), secret), record)
	refuses(t, err, sutler.NotFound, "the key set has no key")
}

func TestRotateAndDrop(t *testing.T) {
	k := newKeys(t)
	var ids []uint32 // newest first
	var sealed [][]byte
	for i := range 3 {
		if i > 0 {
			if err := k.Rotate(); err != nil {
				t.Fatal(err)
			}
		}
		ids = append([]uint32{k.KeyIDs()[0]}, ids...)
		sealed = append([][]byte{seal(t, k, secret)}, sealed...)
		if diff := cmp.Diff(ids, k.KeyIDs()); diff != "" {
			t.Errorf("KeyIDs after %d rotations (-want +got):\n%s", i, diff)
		}
	}
	for _, s := range sealed {
		opens(t, k, s, secret)
	}
	k.KeyIDs()[0] = 0 // a copy

	refuses(t, k.Drop(ids[0]), sutler.Conflict, "it is the primary key")
	refuses(t, k.Drop(ids[0]^ids[1]^ids[2]^1), sutler.NotFound, "has no such key")
	if diff := cmp.Diff(ids, k.KeyIDs()); diff != "" {
		t.Errorf("KeyIDs after refused drops (-want +got):\n%s", diff)
	}
	if err := k.Drop(ids[1]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint32{ids[0], ids[2]}, k.KeyIDs()); diff != "" {
		t.Errorf("KeyIDs after Drop (-want +got):\n%s", diff)
	}
	opens(t, k, sealed[0], secret)
	opens(t, k, sealed[2], secret)
	_, err := k.Open(sealed[1], record)
	refuses(t, err, sutler.NotFound, "the key set has no key")
	refuses(t, k.Drop(ids[1]), sutler.NotFound, "has no such key")
}

func TestKeysKept(t *testing.T) {
	kek, err := aead.New(must(keyset.NewHandle(aead.AES128GCMKeyTemplate()))(t))
	if err != nil {
		t.Fatal(err)
	}
	k := newKeys(t)
	old := seal(t, k, secret)
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	fresh := seal(t, k, secret)

	clear := must(k.Bytes())(t)
	wrapped := must(k.Wrapped(kek))(t)
	for name, again := range map[string]*security.Keys{
		"clear":   must(security.ParseKeys(clear))(t),
		"wrapped": must(security.ParseWrappedKeys(wrapped, kek))(t),
	} {
		opens(t, again, old, secret)
		opens(t, again, fresh, secret)
		opens(t, k, seal(t, again, secret), secret)
		if diff := cmp.Diff(k.KeyIDs(), again.KeyIDs()); diff != "" {
			t.Errorf("%s: KeyIDs (-want +got):\n%s", name, diff)
		}
	}
	if _, err := security.ParseKeys(wrapped); err == nil {
		t.Error("a wrapped set is read as clear text")
	}
	_, err = security.ParseWrappedKeys(clear, kek)
	refuses(t, err, sutler.BadInput, "it is not an encrypted Tink key set")
	wrong, err := aead.New(must(keyset.NewHandle(aead.AES256GCMKeyTemplate()))(t))
	if err != nil {
		t.Fatal(err)
	}
	_, err = security.ParseWrappedKeys(wrapped, wrong)
	refuses(t, err, sutler.Failed, "check that the key encryption key is the one")
	_, err = security.ParseWrappedKeys(wrapped, nil)
	refuses(t, err, sutler.BadInput, "no key encryption key is given")
	_, err = k.Wrapped(nil)
	refuses(t, err, sutler.BadInput, "no key encryption key is given")
	_, err = k.Wrapped(noKEK{})
	refuses(t, err, sutler.Failed, "the service is away")
}

// noKEK is a key management service that does not answer.
type noKEK struct{}

func (noKEK) Encrypt(_, _ []byte) ([]byte, error) { return nil, errors.New("the service is away") }
func (noKEK) Decrypt(_, _ []byte) ([]byte, error) { return nil, errors.New("the service is away") }

var _ tink.AEAD = noKEK{}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestParseKeysRefuses(t *testing.T) {
	for name, template := range map[string]*tinkpb.KeyTemplate{
		"AES-128":    aead.AES128GCMKeyTemplate(),
		"no prefix":  aead.AES256GCMNoPrefixKeyTemplate(),
		"ChaCha20":   aead.ChaCha20Poly1305KeyTemplate(),
		"CTR + HMAC": aead.AES256CTRHMACSHA256KeyTemplate(),
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			handle := must(keyset.NewHandle(template))(t)
			if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
				t.Fatal(err)
			}
			_, err := security.ParseKeys(b.Bytes())
			refuses(t, err, sutler.BadInput, "it is not for AES-256 in GCM")
		})
	}
	good := string(must(newKeys(t).Bytes())(t))
	for _, bad := range []string{"", "{}", "null", secret, `{"` + secret + `":1}`, `{"primaryKeyId":1,"key":[{"keyData":{"value":"` + secret + `"}}]}`,
		strings.Replace(good, "ENABLED", "DISABLED", 1), good[1:], strings.Replace(good, `"value":"`, `"value":"AA`, 1)} {
		_, err := security.ParseKeys([]byte(bad))
		refuses(t, err, sutler.BadInput, "cannot read the key set: it is not a Tink key set in clear text")
	}
}

func TestReplace(t *testing.T) {
	k := newKeys(t)
	next := must(security.ParseKeys(must(k.Bytes())(t)))(t)
	if err := next.Rotate(); err != nil {
		t.Fatal(err)
	}
	ids := next.KeyIDs()
	k.Replace(next)
	if err := next.Rotate(); err != nil { // no longer k's business
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids, k.KeyIDs()); diff != "" {
		t.Errorf("KeyIDs after Replace (-want +got):\n%s", diff)
	}
	k.Replace(k)
	opens(t, next, seal(t, k, secret), secret)
}

// TestRotateMeanwhile rotates while others seal and open: everything opens,
// then and afterwards.
func TestRotateMeanwhile(t *testing.T) {
	k := newKeys(t)
	var wg sync.WaitGroup
	var all [8][][]byte
	var rotators atomic.Int32
	rotators.Store(2)
	for range rotators.Load() { // two who change the set at the same time
		wg.Go(func() {
			defer rotators.Add(-1)
			for range 20 {
				if err := k.Rotate(); err != nil {
					t.Error(err)
				}
				runtime.Gosched()
			}
		})
	}
	for i := range all {
		wg.Go(func() {
			for n := 0; n < 100 || rotators.Load() > 0; n++ {
				sealed, err := k.Seal([]byte(secret), record)
				if err != nil {
					t.Error(err)
					return
				}
				runtime.Gosched() // lets the rotators in
				all[i] = append(all[i], sealed)
				for _, s := range [][]byte{sealed, all[i][n/2]} {
					if plain, err := k.Open(s, record); err != nil || string(plain) != secret {
						t.Errorf("Open = %q, %v", plain, err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	if n := len(k.KeyIDs()); n != 41 {
		t.Errorf("%d keys after 40 rotations, want 41", n)
	}
	for _, some := range all {
		for _, sealed := range some {
			opens(t, k, sealed, secret)
		}
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add(must(newKeys(f).Bytes())(f))
	f.Add([]byte(`{"primaryKeyId":1,"key":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := security.ParseKeys(b)
		if err != nil {
			if sutler.CodeOf(err) != sutler.BadInput {
				t.Errorf("code %v of %v", sutler.CodeOf(err), err)
			}
			return
		}
		opens(t, k, seal(t, k, secret), secret)
		again := must(security.ParseKeys(must(k.Bytes())(t)))(t)
		if diff := cmp.Diff(k.KeyIDs(), again.KeyIDs()); diff != "" {
			t.Errorf("KeyIDs of what was written (-want +got):\n%s", diff)
		}
	})
}

func FuzzOpen(f *testing.F) {
	k := newKeys(f)
	f.Add(seal(f, k, secret), record)
	f.Fuzz(func(t *testing.T, sealed, record []byte) {
		if _, err := k.Open(sealed, record); err != nil && sutler.CodeOf(err) != sutler.Corrupt && sutler.CodeOf(err) != sutler.NotFound {
			t.Errorf("code %v of %v", sutler.CodeOf(err), err)
		}
	})
}
