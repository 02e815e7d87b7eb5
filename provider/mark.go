package provider

import (
	"strings"

	"sutler/xmltree"
)

// Marked reports whether the value of e must not be logged: it, something
// around it or something in it is marked do-not-log="1".
func Marked(e *xmltree.Node) bool {
	for p := e.Parent(); p != nil; p = p.Parent() {
		if marked(p) {
			return true
		}
	}
	return holdsMarked(e)
}

func holdsMarked(e *xmltree.Node) bool {
	if marked(e) {
		return true
	}
	for c := e.FirstElement(); c != nil; c = c.NextElement() {
		if holdsMarked(c) {
			return true
		}
	}
	return false
}

func marked(e *xmltree.Node) bool { return strings.TrimSpace(e.Attr("do-not-log")) == "1" }
