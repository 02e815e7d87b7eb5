//go:build linux || darwin

package file

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// mayMap says why this process cannot start others as other accounts.
func mayMap() error {
	if uid := os.Geteuid(); uid != 0 {
		return fmt.Errorf("only root can start processes as others, and the engine runs as uid %d; start it as root or map nothing", uid)
	}
	return nil
}

// lookUp returns the account called name, or that of uid:gid.
func lookUp(name string) (*account, error) {
	if uid, gid, ok := strings.Cut(name, ":"); ok {
		u, errU := parseID(uid)
		g, errG := parseID(gid)
		if errU != nil || errG != nil {
			return nil, errors.New("want a name, or uid:gid with two numbers from 0 to 4294967294")
		}
		return &account{name: name, uid: u, gid: g}, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("%w; accounts that are not in the system's own files are written uid:gid", err)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	ids := make([]uint32, 0, len(groups)+2)
	for _, text := range append([]string{u.Uid, u.Gid}, groups...) {
		id, err := parseID(text)
		if err != nil {
			return nil, fmt.Errorf("its number is %q", text)
		}
		ids = append(ids, id)
	}
	return &account{name: name, uid: ids[0], gid: ids[1], groups: ids[2:]}, nil
}

// parseID reads a uid or gid; the greatest number means none.
func parseID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err == nil && n == math.MaxUint32 {
		err = strconv.ErrRange
	}
	return uint32(n), err
}

// ownerOf returns the uid that a file belongs to, -1 if it is not known.
func ownerOf(info fs.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int64(st.Uid)
	}
	return -1
}

// startProcess starts this program anew as a, with argument alone. It inherits
// nothing: no environment, no descriptor besides in and out (and the null
// device for errors), no terminal, neither directory nor groups of the engine.
func startProcess(a *account, argument string) (process, error) {
	program, err := ownProgram()
	if err != nil {
		return process{}, err
	}
	if err := closeOnExec(); err != nil {
		return process{}, err
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		return process{}, err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return process{}, errors.Join(err, theirIn.Close(), in.Close())
	}
	cmd := &exec.Cmd{
		Path: program, Args: []string{"sutler", argument}, Env: []string{}, Dir: "/", Stdin: theirIn, Stdout: theirOut,
		SysProcAttr: &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid, Groups: a.groups},
			Setsid:     true, // no signal from the engine's terminal, and no way to it
		},
	}
	dieWithParent(cmd.SysProcAttr)

	started, ended := make(chan error, 1), make(chan string, 1)
	go func() {
		// The kernel takes the thread for the parent, so that stays until the end.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- errors.Join(err, theirIn.Close(), theirOut.Close())
		if err != nil {
			return
		}
		err = cmd.Wait()
		// Somebody may have given its ends of the pipes to another process.
		_ = errors.Join(out.SetReadDeadline(time.Now().Add(time.Second)), in.SetWriteDeadline(time.Now()))
		if err == nil {
			ended <- "exit status 0"
		} else {
			ended <- err.Error()
		}
	}()
	if err := <-started; err != nil {
		return process{}, errors.Join(err, in.Close(), out.Close())
	}
	return process{in: in, out: out, kill: func() { _ = cmd.Process.Kill() }, ended: ended}, nil
}

// closeOnExec keeps descriptors that this process has inherited, or that were
// opened by others than Go, from its children.
func closeOnExec() error {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return fmt.Errorf("cannot list the open files: %w", err)
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// beHelper sets up the process of a helper. Signals that end the engine in
// order may reach its helpers, too, and must leave them to it.
func beHelper() error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	syscall.Umask(0o077)
	return hideProcess()
}
