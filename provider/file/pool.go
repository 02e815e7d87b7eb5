package file

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sutler"
)

// pool holds the helpers, at most one for each account of the operating system.
type pool struct {
	root     *os.Root
	path, id string // absolute path and identity of root
	argument string // what makes the program a helper
	o        Options

	mu      sync.Mutex
	helpers map[*account]*helper
	closed  bool
	ending  sync.WaitGroup // processes that are not gone yet
}

func newPool(root *os.Root, o Options) (*pool, error) {
	o.Helpers = cmp.Or(o.Helpers, 64)
	o.Idle = cmp.Or(o.Idle, 5*time.Minute)
	o.Patience = cmp.Or(o.Patience, 10*time.Second)
	o.MessageBytes = cmp.Or(o.MessageBytes, 64<<20)
	path, err := filepath.Abs(root.Name())
	if err != nil {
		return nil, fmt.Errorf("cannot find the root of the provider: %w", err)
	}
	id, err := rootIdentity(root)
	if err != nil {
		return nil, fmt.Errorf("cannot look at the root of the provider: %w", err)
	}
	return &pool{root: root, path: path, id: id, argument: HelperArgument, o: o, helpers: map[*account]*helper{}}, nil
}

// do has the helper of a carry out a phase of c.
func (p *pool) do(ctx context.Context, c *sutler.Call, a *account, phase string) error {
	h, err := p.take(a)
	if err != nil {
		return fmt.Errorf("cannot %s %q as account %q of the operating system: %w", phase, c.Procedure, a.name, err)
	}
	defer p.giveBack(h)
	return h.call(ctx, c, phase)
}

// take returns the helper of a, and starts one if there is none.
func (p *pool) take(a *account) (*helper, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, sutler.Errorf(sutler.Stopping, "the provider is closed")
	}
	h := p.helpers[a]
	if h == nil {
		if len(p.helpers) >= p.o.Helpers && !p.endIdlest() {
			return nil, sutler.Errorf(sutler.Busy, "%d helper processes of other accounts are at work, which is the most there may be", p.o.Helpers)
		}
		var err error
		if h, err = p.start(a); err != nil {
			return nil, fmt.Errorf("cannot start the helper process: %w", err)
		}
		p.helpers[a] = h
	}
	h.busy++
	h.uses++
	return h, nil
}

// giveBack says that a call of h is over.
func (p *pool) giveBack(h *helper) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.busy--; h.busy > 0 || p.helpers[h.account] != h {
		return
	}
	h.idle = time.Now()
	uses := h.uses
	time.AfterFunc(p.o.Idle, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if h.busy == 0 && h.uses == uses {
			p.endIt(h)
		}
	})
}

// endIdlest ends the helper that has been without calls for longest, if there
// is one without.
func (p *pool) endIdlest() bool {
	var found *helper
	for _, h := range p.helpers {
		if h.busy == 0 && (found == nil || h.idle.Before(found.idle)) {
			found = h
		}
	}
	if found != nil {
		p.endIt(found)
	}
	return found != nil
}

// endIt ends h, of which the pool knows nothing more then.
func (p *pool) endIt(h *helper) {
	p.forget(h)
	h.end(errors.New("it was not needed any more"))
}

// forget takes h out of the pool. The next call starts another helper.
func (p *pool) forget(h *helper) {
	if p.helpers[h.account] == h {
		delete(p.helpers, h.account)
	}
}

// close ends all helpers and waits until they are gone.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	for _, h := range p.helpers {
		p.forget(h)
		h.end(errors.New("the provider was closed"))
	}
	p.mu.Unlock()
	p.ending.Wait()
}

// trashOf is the name of the trash of an account.
func trashOf(a *account) string { return fmt.Sprintf("%s-%d", trash, a.uid) }

// makeTrash makes the trash of a where a cannot do so itself: in a root that
// belongs to uid 0 and that nobody else may write to. In such a root nobody can
// put something else in its place meanwhile.
func (p *pool) makeTrash(a *account) error {
	info, err := p.root.Lstat(".")
	if err != nil {
		return fmt.Errorf("cannot look at the root of the provider: %w", reason(err))
	}
	if info.Mode().Perm()&0o022 != 0 || ownerOf(info) != 0 {
		return nil
	}
	name := trashOf(a)
	if err := p.root.Mkdir(name, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot make the trash %s: %w", name, reason(err))
	}
	info, err = p.root.Lstat(name)
	if err == nil && info.IsDir() && ownerOf(info) == 0 {
		err = p.root.Lchown(name, int(a.uid), int(a.gid))
	}
	if err != nil {
		return fmt.Errorf("cannot make the trash %s: %w", name, reason(err))
	}
	return nil
}
