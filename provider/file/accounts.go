package file

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"sutler"
	"sutler/provider"
)

// anonymous is the name under which a call without an account is looked for.
const anonymous = "anonymous"

// Options say as which accounts of the operating system a provider acts. An
// account of the operating system is written as its name, or as uid:gid, which
// has no further groups. Names are looked up once, by Open. No mapping leads to
// uid 0. With the zero Options everything is done as the engine is.
type Options struct {
	// Accounts says as whom calls of impersonating steps are carried out: account
	// of Sutler, without regard to case, → account of the operating system. When
	// it is empty they are carried out as those of the service. An account that is
	// not in it is refused; so is that of a basic credential, because nobody has
	// checked its password. A call without an account is that of anonymous.
	Accounts map[string]string
	// Service is the account of the operating system for all other calls; ""
	// is the engine's own.
	Service string
	// Setting is where an administrator finds the mapping; for messages.
	Setting string

	Helpers      int           // helper processes at once; 0: 64
	Idle         time.Duration // how long a helper without calls is kept; 0: 5 minutes
	Patience     time.Duration // how long a cancelled call may take to come back before its helper is killed; 0: 10 seconds
	MessageBytes int           // size of one message to or from a helper; 0: 64 MiB
}

// Provider is the File System Provider with helper processes that act as other
// accounts.
type Provider struct {
	provider.Procedures
	m    mapping
	pool *pool // nil when nothing is mapped
}

// Open returns a provider that works below root, which must stay open as long
// as the provider is used, as the accounts that o says. Each call of a mapped
// account is carried out in a process that has been that account from its first
// instruction on; the engine itself never changes its own. That process is this
// program with HelperArgument as only argument, so its main must call Helper
// then. Open refuses a mapping, with code BadInput, unless the engine runs as
// root on Linux or macOS and every account of the operating system is there.
func Open(root *os.Root, o Options) (*Provider, error) {
	p := &Provider{Procedures: New(root)}
	if o.Setting == "" {
		o.Setting = "file.Options.Accounts"
	}
	var err error
	if p.m, err = newMapping(o); err != nil {
		return nil, err
	}
	if len(p.m.all) > 0 {
		if p.pool, err = newPool(root, o); err != nil {
			return nil, err
		}
	}
	for name, line := range p.Procedures {
		there := line
		there.Process = p.dispatch(line, phaseProcess, line.Process)
		there.Rollback = p.dispatch(line, phaseRollback, line.Rollback)
		there.Commit = p.dispatch(line, phaseCommit, line.Commit)
		p.Procedures[name] = there
	}
	return p, nil
}

// Close ends all helpers. No call may run any more.
func (p *Provider) Close() error {
	if p.pool != nil {
		p.pool.close()
	}
	return nil
}

// The operations that a helper carries out.
const (
	phaseProcess  = "process"
	phaseRollback = "rollback"
	phaseCommit   = "commit"
)

// asKey is the rollback value that says as whom a call was carried out, as
// uid:gid; without it that was the engine. nameKey holds what that account was
// called in the mapping, for two with the same numbers may differ in further
// groups. What was done as one account is undone and committed as the same one,
// whatever the mapping says then, and whatever the identity of the call is.
const (
	asKey   = "as"
	nameKey = "asName"
)

// dispatch returns f as it is carried out for a call: here or in a helper.
func (p *Provider) dispatch(line provider.Procedure, phase string, f provider.Func) provider.Func {
	if f == nil {
		return nil
	}
	return func(ctx context.Context, c *sutler.Call) error {
		a, err := p.m.of(c, phase)
		if err != nil {
			return err
		}
		if a == nil {
			return f(ctx, c)
		}
		if phase == phaseProcess {
			if line.Rollback != nil {
				c.Rollback.Set(asKey, a.id())
				c.Rollback.Set(nameKey, a.name)
			}
			if line.Commit != nil {
				if err := p.pool.makeTrash(a); err != nil {
					return err
				}
			}
		}
		return p.pool.do(ctx, c, a, phase)
	}
}

// account is one of the operating system.
type account struct {
	name     string // as it was configured
	uid, gid uint32
	groups   []uint32
}

func (a *account) id() string { return fmt.Sprintf("%d:%d", a.uid, a.gid) }

// mapping tells the account of a call.
type mapping struct {
	setting  string
	service  *account            // nil: the engine's own
	accounts map[string]*account // by folded name
	all      map[string]*account // by configured name
}

func fold(name string) string { return strings.ToLower(name) }

func newMapping(o Options) (mapping, error) {
	m := mapping{setting: o.Setting, accounts: map[string]*account{}, all: map[string]*account{}}
	if len(o.Accounts) == 0 && o.Service == "" {
		return m, nil
	}
	if err := mayMap(); err != nil {
		return m, sutler.Errorf(sutler.BadInput, "cannot map accounts to those of the operating system (%s): %w", o.Setting, err)
	}
	resolve := func(who, name string) (*account, error) {
		if a, ok := m.all[name]; ok {
			return a, nil
		}
		a, err := lookUp(name)
		if err == nil && a.uid == 0 {
			err = fmt.Errorf("uid 0 may do everything; name an account with fewer rights")
		}
		if err != nil {
			return nil, sutler.Errorf(sutler.BadInput, "cannot map %s to account %q of the operating system (%s): %w", who, name, o.Setting, err)
		}
		m.all[name] = a
		return a, nil
	}
	names := make([]string, 0, len(o.Accounts))
	for name := range o.Accounts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name == "" {
			return m, sutler.Errorf(sutler.BadInput, "cannot map an account without a name to %q (%s): call it %s", o.Accounts[name], o.Setting, anonymous)
		}
		if _, ok := m.accounts[fold(name)]; ok {
			return m, sutler.Errorf(sutler.BadInput, "cannot map account %q (%s): it is there twice, in different case", name, o.Setting)
		}
		a, err := resolve(fmt.Sprintf("account %q", name), o.Accounts[name])
		if err != nil {
			return m, err
		}
		m.accounts[fold(name)] = a
	}
	if o.Service != "" {
		a, err := resolve("the service", o.Service)
		if err != nil {
			return m, err
		}
		m.service = a
	}
	return m, nil
}

// of returns as whom a phase of c is carried out; nil is the engine itself.
func (m *mapping) of(c *sutler.Call, phase string) (*account, error) {
	if phase == phaseProcess {
		return m.mapped(c)
	}
	as := c.Rollback.Get(asKey)
	if as == "" {
		return nil, nil
	}
	for _, name := range append([]string{c.Rollback.Get(nameKey)}, slices.Sorted(maps.Keys(m.all))...) {
		if a := m.all[name]; a != nil && a.id() == as {
			return a, nil
		}
	}
	return nil, sutler.Errorf(sutler.Denied, "cannot %s %q: it was carried out as account %s of the operating system, to which nothing is mapped any more; an administrator maps something to it in %s",
		phase, c.Procedure, as, m.setting)
}

func (m *mapping) mapped(c *sutler.Call) (*account, error) {
	if c.Identity.Kind == sutler.ServiceAccount || len(m.accounts) == 0 {
		return m.service, nil
	}
	if c.Identity.Kind == sutler.BasicAccount {
		return nil, sutler.Errorf(sutler.Denied, "cannot call %q as account %q: it comes from the basic credential of the request, whose password nobody has checked, and accounts are mapped to those of the operating system in %s",
			c.Procedure, c.Identity.Account, m.setting)
	}
	name := c.Identity.Account
	if name == "" {
		name = anonymous
	}
	if a, ok := m.accounts[fold(name)]; ok {
		return a, nil
	}
	return nil, sutler.Errorf(sutler.Denied, "cannot call %q as account %q: it has no account of the operating system; an administrator maps it to one in %s",
		c.Procedure, name, m.setting)
}
