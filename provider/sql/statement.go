package sql

import (
	"slices"
	"strconv"
	"strings"

	"sutler"
)

// maxPlaces is how many parameters a statement may have.
const maxPlaces = 1000

// statement is the outline of one SQL statement: enough to see that there is
// only one, which parameters it has, and what to call it in an error. What a
// statement does is never read from its text; see guard.
type statement struct {
	text   string   // without what follows the statement
	words  []string // the words it begins with, in lower case
	places []string // its parameters by SQLite's numbers for them; "" is one without a name
}

// outline reads sql, which must be one statement; a semicolon and comments may
// follow it.
func outline(sql string) (*statement, error) {
	s := &statement{}
	l := lexer{src: sql}
	leading, ended, last := true, 0, 0 // only words so far; where the statement ended; end of its last token
	var before, previous string        // the last two tokens
	for l.next() {
		token := strings.ToLower(l.token())
		if ended > 0 {
			return nil, badElement("the command holds more than one statement (use a step for each)")
		}
		switch l.kind {
		case word:
			if leading {
				s.words = append(s.words, token)
			}
		case variable:
			if err := s.addPlace(l.token()); err != nil {
				return nil, err
			}
		case open:
			return nil, badElement("the command holds a quotation that does not end")
		case semicolon:
			if last == 0 {
				return nil, badElement("the command begins with a semicolon")
			}
			if !s.makesTrigger() || before == ";" && previous == "end" {
				ended = l.start
				continue
			}
		}
		leading = leading && l.kind == word
		before, previous, last = previous, token, l.end
	}
	if last == 0 {
		return nil, badElement("the command is empty")
	}
	s.text = sql[:last]
	return s, s.refuse()
}

// refuse refuses early, and more clearly, some of what the guard or SQLite
// would refuse, and what neither sees: the name of the provider's table in
// places that are compiled later, such as views and foreign keys. SQL has no
// other way to write a name.
func (s *statement) refuse() error {
	if len(s.words) > 0 && (s.words[0] == "vacuum" || s.words[0] == "explain") {
		return sutler.Errorf(sutler.Denied, "cannot run the command: %s is not allowed", strings.ToUpper(s.words[0]))
	}
	if strings.Contains(strings.ToLower(s.text), stepsTable) {
		return sutler.Errorf(sutler.Denied, "cannot run the command: the table %s is the provider's own", stepsTable)
	}
	return nil
}

// makesTrigger reports whether semicolons stand inside the statement.
func (s *statement) makesTrigger() bool {
	w := s.words
	if len(w) > 1 && w[0] == "create" && (w[1] == "temp" || w[1] == "temporary") {
		w = w[1:]
	}
	return len(w) > 1 && w[1] == "trigger"
}

// addPlace adds the parameter written as token, numbered as SQLite does.
func (s *statement) addPlace(token string) error {
	name := token[1:]
	switch {
	case token[0] != '?':
		if name == "" || isDigit(name[0]) || name[0] == '_' || name[0] >= 0x80 || strings.Contains(name, "$") {
			return badElement("the command has the parameter %s (a name begins with a letter)", token)
		}
		if !slices.Contains(s.places, token) {
			s.places = append(s.places, token)
		}
	case name == "":
		s.places = append(s.places, "")
	default:
		n, err := strconv.Atoi(name)
		if err != nil || n < 1 || n > maxPlaces {
			return badElement("the command has the parameter %s (want a number from 1 to %d)", token, maxPlaces)
		}
		for len(s.places) < n {
			s.places = append(s.places, "")
		}
	}
	if len(s.places) > maxPlaces {
		return badElement("the command has more than %d parameters", maxPlaces)
	}
	return nil
}

// title returns the first words, by which errors name the statement. No
// literal is among them.
func (s *statement) title() string {
	return strings.Join(s.words[:min(len(s.words), 4)], " ")
}
