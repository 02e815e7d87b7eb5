package mpferror

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"sutler"
	"sutler/provider"
	"sutler/xmltree"
)

// item is one line of a map file: an error in a context, and what it becomes.
type item struct {
	context string
	id      string
	message string
	code    string // as written; empty: the code stays
}

// defaultSet is the map file used when a call names none.
const defaultSet = "errors"

// items reads the map file that c asks for. A missing file has the code that
// MPF documents for it, sutler.Failed.
func (p Provider) items(c *sutler.Call) ([]item, error) {
	given := provider.Optional(c, "errorSet", defaultSet)
	set := strings.TrimSuffix(given, ".xml")
	language := provider.Optional(c, "locId", "")
	if !plain(set) {
		return nil, provider.BadInput(c, "errorSet", given, "it must be a plain name")
	}
	if !plain(language) {
		return nil, provider.BadInput(c, "locId", language, "it must be a plain name")
	}
	file := path.Join(language, set+".xml")
	for _, maps := range p.Maps {
		src, err := fs.ReadFile(maps, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, &sutler.Error{Code: sutler.Failed, Err: fmt.Errorf("cannot read map file %q: %w", file, err)}
		}
		return parseMap(src, file)
	}
	return nil, sutler.Errorf(sutler.Failed, "map file %q not found", file)
}

// plain reports whether name cannot lead out of its folder.
func plain(name string) bool {
	return !strings.ContainsAny(name, `/\:`) && !strings.HasPrefix(name, ".")
}

// parseMap reads a map file:
//
//	<Items><Item name="context|code"><message>…</message><errorCode>…</errorCode></Item></Items>
func parseMap(src []byte, file string) ([]item, error) {
	d, err := xmltree.Parse(src, xmltree.Options{File: file, DropSpace: true})
	if err != nil {
		return nil, sutler.Errorf(sutler.Failed, "cannot read map file: %w", err)
	}
	defer d.Release()
	top := d.DocumentElement()
	if !top.Is("", "Items") {
		return nil, sutler.Errorf(sutler.Failed, "cannot read map file %q: it holds <%s>, not <Items>", file, top.Name())
	}
	var items []item
	for e := top.FirstElement(); e != nil; e = e.NextElement() {
		name := strings.TrimSpace(e.Attr("name"))
		// The context comes from a procedure and may hold a bar, a code does not.
		at := strings.LastIndexByte(name, '|')
		if !e.Is("", "Item") || at < 0 {
			return nil, sutler.Errorf(sutler.Failed, `cannot read map file %s:%v: want <Item name="context|code">`, file, e.Pos())
		}
		it := item{context: strings.TrimSpace(name[:at]), id: strings.TrimSpace(name[at+1:])}
		if m := e.Child("message"); m != nil {
			it.message = strings.TrimSpace(m.Text())
		}
		if m := e.Child("errorCode"); m != nil {
			it.code = strings.TrimSpace(m.Text())
		}
		if _, err := sutler.ParseCode(it.code); it.code != "" && err != nil {
			return nil, sutler.Errorf(sutler.Failed, "cannot read map file %s:%v: %w", file, e.Pos(), err)
		}
		items = append(items, it)
	}
	return items, nil
}

// matches reports whether the item is for an error in a context. Codes are
// equal when their numbers are, 0x80070005 and -2147024891; other words when
// their letters are.
func (it item) matches(context, id string) bool {
	if it.context != context {
		return false
	}
	a, errA := sutler.ParseCode(it.id)
	b, errB := sutler.ParseCode(id)
	if errA == nil && errB == nil {
		return a == b
	}
	return it.id == id
}

// codeOr returns the code of the item, or otherwise when it has none.
func (it item) codeOr(otherwise sutler.Code) sutler.Code {
	if code, err := sutler.ParseCode(it.code); err == nil && code != sutler.OK {
		return code
	}
	return otherwise
}
