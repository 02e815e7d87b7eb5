package sql

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"sutler"
)

// createDatabase makes an empty database, which must not exist. It is made
// aside, gets the row of this call in sutler_steps, and only then its name; by
// that row removeDatabase knows it again.
func (p *databases) createDatabase(ctx context.Context, c *sutler.Call) error {
	in, err := readFile(c)
	if err != nil {
		return err
	}
	fail := func(err error) error {
		return fmt.Errorf("cannot create database %q: %w", in.to.Database, err)
	}
	for _, suffix := range append(companions(), "") { // a companion would be taken for one of the new database
		_, err := p.root.Lstat(filepath.FromSlash(in.to.Database + suffix))
		var number syscall.Errno
		switch {
		case err == nil:
			return sutler.Errorf(sutler.Exists, "cannot create database %q: %s exists", in.to.Database, in.to.Database+suffix)
		case !errors.As(err, &number):
			return sutler.Errorf(sutler.OutsideRoot, "cannot create database %q: it lies outside of the provider's root", in.to.Database)
		case !errors.Is(err, fs.ErrNotExist):
			return fail(err)
		}
	}
	if _, err := p.root.Stat(filepath.FromSlash(path.Dir(in.to.Database))); err != nil {
		return fail(err)
	}
	side := aside(in.to.Database, c)
	c.Rollback.Set("database", in.to.Database)
	c.Rollback.Set("aside", side)
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	defer p.remove(side)
	if err := p.makeAside(ctx, c, side); err != nil {
		return fail(err)
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	// A link, not a renaming: it never takes the place of something else.
	if err := p.root.Link(filepath.FromSlash(side), filepath.FromSlash(in.to.Database)); err != nil {
		return fail(err)
	}
	if err := p.sync(in.to.Database); err != nil {
		return errors.Join(err, p.removeDatabase(context.WithoutCancel(ctx), c))
	}
	return nil
}

// makeAside makes the database side, which holds nothing but the row of c.
func (p *databases) makeAside(ctx context.Context, c *sutler.Call, side string) error {
	if err := p.remove(side); err != nil {
		return err
	}
	f, err := p.root.OpenFile(filepath.FromSlash(side), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	d, err := p.connect(ctx, side, defaultWait)
	if err != nil {
		return err
	}
	defer d.close()
	return d.transaction(ctx, "BEGIN IMMEDIATE", func() error {
		if err := d.exec(ctx, makeSteps); err != nil {
			return err
		}
		return d.addStep(ctx, c, 0)
	})
}

// removeDatabase removes the database that createDatabase made, if it is that
// one and as empty as it was; else it leaves it, which is an error only when it
// is that one. It may run after any crash and any number of times.
func (p *databases) removeDatabase(ctx context.Context, c *sutler.Call) error {
	name := c.Rollback.Get("database")
	if name == "" {
		return nil
	}
	if err := p.remove(c.Rollback.Get("aside")); err != nil {
		return err
	}
	if _, err := p.look(name); sutler.CodeOf(err) == sutler.NoSuchFile {
		return nil
	}
	ours, err := p.isOurs(ctx, c, name)
	if err != nil || !ours {
		return err
	}
	if err := p.remove(name); err != nil {
		return err
	}
	return p.sync(name)
}

// isOurs reports whether name is the database that c created. It is an error
// when it is and now holds something, or when somebody has it open.
func (p *databases) isOurs(ctx context.Context, c *sutler.Call, name string) (ours bool, err error) {
	d, err := p.connect(ctx, name, defaultWait)
	if err != nil {
		return false, err
	}
	defer d.close()
	err = d.inspect(ctx, "BEGIN EXCLUSIVE", func() (err error) {
		if ours, _, err = d.step(ctx, c); err != nil || !ours {
			return err
		}
		objects, err := d.number(ctx, `select count(*) from main.sqlite_schema where name <> ? and name not like 'sqlite^_%' escape '^'`, stepsTable)
		if err != nil {
			return err
		}
		steps, err := d.number(ctx, countSteps)
		if err != nil {
			return err
		}
		if objects > 0 || steps > 1 {
			return sutler.Errorf(sutler.NotEmpty, "cannot remove database %q: it holds something that was not undone (remove it, or the database, by hand)", name)
		}
		return nil
	})
	d.close()
	if err == nil && ours {
		err = p.closed(name)
	}
	return ours, err
}
