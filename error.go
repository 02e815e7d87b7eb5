package sutler

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sutler/xmltree"
)

// Error is the error a caller sees, MPF's errorContext: a code, a
// description, the procedures it passed through and the failing call.
type Error struct {
	Code        Code
	Err         error         // its text is the description; secrets are masked
	Detail      string        // XML content of errorDescription, or ""
	Sources     []ErrorSource // innermost procedure first
	Seq         int           // number of the failing call, 0 before the first
	Transaction TransactionID // empty when none was begun
}

// ErrorSource is one procedure that an error came from or passed through.
type ErrorSource struct {
	Namespace string `json:"namespace"`
	Procedure string `json:"procedure"`
}

// Errorf returns an Error with the text of fmt.Errorf(format, args...), which
// says what could not be done and to what: cannot create user "ann": it exists.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// Error returns the description without the code.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Code.Title()
	}
	return e.Err.Error()
}

// Unwrap returns the wrapped error.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of the first Error in err's chain, OK for nil and
// Failed for an error without a code. Limits, deadlines and problems of the XML
// languages have codes of their own.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	var ps xmltree.Problems
	if errors.As(err, &ps) {
		return BadInput
	}
	var l *xmltree.LimitError
	if errors.As(err, &l) {
		return LimitReached
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return TimedOut
	case errors.Is(err, context.Canceled):
		return Cancelled
	}
	return Failed
}

// AsError returns the first Error in err's chain, or err wrapped as one with
// the code of CodeOf. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		if error(e) == err {
			return e
		}
		outer := *e
		outer.Err = err
		return &outer
	}
	return &Error{Code: CodeOf(err), Err: err}
}

// Code is an HRESULT: what kind of error. MPF's own facility is 0x210.
type Code uint32

// String returns the code as 0x and eight hexadecimal digits.
func (c Code) String() string { return fmt.Sprintf("0x%08X", uint32(c)) }

// Title returns the one-line meaning of a code, or "error" and its number.
func (c Code) Title() string {
	if info, ok := Explain(c); ok {
		return info.Title
	}
	return "error " + c.String()
}

// ParseCode reads a code as the documents write it: 0x and hexadecimal
// digits, or a signed or unsigned decimal number of 32 bits.
func ParseCode(s string) (Code, error) {
	s = strings.TrimSpace(s)
	if h, ok := strings.CutPrefix(strings.ToLower(s), "0x"); ok {
		var v uint32
		if len(h) == 0 || len(h) > 8 {
			return 0, fmt.Errorf("cannot read code %q: want 0x and one to eight hexadecimal digits", s)
		}
		for _, r := range h {
			d := strings.IndexRune("0123456789abcdef", r)
			if d < 0 {
				return 0, fmt.Errorf("cannot read code %q: want 0x and one to eight hexadecimal digits", s)
			}
			v = v<<4 | uint32(d)
		}
		return Code(v), nil
	}
	digits, neg := strings.CutPrefix(s, "-")
	if digits == "" || len(digits) > 10 {
		return 0, fmt.Errorf("cannot read code %q: want 0x and hexadecimal digits, or a decimal number", s)
	}
	var v int64
	for _, r := range digits {
		if r < '0' || r > '9' {
			return 0, fmt.Errorf("cannot read code %q: want 0x and hexadecimal digits, or a decimal number", s)
		}
		v = v*10 + int64(r-'0')
	}
	if neg {
		v = -v
	}
	if v < -1<<31 || v > 1<<32-1 {
		return 0, fmt.Errorf("cannot read code %q: it does not fit into 32 bits", s)
	}
	return Code(uint32(v)), nil
}
