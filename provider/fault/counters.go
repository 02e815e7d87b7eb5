package fault

import (
	"errors"
	"io/fs"
	"os"
	"path"
)

// counters are named sets of calls. A call is in a set or it is not, so
// adding and removing may repeat; the value of a counter is the size of its set.
type counters interface {
	add(name, call string) error
	remove(name, call string) error
	size(name string) (int, error)
}

// memory keeps counters in the process.
type memory map[string]map[string]bool

func (m memory) add(name, call string) error {
	if m[name] == nil {
		m[name] = map[string]bool{}
	}
	m[name][call] = true
	return nil
}

func (m memory) remove(name, call string) error {
	delete(m[name], call)
	return nil
}

func (m memory) size(name string) (int, error) { return len(m[name]), nil }

// folder keeps each counter as a folder and each call in it as an empty file.
type folder struct{ root *os.Root }

// top is the folder of all counters.
const top = "counters"

func (d folder) add(name, call string) error {
	if err := d.root.MkdirAll(path.Join(top, name), 0o755); err != nil {
		return err
	}
	f, err := d.root.OpenFile(path.Join(top, name, call), os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (d folder) remove(name, call string) error {
	if err := ignore(d.root.Remove(path.Join(top, name, call)), fs.ErrNotExist); err != nil {
		return err
	}
	// A counter at 0 leaves nothing behind; one in use stays.
	for _, empty := range []string{path.Join(top, name), top} {
		if d.root.Remove(empty) != nil {
			break
		}
	}
	return nil
}

func (d folder) size(name string) (int, error) {
	f, err := d.root.Open(path.Join(top, name))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	return len(names), err
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
