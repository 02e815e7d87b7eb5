package file

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"sutler"
	"sutler/provider"
)

func (p *files) copyDirectory(ctx context.Context, c *sutler.Call) error {
	recursive, err := provider.Flag(c, "controlInfo@recursive", true)
	if err != nil {
		return err
	}
	return p.copy(ctx, c, "directory", "dirName", func(from place, w wishes) build {
		return func(ctx context.Context, d *folder, aside string) error {
			return copyFolder(ctx, from, place{d, aside}, recursive, w)
		}
	})
}

func (p *files) copyFile(ctx context.Context, c *sutler.Call) error {
	return p.copy(ctx, c, "file", "fileName", func(from place, w wishes) build {
		return func(ctx context.Context, d *folder, aside string) error {
			return copyOne(ctx, from, place{d, aside}, w)
		}
	})
}

// copy puts a copy of an object into another folder or under another name.
func (p *files) copy(ctx context.Context, c *sutler.Call, sort, nameInput string, how func(from place, w wishes) build) error {
	replace, err := provider.Flag(c, "controlInfo@replace", false)
	if err != nil {
		return err
	}
	w, err := wishesOf(c)
	if err != nil {
		return err
	}
	from, err := p.place(c, "sourcePath@path", nameInput)
	if err != nil {
		return err
	}
	defer from.dir.close()
	toName := nameInput
	if provider.Optional(c, "newName", "") != "" {
		toName = "newName"
	}
	to, err := p.place(c, "destPath@path", toName)
	if err != nil {
		return err
	}
	defer to.dir.close()

	o, err := p.lookSource(from, sort)
	if err == nil {
		err = p.create(ctx, c, to, replace, o, how(from, w))
	}
	if err != nil {
		return fmt.Errorf("cannot copy %s %q to %q: %w", sort, from, to, err)
	}
	return nil
}

// copyFolder copies the directory from, its own mode last, and syncs it.
// Hidden names of this provider are not copied.
func copyFolder(ctx context.Context, from, to place, recursive bool, w wishes) error {
	info, err := from.dir.root.Lstat(from.name)
	if err != nil {
		return err
	}
	src, err := from.dir.sub(from.name)
	if err != nil {
		return err
	}
	defer src.close()
	if err := to.dir.root.Mkdir(to.name, 0o700); err != nil {
		return err
	}
	dst, err := to.dir.sub(to.name)
	if err != nil {
		return err
	}
	defer dst.close()

	names, err := src.names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if strings.HasPrefix(name, hidden) {
			continue
		}
		info, err := src.root.Lstat(name)
		if err != nil {
			return err
		}
		switch {
		case !info.IsDir():
			err = copyOne(ctx, place{src, name}, place{dst, name}, wishes{})
		case recursive:
			err = copyFolder(ctx, place{src, name}, place{dst, name}, true, wishes{})
		}
		if err != nil {
			return err
		}
	}
	if err := setMode(to.dir, to.name, w, info.Mode()); err != nil {
		return err
	}
	return dst.sync()
}

// copyOne copies a file, or a link as a link.
func copyOne(ctx context.Context, from, to place, w wishes) error {
	info, err := from.dir.root.Lstat(from.name)
	if err != nil {
		return err
	}
	switch kind(info) {
	case "link":
		target, err := from.dir.root.Readlink(from.name)
		if err != nil {
			return err
		}
		return to.dir.root.Symlink(target, to.name)
	case "other":
		return sutler.Errorf(sutler.BadInput, "%q is neither a file nor a directory nor a link", from)
	}
	src, err := from.dir.openFile(from.name)
	if err != nil {
		return err
	}
	defer src.Close()
	return writeFile(to.dir, to.name, func(f io.Writer) error {
		if err := copyContent(ctx, f, src); err != nil {
			return err
		}
		return setMode(to.dir, to.name, w, info.Mode())
	})
}

// copyContent copies in pieces and stops between two when ctx ends.
func copyContent(ctx context.Context, w io.Writer, r io.Reader) error {
	const piece = 4 << 20
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, err := io.CopyN(w, r, piece)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// writeFile makes the new file name in d, lets write fill it, and syncs it.
func writeFile(d *folder, name string, write func(f io.Writer) error) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// openFile opens a file for reading; a pipe or device that took its place
// meanwhile is refused and not waited for.
func (d *folder) openFile(name string) (*os.File, error) {
	f, err := d.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = sutler.Errorf(sutler.Conflict, "%q is no longer a file", name)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func syncFolder(d *folder, name string) error {
	s, err := d.sub(name)
	if err != nil {
		return err
	}
	defer s.close()
	return s.sync()
}

// digest returns a hash over the content of an object: the bytes of a file,
// the target of a link, the names in a directory with the digests of what
// they name. Modes and times do not count.
func digest(d *folder, name string) (string, error) {
	h := sha256.New()
	if err := addDigest(h, d, name); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

func addDigest(h hash.Hash, d *folder, name string) error {
	info, err := d.root.Lstat(name)
	if err != nil {
		return err
	}
	k := kind(info)
	fmt.Fprintf(h, "%s:", k)
	switch k {
	case "directory":
		sub, err := d.sub(name)
		if err != nil {
			return err
		}
		defer sub.close()
		names, err := sub.names()
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%d:", len(names))
		for _, n := range names {
			fmt.Fprintf(h, "%q", n)
			if err := addDigest(h, sub, n); err != nil {
				return err
			}
		}
	case "file":
		f, err := d.openFile(name)
		if err != nil {
			return err
		}
		defer f.Close()
		n, err := io.Copy(h, f)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, ":%d", n)
	case "link":
		target, err := d.root.Readlink(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%q", target)
	}
	return nil
}

func sortedNames(entries []fs.DirEntry) []string {
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	slices.Sort(names)
	return names
}
