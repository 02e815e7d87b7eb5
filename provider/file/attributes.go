package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"

	"sutler"
	"sutler/provider"
)

// wishes are the attributes that a call asks for: the element properties.
type wishes struct {
	mode     fs.FileMode
	hasMode  bool
	readOnly *bool
}

// wishesOf reads the element properties of c. What cannot be had here, the
// flags and access lists of Windows, is refused and not forgotten.
func wishesOf(c *sutler.Call) (wishes, error) {
	var w wishes
	if provider.Given(c, "security") {
		return w, sutler.Errorf(sutler.NotYet, "cannot call %q: input security: access lists are not supported, use properties@mode", c.Procedure)
	}
	if v := provider.Optional(c, "properties@mode", ""); v != "" {
		m, err := parseMode(v)
		if err != nil {
			return w, provider.BadInput(c, "properties@mode", v, err.Error())
		}
		w.mode, w.hasMode = m, true
	}
	if provider.Optional(c, "properties@readOnly", "") != "" {
		ro, err := provider.Flag(c, "properties@readOnly", false)
		if err != nil {
			return w, err
		}
		w.readOnly = &ro
	}
	for _, input := range []string{"properties@hidden", "properties@indexing"} {
		on, err := provider.Flag(c, input, false)
		if err != nil {
			return w, err
		}
		if on {
			return w, provider.BadInput(c, input, "true", "this file system has no such attribute")
		}
	}
	switch v := provider.Optional(c, "properties@encompress", ""); v {
	case "", "decrypt", "uncompress":
	case "encrypt", "compress":
		return w, provider.BadInput(c, "properties@encompress", v, "this file system can do neither")
	default:
		return w, provider.BadInput(c, "properties@encompress", v, "it must be encrypt, compress, decrypt or uncompress")
	}
	return w, nil
}

// apply returns the mode that w makes of one that is there. Without a wish
// for them the set-group-ID and sticky bits stay as they are.
func (w wishes) apply(was fs.FileMode) fs.FileMode {
	const special = fs.ModeSetgid | fs.ModeSticky
	m := was & (fs.ModePerm | special)
	if w.hasMode {
		m = w.mode
		if w.mode&special == 0 {
			m |= was & special
		}
	}
	if w.readOnly != nil {
		if *w.readOnly {
			m &^= 0o222
		} else {
			m |= 0o200
		}
	}
	return m
}

// setMode gives a new object the mode that w makes of otherwise. The bits that
// a directory has from its parent stay.
func setMode(d *folder, name string, w wishes, otherwise fs.FileMode) error {
	info, err := d.root.Lstat(name)
	if err != nil {
		return err
	}
	id, err := identity(d, name)
	if err != nil {
		return err
	}
	was := otherwise & fs.ModePerm
	if info.IsDir() {
		was |= (otherwise | info.Mode()) & (fs.ModeSetgid | fs.ModeSticky)
	}
	return chmod(d, name, id, w.apply(was))
}

// parseMode reads a mode as octal digits: 750, 0750, 2750 for a directory
// whose group is inherited, 1777 for one where only owners delete.
func parseMode(s string) (fs.FileMode, error) {
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || len(s) < 3 || len(s) > 5 {
		return 0, errors.New("a mode is three or four octal digits, for instance 0750")
	}
	if n > 0o3777 {
		return 0, errors.New("the greatest mode is 3777; programs that run as their owner are not made here")
	}
	m := fs.FileMode(n) & fs.ModePerm
	if n&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	if n&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	return m, nil
}

// formatMode writes a mode the way parseMode reads it, with four digits.
func formatMode(m fs.FileMode) string {
	n := uint32(m.Perm())
	if m&fs.ModeSetgid != 0 {
		n |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		n |= 0o1000
	}
	return fmt.Sprintf("%04o", n)
}

func (p *files) setDirectoryAttributes(ctx context.Context, c *sutler.Call) error {
	return p.setAttributes(ctx, c, "directory", "dirName")
}

func (p *files) setFileAttributes(ctx context.Context, c *sutler.Call) error {
	return p.setAttributes(ctx, c, "file", "fileName")
}

func (p *files) setAttributes(ctx context.Context, c *sutler.Call, sort, nameInput string) (err error) {
	w, err := wishesOf(c)
	if err != nil {
		return err
	}
	if w == (wishes{}) {
		return provider.BadInput(c, "properties", "", "mode or readOnly is required")
	}
	pl, err := p.place(c, "sourcePath@path", nameInput)
	if err != nil {
		return err
	}
	defer pl.dir.close()
	defer func() { err = about(err, "set attributes of", pl) }()

	o, err := p.lookSource(pl, sort)
	if err != nil {
		return err
	}
	if k := kind(o.info); k == "link" || k == "other" {
		return sutler.Errorf(sutler.BadInput, "it is a %s", k)
	}
	if special := fs.ModeSetgid | fs.ModeSticky; sort == "file" && w.mode&special != 0 {
		return provider.BadInput(c, "properties@mode", formatMode(w.mode), "a file has no mode above 0777")
	}
	mode := w.apply(o.info.Mode())
	remember(c, "to", pl)
	c.Rollback.Set("id", o.id)
	c.Rollback.Set("was", formatMode(o.info.Mode()))
	c.Rollback.Set("mode", formatMode(mode))
	if err := c.Rollback.Flush(ctx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if now, err := pl.look(); err != nil || now.info.Mode() != o.info.Mode() {
		return errors.Join(err, sutler.Errorf(sutler.Conflict, "somebody else has changed its mode"))
	}
	return reason(chmod(pl.dir, pl.name, o.id, mode))
}

// resetAttributes gives an object its old mode back if it is still the same
// object with the mode that setAttributes gave it.
func (p *files) resetAttributes(_ context.Context, c *sutler.Call) error {
	pl, ok, err := p.remembered(c, "to")
	if err != nil || !ok {
		return err
	}
	defer pl.dir.close()
	o, err := pl.look()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return about(err, "reset attributes of", pl)
	}
	if o.id != c.Rollback.Get("id") || formatMode(o.info.Mode()) != c.Rollback.Get("mode") {
		return nil
	}
	was, err := parseMode(c.Rollback.Get("was"))
	if err != nil {
		return sutler.Errorf(sutler.Corrupt, "cannot reset attributes of %q: mode %q: %w", pl, c.Rollback.Get("was"), err)
	}
	return about(reason(chmod(pl.dir, pl.name, o.id, was)), "reset attributes of", pl)
}
