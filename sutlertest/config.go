package sutlertest

import (
	"context"
	"sort"
	"strings"
	"sync"

	"sutler"
)

// Config is a configuration store in memory. The zero Config is empty.
type Config struct {
	mu         sync.Mutex
	revision   int64
	namespaces map[string]sutler.Namespace
	settings   map[string]string

	access         map[[2]string]sutler.AccessRow
	accessRevision int64
}

// Namespaces returns what was put, by name.
func (c *Config) Namespaces(context.Context) ([]sutler.Namespace, int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []sutler.Namespace
	for _, ns := range c.namespaces {
		all = append(all, ns)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name < all[j].Name })
	return all, c.revision, nil
}

// PutNamespaces adds or replaces namespaces if the revision is still the given one.
func (c *Config) PutNamespaces(_ context.Context, revision int64, ns ...sutler.Namespace) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if revision != c.revision {
		return 0, sutler.Errorf(sutler.Conflict, "cannot put namespaces: the catalog has revision %d, not %d", c.revision, revision)
	}
	if c.namespaces == nil {
		c.namespaces = map[string]sutler.Namespace{}
	}
	for _, n := range ns {
		c.namespaces[strings.ToLower(n.Name)] = n
	}
	c.revision++
	return c.revision, nil
}

// Settings returns every setting that was set.
func (c *Config) Settings(context.Context) (map[string]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[string]string{}
	for k, v := range c.settings {
		all[k] = v
	}
	return all, nil
}

// SetSetting sets name to value; an empty value removes it.
func (c *Config) SetSetting(_ context.Context, name, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settings == nil {
		c.settings = map[string]string{}
	}
	if value == "" {
		delete(c.settings, name)
	} else {
		c.settings[name] = value
	}
	return nil
}

// Access returns the rows by kind and name.
func (c *Config) Access(context.Context) ([]sutler.AccessRow, int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []sutler.AccessRow
	for _, r := range c.access {
		all = append(all, r)
	}
	sort.Slice(all, func(i, j int) bool {
		return all[i].Kind < all[j].Kind || all[i].Kind == all[j].Kind && all[i].Name < all[j].Name
	})
	return all, c.accessRevision, nil
}

// PutAccess changes rows if the revision is still the given one.
func (c *Config) PutAccess(_ context.Context, revision int64, rows ...sutler.AccessRow) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if revision != c.accessRevision {
		return 0, sutler.Errorf(sutler.Conflict, "cannot change who may do what: it has revision %d, not %d", c.accessRevision, revision)
	}
	if c.access == nil {
		c.access = map[[2]string]sutler.AccessRow{}
	}
	for _, r := range rows {
		key := [2]string{string(r.Kind), r.Name}
		if r.Value == nil {
			delete(c.access, key)
		} else {
			c.access[key] = r
		}
	}
	if len(rows) > 0 {
		c.accessRevision++
	}
	return c.accessRevision, nil
}
