package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"sutler"
	"sutler/provider"
)

func (p *files) moveDirectory(ctx context.Context, c *sutler.Call) error {
	return p.move(ctx, c, "directory", "dirName", "dirName", "destPath@path")
}

func (p *files) renameDirectory(ctx context.Context, c *sutler.Call) error {
	return p.move(ctx, c, "directory", "currentName", "newName", "sourcePath@path")
}

func (p *files) moveFile(ctx context.Context, c *sutler.Call) error {
	return p.move(ctx, c, "file", "fileName", "fileName", "destPath@path")
}

func (p *files) renameFile(ctx context.Context, c *sutler.Call) error {
	return p.move(ctx, c, "file", "currentName", "newName", "sourcePath@path")
}

// move gives an object another name, another folder or both. toName and
// toFolder are the inputs that say where to.
func (p *files) move(ctx context.Context, c *sutler.Call, sort, fromName, toName, toFolder string) (err error) {
	replace := false
	if sort == "file" {
		if replace, err = provider.Flag(c, "controlInfo@replace", false); err != nil {
			return err
		}
	}
	from, err := p.place(c, "sourcePath@path", fromName)
	if err != nil {
		return err
	}
	defer from.dir.close()
	to, err := p.place(c, toFolder, toName)
	if err != nil {
		return err
	}
	defer to.dir.close()
	defer func() {
		if err != nil {
			err = fmt.Errorf("cannot move %s %q to %q: %w", sort, from, to, err)
		}
	}()

	o, err := p.lookSource(from, sort)
	if err != nil {
		return err
	}
	if err := p.lookReplaced(c, to, replace, o); err != nil {
		return err
	}
	remember(c, "from", from)
	remember(c, "to", to)
	c.Rollback.Set("id", o.id)
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = withUndo(err, p.unmove(ctx, c))
		}
	}()

	if err := p.displaceReplaced(ctx, c, to); err != nil {
		return err
	}
	if err := rename(from.dir, from.name, to.dir, to.name); err != nil {
		if errors.Is(err, syscall.EINVAL) {
			return sutler.Errorf(sutler.BadInput, "a directory cannot be moved into itself")
		}
		return reason(err)
	}
	moved, err := to.dir.is(to.name, o.id)
	if err == nil && !moved {
		err = errors.Join(
			errReplaced(),
			rename(to.dir, to.name, from.dir, from.name))
	}
	if err != nil {
		return err
	}
	return errors.Join(to.dir.sync(), from.dir.sync())
}

// unmove gives the moved object its old name back, and puts back what move
// has replaced. An object that is at neither place was taken away by somebody.
func (p *files) unmove(_ context.Context, c *sutler.Call) error {
	to, ok, err := p.remembered(c, "to")
	if err != nil {
		return err
	}
	if !ok {
		return p.restore(c, nil)
	}
	defer to.dir.close()
	moved, err := to.dir.is(to.name, c.Rollback.Get("id"))
	if err != nil {
		return reason(err)
	}
	if moved {
		if err := p.moveBack(c, to); err != nil {
			return fmt.Errorf("cannot move %q back: %w", to, err)
		}
	}
	return p.restore(c, &to)
}

func (p *files) moveBack(c *sutler.Call, to place) error {
	from, ok, err := p.remembered(c, "from")
	if err != nil {
		return err
	}
	if !ok {
		return sutler.Errorf(sutler.NoSuchFile, "the folder %q is gone", c.Rollback.Get("fromFolder"))
	}
	defer from.dir.close()
	err = rename(to.dir, to.name, from.dir, from.name)
	if errors.Is(err, fs.ErrExist) {
		return sutler.Errorf(sutler.Exists, "somebody else has made %q", from)
	}
	if err != nil {
		return reason(err)
	}
	return errors.Join(from.dir.sync(), to.dir.sync())
}
