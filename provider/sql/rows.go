package sql

import (
	"context"
	stdsql "database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sutler"
	"sutler/provider"
	"sutler/xmltree"
)

// maxRowBytes bounds the text of all rows of one command.
const maxRowBytes = 64 << 20

// output runs text, the command of r or its whole, under the guard and puts
// the rows into executeData as xml/row, an attribute for each column: numbers
// and texts as they are, blobs in base64, nothing for NULL. An element xml
// from before is replaced. A command without columns leaves none.
func (r *run) output(ctx context.Context, c *sutler.Call, text string, maxRows int) error {
	var rows *xmltree.Node
	err := r.db.guard.watch(func() (err error) {
		rows, err = r.collect(ctx, c.Data.Document(), text, maxRows)
		return err
	})
	if cause := context.Cause(ctx); err != nil && cause != nil && errors.Is(err, ctx.Err()) {
		err = cause
	}
	if err != nil {
		return r.fail(sutler.Failed, err)
	}
	return putRows(c, rows)
}

// putRows puts the element xml into executeData in place of an earlier one.
func putRows(c *sutler.Call, rows *xmltree.Node) error {
	for old := c.Data.Child("xml"); old != nil; old = c.Data.Child("xml") {
		old.Detach()
	}
	if rows == nil {
		return nil
	}
	return c.Data.Append(rows)
}

// putNumber puts an element with a number into executeData in place of an earlier one.
func putNumber(c *sutler.Call, name string, n int64) error {
	for old := c.Data.Child(name); old != nil; old = c.Data.Child(name) {
		old.Detach()
	}
	e, err := provider.Add(c.Data, name)
	if err == nil {
		e.AppendText(strconv.FormatInt(n, 10))
	}
	return err
}

// collect runs text and returns its rows as the element xml, nil for a
// command that has no columns.
func (r *run) collect(ctx context.Context, doc *xmltree.Document, text string, maxRows int) (*xmltree.Node, error) {
	names, err := attributes(r.names)
	if err != nil {
		return nil, err
	}
	rows, err := r.db.conn.QueryContext(ctx, text, r.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	var xml *xmltree.Node
	if len(names) > 0 {
		xml = doc.NewElement(xmltree.Name{Local: "xml"})
	}
	values, into := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	count, bytes := 0, 0
	for rows.Next() {
		if count++; count > maxRows {
			return nil, sutler.Errorf(sutler.LimitReached, "it returns more than %d rows (select fewer, or raise MaxRows of the SQL Provider)", maxRows)
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row, err := provider.Add(xml, "row")
		if err != nil {
			return nil, err
		}
		for i, v := range values {
			if v == nil {
				continue
			}
			text, err := valueText(v, types[i])
			if err != nil {
				return nil, fmt.Errorf("row %d, column %q: %w", count, r.names[i], err)
			}
			if bytes += len(text); bytes > maxRowBytes {
				return nil, sutler.Errorf(sutler.LimitReached, "its rows are larger than %d bytes (select fewer columns or rows)", maxRowBytes)
			}
			provider.SetAttr(row, names[i], text)
		}
	}
	return xml, rows.Err()
}

// counts puts what a writing command did into executeData: rowsAffected, and
// lastInsertId if it inserted a row. It returns the latter.
func (r *run) counts(ctx context.Context, c *sutler.Call) (lastInsertID int64, err error) {
	var changed int64
	if err := r.db.conn.QueryRowContext(ctx, `select changes(), last_insert_rowid()`).Scan(&changed, &lastInsertID); err != nil {
		return 0, err
	}
	if err := putNumber(c, "rowsAffected", changed); err != nil {
		return 0, err
	}
	if lastInsertID != 0 {
		return lastInsertID, putNumber(c, "lastInsertId", lastInsertID)
	}
	for old := c.Data.Child("lastInsertId"); old != nil; old = c.Data.Child("lastInsertId") {
		old.Detach()
	}
	return lastInsertID, nil
}

// valueText returns a value as XML text.
func valueText(v any, t *stdsql.ColumnType) (string, error) {
	switch v := v.(type) {
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return floatText(v), nil
	case []byte:
		return base64.StdEncoding.EncodeToString(v), nil
	case time.Time: // of RETURNING alone; see whole
		return timeText(v, t.DatabaseTypeName() == "DATE"), nil
	case string:
		if i := notXML(v); i >= 0 {
			return "", fmt.Errorf("the text has a character at byte %d that XML cannot hold (select hex() of it)", i)
		}
		return v, nil
	default:
		return "", fmt.Errorf("the driver returned a %T", v)
	}
}

// floatText writes v so that XPath reads the same number.
func floatText(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "Infinity"
	case math.IsInf(v, -1):
		return "-Infinity"
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func timeText(v time.Time, date bool) string {
	layout := "2006-01-02 15:04:05.999999999"
	if date && v.Equal(v.Truncate(24*time.Hour)) {
		layout = "2006-01-02"
	}
	if _, offset := v.Zone(); offset != 0 {
		layout += "-07:00"
	}
	return v.Format(layout)
}

// notXML returns the byte at which s has something that is no character of
// XML 1.0, or -1.
func notXML(s string) int {
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
				return i
			}
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0xFFFE, r == 0xFFFF:
			return i
		}
	}
	return -1
}

// attributes returns the names of the attributes for columns.
func attributes(columns []string) ([]string, error) {
	names := make([]string, len(columns))
	seen := map[string]bool{}
	for i, column := range columns {
		name := attribute(column)
		switch {
		case name == "":
			return nil, sutler.Errorf(sutler.BadInput, "column %d has no name (name it with AS)", i+1)
		case seen[name]:
			return nil, sutler.Errorf(sutler.BadInput, "two columns are called %q (rename one with AS)", column)
		}
		names[i], seen[name] = name, true
	}
	return names, nil
}

// attribute returns the name of a column as a name of XML: a character that
// may not be there is written as _x and its number in four or more
// hexadecimal digits and _, as SQL Server does; so is the underscore of a _x.
func attribute(column string) string {
	var b strings.Builder
	for i, r := range column {
		start := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || nameLetter(r)
		inner := start || r >= '0' && r <= '9' || r == '-' || r == '.'
		switch {
		case r == '_' && strings.HasPrefix(column[i:], "_x"), i == 0 && !start, !inner:
			fmt.Fprintf(&b, "_x%04X_", r)
		default:
			b.WriteRune(r)
		}
	}
	if name := b.String(); name != "xmlns" {
		return name
	}
	return "_x0078_mlns"
}

// nameLetter reports whether r beyond ASCII may stand in a name of XML 1.0,
// fifth edition.
func nameLetter(r rune) bool {
	for _, span := range [][2]rune{
		{0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF}, {0x200C, 0x200D}, {0x2070, 0x218F},
		{0x2C00, 0x2FEF}, {0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFC}, {0x10000, 0xEFFFF},
	} {
		if r >= span[0] && r <= span[1] {
			return true
		}
	}
	return false
}
