package sutler

import (
	"encoding/binary"
	"fmt"
	"time"
)

// formatVersion is the first byte of an encoded group of records. A reader
// takes every version up to its own. Since version 2 a record without a
// transaction belongs to that of the record before it; since version 3 parts may
// be sealed.
const formatVersion = 3

// The fields of an encoded record. Their numbers are part of the log format:
// a number is never used again for something else.
const (
	fieldTransaction = iota + 1
	fieldKind
	fieldAt
	fieldCaller
	fieldTrustee
	fieldClient
	fieldNamespace
	fieldProcedure
	fieldRevision
	fieldProgram // repeated
	fieldSeq
	fieldParent // repeated: seq, namespace, procedure
	fieldProvider
	fieldType
	fieldPolicy
	fieldIdentityKind
	fieldIdentityAccount
	fieldContext
	fieldInput
	fieldRollback // repeated: name, value
	fieldCode
	fieldText
	fieldResponse
	fieldDigest
	fieldEnlisted
	fieldAudited
	fieldBefore
	fieldAfter
	fieldRound
	fieldDue
	fieldVerb
	fieldRecords
	fieldSealed
	fieldCredential
)

// EncodeRecords appends the encoded group rs to dst. Times keep microseconds.
func EncodeRecords(dst []byte, rs []Record) []byte {
	dst = append(dst, formatVersion)
	dst = binary.AppendUvarint(dst, uint64(len(rs)))
	var body []byte
	var before TransactionID
	for i := range rs {
		body = appendRecord(body[:0], &rs[i], before)
		before = rs[i].Transaction
		dst = binary.AppendUvarint(dst, uint64(len(body)))
		dst = append(dst, body...)
	}
	return dst
}

func appendRecord(b []byte, r *Record, before TransactionID) []byte {
	str := func(field byte, s string) {
		if s != "" {
			b = append(b, field)
			b = appendString(b, s)
		}
	}
	num := func(field byte, v int64) {
		if v != 0 {
			var n [binary.MaxVarintLen64]byte
			used := binary.PutVarint(n[:], v)
			b = append(b, field, byte(used))
			b = append(b, n[:used]...)
		}
	}
	yes := func(field byte, set bool) {
		if set {
			num(field, 1)
		}
	}
	if r.Transaction != before {
		b = append(b, fieldTransaction)
		b = appendString(b, string(r.Transaction))
	}
	num(fieldKind, int64(r.Kind))
	if !r.At.IsZero() {
		num(fieldAt, r.At.UnixMicro())
	}
	str(fieldCaller, r.Caller)
	str(fieldTrustee, r.Trustee)
	str(fieldClient, r.Client)
	str(fieldNamespace, r.Namespace)
	str(fieldProcedure, r.Procedure)
	num(fieldRevision, r.Revision)
	for _, p := range r.Programs {
		b = append(b, fieldProgram)
		b = appendString(b, p)
	}
	num(fieldSeq, int64(r.Seq))
	for _, f := range r.Parents {
		var inner []byte
		inner = binary.AppendVarint(inner, int64(f.Seq))
		inner = appendString(inner, f.Namespace)
		inner = appendString(inner, f.Procedure)
		b = append(b, fieldParent)
		b = appendString(b, string(inner))
	}
	str(fieldProvider, r.Provider)
	num(fieldType, int64(r.Type))
	num(fieldPolicy, int64(r.Policy))
	str(fieldIdentityKind, string(r.Identity.Kind))
	str(fieldIdentityAccount, r.Identity.Account)
	str(fieldContext, r.Context)
	str(fieldInput, r.Input)
	for _, p := range r.Rollback {
		var inner []byte
		inner = appendString(inner, p.Name)
		inner = appendString(inner, p.Value)
		b = append(b, fieldRollback)
		b = appendString(b, string(inner))
	}
	num(fieldCode, int64(r.Code))
	str(fieldText, r.Text)
	str(fieldResponse, r.Response)
	str(fieldDigest, r.Digest)
	yes(fieldEnlisted, r.Enlisted)
	yes(fieldAudited, r.Audited)
	str(fieldBefore, r.Before)
	str(fieldAfter, r.After)
	num(fieldRound, int64(r.Round))
	if !r.Due.IsZero() {
		num(fieldDue, r.Due.UnixMicro())
	}
	str(fieldVerb, string(r.Verb))
	str(fieldRecords, string(r.Records))
	str(fieldSealed, string(r.Sealed))
	str(fieldCredential, r.Identity.Credential)
	return b
}

func appendString(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

// DecodeRecords reads a group that EncodeRecords wrote, in this version or an
// earlier one. Fields that it does not know are left out. An error has code Corrupt.
func DecodeRecords(b []byte) ([]Record, error) {
	if len(b) == 0 {
		return nil, Errorf(Corrupt, "cannot read a group of records: it is empty")
	}
	if b[0] == 0 || b[0] > formatVersion {
		return nil, Errorf(Corrupt, "cannot read a group of records of format %d: this version knows formats up to %d", b[0], formatVersion)
	}
	d := decoder{b: b[1:]}
	n := d.uvarint()
	if n > uint64(len(b)) {
		return nil, Errorf(Corrupt, "cannot read a group of records: %d records in %d bytes", n, len(b))
	}
	rs := make([]Record, 0, min(n, 1024)) // n may be wrong, and a record is large in memory
	var before TransactionID
	for range n {
		body := d.string()
		if d.err != nil {
			break
		}
		r, err := decodeRecord(body, before)
		if err != nil {
			return nil, err
		}
		if b[0] > 1 {
			before = r.Transaction
		}
		rs = append(rs, r)
	}
	if d.err == nil && len(d.b) > 0 {
		d.err = fmt.Errorf("%d bytes too many", len(d.b))
	}
	if d.err != nil {
		return nil, Errorf(Corrupt, "cannot read a group of records: %w", d.err)
	}
	return rs, nil
}

func decodeRecord(body string, before TransactionID) (Record, error) {
	r := Record{Transaction: before}
	d := decoder{b: []byte(body)}
	for len(d.b) > 0 && d.err == nil {
		field := d.b[0]
		d.b = d.b[1:]
		v := d.string()
		in := decoder{b: []byte(v)}
		switch field {
		case fieldTransaction:
			r.Transaction = TransactionID(v)
		case fieldKind:
			r.Kind = RecordKind(in.varint())
		case fieldAt:
			r.At = time.UnixMicro(in.varint()).UTC()
		case fieldCaller:
			r.Caller = v
		case fieldTrustee:
			r.Trustee = v
		case fieldClient:
			r.Client = v
		case fieldNamespace:
			r.Namespace = v
		case fieldProcedure:
			r.Procedure = v
		case fieldRevision:
			r.Revision = in.varint()
		case fieldProgram:
			r.Programs = append(r.Programs, v)
		case fieldSeq:
			r.Seq = int(in.varint())
		case fieldParent:
			r.Parents = append(r.Parents, Frame{Seq: int(in.varint()), Namespace: in.string(), Procedure: in.string()})
		case fieldProvider:
			r.Provider = v
		case fieldType:
			r.Type = ProcedureType(in.varint())
		case fieldPolicy:
			r.Policy = Policy(in.varint())
		case fieldIdentityKind:
			r.Identity.Kind = IdentityKind(v)
		case fieldIdentityAccount:
			r.Identity.Account = v
		case fieldContext:
			r.Context = v
		case fieldInput:
			r.Input = v
		case fieldRollback:
			r.Rollback = append(r.Rollback, Pair{Name: in.string(), Value: in.string()})
		case fieldCode:
			r.Code = Code(in.varint())
		case fieldText:
			r.Text = v
		case fieldResponse:
			r.Response = v
		case fieldDigest:
			r.Digest = v
		case fieldEnlisted:
			r.Enlisted = in.varint() != 0
		case fieldAudited:
			r.Audited = in.varint() != 0
		case fieldBefore:
			r.Before = v
		case fieldAfter:
			r.After = v
		case fieldRound:
			r.Round = int(in.varint())
		case fieldDue:
			r.Due = time.UnixMicro(in.varint()).UTC()
		case fieldVerb:
			r.Verb = Verb(v)
		case fieldRecords:
			r.Records = []byte(v)
		case fieldSealed:
			r.Sealed = []byte(v)
		case fieldCredential:
			r.Identity.Credential = v
		}
		if d.err == nil {
			d.err = in.err
		}
	}
	if d.err != nil {
		return r, Errorf(Corrupt, "cannot read a record: %w", d.err)
	}
	if r.Policy > Probe {
		return r, Errorf(Corrupt, "cannot read a record: no policy has the number %d", r.Policy)
	}
	return r, nil
}

// decoder takes values off b; after the first error it yields zero values.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) string() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail()
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) fail() {
	if d.err == nil {
		d.err = fmt.Errorf("it ends early")
	}
	d.b = nil
}

// Uncarried returns the records of one transaction with the last Carried one
// replaced by what it stands for: those before it. What was written before it
// and it does not hold, because somebody wrote at the same time, comes behind
// that. An error has code Corrupt.
func Uncarried(rs []Record) ([]Record, error) {
	for i := len(rs) - 1; i >= 0; i-- {
		if rs[i].Kind != Carried {
			continue
		}
		all, err := DecodeRecords(rs[i].Records)
		if err != nil {
			return nil, err
		}
		before, err := Uncarried(rs[:i])
		if err != nil {
			return nil, err
		}
		if len(before) > len(all) {
			all = append(all, before[len(all):]...)
		}
		return append(all, rs[i+1:]...), nil
	}
	return rs, nil
}

// AppendGroup adds the encoded group of one Append to the row of a log.
func AppendGroup(row, group []byte) []byte {
	row = binary.AppendUvarint(row, uint64(len(group)))
	return append(row, group...)
}

// DecodeRow returns the records of a row that AppendGroup made, in the order of
// writing. An error has code Corrupt.
func DecodeRow(row []byte) ([]Record, error) {
	var all []Record
	for len(row) > 0 {
		n, used := binary.Uvarint(row)
		if used <= 0 || n > uint64(len(row)-used) {
			return nil, Errorf(Corrupt, "cannot read a row of records: it ends early")
		}
		row = row[used:]
		rs, err := DecodeRecords(row[:n])
		if err != nil {
			return nil, err
		}
		all = append(all, rs...)
		row = row[n:]
	}
	return all, nil
}
