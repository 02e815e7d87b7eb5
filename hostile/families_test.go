//go:build linux

package hostile

import "regexp"

// A family is a kind of attack: what must hold of each of its cases, whatever
// its file says, and the verdicts that agree with that.
type family struct {
	rule     string
	verdicts *regexp.Regexp
}

// families are all there are. Beside these rules none of any family may reach
// the network, look a name up, read the secret file or change what lies
// outside of the roots: see world.breach.
var families = map[string]family{
	"xxe": {
		"without --dtd a document type is refused as such; with it, an external entity is what the door hands in, or an error where it is needed",
		regexp.MustCompile(`^(accepted|refused (XML005|XML006|XML008|XML02[2-8]|XML019 RequestBytes|XML027 EntityBytes|XT115|exit [12] (XML0..|XT...)))$`),
	},
	"entity-bombs": {
		"entities are replaced with --dtd alone, and what they add has a limit; what is accepted is as large as its source",
		regexp.MustCompile(`^(accepted|refused XML0(0[356]|2[0-8])( Depth| Entit.*| TreeNodes)?)$`),
	},
	"quadratic": {
		"what is long is read in linear time, whether it is right or wrong",
		regexp.MustCompile(`^(accepted|refused (XML0..|RQ...|PR...|XT026|XP01.)( TreeNodes)?)$`),
	},
	"deep-nesting": {
		"what lies too deep in itself is refused by a limit before it reaches the end of a stack",
		regexp.MustCompile(`^(accepted|refused (XML020 Depth|XT120 Depth|XT...|XP...|XS...|RQ...|PR...|BadInput|Failed|400 Bad(Input|Request)))$`),
	},
	"encodings": {
		"what is not of the encoding that it says, or that is not known, is refused and never mended; no two readers see different texts",
		regexp.MustCompile(`^(accepted|refused (XML00[1-8]|XML01[126]|XML026|400 (BadInput|BadRequest)|415 BadInput))$`),
	},
	"duplicates": {
		"nothing is there twice, neither as written nor by its namespace, and no name of the language is taken for another one",
		regexp.MustCompile(`^(accepted|refused (XML0(07|09|10|17|18)|RQ...|PR...|XT10[23]))$`),
	},
	"xinclude": {
		"an element of XInclude is data where data may be, and an unknown element elsewhere",
		regexp.MustCompile(`^(accepted|refused (RQ00[12]|PR002|XT...|XS...))$`),
	},
	"stylesheet-pi": {
		"an instruction that names a stylesheet, a schema or a catalog does nothing",
		regexp.MustCompile(`^(accepted|refused XML0(04|16))$`),
	},
	"recursion": {
		"what never ends by itself ends at a limit",
		regexp.MustCompile(`^(accepted|refused (XT120 (TemplateDepth|TransformSteps|ResultBytes|TreeNodes|TreeBytes|Depth)|XT0..|LimitReached.*|BadNamespace|PR...|XS...))$`),
	},
	"explosions": {
		"what makes more than it was made of ends at a limit",
		regexp.MustCompile(`^refused (XT120 (TransformSteps|ResultBytes|TreeNodes|TreeBytes|Depth)|XML0(19|20|21) .*|LimitReached.*|422 LimitReached.*)$`),
	},
	"patterns": {
		"a regular expression takes time in proportion to its text, and one that cannot be carried out so is refused",
		regexp.MustCompile(`^(accepted|refused (XT1[12]0( TransformSteps| ResultBytes| TreeNodes)?|XS...( TransformSteps)?|BadInput|Failed|LimitReached|TimedOut|XML...))$`),
	},
	"sorts-and-keys": {
		"sorting and looking up are paid for",
		regexp.MustCompile(`^refused (XT110|XT120 (TransformSteps|ResultBytes|TreeNodes|TreeBytes))$`),
	},
	"addresses": {
		"no address of whatever form is ever asked: what is not handed in is not there",
		regexp.MustCompile(`^refused `),
	},
	"document-function": {
		"a stylesheet reads what its door hands in, below the directories that the program was told, and writes nothing",
		regexp.MustCompile(`^(accepted|refused (XT...|XP012|TransformErr|BadRequest|exit [12] XT...))$`),
	},
	"paths": {
		"no name leads out of the root of a provider, and none is expanded, decoded or run",
		regexp.MustCompile(`^(accepted|refused (OutsideRoot|BadInput|NoSuchFile|Exists|Failed|NoProvider|C000180[02]))$`),
	},
	"sql-injection": {
		"a parameter is never a part of a command, and a command reaches its own database alone; the customers stay as they are",
		regexp.MustCompile(`^(accepted|refused (Denied|BadInput|LimitReached|TimedOut|Failed|C000180[02]))$`),
	},
	"field-injection": {
		"what comes in a field is handed on as it is and never read as a filter, a path or a command",
		regexp.MustCompile(`^accepted$`),
	},
	"headers": {
		"one request has one answer, whose headers no request makes; what can be read in two ways, or is not from here, is refused",
		regexp.MustCompile(`^(accepted|refused (4\d\d|501|505|307)( [A-Za-z]+)?(, 4\d\d [A-Za-z]+)?)$`),
	},
	"slow-senders": {
		"the server ends each connection by itself, whether the peer has a token or not",
		regexp.MustCompile(`^(accepted|refused .*)$`),
	},
	"oversized": {
		"what is larger than a limit is refused before it takes more memory than the limit allows",
		regexp.MustCompile(`^(accepted|refused (XML0(19|2[01]) .*|PR002|LimitReached.*|4\d\d( [A-Za-z]+)?))$`),
	},
}

// breach returns how r breaks the rule, or "".
func (f family) breach(r *report) string {
	if f.verdicts.MatchString(r.Verdict) {
		return ""
	}
	return "no case may end with " + r.Verdict
}
