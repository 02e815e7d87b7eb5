package engine

import "strings"

// auditCommand returns a command of SQL for the audit database with secrets
// hidden in its literals, and with nothing but *** in them when all is secret.
// What stands outside of literals, such as the names of tables and columns, is
// left: hiding it would make another command.
func auditCommand(sql string, secrets []string, all bool) string {
	if !all && len(secrets) == 0 {
		return sql
	}
	var b strings.Builder
	for sql != "" {
		i := strings.IndexAny(sql, `'"`)
		if i < 0 {
			b.WriteString(sql)
			break
		}
		end := i + quoted(sql[i:])
		b.WriteString(sql[:i])
		if part := sql[i:end]; part[0] == '"' { // a name
			b.WriteString(part)
		} else {
			value := hidden
			if !all {
				value = mask(strings.ReplaceAll(strings.TrimSuffix(part[1:], "'"), "''", "'"), secrets)
			}
			b.WriteString("'" + strings.ReplaceAll(value, "'", "''") + "'")
		}
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
