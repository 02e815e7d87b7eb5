package file

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"syscall"
)

// openFlags are not needed: os.Root follows no link out of the folder and
// Windows has no named pipes in folders.
const openFlags = 0

// identity returns a text that no other object has: volume, file index and
// time of birth. Of a link only the time of birth is told.
func identity(d *folder, name string) (string, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return "", err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		if a, ok := info.Sys().(*syscall.Win32FileAttributeData); ok {
			return fmt.Sprintf("link:%d", a.CreationTime.Nanoseconds()), nil
		}
		return "", errors.New("this link has no time of birth")
	}
	f, err := d.root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var i syscall.ByHandleFileInformation
	if err := syscall.GetFileInformationByHandle(syscall.Handle(f.Fd()), &i); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d:%d.%d:%d", i.VolumeSerialNumber, i.FileIndexHigh, i.FileIndexLow, i.CreationTime.Nanoseconds()), nil
}

// rename moves an object without replacing another: fs.ErrExist then. Another
// that comes in the same instant is not noticed.
func rename(from *folder, name string, to *folder, newName string) error {
	if _, err := to.root.Lstat(newName); err == nil {
		return fs.ErrExist
	}
	return from.top.Rename(filepath.FromSlash(path.Join(from.path, name)), filepath.FromSlash(path.Join(to.path, newName)))
}

// chmod changes the read-only bit of the object with that identity.
func chmod(d *folder, name, id string, mode fs.FileMode) error {
	now, err := identity(d, name)
	if err != nil {
		return err
	}
	if now != id {
		return errReplaced()
	}
	return d.root.Chmod(name, mode)
}

// sync does nothing: Windows has no way to sync a folder.
func (d *folder) sync() error { return nil }
