package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"sutler"
)

// ReadOptions reads the mapping of accounts from a file, a JSON object with
// accounts, an object of names, and service, a name; see Options. Without the
// file nothing is mapped. It is refused, with code BadInput, when somebody else
// than the engine's account or root could write it.
func ReadOptions(path string) (Options, error) {
	o, err := readOptions(path)
	if err != nil {
		return Options{}, sutler.Errorf(sutler.BadInput, "cannot read the mapping of accounts in %q: %w", path, reason(err))
	}
	return o, nil
}

func readOptions(path string) (Options, error) {
	const most = 1 << 20
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Options{}, nil
	}
	if err != nil {
		return Options{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Options{}, err
	}
	if !info.Mode().IsRegular() {
		return Options{}, errors.New("it is not a file")
	}
	if owner := ownerOf(info); owner >= 0 {
		if owner != 0 && owner != int64(os.Geteuid()) {
			return Options{}, fmt.Errorf("it belongs to uid %d; give it to the account of the engine", owner)
		}
		if info.Mode().Perm()&0o022 != 0 {
			return Options{}, fmt.Errorf("others may write it (mode %04o); give it mode 0600", info.Mode().Perm())
		}
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return Options{}, err
	}
	if len(text) > most {
		return Options{}, fmt.Errorf("it has more than %d bytes", most)
	}
	o, err := parseOptions(text)
	o.Setting = path
	return o, err
}

func parseOptions(text []byte) (Options, error) {
	var m struct {
		Accounts map[string]string `json:"accounts"`
		Service  string            `json:"service"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return Options{}, fmt.Errorf(`want {"accounts": {"NAME": "ACCOUNT"}, "service": "ACCOUNT"}: %w`, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Options{}, errors.New("something stands behind the object")
	}
	return Options{Accounts: m.Accounts, Service: m.Service}, nil
}
