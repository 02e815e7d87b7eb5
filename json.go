package sutler

import (
	"encoding/json"
	"errors"
	"fmt"
)

// The JSON form of the words: what the door answers, what the commands print
// and what the client reads back. Rollback data, executeData and context of a
// step have none: they may hold secrets and never leave through a door.

// MarshalText returns the code as 0x and eight hexadecimal digits.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what ParseCode reads.
func (c *Code) UnmarshalText(b []byte) (err error) {
	*c, err = ParseCode(string(b))
	return err
}

// Name returns the word for the code in commands, for instance Denied, or "".
func (c Code) Name() string {
	info, _ := Explain(c)
	return info.Name
}

// MarshalText returns read, write or two-phase.
func (t ProcedureType) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads read, write or two-phase.
func (t *ProcedureType) UnmarshalText(b []byte) error {
	for _, known := range []ProcedureType{Read, Write, TwoPhase} {
		if known.String() == string(b) {
			*t = known
			return nil
		}
	}
	return fmt.Errorf("cannot read procedure type %q: want read, write or two-phase", b)
}

// MarshalText returns operator, repeatable or probe.
func (p Policy) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads operator, repeatable or probe.
func (p *Policy) UnmarshalText(b []byte) error {
	for _, known := range []Policy{Operator, Repeatable, Probe} {
		if known.String() == string(b) {
			*p = known
			return nil
		}
	}
	return fmt.Errorf("cannot read policy %q: want operator, repeatable or probe", b)
}

type errorJSON struct {
	Code        Code          `json:"code"`
	HRESULT     Code          `json:"hresult"`
	Name        string        `json:"name,omitempty"`
	Description string        `json:"description"`
	Hint        string        `json:"hint,omitempty"`
	Detail      string        `json:"detail,omitempty"`
	Sources     []ErrorSource `json:"sources,omitempty"`
	Seq         int           `json:"seq,omitempty"`
	Transaction TransactionID `json:"transaction,omitempty"`
}

// MarshalJSON returns code, hresult, name, description and hint, and, where known,
// detail, sources, seq and transaction.
func (e *Error) MarshalJSON() ([]byte, error) {
	info, _ := Explain(e.Code)
	return json.Marshal(errorJSON{
		Code: e.Code, HRESULT: e.Code.HRESULT(), Name: info.Name, Description: e.Error(), Hint: info.Help,
		Detail: e.Detail, Sources: e.Sources, Seq: e.Seq, Transaction: e.Transaction,
	})
}

// UnmarshalJSON is the mirror image of MarshalJSON. HRESULT, name and hint follow from
// the code and are not read.
func (e *Error) UnmarshalJSON(b []byte) error {
	var in errorJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*e = Error{
		Code: in.Code, Err: errors.New(in.Description), Detail: in.Detail,
		Sources: in.Sources, Seq: in.Seq, Transaction: in.Transaction,
	}
	return nil
}
