package xpath

import (
	"strings"

	"sutler/xmltree"
)

// Steps are counted in the context and charged to the budget in batches, when
// so many are due and when an evaluation ends, so that counting costs next to
// nothing. Between two batches an evaluation may exceed its budget by less
// than one.
const batch = 1024

// What a step buys. Text that is made lives on and costs more than text that
// is only looked at.
const (
	bytesRead = 64
	bytesMade = 4
)

// stepsPerNamespace is what a namespace node costs: it is made when it is
// first looked at, and lives as long as its tree.
const stepsPerNamespace = 32

// charge counts n steps.
func charge(c *Context, n int) error {
	if c.due += n; c.due < batch {
		return nil
	}
	return c.pay()
}

// pay charges what is due and asks, now and then, whether to go on.
func (c *Context) pay() error {
	n := c.due
	c.due = 0
	if c.Budget != nil {
		if err := c.Budget.Steps(int64(n)); err != nil {
			return err
		}
	}
	if c.Poll == nil {
		return nil
	}
	if c.unasked += n; c.unasked < batch {
		return nil
	}
	c.unasked = 0
	return c.Poll()
}

// settle charges what is due at the end of an evaluation, which ended with err.
func settle(c *Context, err error) error {
	if c.due == 0 {
		return err
	}
	if late := c.pay(); err == nil {
		err = late
	}
	return err
}

// chargeRead charges a text that was looked at.
func chargeRead(c *Context, s string) error { return charge(c, 1+len(s)/bytesRead) }

// chargeMade charges a text of so many bytes that is about to be made.
func chargeMade(c *Context, bytes int) error {
	if !c.Budget.Make(int64(bytes)) {
		return c.Budget.Err()
	}
	return charge(c, 1+bytes/bytesMade)
}

// bytesPerNode is what a node takes in a set.
const bytesPerNode = 8

// text returns the string-value of n, charging what it takes to make it.
func text(c *Context, n *xmltree.Node) (string, error) {
	if k := n.Kind(); k != xmltree.Element && k != xmltree.Root {
		s := n.Value()
		return s, chargeRead(c, s)
	}
	first := n.First()
	switch {
	case first == nil:
		return "", charge(c, 1)
	case first.Kind() == xmltree.Text && first.Next() == nil:
		s := first.Value()
		return s, chargeRead(c, s)
	}
	return longText(c, n)
}

// longText returns the string-value of an element or root with several nodes
// below. It is charged before it is made.
func longText(c *Context, n *xmltree.Node) (string, error) {
	size, parts, only := 0, 0, ""
	for m := n.First(); m != nil; m = below(m, n) {
		if err := charge(c, 1); err != nil {
			return "", err
		}
		if m.Kind() == xmltree.Text && m.Value() != "" {
			size += len(m.Value())
			parts++
			only = m.Value()
		}
	}
	if parts <= 1 {
		return only, chargeRead(c, only)
	}
	if err := chargeMade(c, size); err != nil {
		return "", err
	}
	var b strings.Builder
	b.Grow(size)
	for m := n.First(); m != nil; m = below(m, n) {
		if m.Kind() == xmltree.Text {
			b.WriteString(m.Value())
		}
	}
	return b.String(), nil
}
