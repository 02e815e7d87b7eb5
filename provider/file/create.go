package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"sutler"
	"sutler/provider"
)

// build makes a new object under a hidden name in a folder and syncs it. What
// it leaves after an error is removed by its caller.
type build func(ctx context.Context, d *folder, aside string) error

// create builds an object, a copy of source if that is one, and puts it at pl,
// in place of what stands there if replace says so. It flushes twice: the first says under which hidden name
// something will be made, the second which object that is.
func (p *files) create(ctx context.Context, c *sutler.Call, pl place, replace bool, source object, b build) (err error) {
	if err := p.lookReplaced(c, pl, replace, source); err != nil {
		return err
	}
	aside := asideName(c)
	remember(c, "to", pl)
	c.Rollback.Set("aside", aside)
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = withUndo(err, p.uncreate(ctx, c))
		}
	}()

	if err := pl.dir.root.RemoveAll(aside); err != nil { // of an earlier try
		return reason(err)
	}
	if err := b(ctx, pl.dir, aside); err != nil {
		return reason(err)
	}
	id, err := identity(pl.dir, aside)
	if err != nil {
		return reason(err)
	}
	sum, err := digest(pl.dir, aside)
	if err != nil {
		return reason(err)
	}
	c.Rollback.Set("id", id)
	c.Rollback.Set("digest", sum)
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}

	if err := p.displaceReplaced(ctx, c, pl); err != nil {
		return err
	}
	if err := rename(pl.dir, aside, pl.dir, pl.name); err != nil {
		return reason(err)
	}
	return pl.dir.sync()
}

// uncreate removes what create has made, and puts back what it replaced.
func (p *files) uncreate(_ context.Context, c *sutler.Call) error {
	pl, ok, err := p.remembered(c, "to")
	if err != nil {
		return err
	}
	if !ok {
		return p.restore(c, nil)
	}
	defer pl.dir.close()
	if err := p.takeBack(c, pl); err != nil {
		return fmt.Errorf("cannot take back %q: %w", pl, err)
	}
	return p.restore(c, &pl)
}

// takeBack removes the object that c has made at pl. It first moves it out of
// sight, so that what is then looked at is what is removed; the hidden name
// aside means "nobody misses this".
func (p *files) takeBack(c *sutler.Call, pl place) error {
	d, aside, id := pl.dir, c.Rollback.Get("aside"), c.Rollback.Get("id")
	if err := d.root.RemoveAll(aside); err != nil {
		return reason(err)
	}
	back := aside + "-back"
	ours, err := d.is(pl.name, id)
	if err != nil {
		return reason(err)
	}
	if ours {
		if err := rename(d, pl.name, d, back); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return reason(err)
		}
	}
	if _, err := d.root.Lstat(back); errors.Is(err, fs.ErrNotExist) {
		return d.sync() // gone, or never there
	}

	if ours, err = d.is(back, id); err != nil {
		return reason(err)
	}
	if !ours { // somebody put another one there in the last instant
		return errors.Join(rename(d, back, d, pl.name), d.sync())
	}
	sum, err := digest(d, back)
	if err == nil && sum != c.Rollback.Get("digest") {
		err = changedError(d, back)
	}
	if err != nil {
		if e := rename(d, back, d, pl.name); e != nil {
			return fmt.Errorf("%w; it is now called %q: %v", reason(err), back, reason(e))
		}
		return errors.Join(reason(err), d.sync())
	}
	if err := rename(d, back, d, aside); err != nil {
		return reason(err)
	}
	if err := d.root.RemoveAll(aside); err != nil {
		return reason(err)
	}
	return d.sync()
}

// changedError says why a created object is left.
func changedError(d *folder, name string) error {
	if info, err := d.root.Lstat(name); err == nil && info.IsDir() {
		return sutler.Errorf(sutler.NotEmpty, "it holds something that this call did not make")
	}
	return sutler.Errorf(sutler.Conflict, "it was changed since")
}

// withUndo returns err, together with the reason why undoing went wrong too.
func withUndo(err, undo error) error {
	if undo == nil {
		return err
	}
	return sutler.Errorf(sutler.CodeOf(err), "%w; and what was begun could not be undone: %v", err, undo)
}

func (p *files) createDirectory(ctx context.Context, c *sutler.Call) error {
	pl, err := p.place(c, "sourcePath@path", "dirName")
	if err != nil {
		return err
	}
	defer pl.dir.close()
	w, err := wishesOf(c)
	if err != nil {
		return err
	}
	err = p.create(ctx, c, pl, false, object{}, func(_ context.Context, d *folder, aside string) error {
		if err := d.root.Mkdir(aside, 0o700); err != nil {
			return err
		}
		if err := setMode(d, aside, w, 0o755); err != nil {
			return err
		}
		return syncFolder(d, aside)
	})
	return about(err, "create directory", pl)
}

func (p *files) createFile(ctx context.Context, c *sutler.Call) error {
	pl, err := p.place(c, "sourcePath@path", "fileName")
	if err != nil {
		return err
	}
	defer pl.dir.close()
	w, err := wishesOf(c)
	if err != nil {
		return err
	}
	content := content(c)
	err = p.create(ctx, c, pl, false, object{}, func(_ context.Context, d *folder, aside string) error {
		return writeFile(d, aside, func(f io.Writer) error {
			if _, err := f.Write([]byte(content)); err != nil {
				return err
			}
			return setMode(d, aside, w, 0o644)
		})
	})
	return about(err, "create file", pl)
}

// content returns the text of the element content of c, and its children as
// XML when there are elements among them.
func content(c *sutler.Call) string {
	e := c.Data.Child("content")
	if e == nil {
		return ""
	}
	if e.FirstElement() == nil {
		return e.Text()
	}
	return provider.Content(e)
}

// about says in an error what could not be done and to what.
func about(err error, doing string, pl place) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s %q: %w", doing, pl, err)
}
