package store

import (
	"encoding/binary"
	"errors"
	"time"

	"sutler"
)

// entryFormat is the first byte of a packed entry.
const entryFormat = 1

// pack encodes what the table keeps of an entry beside its columns.
func (e *entry) pack() []byte {
	h := &e.head
	b := make([]byte, 0, 64+len(h.Caller)+len(h.Trustee)+len(h.Client)+len(h.Namespace)+len(h.Procedure)+len(h.Text))
	b = append(b, entryFormat)
	for _, s := range []string{h.Caller, h.Trustee, h.Client, h.Namespace, h.Procedure, h.Text} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendVarint(b, h.Revision)
	b = binary.AppendVarint(b, micros(h.Ended))
	b = binary.AppendUvarint(b, uint64(h.Code))
	b = binary.AppendUvarint(b, uint64(len(e.calls)))
	for _, call := range e.calls {
		b = binary.AppendUvarint(b, uint64(len(call)))
		b = append(b, call...)
	}
	return append(b, packGroups(e.groups)...)
}

// unpack is the mirror image of pack.
func (e *entry) unpack(b []byte) error {
	if len(b) == 0 || b[0] != entryFormat {
		return errors.New("its entry has an unknown form")
	}
	b = b[1:]
	h := &e.head
	short := errors.New("its entry ends early")
	for _, s := range []*string{&h.Caller, &h.Trustee, &h.Client, &h.Namespace, &h.Procedure, &h.Text} {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return short
		}
		*s = string(b[used : used+int(n)])
		b = b[used+int(n):]
	}
	var ended int64
	for _, v := range []*int64{&h.Revision, &ended} {
		n, used := binary.Varint(b)
		if used <= 0 {
			return short
		}
		*v, b = n, b[used:]
	}
	code, used := binary.Uvarint(b)
	if used <= 0 || code > 1<<32-1 {
		return short
	}
	h.Code, h.Ended = sutler.Code(code), timeOf(ended)
	b = b[used:]
	calls, used := binary.Uvarint(b)
	if used <= 0 || calls > maxCalls {
		return short
	}
	b = b[used:]
	for range calls {
		n, used := binary.Uvarint(b)
		if used <= 0 || n > uint64(len(b)-used) {
			return short
		}
		e.calls = append(e.calls, string(b[used:used+int(n)]))
		b = b[used+int(n):]
	}
	var err error
	e.groups, err = unpackGroups(b)
	return err
}

// entryColumns are those of an entry, in the order of values and scanEntry.
const entryColumns = "id, started, number, engine, status, refused, audited, last, kept, entry"

// values returns the row of e.
func (e *entry) values() []any {
	last := int64(0)
	if n := len(e.groups); n > 0 {
		last = e.groups[n-1]
	}
	return []any{
		string(e.head.ID), micros(e.head.Started), e.number, string(e.engine), string(e.head.Status),
		e.refused, e.head.Audited, last, int(e.kept), e.pack(),
	}
}

// scanEntry is the mirror image of values. The error of a damaged entry has
// code Corrupt and comes with what could be read.
func scanEntry(row interface{ Scan(...any) error }) (*entry, error) {
	e := &entry{row: true}
	var packed []byte
	var started int64
	if err := row.Scan(&e.head.ID, &started, &e.number, &e.engine, &e.head.Status, &e.refused, &e.head.Audited, &e.newest, &e.kept, &packed); err != nil {
		return nil, err
	}
	e.head.Started = timeOf(started)
	if err := e.unpack(packed); err != nil {
		return e, sutler.Errorf(sutler.Corrupt, "cannot read transaction %s: %w", e.head.ID, err)
	}
	e.saved = len(e.groups)
	return e, nil
}

// micros returns t in microseconds since 1970, and 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeOf is the mirror image of micros.
func timeOf(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
