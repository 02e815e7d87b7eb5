package xslt

import "strings"

// htmlTag is what the html output method knows of an element of HTML 4. The
// zero value stands for elements that are not known.
type htmlTag struct {
	void  bool // has no end tag
	raw   bool // its text is not escaped
	exact bool // white space in it counts
	block bool // lines may be broken before, in and after it
}

// htmlTags are the elements of HTML 4 by name in lower case.
var htmlTags = func() map[string]htmlTag {
	m := map[string]htmlTag{}
	add := func(names string, set func(*htmlTag)) {
		for _, name := range strings.Fields(names) {
			tag := m[name]
			set(&tag)
			m[name] = tag
		}
	}
	add(`area base basefont br col frame hr img input isindex link meta param`, func(t *htmlTag) { t.void = true })
	add(`script style`, func(t *htmlTag) { t.raw, t.exact = true, true })
	add(`pre textarea`, func(t *htmlTag) { t.exact = true })
	add(`address area base blockquote body caption center col colgroup dd dir div dl dt fieldset form frame frameset
		h1 h2 h3 h4 h5 h6 head hr html isindex legend li link menu meta noframes noscript ol optgroup option p param pre
		style table tbody td tfoot th thead title tr ul`, func(t *htmlTag) { t.block = true })
	return m
}()

// htmlAttr is what the html output method knows of an attribute of HTML 4: the
// elements, with a blank before and behind, on which it is a flag, whose only
// value is its name, and those on which it is a URI. * is any element.
type htmlAttr struct{ flag, uri string }

// htmlAttrs are the attributes of HTML 4 that are flags or URIs, by name in
// lower case.
var htmlAttrs = map[string]htmlAttr{
	"checked":  {flag: " input "},
	"compact":  {flag: " dir dl menu ol ul "},
	"declare":  {flag: " object "},
	"defer":    {flag: " script "},
	"disabled": {flag: " button input optgroup option select textarea "},
	"ismap":    {flag: " img input "},
	"multiple": {flag: " select "},
	"nohref":   {flag: " area "},
	"noresize": {flag: " frame "},
	"noshade":  {flag: " hr "},
	"nowrap":   {flag: " td th "},
	"readonly": {flag: " input textarea "},
	"selected": {flag: " option "},

	"action":     {uri: "*"},
	"archive":    {uri: " applet object "},
	"background": {uri: " body "},
	"cite":       {uri: " blockquote del ins q "},
	"classid":    {uri: " object "},
	"codebase":   {uri: " applet object "},
	"data":       {uri: " object "},
	"href":       {uri: "*"},
	"longdesc":   {uri: " frame iframe img "},
	"profile":    {uri: " head "},
	"src":        {uri: "*"},
	"usemap":     {uri: " img input object "},
}

// on reports whether tag, in lower case, is one of the elements in list.
func on(list, tag string) bool {
	if list == "" || list == "*" {
		return list == "*"
	}
	for at := 0; ; {
		i := strings.Index(list[at:], tag)
		if i < 0 {
			return false
		}
		at += i
		if list[at-1] == ' ' && list[at+len(tag)] == ' ' {
			return true
		}
		at++
	}
}
