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
