package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"sutler"
)

// trash is the folder of the root for what was deleted or replaced and may
// have to come back. Each account that the provider acts as has one of its own,
// with a dash and its uid behind.
const trash = hidden + "trash"

// lookReplaced sees to what stands at pl before something new comes there:
// nothing, or with replace an object of the same sort that is not source. It
// remembers its identity as "old".
func (p *files) lookReplaced(c *sutler.Call, pl place, replace bool, source object) error {
	o, err := pl.look()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !replace {
		return sutler.Errorf(sutler.Exists, "it exists")
	}
	if source.info != nil {
		if o.id == source.id {
			return sutler.Errorf(sutler.BadInput, "source and destination are the same")
		}
		if o.info.IsDir() != source.info.IsDir() {
			return sutler.Errorf(sutler.Exists, "a %s is there, and a %s cannot replace it", kind(o.info), kind(source.info))
		}
	}
	c.Rollback.Set("old", o.id)
	return nil
}

// displaceReplaced moves what lookReplaced saw at pl into the trash.
func (p *files) displaceReplaced(ctx context.Context, c *sutler.Call, pl place) error {
	if err := ctx.Err(); err != nil { // the last moment to stop
		return err
	}
	if c.Rollback.Get("old") == "" {
		return nil
	}
	return p.displace(c, pl)
}

// displace moves the object with the remembered identity "old" from pl into
// the trash. Another object is left, with code Conflict.
func (p *files) displace(c *sutler.Call, pl place) error {
	const tries = 100 // others remove an empty trash while we use it
	var t *folder
	var err error
	for range tries {
		if err = p.root.Mkdir(p.trash, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("cannot make the trash: %w", reason(err))
		}
		t, err = p.openTrash()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = rename(pl.dir, pl.name, t, asideName(c))
		if err == nil {
			break
		}
		t.close()
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if _, e := pl.dir.root.Lstat(pl.name); e != nil {
			break
		}
	}
	if err != nil {
		p.dropTrash()
		return fmt.Errorf("cannot move it to the trash: %w", reason(err))
	}
	defer t.close()
	ours, err := t.is(asideName(c), c.Rollback.Get("old"))
	if err == nil && !ours {
		err = errReplaced()
	}
	if err != nil {
		err = errors.Join(err, rename(t, asideName(c), pl.dir, pl.name))
		p.dropTrash()
		return err
	}
	return errors.Join(t.sync(), pl.dir.sync())
}

// restore brings the object that c has moved to the trash back to pl. A nil
// pl means that its folder is gone.
func (p *files) restore(c *sutler.Call, pl *place) error {
	old := c.Rollback.Get("old")
	if old == "" {
		return nil
	}
	t, err := p.openTrash()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer t.close()
	there, err := t.is(asideName(c), old)
	if err != nil || !there {
		p.dropTrash()
		return err
	}
	if pl == nil {
		return sutler.Errorf(sutler.NoSuchFile, "cannot put %q back into %q: that folder is gone; it is kept as %s/%s",
			c.Rollback.Get("toName"), c.Rollback.Get("toFolder"), p.trash, asideName(c))
	}
	if err := rename(t, asideName(c), pl.dir, pl.name); err != nil {
		return fmt.Errorf("cannot put %q back: %w; it is kept as %s/%s", pl, reason(err), p.trash, asideName(c))
	}
	if err := errors.Join(pl.dir.sync(), t.sync()); err != nil {
		return err
	}
	p.dropTrash()
	return nil
}

// purge is the commit of what went to the trash.
func (p *files) purge(_ context.Context, c *sutler.Call) error {
	if c.Rollback.Get("old") == "" {
		return nil
	}
	t, err := p.openTrash()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer t.close()
	if err := t.root.RemoveAll(asideName(c)); err != nil {
		return fmt.Errorf("cannot empty the trash %s/%s: %w", p.trash, asideName(c), err)
	}
	if err := t.sync(); err != nil {
		return err
	}
	p.dropTrash()
	return nil
}

// openTrash opens the trash, and not what a link of that name leads to.
func (p *files) openTrash() (*folder, error) {
	info, err := p.root.Lstat(p.trash)
	if err != nil {
		return nil, fmt.Errorf("cannot open the trash: %w", reason(err))
	}
	if !info.IsDir() {
		return nil, sutler.Errorf(sutler.Conflict, "cannot open the trash: %s is a %s", p.trash, kind(info))
	}
	t, err := p.open(p.trash)
	if err != nil || p.owner < 0 {
		return t, err
	}
	info, err = t.self.Stat()
	if err == nil && (ownerOf(info) != p.owner || info.Mode().Perm()&0o077 != 0) {
		err = sutler.Errorf(sutler.Conflict, "%s belongs to uid %d with mode %s; it must belong to uid %d alone", p.trash, ownerOf(info), formatMode(info.Mode()), p.owner)
	}
	if err != nil {
		t.close()
		return nil, fmt.Errorf("cannot open the trash: %w", reason(err))
	}
	return t, nil
}

// dropTrash removes the trash if it is empty. That it is not, or that another
// call does the same, is no error.
func (p *files) dropTrash() { _ = p.root.Remove(p.trash) }

func (p *files) deleteDirectory(ctx context.Context, c *sutler.Call) error {
	return p.delete(ctx, c, "dirName", "directory")
}

func (p *files) deleteFile(ctx context.Context, c *sutler.Call) error {
	return p.delete(ctx, c, "fileName", "file")
}

func (p *files) delete(ctx context.Context, c *sutler.Call, nameInput, sort string) (err error) {
	pl, err := p.place(c, "sourcePath@path", nameInput)
	if err != nil {
		return err
	}
	defer pl.dir.close()
	defer func() { err = about(err, "delete "+sort, pl) }()

	o, err := p.lookSource(pl, sort)
	if err != nil {
		return err
	}
	remember(c, "to", pl)
	c.Rollback.Set("old", o.id)
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := p.displace(c, pl); err != nil {
		return withUndo(err, p.undelete(ctx, c))
	}
	return nil
}

func (p *files) undelete(_ context.Context, c *sutler.Call) error {
	pl, ok, err := p.remembered(c, "to")
	if err != nil {
		return err
	}
	if !ok {
		return p.restore(c, nil)
	}
	defer pl.dir.close()
	return p.restore(c, &pl)
}

// lookSource looks at an object to be worked on. A directory must be one, and
// "file" means everything else.
func (p *files) lookSource(pl place, sort string) (object, error) {
	o, err := pl.look()
	if err != nil {
		return object{}, err
	}
	if o.info.IsDir() != (sort == "directory") {
		return object{}, sutler.Errorf(sutler.BadInput, "it is a %s", kind(o.info))
	}
	return o, nil
}
