package sql

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"

	"sutler"
)

// trashDatabase takes a database out of the way under a name of the provider's
// own in the same directory; emptyTrash removes it, restoreDatabase puts it back.
func (p *databases) trashDatabase(ctx context.Context, c *sutler.Call) error {
	in, err := readFile(c)
	if err != nil {
		return err
	}
	if err := p.rest(ctx, in); err != nil {
		return err
	}
	side := aside(in.to.Database, c)
	c.Rollback.Set("database", in.to.Database)
	c.Rollback.Set("aside", side)
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	if err := p.root.Rename(filepath.FromSlash(in.to.Database), filepath.FromSlash(side)); err != nil {
		return fmt.Errorf("cannot delete database %q: %w", in.to.Database, err)
	}
	if err := p.sync(in.to.Database); err != nil {
		return errors.Join(err, p.restoreDatabase(ctx, c))
	}
	return nil
}

// rest makes sure that nobody is at work on the database and that all of it is
// in its one file.
func (p *databases) rest(ctx context.Context, in *input) error {
	d, err := p.connect(ctx, in.to.Database, in.wait)
	if err != nil {
		return err
	}
	err = d.inspect(ctx, "BEGIN EXCLUSIVE", func() error { return nil })
	d.close()
	if err != nil {
		return err
	}
	return p.closed(in.to.Database)
}

// closed makes sure that nobody has a database of the journal mode WAL open:
// the last one to close it takes the log file away. An open database of
// another mode does not show.
func (p *databases) closed(name string) error {
	if _, err := p.root.Lstat(filepath.FromSlash(name + "-wal")); !errors.Is(err, fs.ErrNotExist) {
		return sutler.Errorf(sutler.Busy, "cannot delete database %q: somebody has it open (%s-wal is there)", name, name)
	}
	return nil
}

// restoreDatabase puts a trashed database back. What somebody made in its
// place meanwhile stays, and then it fails.
func (p *databases) restoreDatabase(_ context.Context, c *sutler.Call) error {
	name, side := c.Rollback.Get("database"), c.Rollback.Get("aside")
	if name == "" {
		return nil
	}
	trash, err := p.root.Lstat(filepath.FromSlash(side))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it never left, or is back
	}
	if err != nil {
		return fmt.Errorf("cannot restore database %q: %w", name, err)
	}
	if there, err := p.root.Lstat(filepath.FromSlash(name)); err != nil || !os.SameFile(there, trash) {
		if err := p.root.Link(filepath.FromSlash(side), filepath.FromSlash(name)); err != nil {
			return fmt.Errorf("cannot restore database %q: %w", name, err)
		}
	}
	if err := p.remove(side); err != nil {
		return err
	}
	return p.sync(name)
}

// trashed makes sure that the trashed database is still there for emptyTrash.
func (p *databases) trashed(_ context.Context, c *sutler.Call) error {
	if _, err := p.root.Lstat(filepath.FromSlash(c.Rollback.Get("aside"))); err != nil {
		return fmt.Errorf("cannot delete database %q: %w", c.Rollback.Get("database"), err)
	}
	return nil
}

// emptyTrash removes the trashed database for good. It may be repeated.
func (p *databases) emptyTrash(_ context.Context, c *sutler.Call) error {
	return p.remove(c.Rollback.Get("aside"))
}

// aside returns the name, in the directory of the database name, that belongs
// to the call c alone. checkName allows it to nobody.
func aside(name string, c *sutler.Call) string {
	sum := sha256.Sum256([]byte(c.Transaction))
	return path.Join(path.Dir(name), fmt.Sprintf(".sutler-%x-%s.db", sum[:12], strconv.Itoa(c.Seq)))
}

// remove removes a database and its companion files, as far as they are there.
func (p *databases) remove(name string) error {
	if name == "" {
		return nil
	}
	for _, suffix := range append(companions(), "") {
		if err := p.root.Remove(filepath.FromSlash(name + suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot remove database %q: %w", name, err)
		}
	}
	return nil
}

// sync makes the entry of name in its directory durable. Windows does so by
// itself and cannot sync a directory.
func (p *databases) sync(name string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	dir, err := p.root.Open(filepath.FromSlash(path.Dir(name)))
	if err != nil {
		return fmt.Errorf("cannot sync the directory of database %q: %w", name, err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("cannot sync the directory of database %q: %w", name, err)
	}
	return nil
}
