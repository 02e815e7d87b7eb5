package engine

import (
	"path"
	"strconv"
	"strings"

	"sutler"
	"sutler/xmltree"
)

const hidden = "***"

// doNotLog reports whether the content of n must not leave the process in
// text that is not the answer itself (schema D.26).
func doNotLog(n *xmltree.Node) bool { return n.Attr("do-not-log") == "1" }

// secretsOf returns what must not appear in a text about c: the content of
// elements marked do-not-log and the passwords of its context.
func secretsOf(c *sutler.Call) []string {
	var all []string
	collect(c.Data, &all)
	collect(c.Context, &all)
	if !c.Identity.Secret.Empty() {
		all = append(all, c.Identity.Secret.Reveal())
	}
	return all
}

// secretsIn returns what of n and all below must not appear in a text.
func secretsIn(n *xmltree.Node) []string {
	var all []string
	for p := n; p != nil; p = p.Parent() {
		if doNotLog(p) {
			collectAll(n, &all)
			return all
		}
	}
	collect(n, &all)
	return all
}

func collect(n *xmltree.Node, all *[]string) {
	if n == nil {
		return
	}
	if doNotLog(n) {
		collectAll(n, all)
		return
	}
	if n.Is("", "basic") {
		if p := n.Attr("password"); p != "" {
			*all = append(*all, p)
		}
	}
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		collect(e, all)
	}
}

// collectAll adds the whole content of n: its text, and each part of it.
func collectAll(n *xmltree.Node, all *[]string) {
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			*all = append(*all, s)
		}
	}
	add(n.Text())
	for a := n.Attrs(); a != nil; a = a.Next() {
		if a.Local() != "do-not-log" {
			add(a.Value())
		}
	}
	for c := n.First(); c != nil; c = c.Next() {
		if c.Kind() == xmltree.Element {
			collectAll(c, all)
		} else {
			add(c.Value())
		}
	}
}

// spellings are the ways in which a text may show a secret beside the plain
// one: as XML, as the value of an attribute, quoted, as a literal of SQL, with
// other letters, and as a path without detours.
var spellings = []func(string) string{
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace,
	strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace,
	func(s string) string { s = strconv.Quote(s); return s[1 : len(s)-1] },
	strings.NewReplacer("'", "''").Replace,
	strings.ToLower,
	strings.ToUpper,
	func(s string) string {
		if strings.Contains(s, "/") {
			return path.Clean(s)
		}
		return s
	},
}

// mask replaces every secret in text.
func mask(text string, secrets []string) string {
	if len(secrets) == 0 || text == "" {
		return text
	}
	var t trie
	for _, s := range secrets {
		for _, v := range spelt(s) {
			t.add(v, inTexts)
		}
	}
	return t.hide(text, inTexts)
}

// spelt returns a secret in every way in which a text may show it.
func spelt(secret string) []string {
	all := []string{secret}
	for _, spelling := range spellings {
		if other := spelling(secret); other != secret && other != "" && other != "/" {
			all = append(all, other)
		}
	}
	return all
}

// liesInSecret reports whether n is marked, or a part of what is, or the
// password of a credential.
func liesInSecret(n *xmltree.Node) bool {
	if p := n.Parent(); n.Kind() == xmltree.Attribute && n.Local() == "password" && p != nil && p.Is("", "basic") {
		return true
	}
	for ; n != nil; n = n.Parent() {
		if doNotLog(n) {
			return true
		}
	}
	return false
}

// maskedXML returns n as XML with secrets replaced.
func maskedXML(n *xmltree.Node) string {
	for p := n; p != nil; p = p.Parent() {
		if doNotLog(p) && p != n || n.Kind() == xmltree.Attribute && p.Is("", "basic") && n.Local() == "password" {
			return hidden // a part of a secret
		}
	}
	if !holdsSecret(n) {
		return n.String()
	}
	return copied(n, blank)
}

// copied returns the text of a copy of n that was changed.
func copied(n *xmltree.Node, change func(*xmltree.Node)) string {
	doc := xmltree.New(nil)
	defer doc.Release()
	c, err := doc.Copy(n)
	if err != nil {
		return ""
	}
	change(c)
	return c.String()
}

func holdsSecret(n *xmltree.Node) bool {
	if n.Kind() == xmltree.Element && (doNotLog(n) || n.Is("", "basic")) {
		return true
	}
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		if holdsSecret(e) {
			return true
		}
	}
	return false
}

func blank(n *xmltree.Node) {
	if n.Kind() == xmltree.Element && doNotLog(n) {
		n.Clear()
		n.SetAttr(xmltree.Name{Local: "do-not-log"}, "1")
		n.AppendText(hidden)
		return
	}
	if n.Is("", "basic") && n.AttrNode("", "password") != nil {
		n.SetAttr(xmltree.Name{Local: "password"}, hidden)
	}
	for e := n.FirstElement(); e != nil; e = e.NextElement() {
		blank(e)
	}
}

// written returns n as XML that can be read back. A provider may have made
// names that XML cannot hold; then nothing may rely on the text.
func written(n *xmltree.Node) (string, error) {
	var b strings.Builder
	if err := n.Write(&b, xmltree.WriteOptions{}); err != nil {
		return "", err
	}
	return b.String(), nil
}
