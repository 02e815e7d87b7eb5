package engine

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"sutler"
	"sutler/procedure"
	"sutler/xmltree"
)

// catalog is the set of programs that a transaction begins with and keeps. It
// is never changed once it is in force.
type catalog struct {
	revision   int64
	namespaces map[string]*entry // by folded name
	refused    map[string]error  // why a stored namespace is not among them, by folded name
}

type entry struct {
	*procedure.Namespace
	builtin bool
}

// procedure looks a procedure up without regard to case.
func (c *catalog) procedure(namespace, name string) (*procedure.Procedure, error) {
	ns := c.namespaces[procedure.Fold(namespace)]
	if why := c.refused[procedure.Fold(namespace)]; why != nil {
		return nil, sutler.Errorf(sutler.BadNamespace, "cannot call %s/%s: %w", namespace, name, why)
	}
	if ns == nil {
		return nil, sutler.Errorf(sutler.NotFound, "cannot call %s/%s: no namespace %q is registered%s", namespace, name, namespace, c.similar(namespace))
	}
	p := ns.Procedure(name)
	if p == nil {
		return nil, sutler.Errorf(sutler.NotFound, "cannot call %s/%s: namespace %q has no procedure %q", ns.Name, name, ns.Name, name)
	}
	return p, nil
}

// similar names registered namespaces that begin like name.
func (c *catalog) similar(name string) string {
	var like []string
	for key, ns := range c.namespaces {
		n := min(3, len(key), len(name))
		if n > 0 && strings.EqualFold(key[:n], name[:n]) {
			like = append(like, fmt.Sprintf("%q", ns.Name))
		}
	}
	if len(like) == 0 {
		return ""
	}
	slices.Sort(like)
	return "; there is " + strings.Join(like, ", ")
}

// list returns the namespaces in the order of their names.
func (c *catalog) list() []*procedure.Namespace {
	all := make([]*procedure.Namespace, 0, len(c.namespaces))
	for _, ns := range c.namespaces {
		all = append(all, ns.Namespace)
	}
	slices.SortFunc(all, func(a, b *procedure.Namespace) int {
		return strings.Compare(procedure.Fold(a.Name), procedure.Fold(b.Name))
	})
	return all
}

// load compiles the built-in namespaces and those of the configuration store
// into the first catalog. A stored one that an older engine took and this one
// refuses does not keep it from starting: the others run, calls of that one fail
// with the reason, and a corrected file can be registered, also in place of a
// read-only one.
func (e *Engine) load(ctx context.Context, builtin []sutler.Source) error {
	stored, revision, err := e.config.Namespaces(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the registered namespaces: %w", err)
	}
	c := &catalog{revision: revision, namespaces: map[string]*entry{}, refused: map[string]error{}}
	// They were checked when they were registered. Limits that are smaller now
	// must not keep the engine from starting, or nobody could raise them again.
	limits := e.limits
	limits.RequestBytes, limits.Depth, limits.TreeNodes, limits.TreeBytes = 1<<40, 1<<20, 1<<50, 1<<50
	for _, s := range stored {
		ns, problems := procedure.Compile(s.Text, s.File, limits)
		if problems.Err() != nil {
			why := outdated(s, problems)
			e.logger.Error("namespace refused", slog.String("namespace", s.Name), slog.String("reason", why.Error()))
			c.refused[procedure.Fold(s.Name)] = why
			continue
		}
		c.namespaces[procedure.Fold(ns.Name)] = &entry{ns, false}
	}
	for _, s := range builtin {
		ns, problems := procedure.Compile(s.Text, s.File, limits)
		if err := problems.Err(); err != nil {
			return &sutler.Error{Code: sutler.BadNamespace, Err: fmt.Errorf("cannot load namespace file %s: %w", s.File, err)}
		}
		c.namespaces[procedure.Fold(ns.Name)] = &entry{ns, true}
		delete(c.refused, procedure.Fold(ns.Name))
	}
	e.catalog.Store(c)
	return nil
}

// Refresh reads the namespaces anew if they have changed, as another engine
// may have changed them. Running transactions keep the programs they began
// with. After an error the ones of before stay in force.
func (e *Engine) Refresh(ctx context.Context) error {
	e.register.Lock()
	defer e.register.Unlock()
	_, revision, err := e.config.Namespaces(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the registered namespaces: %w", err)
	}
	if revision == e.catalog.Load().revision {
		return nil
	}
	if err := e.load(ctx, e.builtin); err != nil {
		return err
	}
	e.logger.Info("definitions of procedures refreshed", slog.Int("event", eventDefinitions), slog.Int64("revision", e.catalog.Load().revision))
	return nil
}

// outdated says why a stored namespace cannot be called. It shows places and
// rules only: callers see it, and the file may hold secrets.
func outdated(s sutler.Namespace, problems xmltree.Problems) error {
	return fmt.Errorf("this engine refuses the registered file %s of namespace %q (%s); sutler namespace lint shows what is wrong: register a corrected file",
		s.File, s.Name, placesOf(problems, false))
}

// check compiles srcs and returns the catalog that holds them, and their
// namespaces in the same order; after an error nil for those that did not compile.
func (e *Engine) check(srcs []sutler.Source) (*catalog, []*procedure.Namespace, xmltree.Problems, error) {
	now := e.catalog.Load()
	next := &catalog{revision: now.revision, namespaces: maps.Clone(now.namespaces), refused: maps.Clone(now.refused)}
	var problems xmltree.Problems
	var fresh []*procedure.Namespace
	files := map[string]string{} // folded name → file, of this call
	for _, s := range srcs {
		ns, found := procedure.Compile(s.Text, s.File, e.limits)
		problems = most(append(problems, found...))
		if n := len(problems); n == xmltree.MostProblems && !problems[n-1].Warning {
			break // nobody is told of more errors
		}
		if found.Err() != nil {
			fresh = append(fresh, nil)
			continue
		}
		fresh = append(fresh, ns)
		key := procedure.Fold(ns.Name)
		if other, twice := files[key]; twice {
			return nil, fresh, problems, sutler.Errorf(sutler.BadNamespace, "cannot register namespace %q twice in one call: %s and %s both define it", ns.Name, other, s.File)
		}
		if old := now.namespaces[key]; old != nil && (old.builtin || old.ReadOnly) {
			return nil, fresh, problems, sutler.Errorf(sutler.ReadOnlyName, "cannot replace namespace %q: it is read-only", old.Name)
		}
		problems = most(append(problems, e.checkProvider(ns)...))
		files[key] = s.File
		next.namespaces[key] = &entry{ns, false}
		delete(next.refused, key)
	}
	if err := problems.Err(); err != nil {
		return nil, fresh, problems, &sutler.Error{Code: sutler.BadNamespace, Err: err}
	}
	problems = most(append(problems, inFiles(procedure.Link(next.list()), fresh)...))
	if err := problems.Err(); err != nil {
		return nil, fresh, problems, &sutler.Error{Code: sutler.BadNamespace, Err: err}
	}
	return next, fresh, problems, nil
}

// most returns as many of problems as are told at most: errors before warnings,
// each in their order.
func most(problems xmltree.Problems) xmltree.Problems {
	if len(problems) <= xmltree.MostProblems {
		return problems
	}
	slices.SortStableFunc(problems, func(a, b *xmltree.Problem) int {
		return cmp.Compare(rank(a), rank(b))
	})
	return slices.Clone(problems[:xmltree.MostProblems])
}

// rank is 0 for an error and 1 for a warning.
func rank(p *xmltree.Problem) int {
	if p.Warning {
		return 1
	}
	return 0
}

// inFiles returns the problems that lie in the files of the given namespaces.
func inFiles(all xmltree.Problems, fresh []*procedure.Namespace) xmltree.Problems {
	var mine xmltree.Problems
	for _, p := range all {
		for _, ns := range fresh {
			if p.File == ns.File {
				mine = append(mine, p)
				break
			}
		}
	}
	return mine
}

// Rules lists the rules that the engine adds to those of the languages.
func Rules() []xmltree.Rule {
	return []xmltree.Rule{
		{ID: ruleProvider, Title: "unknown provider or provider procedure", Help: "The namespace names a providerSource that this engine does not have, or a procedure that its provider lacks. Calls of it fail until the engine has it."},
	}
}

const ruleProvider = "EN001"

// checkProvider warns of a provider that this engine does not have and of
// procedures that the provider does not know.
func (e *Engine) checkProvider(ns *procedure.Namespace) xmltree.Problems {
	if ns.ProviderSource == "" {
		return nil
	}
	provider, ok := e.providers[procedure.Fold(ns.ProviderSource)]
	var problems xmltree.Problems
	warn := func(pos xmltree.Pos, msg, hint string) {
		problems = append(problems, &xmltree.Problem{Rule: ruleProvider, File: ns.File, Pos: pos, Msg: msg, Hint: hint, Warning: true})
	}
	if !ok {
		known := slices.Sorted(maps.Keys(e.providers))
		warn(xmltree.Pos{Line: 1, Col: 1}, fmt.Sprintf("this engine has no provider %q", ns.ProviderSource), "it has "+strings.Join(known, ", "))
		return problems
	}
	d, ok := provider.(sutler.Describer)
	if !ok {
		return nil
	}
	for _, p := range ns.Procedures {
		if p.Composite() {
			continue
		}
		if _, has := d.Traits(p.Name); !has && len(problems) < xmltree.MostProblems {
			warn(p.At.Pos, fmt.Sprintf("provider %q has no procedure %q", ns.ProviderSource, p.Name), "spell it as the provider does; see its reference page")
		}
	}
	return problems
}

// Namespaces returns the namespaces in force, built-in ones included, in the
// order of their names.
func (e *Engine) Namespaces() []*procedure.Namespace { return e.catalog.Load().list() }
