package file

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// openFlags keep the opening of a file from following a link or waiting for
// the other end of a pipe.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// identity returns a text that no other object has, not even a later one with
// the same inode: device, inode, and the file handle of the kernel, which holds
// the inode's generation, or else the time of birth. A link is not followed.
func identity(d *folder, name string) (string, error) {
	return identityAt(int(d.self.Fd()), name, unix.AT_SYMLINK_NOFOLLOW, 0)
}

func identityAt(dirfd int, name string, statFlags, handleFlags int) (string, error) {
	var st unix.Statx_t
	if err := unix.Statx(dirfd, name, statFlags, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return "", err
	}
	id := fmt.Sprintf("%d:%d:%d", st.Dev_major, st.Dev_minor, st.Ino)
	if h, _, err := unix.NameToHandleAt(dirfd, name, handleFlags); err == nil {
		return id + ":" + hex.EncodeToString(h.Bytes()), nil
	}
	if st.Mask&unix.STATX_BTIME != 0 {
		return fmt.Sprintf("%s:%d.%09d", id, st.Btime.Sec, st.Btime.Nsec), nil
	}
	return id, nil
}

// rename moves an object without replacing another: fs.ErrExist then.
func rename(from *folder, name string, to *folder, newName string) error {
	a, b := int(from.self.Fd()), int(to.self.Fd())
	err := unix.Renameat2(a, name, b, newName, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	// The file system cannot do that, or a directory would go into itself.
	var st unix.Stat_t
	if unix.Fstatat(b, newName, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
		return unix.EEXIST
	}
	return unix.Renameat(a, name, b, newName)
}

// chmod changes the mode of the object with that identity and of no other.
func chmod(d *folder, name, id string, mode fs.FileMode) error {
	fd, err := unix.Openat(int(d.self.Fd()), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	now, err := identityAt(fd, "", unix.AT_EMPTY_PATH, unix.AT_EMPTY_PATH)
	if err != nil {
		return err
	}
	if now != id {
		return errReplaced()
	}
	return os.Chmod("/proc/self/fd/"+strconv.Itoa(fd), mode)
}

// sync makes the names in the folder durable.
func (d *folder) sync() error { return d.self.Sync() }

// ownProgram returns the path of this program. It leads to the file that runs,
// be it replaced or in a folder that the helper's account cannot enter.
func ownProgram() (string, error) { return "/proc/self/exe", nil }

// dieWithParent has the kernel kill a helper whose engine dies.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }

// hideProcess keeps other processes of the account from reading and changing
// this one, and its memory from core files.
func hideProcess() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }
