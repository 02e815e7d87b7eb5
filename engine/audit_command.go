package engine

import "strings"

// auditCommand returns a command of SQL for the audit database with the values
// of its literals as hide leaves them. What stands outside of literals, such as
// the names of tables and columns, is left: hiding it would make another command.
func auditCommand(sql string, hide func(value string) string) string {
	var b strings.Builder
	for sql != "" {
		i := strings.IndexAny(sql, `'"`)
		if i < 0 {
			b.WriteString(sql)
			break
		}
		end := i + quoted(sql[i:])
		b.WriteString(sql[:i])
		part := sql[i:end]
		if part[0] == '\'' { // and not a name
			value := strings.ReplaceAll(strings.TrimSuffix(part[1:], "'"), "''", "'")
			if shown := hide(value); shown != value {
				part = "'" + strings.ReplaceAll(shown, "'", "''") + "'"
			}
		}
		b.WriteString(part)
		sql = sql[end:]
	}
	return b.String()
}

// quoted returns the length of what s begins with, which is quoted by its
// first byte; inside, that byte stands twice.
func quoted(s string) int {
	quote := s[0]
	for i := 1; i < len(s); i++ {
		if s[i] != quote {
			continue
		}
		if i+1 < len(s) && s[i+1] == quote {
			i++
			continue
		}
		return i + 1
	}
	return len(s)
}
