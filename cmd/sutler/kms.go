package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"gocloud.dev/secrets"
	"gocloud.dev/secrets/hashivault"
	"gocloud.dev/secrets/localsecrets"

	"sutler"
)

// kmsVariable is the twin of --seal-kms, with which a key in it is on no command
// line.
const kmsVariable = "SUTLER_SEAL_KMS"

// kmsPatience is how long a key management service may take to answer.
const kmsPatience = 20 * time.Second

// kms is a key encryption key kept elsewhere: a tink.AEAD that wraps the keys
// that seal.
type kms struct {
	keeper   *secrets.Keeper
	name     string // without anything secret, for messages
	patience time.Duration
}

// openKMS returns the key encryption key of an address, without asking the
// service for anything yet. No error shows the address: it may be a key.
func openKMS(address string) (*kms, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, kmsAddress("its text is no URL")
	}
	if u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return nil, kmsAddress("its text is no URL of scheme, name and parameters alone")
	}
	switch u.Scheme {
	case localsecrets.Scheme:
		key, err := localsecrets.Base64Key(u.Host)
		if err != nil || u.Path != "" || u.RawQuery != "" { // err may quote it
			return nil, kmsAddress("after base64key:// stands no key of 32 bytes in base64 for URLs (- and _ in place of + and /)")
		}
		return &kms{localsecrets.NewKeeper(key), localsecrets.Scheme, kmsPatience}, nil
	case hashivault.Scheme:
		return openVault(u)
	}
	return nil, kmsAddress("its scheme is not hashivault or base64key")
}

func kmsAddress(why string) error {
	return sutler.Errorf(sutler.BadInput, "cannot use the address of --seal-kms or %s: %s", kmsVariable, why)
}

// openVault returns a key of the transit engine of a Vault server, which the
// environment names as for other clients of Vault.
func openVault(u *url.URL) (*kms, error) {
	server := cmp.Or(os.Getenv("VAULT_SERVER_URL"), os.Getenv("VAULT_ADDR"))
	if u.Host == "" || server == "" {
		return nil, kmsAddress("want hashivault://KEY, the name of a key of its transit engine, with VAULT_ADDR and VAULT_TOKEN in the environment")
	}
	config := hashivault.Config{Token: cmp.Or(os.Getenv("VAULT_SERVER_TOKEN"), os.Getenv("VAULT_TOKEN"))}
	config.APIConfig.Address = server
	client, err := hashivault.Dial(context.Background(), &config)
	if err != nil {
		return nil, kmsAddress("VAULT_ADDR, or another VAULT_ variable, is not what Vault's clients take")
	}
	keeper, err := (&hashivault.URLOpener{Client: client}).OpenKeeperURL(context.Background(), u)
	if err != nil {
		return nil, kmsAddress("hashivault takes no parameter but engine")
	}
	return &kms{keeper, hashivault.Scheme + "://" + u.Host + u.Path, kmsPatience}, nil
}

// Encrypt implements tink.AEAD. The services bind nothing to what they encrypt.
func (k *kms) Encrypt(plain, bound []byte) ([]byte, error) {
	return k.ask("encrypt", k.keeper.Encrypt, plain, bound)
}

// Decrypt implements tink.AEAD.
func (k *kms) Decrypt(wrapped, bound []byte) ([]byte, error) {
	return k.ask("decrypt", k.keeper.Decrypt, wrapped, bound)
}

// probe has the service encrypt and decrypt something.
func (k *kms) probe() error {
	plain := []byte("sutler")
	wrapped, err := k.Encrypt(plain, nil)
	if err != nil {
		return err
	}
	again, err := k.Decrypt(wrapped, nil)
	if err == nil && !bytes.Equal(plain, again) {
		err = fmt.Errorf("the key management service %s does not decrypt what it encrypts", k.name)
	}
	return err
}

// ask waits for the service, which may neither answer nor end, and whose
// client may stumble over an answer of something else.
func (k *kms) ask(what string, do func(context.Context, []byte) ([]byte, error), text, bound []byte) ([]byte, error) {
	if len(bound) > 0 {
		return nil, sutler.Errorf(sutler.BadInput, "the key management service %s binds nothing to what it encrypts", k.name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), k.patience)
	defer cancel()
	type answer struct {
		text []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if r := recover(); r != nil {
				a = answer{err: errors.New("its answer is not one of such a service")}
			}
			answered <- a
		}()
		a.text, a.err = do(ctx, text)
	}()
	select {
	case a := <-answered:
		if a.err != nil {
			return nil, fmt.Errorf("the key management service %s does not %s: %s", k.name, what, oneLine(a.err))
		}
		return a.text, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("the key management service %s does not answer within %s", k.name, k.patience)
	}
}

// oneLine is the text of an error of a client, which may have several lines.
func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
