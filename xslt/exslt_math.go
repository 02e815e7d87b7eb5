package xslt

import (
	"math"

	"sutler/xmltree"
	"sutler/xpath"
)

// mathFunction returns a function of the EXSLT module math.
func mathFunction(name string) (xpath.Function, bool) {
	full := "math:" + name
	switch name {
	case "min":
		return overNodes(full, 1, xpath.NumberType, extremum(math.Inf(1), func(f, best float64) bool { return f < best }, extremeNumber))
	case "max":
		return overNodes(full, 1, xpath.NumberType, extremum(math.Inf(-1), func(f, best float64) bool { return f > best }, extremeNumber))
	case "lowest":
		return overNodes(full, 1, xpath.NodeSetType, extremum(math.Inf(1), func(f, best float64) bool { return f < best }, extremeNodes))
	case "highest":
		return overNodes(full, 1, xpath.NodeSetType, extremum(math.Inf(-1), func(f, best float64) bool { return f > best }, extremeNodes))
	case "power":
		return ofTwo(math.Pow)
	case "atan2":
		return ofTwo(math.Atan2)
	case "constant":
		return extensionFunc(2, 2, xpath.NumberType, mathConstant)
	case "random":
		return xpath.Function{Check: func([]*xpath.Value) *xpath.Error {
			return &xpath.Error{Rule: "XT019", Msg: `"math:random" is refused: a result depends on its input alone`,
				Hint: "pass a number in as a parameter, or derive one from the document"}
		}}, false
	}
	if f := ofOne(name); f != nil {
		return extensionFunc(1, 1, xpath.NumberType, func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
			return xpath.Number(f(args[0].Num())), nil
		})
	}
	return xpath.Function{}, false
}

// ofOne returns a function of one number, or nil.
func ofOne(name string) func(float64) float64 {
	switch name {
	case "abs":
		return math.Abs
	case "sqrt":
		return math.Sqrt
	case "log":
		return math.Log
	case "exp":
		return math.Exp
	case "sin":
		return math.Sin
	case "cos":
		return math.Cos
	case "tan":
		return math.Tan
	case "asin":
		return math.Asin
	case "acos":
		return math.Acos
	case "atan":
		return math.Atan
	}
	return nil
}

func ofTwo(f func(a, b float64) float64) (xpath.Function, bool) {
	return extensionFunc(2, 2, xpath.NumberType, func(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
		a, b := args[0].Num(), args[1].Num()
		if a != a || b != b { // math.Pow makes 1 of some of them
			return xpath.Number(math.NaN()), nil
		}
		return xpath.Number(f(a, b)), nil
	})
}

// extremum finds the best number of a node-set and the nodes that have it. A
// set that is empty or holds what is no number has neither.
func extremum(worst float64, better func(f, best float64) bool, answer func(float64, []*xmltree.Node) xpath.Value) extensionCall {
	return func(c *xpath.Context, args []xpath.Value) (xpath.Value, error) {
		best := worst
		var found []*xmltree.Node
		for _, n := range args[0].Nodes() {
			s := n.Text()
			if err := payText(c, len(s)); err != nil {
				return xpath.Value{}, err
			}
			f := xpath.ParseNumber(s)
			switch {
			case f != f:
				return answer(math.NaN(), nil), nil
			case better(f, best):
				best, found = f, []*xmltree.Node{n}
			case f == best:
				found = append(found, n)
			}
		}
		if found == nil {
			best = math.NaN()
		}
		return answer(best, found), nil
	}
}

func extremeNumber(f float64, _ []*xmltree.Node) xpath.Value { return xpath.Number(f) }

func extremeNodes(_ float64, nodes []*xmltree.Node) xpath.Value { return xpath.NodeSet(nodes) }

// mathConstant returns a constant cut, not rounded, to so many characters, the
// point among them, as the reference implementation and libexslt do.
func mathConstant(_ *xpath.Context, args []xpath.Value) (xpath.Value, error) {
	var s string
	switch args[0].Str() {
	case "PI":
		s = "3.1415926535897932384626433832795028841971693993751"
	case "E":
		s = "2.71828182845904523536028747135266249775724709369996"
	case "SQRRT2", "SQRT2": // EXSLT itself misspells it
		s = "1.41421356237309504880168872420969807856967187537694"
	case "LN2":
		s = "0.69314718055994530941723212145817656807550013436025"
	case "LN10":
		s = "2.30258509299404568401799145468436420760110148862877"
	case "LOG2E":
		s = "1.44269504088896340735992468100189213742664595415299"
	case "SQRT1_2":
		s = "0.70710678118654752440084436210484903928483593768847"
	}
	digits := args[1].Num()
	if !(digits >= 1) {
		return xpath.Number(math.NaN()), nil
	}
	if digits < float64(len(s)) {
		s = s[:int(digits)]
	}
	return xpath.Number(xpath.ParseNumber(s)), nil
}
