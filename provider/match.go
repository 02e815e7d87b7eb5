package provider

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sutler"
	"sutler/xmltree"
)

// Match returns an error that names every difference between a namespace file
// and the table of its provider: procedures of the one that the other lacks,
// types that disagree, names of the table that differ in case alone, a
// procedure without Process, the policy probe without a Probe, a procedure
// that flushes rollback data without a Rollback, and one that enlists without
// all that ends it. Procedures with steps are
// composite and need no provider.
func Match(namespace []byte, table Procedures) error {
	d, err := xmltree.Parse(namespace, xmltree.Options{DropSpace: true, NoSpace: sutler.Spaces})
	if err != nil {
		return fmt.Errorf("cannot read the namespace: %w", err)
	}
	defer d.Release()
	var all []error
	bad := func(format string, args ...any) { all = append(all, fmt.Errorf(format, args...)) }

	declared := map[string]bool{}
	for e := d.DocumentElement().FirstElement(); e != nil; e = e.NextElement() {
		if !e.Is("", "procedure") || composite(e) {
			continue
		}
		name := e.Attr("name")
		declared[strings.ToLower(name)] = true
		p, ok := table.find(name)
		if !ok {
			bad("procedure %q is in the namespace and not in the table", name)
			continue
		}
		want := e.Attr("type")
		if want == "" {
			want = sutler.Read.String()
		}
		if got := p.Type().String(); got != want && !(p.Enlists && want == sutler.Read.String()) {
			bad("procedure %q is of type %s in the namespace and %s in the table", name, want, got)
		}
	}

	names := make([]string, 0, len(table))
	for n := range table {
		names = append(names, n)
	}
	slices.Sort(names)
	seen := map[string]string{}
	for _, n := range names {
		folded := strings.ToLower(n)
		if other, ok := seen[folded]; ok {
			bad("procedures %q and %q of the table differ in case alone", other, n)
		}
		seen[folded] = n
		if !declared[folded] {
			bad("procedure %q is in the table and not in the namespace", n)
		}
		p := table[n]
		if p.Process == nil {
			bad("procedure %q has no Process", n)
		}
		if p.NoAnswer == sutler.Probe && p.Probe == nil {
			bad("procedure %q has the policy probe and no Probe", n)
		}
		if p.Enlists && (p.Rollback == nil || p.Prepare == nil || p.Commit == nil || p.Probe == nil) {
			bad("procedure %q enlists and lacks Rollback, Prepare, Commit or Probe", n)
		}
		if p.Flushes && p.Rollback == nil {
			bad("procedure %q flushes rollback data and has no Rollback", n)
		}
	}
	return errors.Join(all...)
}

// composite reports whether the procedure element e has steps of its own.
func composite(e *xmltree.Node) bool {
	for _, step := range []string{"execute", "queue", "transform", "try", "select"} {
		if e.Child(step) != nil {
			return true
		}
	}
	return false
}
