package sql

import (
	stdsql "database/sql"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// bind returns the values for the parameters of s. A statement has named
// parameters or unnamed ones; cmd.Mode may say which. Unnamed ones take
// cmd.Params in order, named ones by name.
func (s *statement) bind(cmd *command) ([]any, error) {
	named := slices.ContainsFunc(s.places, func(p string) bool { return p != "" })
	unnamed := slices.Contains(s.places, "")
	switch {
	case cmd.Mode == "none" && len(s.places)+len(cmd.Params) > 0:
		return nil, badElement("the command has parameters and says param=\"none\"")
	case named && unnamed:
		return nil, badElement("the command has both named and unnamed parameters (use one kind)")
	case named && cmd.Mode == "unnamed":
		return nil, badElement("the command has named parameters and says param=\"unnamed\"")
	case unnamed && cmd.Mode == "named":
		return nil, badElement("the command has unnamed parameters and says param=\"named\"")
	case named:
		return s.bindNamed(cmd.Params)
	case len(cmd.Params) != len(s.places):
		return nil, badElement("the command has %d parameters and %d values are given", len(s.places), len(cmd.Params))
	}
	args := make([]any, len(cmd.Params))
	for i, p := range cmd.Params {
		var err error
		if args[i], err = p.bound(i); err != nil {
			return nil, err
		}
	}
	return args, nil
}

func (s *statement) bindNamed(params []param) ([]any, error) {
	at := map[string]int{} // parameter by name
	for i, p := range params {
		if _, twice := at[p.Name]; twice {
			return nil, badElement("parameter %s is given twice", p.title(i))
		}
		at[p.Name] = i
		if !s.uses(p.Name) {
			return nil, badElement("parameter %s is not in the command", p.title(i))
		}
	}
	args := make([]any, len(s.places))
	for i, place := range s.places {
		k, ok := at[place[1:]]
		if !ok {
			return nil, badElement("the command has the parameter %s and no value of that name is given", place)
		}
		v, err := params[k].bound(k)
		if err != nil {
			return nil, err
		}
		args[i] = stdsql.Named(place[1:], v)
	}
	return args, nil
}

// uses reports whether s has a parameter of that name.
func (s *statement) uses(name string) bool {
	return slices.ContainsFunc(s.places, func(place string) bool { return place != "" && place[1:] == name })
}

// borrow returns cmd with those of params that s uses by name and cmd lacks.
func (s *statement) borrow(cmd command, params ...param) *command {
	cmd.Params = slices.Clone(cmd.Params)
	for _, p := range params {
		has := slices.ContainsFunc(cmd.Params, func(q param) bool { return q.Name == p.Name })
		if !has && s.uses(p.Name) {
			cmd.Params = append(cmd.Params, p)
		}
	}
	return &cmd
}

// bound returns the value that is bound for p, the parameter number i from 0.
func (p param) bound(i int) (any, error) {
	if p.Null {
		return nil, nil
	}
	var v any
	var err error
	switch kindOf(p.Type) {
	case "integer":
		v, err = strconv.ParseInt(trim(p.Value), 10, 64)
	case "boolean":
		v, err = strconv.ParseBool(strings.ToLower(trim(p.Value)))
	case "real":
		v, err = strconv.ParseFloat(trim(p.Value), 64)
	case "blob":
		v, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(p.Value), ""))
	case "exact": // as text: SQLite would round it
		v = trim(p.Value)
		_, err = strconv.ParseFloat(trim(p.Value), 64)
	case "text":
		v = p.Value
	default:
		return nil, badElement("parameter %s has the unknown type %q", p.title(i), p.Type)
	}
	if err != nil {
		return nil, badElement("parameter %s is no value of type %s", p.title(i), p.Type)
	}
	return v, nil
}

func (p param) title(i int) string {
	if p.Name != "" {
		return strconv.Quote(p.Name)
	}
	return strconv.Itoa(i + 1)
}

// kindOf returns how a value of an SQL type is bound, "" for an unknown type.
// Types are those of common databases and of OLE DB (adVarChar), without
// regard to case; a size in parentheses is not read.
func kindOf(typ string) string {
	t, _, _ := strings.Cut(strings.ToLower(trim(typ)), "(")
	t = strings.TrimSpace(t)
	if k := kind(t); k != "" {
		return k
	}
	return kind(strings.TrimPrefix(t, "ad"))
}

func kind(t string) string {
	switch t {
	case "int", "integer", "bigint", "smallint", "tinyint", "unsignedint", "unsignedbigint":
		return "integer"
	case "bit", "bool", "boolean":
		return "boolean"
	case "real", "float", "double", "double precision", "single":
		return "real"
	case "decimal", "numeric", "money", "currency":
		return "exact"
	case "blob", "binary", "varbinary", "longvarbinary", "image", "base64":
		return "blob"
	case "", "text", "char", "varchar", "nchar", "nvarchar", "wchar", "varwchar", "longvarchar", "longvarwchar", "ntext",
		"string", "bstr", "variant", "clob", "xml", "json", "guid", "uuid", "uniqueidentifier",
		"date", "time", "datetime", "datetime2", "smalldatetime", "timestamp", "dbdate", "dbtime", "dbtimestamp":
		return "text"
	}
	return ""
}
