// Package file is the File System Provider of MPF for POSIX file systems. It
// works below one folder, its root, and nothing leads out of that: neither a
// path with .. nor a link nor a rename in the middle of a call.
//
// Every change is made in the same way: look, remember, act. What is new is
// built under a hidden name in the folder where it belongs, .sutler- followed
// by transaction and call; the name is remembered before, and which object it
// is (device, inode and generation, and a digest of its content) after the
// building; then it is renamed to its place, which never replaces anything.
// What is deleted or replaced is renamed into the hidden folder .sutler-trash
// of the root, from where a rollback brings it back and a commit removes it;
// that is why the procedures that do so are two-phase. Files and folders are
// synced before a step counts as done.
//
// Undoing moves or removes an object only if it is the one that was
// remembered. A created object that was changed or filled since is left where
// it is, and the rollback fails with code NotEmpty or Conflict; one that
// somebody removed, or removed and made anew, is gone and nothing to undo. All
// undoing may repeat. Names that begin with .sutler- are not for callers.
//
// The provider that New returns acts as the account of its process, whatever the
// identity of the call; that of Open can act as others, remembers as whom it did,
// and undoes and commits as the same, whatever the identity is then. Where the system cannot rename without replacing (Windows, some
// network file systems) it looks first and renames then, so that somebody who
// makes the same name in that instant may lose an empty directory or a file.
package file

import (
	_ "embed"
	"errors"
	"os"

	"sutler"
	"sutler/provider"
)

//go:embed namespace.xml
var namespace string

// Namespace returns the namespace file of the provider.
func Namespace() []byte { return []byte(namespace) }

// New returns a provider that works below root, which must stay open as long
// as the provider is used.
func New(root *os.Root) provider.Procedures {
	return newFiles(root, trash, -1).procedures()
}

// newFiles returns a provider with a trash of that name, which must belong to
// the uid owner alone; -1 is whoever.
func newFiles(root *os.Root, trash string, owner int) *files {
	return &files{root: root, escapes: escapeError(root), trash: trash, owner: int64(owner)}
}

// procedures returns the table of the provider.
func (p *files) procedures() provider.Procedures {
	write := func(do, undo provider.Func) provider.Procedure {
		return provider.Procedure{Process: do, Rollback: undo, Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true}
	}
	twoPhase := func(do, undo provider.Func) provider.Procedure {
		return provider.Procedure{Process: do, Rollback: undo, Commit: p.purge, Flushes: true, NoAnswer: sutler.Repeatable, UndoAsService: true}
	}
	return provider.Procedures{
		"CreateDirectory": write(p.createDirectory, p.uncreate),
		"CopyDirectory":   twoPhase(p.copyDirectory, p.uncreate),
		"MoveDirectory":   write(p.moveDirectory, p.unmove),
		"RenameDirectory": write(p.renameDirectory, p.unmove),
		"DeleteDirectory": twoPhase(p.deleteDirectory, p.undelete),

		"CreateFile": write(p.createFile, p.uncreate),
		"CopyFile":   twoPhase(p.copyFile, p.uncreate),
		"MoveFile":   twoPhase(p.moveFile, p.unmove),
		"RenameFile": twoPhase(p.renameFile, p.unmove),
		"DeleteFile": twoPhase(p.deleteFile, p.undelete),

		"SetDirectoryAttributes": write(p.setDirectoryAttributes, p.resetAttributes),
		"SetFileAttributes":      write(p.setFileAttributes, p.resetAttributes),

		"GetDirectoryAttributes": {Process: p.directoryAttributes},
		"GetFileAttributes":      {Process: p.fileAttributes},
		"ListDirectory":          {Process: p.listDirectory},
		"Exists":                 {Process: p.exists},
	}
}

type files struct {
	root    *os.Root
	escapes error // what root answers to a path that leads out of it
	trash   string
	owner   int64 // whom the trash must belong to; -1: nobody cares
}

// escapeError returns the error that root has for paths that lead out of it.
// Package os does not export it.
func escapeError(root *os.Root) error {
	_, err := root.Lstat("..")
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
