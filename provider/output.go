package provider

import (
	"strings"

	"sutler"
	"sutler/xmltree"
)

// Result appends the element result to the output of c and returns it. The
// providers of this house put there what a procedure returns.
func Result(c *sutler.Call) (*xmltree.Node, error) {
	return Add(c.Data, "result")
}

// Add appends a new element named local, in no namespace, to parent.
func Add(parent *xmltree.Node, local string) (*xmltree.Node, error) {
	e := parent.Document().NewElement(xmltree.Name{Local: local})
	if err := parent.Append(e); err != nil {
		return nil, err
	}
	return e, nil
}

// SetAttr sets the attribute local, in no namespace, of e.
func SetAttr(e *xmltree.Node, local, value string) {
	e.SetAttr(xmltree.Name{Local: local}, value)
}

// Content returns the children of e as XML.
func Content(e *xmltree.Node) string {
	var b strings.Builder
	for n := e.First(); n != nil; n = n.Next() {
		b.WriteString(n.String())
	}
	return b.String()
}
