package provider

import (
	"strings"

	"sutler"
)

// Required returns the trimmed value of an input of c. It is named as in the
// reference pages: dirName is the text of that child element of executeData,
// sourcePath@path an attribute of one. An input that is missing or empty is an
// error with code BadInput that names it and the procedure.
func Required(c *sutler.Call, input string) (string, error) {
	v, _ := lookup(c, input)
	if v == "" {
		return "", BadInput(c, input, v, "it is required")
	}
	return v, nil
}

// Optional returns the trimmed value of an input of c, named as for Required,
// or otherwise when it is missing or empty.
func Optional(c *sutler.Call, input, otherwise string) string {
	if v, _ := lookup(c, input); v != "" {
		return v
	}
	return otherwise
}

// Given reports whether c has the input, be it empty.
func Given(c *sutler.Call, input string) bool {
	_, ok := lookup(c, input)
	return ok
}

// Flag returns an input of c that says yes (true, 1) or no (false, 0), or
// otherwise when it is missing or empty. Another value has code BadInput.
func Flag(c *sutler.Call, input string, otherwise bool) (bool, error) {
	v, _ := lookup(c, input)
	switch strings.ToLower(v) {
	case "":
		return otherwise, nil
	case "true", "1":
		return true, nil
	case "false", "0":
		return false, nil
	}
	return false, BadInput(c, input, v, "it must be true, false, 1 or 0")
}

// BadInput returns an error with that code for the value of an input of c.
func BadInput(c *sutler.Call, input, value, why string) error {
	if value == "" {
		return sutler.Errorf(sutler.BadInput, "cannot call %q: input %s is missing or empty: %s", c.Procedure, input, why)
	}
	return sutler.Errorf(sutler.BadInput, "cannot call %q: input %s is %q: %s", c.Procedure, input, value, why)
}

func lookup(c *sutler.Call, input string) (string, bool) {
	element, attr, isAttr := strings.Cut(input, "@")
	if !isAttr {
		return c.Text(element)
	}
	if c.Data == nil {
		return "", false
	}
	e := c.Data.Child(element)
	if e == nil {
		return "", false
	}
	a := e.AttrNode("", attr)
	if a == nil {
		return "", false
	}
	return strings.Trim(a.Value(), " \t\r\n"), true
}
