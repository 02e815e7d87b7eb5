package file

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFlags keep the opening of a file from following a link or waiting for
// the other end of a pipe.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// identity returns a text that no other object has, not even a later one with
// the same inode: device, inode, generation and time of birth. A link is not
// followed.
func identity(d *folder, name string) (string, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(int(d.self.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d:%d:%d:%d.%09d", st.Dev, st.Ino, st.Gen, st.Btim.Sec, st.Btim.Nsec), nil
}

// rename moves an object without replacing another: fs.ErrExist then.
func rename(from *folder, name string, to *folder, newName string) error {
	return unix.RenameatxNp(int(from.self.Fd()), name, int(to.self.Fd()), newName, unix.RENAME_EXCL)
}

// chmod changes the mode of the object with that identity, links not followed.
func chmod(d *folder, name, id string, mode fs.FileMode) error {
	now, err := identity(d, name)
	if err != nil {
		return err
	}
	if now != id {
		return errReplaced()
	}
	bits := uint32(mode.Perm())
	if mode&fs.ModeSetgid != 0 {
		bits |= unix.S_ISGID
	}
	if mode&fs.ModeSticky != 0 {
		bits |= unix.S_ISVTX
	}
	return unix.Fchmodat(int(d.self.Fd()), name, bits, unix.AT_SYMLINK_NOFOLLOW)
}

// sync makes the names in the folder durable.
func (d *folder) sync() error { return d.self.Sync() }

// ownProgram returns the path of this program, which the helper's account must
// be able to run.
func ownProgram() (string, error) { return os.Executable() }

// dieWithParent does nothing: a helper ends when its input does.
func dieWithParent(*syscall.SysProcAttr) {}

// hideProcess does nothing.
func hideProcess() error { return nil }
