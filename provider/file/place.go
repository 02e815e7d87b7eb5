package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"unicode"

	"sutler"
	"sutler/provider"
)

// hidden begins the names that this provider keeps for itself.
const hidden = ".sutler-"

// errReplaced is a new error each time: callers add to it.
func errReplaced() error {
	return sutler.Errorf(sutler.Conflict, "somebody else has put another one in its place")
}

// folder is an opened directory below the root. All work is done by plain
// names in opened folders, so that nobody can put a link or another directory
// in its way once it is open.
type folder struct {
	path string   // from the provider's root, with slashes
	top  *os.Root // the provider's root
	root *os.Root
	self *os.File // the same directory, for its descriptor
}

// open opens the folder at path, following links as long as they stay below
// the root; code OutsideRoot when one leads out, and NoSuchFile when there is
// nothing or something else.
func (p *files) open(path string) (*folder, error) {
	d, err := openIn(p.root, path)
	if errors.Is(err, p.escapes) {
		return nil, sutler.Errorf(sutler.OutsideRoot, "cannot open folder %q: it lies outside of the provider's root", path)
	}
	if err != nil {
		code := sutler.Failed
		info, e := p.root.Stat(path)
		switch {
		case errors.Is(err, fs.ErrPermission):
			code = sutler.Denied
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), e == nil && !info.IsDir():
			code = sutler.NoSuchFile
		}
		return nil, sutler.Errorf(code, "cannot open folder %q: %w", path, reason(err))
	}
	d.path, d.top = path, p.root
	return d, nil
}

// sub opens the folder name in d.
func (d *folder) sub(name string) (*folder, error) {
	s, err := openIn(d.root, name)
	if err != nil {
		return nil, err
	}
	s.path, s.top = path.Join(d.path, name), d.top
	return s, nil
}

func openIn(root *os.Root, path string) (*folder, error) {
	sub, err := root.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	self, err := sub.Open(".")
	if err != nil {
		return nil, errors.Join(err, sub.Close())
	}
	return &folder{root: sub, self: self}, nil
}

func (d *folder) close() {
	d.self.Close()
	d.root.Close()
}

// names returns the names in d, sorted.
func (d *folder) names() ([]string, error) {
	f, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	return sortedNames(entries), nil
}

// is reports whether the object name in d is the one with that identity.
func (d *folder) is(name, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	now, err := identity(d, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && now == id, err
}

// place is a name in an opened folder; there may be something or nothing.
type place struct {
	dir  *folder
	name string
}

func (pl place) String() string { return path.Join(pl.dir.path, pl.name) }

// object is what stands at a place.
type object struct {
	id   string
	info fs.FileInfo
}

// look returns what stands at pl, and fs.ErrNotExist when there is nothing.
func (pl place) look() (object, error) {
	info, err := pl.dir.root.Lstat(pl.name)
	if err != nil {
		return object{}, reason(err)
	}
	id, err := identity(pl.dir, pl.name)
	if err != nil {
		return object{}, reason(err)
	}
	return object{id: id, info: info}, nil
}

// kind tells files, directories, links and others apart.
func kind(info fs.FileInfo) string {
	switch {
	case info.IsDir():
		return "directory"
	case info.Mode().IsRegular():
		return "file"
	case info.Mode()&fs.ModeSymlink != 0:
		return "link"
	default:
		return "other"
	}
}

// place opens the folder that the input folderInput of c names and returns
// name in it. The caller closes the folder.
func (p *files) place(c *sutler.Call, folderInput, nameInput string) (place, error) {
	name, err := plainName(c, nameInput)
	if err != nil {
		return place{}, err
	}
	return p.placeNamed(c, folderInput, name)
}

func (p *files) placeNamed(c *sutler.Call, folderInput, name string) (place, error) {
	dir, err := folderPath(c, folderInput)
	if err != nil {
		return place{}, err
	}
	d, err := p.open(dir)
	if err != nil {
		return place{}, err
	}
	return place{d, name}, nil
}

// remembered opens the place that the rollback data of c hold under key; ok
// is false when its folder is gone.
func (p *files) remembered(c *sutler.Call, key string) (pl place, ok bool, err error) {
	dir, name := c.Rollback.Get(key+"Folder"), c.Rollback.Get(key+"Name")
	if name == "" { // died before it was remembered
		return place{}, false, nil
	}
	d, err := p.open(dir)
	if sutler.CodeOf(err) == sutler.NoSuchFile {
		return place{}, false, nil
	}
	if err != nil {
		return place{}, false, err
	}
	return place{d, name}, true, nil
}

func remember(c *sutler.Call, key string, pl place) {
	c.Rollback.Set(key+"Folder", pl.dir.path)
	c.Rollback.Set(key+"Name", pl.name)
}

// plainName reads an input that names an object in a folder.
func plainName(c *sutler.Call, input string) (string, error) {
	name, err := provider.Required(c, input)
	if err != nil {
		return "", err
	}
	if strings.Contains(name, "/") || name == ".." {
		return "", sutler.Errorf(sutler.OutsideRoot, "cannot call %q: input %s is %q: it must be a name, not a path", c.Procedure, input, name)
	}
	return name, checkName(c, input, name, name)
}

// folderPath reads an input that is the path of a folder: names from the
// provider's root with slashes between them, or a single dot for the root.
func folderPath(c *sutler.Call, input string) (string, error) {
	text, err := provider.Required(c, input)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(text, "/") {
		return "", sutler.Errorf(sutler.OutsideRoot, "cannot call %q: input %s is %q: it must begin at the provider's root, without /", c.Procedure, input, text)
	}
	for _, name := range strings.Split(text, "/") {
		if name == ".." {
			return "", sutler.Errorf(sutler.OutsideRoot, "cannot call %q: input %s is %q: it must not hold ..", c.Procedure, input, text)
		}
		if name == "" || name == "." {
			continue
		}
		if err := checkName(c, input, name, text); err != nil {
			return "", err
		}
	}
	return path.Clean(text), nil
}

// checkName checks one name of the input whose whole value is text.
func checkName(c *sutler.Call, input, name, text string) error {
	switch {
	case name == ".":
		return provider.BadInput(c, input, text, "it must name something")
	case isHidden(name):
		return provider.BadInput(c, input, text, "names that begin with "+hidden+" belong to the provider")
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || r == '\\' }):
		return provider.BadInput(c, input, text, "names hold neither \\ nor control characters")
	case len(name) > 255:
		return provider.BadInput(c, input, text, "names have at most 255 bytes")
	}
	return nil
}

// isHidden reports whether a name begins as the provider's own do, on a file
// system that tells upper and lower case apart or not.
func isHidden(name string) bool {
	runes := []rune(name)
	return len(runes) >= len(hidden) && strings.EqualFold(string(runes[:len(hidden)]), hidden)
}

// asideName returns the hidden name under which c builds.
func asideName(c *sutler.Call) string {
	tx := strings.Trim(string(c.Transaction), "{}")
	if strings.ContainsFunc(tx, func(r rune) bool {
		return !(r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}) {
		tx = fmt.Sprintf("%x", tx)
	}
	return fmt.Sprintf("%s%s-%d", hidden, tx, c.Seq)
}

// reason returns what lies below the operation and path that package os puts
// around an error, which the messages here name better.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	var le *os.LinkError
	if errors.As(err, &le) {
		return le.Err
	}
	return err
}
