package xsd

import "sutler/xmltree"

// uses gives t its attributes: its own and those of its base.
func (c *compiler) uses(t *typeDef, d *xmltree.Node) {
	own := c.set(d)
	base := t.base
	t.byName = map[qname]*attrUse{}
	for _, u := range own.uses {
		t.byName[u.name] = u
	}
	for _, u := range own.uses {
		if u.prohibited {
			delete(t.byName, u.name)
			continue
		}
		t.attrs = append(t.attrs, u)
	}
	t.anyAttr = own.any
	if base == nil || base == anyType && t.method == restriction {
		t.finishUses()
		return
	}
	if t.method == restriction {
		c.restrictUses(t, own, d)
	}
	for _, u := range base.attrs {
		if !c.spend(1) {
			return
		}
		switch mine := t.byName[u.name]; {
		case mine == nil && !own.has(u.name):
			t.attrs = append(t.attrs, u)
			t.byName[u.name] = u
		case mine != nil && t.method == extension:
			c.report(mine.node, "XS008", "an extension inherits it", "attribute %s is in %s already", quoted(u.name), base.what)
		}
	}
	if t.method == extension && base.anyAttr != nil {
		if t.anyAttr == nil {
			t.anyAttr = base.anyAttr
		} else if both, ok := t.anyAttr.unite(base.anyAttr); ok {
			t.anyAttr = both
		} else {
			c.report(d, "XS018", "", "the wildcard for attributes cannot be combined with that of %s", base.what)
		}
	}
	t.finishUses()
}

func (s *attrSet) has(q qname) bool {
	for _, u := range s.uses {
		if u.name == q {
			return true
		}
	}
	return false
}

func (t *typeDef) finishUses() {
	t.needed = 0
	for _, u := range t.attrs {
		if u.required {
			t.needed++
		}
	}
}

// restrictUses checks that the attributes of a restriction allow nothing that
// the base does not allow.
func (c *compiler) restrictUses(t *typeDef, own *attrSet, d *xmltree.Node) {
	base := t.base
	for _, u := range own.uses {
		was := base.byName[u.name]
		switch {
		case was == nil && u.prohibited:
		case was == nil && (base.anyAttr == nil || !base.anyAttr.allows(u.name.space)):
			c.report(u.node, "XS018", "", "attribute %s is not allowed by %s, which is restricted", quoted(u.name), base.what)
		case was == nil:
		case was.required && !u.required:
			c.report(u.node, "XS018", "", "attribute %s is required by %s, which is restricted", quoted(u.name), base.what)
		case u.prohibited:
		case was.value != nil && was.value.fixed && (u.value == nil || !u.value.fixed || u.value.text != was.value.text):
			c.report(u.node, "XS018", "fix it too", "attribute %s is fixed as %q in %s", quoted(u.name), was.value.text, base.what)
		default:
			if _, ok := u.def.derivedFrom(was.def); !ok {
				c.report(u.node, "XS018", "", "attribute %s is of %s, which is not derived from %s as it is in %s", quoted(u.name), u.def.what, was.def.what, base.what)
			}
		}
	}
	if own.any != nil && (base.anyAttr == nil || !own.any.within(base.anyAttr)) {
		c.report(d, "XS018", "", "the wildcard for attributes allows more than %s", base.what)
	}
}
