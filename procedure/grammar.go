package procedure

import (
	"math"
	"strings"

	"sutler/xmltree"
	"sutler/xslt"
)

// xdrSpace is the namespace of the classic form of Schema (schema B.29).
const xdrSpace = "urn:schemas-microsoft-com:xml-data"

// xdrSchema is the key of that form in the grammar.
const xdrSchema = "{" + xdrSpace + "}Schema"

// sheets are the keys of the stylesheets that a namespace may hold for the
// templates of its procedures to include, by their id.
var sheets = []string{
	"{" + xslt.Space + "}stylesheet", "{" + xslt.Space + "}transform",
	"{" + xslt.HTTPSSpace + "}stylesheet", "{" + xslt.HTTPSSpace + "}transform",
}

var grammarRules = xmltree.GrammarRules{
	Unknown: "PR002", Misplaced: "PR003", TooMany: "PR004", TooFew: "PR005",
	UnknownAttr: "PR006", MissingAttr: "PR007", Value: "PR008", Text: "PR009",
}

// namespaceGrammar is part B of the schema as far as namespace files go. What
// needs more than one element to be judged is checked by the compiler.
var namespaceGrammar = xmltree.Grammar{Rules: grammarRules, Elements: elements(xmltree.Shape{Attrs: []xmltree.AttrShape{
	{Name: "name", Required: true, Want: wantName},
	{Name: "access", Want: xmltree.OneOf("private", "public")},
	{Name: "type", Want: xmltree.OneOf("read", "write", "two-phase")},
	{Name: "saveDataForRollback", Want: boolean},
	{Name: "auditEnabled", Want: boolean},
	{Name: "perfEnabled", Want: boolean},
	{Name: "description"},
}})}

// inlineGrammar is that of the procedure inside a trusted request. It has no
// attributes (schema B.21), which CompileInline says in words of its own.
var inlineGrammar = xmltree.Grammar{Rules: grammarRules, Elements: elements(xmltree.Shape{FreeAttr: true})}

var (
	boolean    = xmltree.OneOf("0", "1", "true", "false")
	threeState = xmltree.OneOf("0", "1", "2")
)

// elements returns the elements of the language. The attributes of procedure
// are those of the given shape.
func elements(procedure xmltree.Shape) map[string]xmltree.Shape {
	steps := []string{"execute*", "queue*", "transform*", "select*", "try*", "catch*"}
	step := []string{"executeData?", "forEach*", "repeat*", "when*", "before*", "after*"}
	call := []xmltree.AttrShape{
		{Name: "namespace", Required: true, Want: wantName},
		{Name: "procedure", Required: true, Want: wantName},
		{Name: "impersonate", Want: threeState},
		{Name: "sensitive", Want: threeState},
		{Name: "trusted", Want: threeState},
	}
	transfer := func(ifNull ...string) xmltree.Shape {
		return xmltree.Shape{
			Attrs: []xmltree.AttrShape{
				{Name: "source", Required: true},
				{Name: "sourcePath"},
				{Name: "destination", Required: true},
				{Name: "destinationPath"},
				{Name: "mode", Want: xmltree.OneOf("insert", "merge", "replace", "move")},
				{Name: "ifNull", Want: xmltree.OneOf(ifNull...)},
				{Name: "allowNullTransform", Want: boolean},
			},
			Foreign: true,
		}
	}
	procedure.Children = append([]string{"Schema*", xdrSchema + "*", "procedureData?"}, steps...)
	schema := xmltree.Shape{
		Attrs: []xmltree.AttrShape{
			{Name: "name", Required: true, Want: xmltree.OneOf("inputSchema", "outputSchema")},
			{Name: "validate", Want: boolean},
		},
		Free: true,
	}

	shapes := map[string]xmltree.Shape{
		"namespace": {
			Attrs: []xmltree.AttrShape{
				{Name: "name", Required: true, Want: wantName},
				{Name: "providerSource"},
				{Name: "description"},
				{Name: "readOnly", Want: boolean},
				{Name: "version", Want: xmltree.Whole(0, math.MaxInt32)},
			},
			Children: []string{"providerContext?", "procedure+"},
		},
		"providerContext": {Free: true, FreeAttr: true},
		"procedure":       procedure,
		"Schema":          schema,
		xdrSchema:         schema,
		"procedureData":   {Free: true},
		"execute":         {Attrs: call, Children: step},
		"queue":           {Attrs: append(call[:len(call):len(call)], xmltree.AttrShape{Name: "queueSuspended", Want: boolean}), Children: step},
		"transform":       {Children: step},
		"try":             {Children: steps},
		"catch":           {Children: steps},
		"select": {
			Attrs: []xmltree.AttrShape{
				{Name: "name", Required: true, Want: wantFilled},
				{Name: "source", Required: true},
				{Name: "sourcePath"},
				{Name: "defaultCase"},
				{Name: "ifNullCase"},
			},
			Children: []string{"where*"},
		},
		"where": {Attrs: []xmltree.AttrShape{
			{Name: "value", Required: true},
			{Name: "case", Required: true},
		}},
		"executeData": {Free: true, FreeAttr: true},
		"forEach": {Attrs: []xmltree.AttrShape{
			{Name: "name", Required: true, Want: wantFilled},
			{Name: "root", Required: true},
			{Name: "path"},
			{Name: "ifNull", Want: xmltree.OneOf("fail", "skip", "ignore")},
		}},
		"repeat": {Attrs: []xmltree.AttrShape{
			{Name: "source", Required: true},
			{Name: "sourcePath"},
			{Name: "ifNull", Want: xmltree.OneOf("fail", "skip", "ignore")},
		}},
		"when": {Attrs: []xmltree.AttrShape{
			{Name: "source"},
			{Name: "sourcePath"},
			{Name: "select"},
			{Name: "case"},
		}},
		"before": transfer("fail", "ignore", "skip"),
		"after":  transfer("fail", "ignore"),
	}
	namespace := shapes["namespace"]
	for _, key := range sheets {
		namespace.Children = append(namespace.Children, key+"*")
		shapes[key] = xmltree.Shape{Free: true, FreeAttr: true}
	}
	shapes["namespace"] = namespace
	return shapes
}

// wantName wants a name of a namespace or a procedure (schema A.2).
func wantName(v string) string {
	if v == "" {
		return "a name"
	}
	if strings.Trim(v, " ") != v {
		return "a name that neither begins nor ends with a space"
	}
	for _, r := range v {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_ -.", r)) {
			return "letters from a to z, digits, underscores, spaces, hyphens and full stops"
		}
	}
	return ""
}

func wantFilled(v string) string {
	if strings.TrimSpace(v) == "" {
		return "a name"
	}
	return ""
}
