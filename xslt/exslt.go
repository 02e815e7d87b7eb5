package xslt

import (
	"errors"
	"fmt"

	"golang.org/x/text/collate"

	"sutler/xmltree"
	"sutler/xpath"
)

// The namespaces of the modules of EXSLT that consist of functions.
const (
	setSpace    = "http://exslt.org/sets"
	strSpace    = "http://exslt.org/strings"
	mathSpace   = "http://exslt.org/math"
	dateSpace   = "http://exslt.org/dates-and-times"
	regexpSpace = "http://exslt.org/regular-expressions"
)

// extension returns a function of EXSLT or MSXML. One that is refused on
// purpose is not ok but has a Check that tells why.
func extension(name xmltree.Name) (xpath.Function, bool) {
	switch name.Space {
	case exslSpace:
		return commonFunction(name.Local)
	case setSpace:
		return setFunction(name.Local)
	case strSpace:
		return strFunction(name.Local)
	case mathSpace:
		return mathFunction(name.Local)
	case dateSpace:
		return dateFunction(name.Local)
	case regexpSpace:
		return regexpFunction(name.Local)
	case msxslSpace:
		return msxslFunction(name.Local)
	}
	return xpath.Function{}, false
}

// extensionCall is what carries out a function.
type extensionCall = func(c *xpath.Context, args []xpath.Value) (xpath.Value, error)

// extensionFunc returns the function that takes least to most arguments.
func extensionFunc(least, most int, result xpath.Type, f extensionCall) (xpath.Function, bool) {
	return xpath.Function{Min: least, Max: most, Result: result, Call: f}, true
}

// overNodes returns a function whose arguments are all node-sets. A constant
// among them is refused when the call is compiled.
func overNodes(name string, args int, result xpath.Type, f extensionCall) (xpath.Function, bool) {
	wrong := func(v xpath.Value) string { return fmt.Sprintf("%s() wants a node-set, not %s", name, v.Type()) }
	return xpath.Function{
		Min: args, Max: args, Result: result,
		Check: func(args []*xpath.Value) *xpath.Error {
			for _, v := range args {
				if v != nil {
					return &xpath.Error{Rule: "XP016", Msg: wrong(*v), Hint: "pass a path or a variable that holds nodes"}
				}
			}
			return nil
		},
		Call: func(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			for _, v := range args {
				if v.Type() != xpath.NodeSetType {
					return xpath.Value{}, errors.New(wrong(v))
				}
				if err := pay(c, len(v.Nodes())); err != nil {
					return xpath.Value{}, err
				}
			}
			return f(c, args)
		},
	}, true
}

// extensionState is what the functions of a run keep between calls.
type extensionState struct {
	trees       *xmltree.Document // of the elements that functions make
	patterns    map[patternKey]*matcher
	patternSize int
	collators   map[string]*collate.Collator
}

// uncallable is the error of a call whose constant arguments cannot be used.
func uncallable(err error) *xpath.Error { return &xpath.Error{Rule: "XT110", Msg: err.Error()} }

// pay charges n steps of work. Its error has no place: that of the expression
// is given to it where the evaluation ends.
func pay(c *xpath.Context, n int) error { return unplaced(host(c).step(int64(n), place{})) }

// payText charges reading or making a text of so many bytes.
func payText(c *xpath.Context, bytes int) error { return pay(c, 1+bytes/64) }

// room charges bytes that a function adds to what it was given. It is called
// before they are made.
func room(c *xpath.Context, bytes int) error {
	if err := unplaced(host(c).grow(bytes, place{})); err != nil {
		return err
	}
	return payText(c, bytes)
}

// unplaced returns the cause of an error of the run.
func unplaced(err error) error {
	var f *failure
	if errors.As(err, &f) {
		return f.cause
	}
	return err
}

// argText returns argument i as a string and charges for it.
func argText(c *xpath.Context, args []xpath.Value, i int) (string, error) {
	s := args[i].Str()
	return s, payText(c, len(s))
}

// argTexts returns all arguments as strings.
func argTexts(c *xpath.Context, args []xpath.Value) ([]string, error) {
	all := make([]string, len(args))
	for i := range args {
		var err error
		if all[i], err = argText(c, args, i); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// tokenRows makes elements with a text each for the node-set that a function
// returns. They are the children of a root of their own.
type tokenRows struct {
	c    *xpath.Context
	name xmltree.Name
	root *xmltree.Node
	all  []*xmltree.Node
}

// newTokenRows begins a node-set. Its document is not the one of the result
// tree fragments: editing that would end their document order at each call.
func newTokenRows(c *xpath.Context, name string) *tokenRows {
	r := host(c)
	if r.made.trees == nil {
		r.made.trees = r.document()
	}
	return &tokenRows{c: c, name: xmltree.Name{Local: name}, root: r.made.trees.NewRoot()}
}

func (w *tokenRows) add(s string) error {
	if err := pay(w.c, 2); err != nil {
		return err
	}
	if err := room(w.c, len(w.name.Local)+len(s)); err != nil {
		return err
	}
	if err := unplaced(host(w.c).hold(2*nodeBytes, place{})); err != nil {
		return err
	}
	doc := w.root.Document()
	e := doc.NewElement(w.name)
	if err := w.root.Append(e); err != nil {
		return err
	}
	if s != "" {
		if err := e.Append(doc.NewText(s)); err != nil {
			return err
		}
	}
	w.all = append(w.all, e)
	return nil
}

func (w *tokenRows) value() (xpath.Value, error) {
	if len(w.all) > 1000 { // for the same reason it shall stay alone in its document
		host(w.c).made.trees = nil
	}
	return xpath.NodeSet(w.all), nil
}

// commonFunction returns a function of the module common; node-set stands with
// the functions of XSLT.
func commonFunction(name string) (xpath.Function, bool) {
	if name == "object-type" {
		return extensionFunc(1, 1, xpath.StringType, objectType)
	}
	return xpath.Function{}, false
}

// objectType names the type of a value.
func objectType(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	switch v := args[0]; {
	case v.IsFragment():
		return xpath.String("RTF"), nil
	case v.Type() == xpath.NumberType:
		return xpath.String("number"), nil
	case v.Type() == xpath.BooleanType:
		return xpath.String("boolean"), nil
	case v.Type() == xpath.StringType:
		return xpath.String("string"), nil
	}
	return xpath.String("node-set"), nil
}
