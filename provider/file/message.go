package file

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"sutler"
)

// HelperArgument is the argument with which the engine's program is started to
// be a helper.
const HelperArgument = "file-helper"

// Engine and helper exchange messages: four bytes of length, highest first,
// and so many bytes of JSON. The engine begins with start, which the helper
// answers with ready or failed. Then the engine sends tasks, any number at
// once, and the helper answers each with done; in between it may ask for
// flush, and waits for flushed.

// toHelper is a message of the engine.
type toHelper struct {
	Start   *start   `json:"start,omitempty"`
	Call    uint64   `json:"call,omitempty"` // which call the following are about
	Task    *task    `json:"task,omitempty"`
	Flushed *flushed `json:"flushed,omitempty"`
	Stop    stop     `json:"stop,omitempty"`
}

// start says where a helper works.
type start struct {
	Root         string `json:"root"` // absolute path
	ID           string `json:"id"`   // identity of the folder there
	Trash        string `json:"trash"`
	MessageBytes int    `json:"messageBytes"`
}

// task is a call. The context, which may hold credentials, stays in the engine.
type task struct {
	Phase       string               `json:"phase"`
	Procedure   string               `json:"procedure"`
	Transaction sutler.TransactionID `json:"transaction"`
	Seq         int                  `json:"seq"`
	Data        string               `json:"data,omitempty"` // executeData as XML
	Rollback    []sutler.Pair        `json:"rollback,omitempty"`
}

// flushed answers a flush.
type flushed struct {
	Failed *failure `json:"failed,omitempty"`
}

// stop says why a call shall end: its caller withdrew it, or its time is over.
type stop string

const (
	withdrawn stop = "withdrawn"
	late      stop = "late"
)

// fromHelper is a message of a helper.
type fromHelper struct {
	Ready    bool          `json:"ready,omitempty"`
	Call     uint64        `json:"call,omitempty"`
	Flush    bool          `json:"flush,omitempty"`
	Done     bool          `json:"done,omitempty"`
	Failed   *failure      `json:"failed,omitempty"`
	Rollback []sutler.Pair `json:"rollback,omitempty"` // all of the call, with flush and done
	Output   string        `json:"output,omitempty"`   // what the call has added to executeData, as XML
}

// failure is an error on its way.
type failure struct {
	Code sutler.Code `json:"code,omitempty"` // 0: none
	Text string      `json:"text"`
}

// failureOf returns what is sent of err.
func failureOf(err error) *failure {
	const most = 16 << 10
	f := &failure{Text: err.Error()}
	if len(f.Text) > most {
		f.Text = f.Text[:most] + "…"
	}
	var coded *sutler.Error
	if errors.As(err, &coded) {
		f.Code = coded.Code
	}
	return f
}

// error returns the error that f tells of; causes are the errors of this side
// that have led to it.
func (f *failure) error(causes ...error) error {
	var err error = &distant{f.Text, causes}
	if f.Code != 0 {
		err = &sutler.Error{Code: f.Code, Err: err}
	}
	return err
}

// distant is an error of the other side.
type distant struct {
	text   string
	causes []error
}

func (d *distant) Error() string   { return d.text }
func (d *distant) Unwrap() []error { return d.causes }

// encode returns m as it is sent; code LimitReached if it is greater than most.
func encode(m any, most int) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 4))
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // most of it is XML
	if err := e.Encode(m); err != nil {
		return nil, fmt.Errorf("cannot write a message: %w", err)
	}
	n := b.Len() - 4
	if n > most {
		return nil, sutler.Errorf(sutler.LimitReached, "a message has %d bytes, and %d are the limit between engine and helper", n, most)
	}
	binary.BigEndian.PutUint32(b.Bytes(), uint32(n))
	return b.Bytes(), nil
}

// decode reads the next message from r into m; io.EOF when there is none. No
// more memory is used than bytes have come.
func decode(r io.Reader, m any, most int) error {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	if n > int64(most) {
		return sutler.Errorf(sutler.LimitReached, "a message has %d bytes, and %d are the limit between engine and helper", n, most)
	}
	body, err := io.ReadAll(io.LimitReader(r, n))
	if err == nil && int64(len(body)) < n {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, m); err != nil {
		return fmt.Errorf("cannot read a message: %w", err)
	}
	return nil
}
