package sql

import (
	"slices"
	"strconv"
	"strings"

	"sutler"
)

// verbs are the first words of the commands that PostgreSQL is given. Missing
// are those that end or split a database transaction (BEGIN, COMMIT, PREPARE
// TRANSACTION, COMMIT PREPARED, SAVEPOINT …), that outlive it (SET, LISTEN,
// PREPARE, DECLARE, DISCARD), that reach files and programs of the server
// (COPY, LOAD) and code without a name (DO). The extended protocol refuses
// several statements in one command, so the first word is that of the whole;
// and PostgreSQL itself lets no procedure end a transaction that was begun
// outside of it.
var verbs = []string{
	"select", "with", "values", "table", "insert", "update", "delete", "merge", "call",
	"create", "alter", "drop", "truncate", "comment", "grant", "revoke", "refresh", "analyze",
}

// outlinePostgres is outline for PostgreSQL. The text of the statement has $1
// and so on in place of its parameters. Of the operators that are written with
// a question mark jsonb has functions (jsonb_exists).
func outlinePostgres(sql string) (*statement, error) {
	s := &statement{}
	l := lexer{src: sql, postgres: true}
	var text strings.Builder
	leading, copied := true, 0
	for l.next() {
		switch l.kind {
		case word:
			if leading {
				s.words = append(s.words, strings.ToLower(l.token()))
			}
		case variable:
			n, err := s.numberPlace(l.token())
			if err != nil {
				return nil, err
			}
			text.WriteString(sql[copied:l.start])
			text.WriteString(n)
			copied = l.end
		case open:
			return nil, badElement("the command holds a quotation that does not end")
		}
		leading = leading && (l.kind == word || l.token() == "(" && len(s.words) == 0)
	}
	text.WriteString(sql[copied:])
	s.text = text.String()
	return s, s.refusePostgres()
}

// numberPlace adds the parameter written as token and returns what PostgreSQL calls it.
func (s *statement) numberPlace(token string) (string, error) {
	if token[0] == '$' && len(token) > 1 && isDigit(token[1]) {
		token = "?" + token[1:]
	}
	if err := s.addPlace(token); err != nil {
		return "", err
	}
	if name := token[1:]; token[0] == '?' && name != "" {
		return "$" + strings.TrimLeft(name, "0"), nil
	}
	if token[0] == '?' {
		return "$" + strconv.Itoa(len(s.places)), nil
	}
	return "$" + strconv.Itoa(slices.Index(s.places, token)+1), nil
}

func (s *statement) refusePostgres() error {
	denied := func(what string) error {
		return sutler.Errorf(sutler.Denied, "cannot run the command: %s", what)
	}
	if len(s.words) == 0 {
		return badElement("the command is empty, or does not begin with a word")
	}
	lower := strings.ToLower(s.text)
	switch first := s.words[0]; {
	case !slices.Contains(verbs, first):
		return denied(strings.ToUpper(first) + " is not allowed")
	case strings.Contains(lower, stepsTable):
		return denied("the table " + stepsTable + " is the provider's own")
	case strings.Contains(lower, `u&"`):
		return denied(`names written as U&"…" are not allowed`)
	case strings.Contains(lower, "pg_advisory"):
		return denied("advisory locks are not allowed")
	case first == "create" && slices.ContainsFunc(s.words, func(w string) bool { return w == "temp" || w == "temporary" }):
		return denied("temporary objects are not allowed")
	}
	return nil
}
