package xmltree

// Lend gives d a budget of its own, with the limits and the use of the one it
// is charged to, until back is called: what was charged meanwhile then counts
// in the shared budget. So somebody on another goroutine can edit d while the
// shared budget is used here. If he never comes back, back is not called, and
// d keeps the budget it has.
func (d *Document) Lend() (back func()) {
	shared := d.budget
	if shared == nil {
		return func() {}
	}
	before := *shared
	own := before
	d.budget = &own
	return func() {
		shared.nodes += own.nodes - before.nodes
		shared.bytes += own.bytes - before.bytes
		shared.steps += own.steps - before.steps
		shared.documents += own.documents - before.documents
		d.budget = shared
	}
}

// ChargeTo makes b pay for d, for what it holds now and what is added. The
// limit of depth is taken over from b. A nil b is no limit.
func (d *Document) ChargeTo(b *Budget) {
	if d.budget != nil {
		d.budget.nodes -= d.nodes
		d.budget.bytes -= d.bytes
	}
	d.budget = b
	if b == nil {
		return
	}
	b.nodes += d.nodes
	b.bytes += d.bytes
	if b.MaxDepth > 0 {
		d.depth = b.MaxDepth
	}
}
