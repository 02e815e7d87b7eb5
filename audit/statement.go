package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"sutler"
)

// Statement is what is signed: the heads of chains at a time.
type Statement struct {
	Number int64     `json:"number"` // of the statements of this key, from 1
	Before string    `json:"before"` // hexadecimal SHA-256 of the line before, "" for the first
	At     time.Time `json:"at"`
	Heads  []Head    `json:"heads,omitempty"` // of the chains that have grown since the statement before
	Cuts   []Head    `json:"cuts,omitempty"`  // what retention cuts off: rows up to that one, with its link
}

// Head names a row of a chain.
type Head struct {
	Engine sutler.EngineID `json:"engine"`
	Fence  int64           `json:"fence"`
	Number int64           `json:"number"`
	Link   string          `json:"link"` // hexadecimal
}

func headOf(l sutler.Lease, number int64, link sutler.Link) Head {
	return Head{l.Engine, l.Fence, number, hex.EncodeToString(link[:])}
}

// signed is one line: the bytes of a statement as they were signed.
type signed struct {
	Statement json.RawMessage `json:"statement"`
	Key       string          `json:"key"`
	Signature []byte          `json:"signature"`
}

// KeyID returns the name of a public key: the beginning of its hash.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// Sign returns s as one line without its end, signed by key.
func Sign(s Statement, key ed25519.PrivateKey) ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("cannot write a statement: %w", err)
	}
	public := key.Public().(ed25519.PublicKey)
	return json.Marshal(signed{text, KeyID(public), ed25519.Sign(key, text)})
}

// LineHash returns what the statement after line names as Before.
func LineHash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// ReadStatement returns the statement of a line and the name of its key. An
// error says that the line is none, or that none of keys signed it.
func ReadStatement(line []byte, keys []ed25519.PublicKey) (s Statement, key string, err error) {
	var l signed
	if err := json.Unmarshal(line, &l); err != nil {
		return s, "", fmt.Errorf("it is not a statement: %w", err)
	}
	for _, k := range keys {
		if KeyID(k) != l.Key {
			continue
		}
		if !ed25519.Verify(k, l.Statement, l.Signature) {
			return s, l.Key, fmt.Errorf("its signature does not fit")
		}
		if err := json.Unmarshal(l.Statement, &s); err != nil {
			return s, l.Key, fmt.Errorf("it is not a statement: %w", err)
		}
		return s, l.Key, nil
	}
	return s, l.Key, fmt.Errorf("its key %q is not among those that are trusted", l.Key)
}
