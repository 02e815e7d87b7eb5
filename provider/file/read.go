package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"sutler"
	"sutler/provider"
)

func (p *files) directoryAttributes(_ context.Context, c *sutler.Call) error {
	return p.attributes(c, "directory", "dirName")
}

func (p *files) fileAttributes(_ context.Context, c *sutler.Call) error {
	return p.attributes(c, "file", "fileName")
}

func (p *files) attributes(c *sutler.Call, sort, nameInput string) error {
	pl, err := p.place(c, "sourcePath@path", nameInput)
	if err != nil {
		return err
	}
	defer pl.dir.close()
	o, err := p.lookSource(pl, sort)
	if err != nil {
		return about(err, "read attributes of", pl)
	}
	r, err := provider.Result(c)
	if err != nil {
		return err
	}
	e, err := provider.Add(r, "properties")
	if err != nil {
		return err
	}
	provider.SetAttr(e, "kind", kind(o.info))
	provider.SetAttr(e, "mode", formatMode(o.info.Mode()))
	provider.SetAttr(e, "readOnly", strconv.FormatBool(o.info.Mode()&0o222 == 0))
	if !o.info.IsDir() {
		provider.SetAttr(e, "size", strconv.FormatInt(o.info.Size(), 10))
	}
	provider.SetAttr(e, "modified", o.info.ModTime().UTC().Format(time.RFC3339Nano))
	return nil
}

// listDirectory returns what is in a folder, by name.
func (p *files) listDirectory(ctx context.Context, c *sutler.Call) error {
	dir, err := folderPath(c, "sourcePath@path")
	if err != nil {
		return err
	}
	if provider.Given(c, "dirName") {
		name, err := plainName(c, "dirName")
		if err != nil {
			return err
		}
		dir = path.Join(dir, name)
	}
	filter := provider.Optional(c, "filter", "*")
	if _, err := path.Match(filter, ""); err != nil {
		return provider.BadInput(c, "filter", filter, "it must be a pattern of *, ? and [sets]")
	}
	d, err := p.open(dir)
	if err != nil {
		return err
	}
	defer d.close()
	names, err := d.names()
	if err != nil {
		return fmt.Errorf("cannot list %q: %w", dir, reason(err))
	}
	r, err := provider.Result(c)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("cannot list %q: %w", dir, err)
		}
		if ok, _ := path.Match(filter, name); !ok || strings.HasPrefix(name, hidden) {
			continue
		}
		info, err := d.root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		if err != nil {
			return fmt.Errorf("cannot list %q: %w", dir, reason(err))
		}
		e, err := provider.Add(r, kind(info))
		if err != nil {
			return err
		}
		provider.SetAttr(e, "name", name)
		if kind(info) == "link" {
			continue
		}
		provider.SetAttr(e, "mode", formatMode(info.Mode()))
		if info.Mode().IsRegular() {
			provider.SetAttr(e, "size", strconv.FormatInt(info.Size(), 10))
		}
	}
	return nil
}

// exists tells whether something has a name, and what it is. A folder on the
// way that is not there is an answer too.
func (p *files) exists(_ context.Context, c *sutler.Call) error {
	nameInput := "fileName"
	if provider.Given(c, "dirName") {
		nameInput = "dirName"
	}
	found := ""
	pl, err := p.place(c, "sourcePath@path", nameInput)
	if err == nil {
		defer pl.dir.close()
		var info fs.FileInfo
		if info, err = pl.dir.root.Lstat(pl.name); err == nil {
			found = kind(info)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && sutler.CodeOf(err) != sutler.NoSuchFile {
		return err
	}
	r, err := provider.Result(c)
	if err != nil {
		return err
	}
	provider.SetAttr(r, "exists", strconv.FormatBool(found != ""))
	if found != "" {
		provider.SetAttr(r, "kind", found)
	}
	return nil
}
