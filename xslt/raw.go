package xslt

import "sutler/xmltree"

// The marks around text with disable-output-escaping in a result that goes
// through text. No XML text can hold them.
const (
	rawBegin = "\x01"
	rawEnd   = "\x02"
)

// writeRaw appends text that is not to be escaped (section 16.4). In a result
// tree fragment it is a text node of its own, which xsl:copy-of carries to the
// result; where it becomes a string it is like any other text.
func (r *run) writeRaw(s string, at place) error {
	o := &r.out
	switch {
	case s == "" || o.void > 0 || o.b.At() == nil:
		return r.write(s, at)
	case o.final:
		return r.write(rawBegin+s+rawEnd, at)
	}
	if err := r.flush(at); err != nil {
		return err
	}
	if err := r.write(s, at); err != nil {
		return err
	}
	if err := r.flush(at); err != nil {
		return err
	}
	r.keepRaw(o.b.At().Last())
	return nil
}

// keepRaw notes a text node of a fragment that is not to be escaped.
func (r *run) keepRaw(text *xmltree.Node) {
	if r.raws == nil {
		r.raws = map[*xmltree.Node]bool{}
	}
	r.raws[text] = true
}

// copyRaw gives the copy to of the element from the texts that are not to be
// escaped.
func (r *run) copyRaw(from, to *xmltree.Node) {
	if from.Document() != r.trees {
		return
	}
	top := from
	for {
		if r.raws[from] {
			if r.out.final {
				to.SetValue(rawBegin + to.Value() + rawEnd)
			} else {
				r.keepRaw(to)
			}
		}
		if from.First() != nil {
			from, to = from.First(), to.First()
			continue
		}
		for from != top && from.Next() == nil {
			from, to = from.Parent(), to.Parent()
		}
		if from == top {
			return
		}
		from, to = from.Next(), to.Next()
	}
}
