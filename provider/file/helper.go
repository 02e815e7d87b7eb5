package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"sutler"
	"sutler/provider"
	"sutler/xmltree"
)

// Helper is what a program does that was started with HelperArgument: it
// carries out the calls that the engine sends on in, as the account that the
// process has, and returns when in ends. Its caller must end the process then,
// whatever still runs. An error says that nobody speaks this protocol on in, or
// that the helper cannot serve; the engine has been told.
func Helper(in io.Reader, out io.Writer) error {
	if err := beHelper(); err != nil {
		return err
	}
	var first toHelper
	if err := decode(in, &first, 1<<20); err != nil || first.Start == nil {
		return errors.Join(errors.New("cannot be a helper: this is for the engine, which starts it by itself"), err)
	}
	s := &served{out: out, most: first.Start.MessageBytes, calls: map[uint64]*distantCall{}}
	root, err := openStart(first.Start)
	if err != nil {
		s.send(fromHelper{Failed: failureOf(err)})
		_, _ = io.Copy(io.Discard, in)
		return err
	}
	defer root.Close()
	s.table = newFiles(root, first.Start.Trash, os.Geteuid()).procedures()
	s.send(fromHelper{Ready: true})
	for {
		var m toHelper
		err := decode(in, &m, s.most)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.take(m)
	}
}

// openStart opens the root, which must be the folder that the engine works in.
func openStart(o *start) (*os.Root, error) {
	root, err := os.OpenRoot(o.Root)
	if err != nil {
		return nil, fmt.Errorf("cannot open the root of the provider, %q: %w; the account needs to read and enter it, and to enter what it lies in", o.Root, coded(reason(err)))
	}
	id, err := rootIdentity(root)
	if err == nil && id != o.ID {
		err = sutler.Errorf(sutler.Conflict, "it is no longer the folder that the engine has opened; start the engine anew")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot use the root of the provider, %q: %w", o.Root, err), root.Close())
	}
	return root, nil
}

// coded gives a denial its code.
func coded(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return &sutler.Error{Code: sutler.Denied, Err: err}
	}
	return err
}

// rootIdentity returns the identity of the folder that root is.
func rootIdentity(root *os.Root) (string, error) {
	d, err := openIn(root, ".")
	if err != nil {
		return "", err
	}
	defer d.close()
	return identity(d, ".")
}

// served is the state of a helper.
type served struct {
	table provider.Procedures
	most  int

	writing sync.Mutex
	out     io.Writer

	mu    sync.Mutex
	calls map[uint64]*distantCall
}

// send sends a message. That the engine is gone shows at the other end.
func (s *served) send(m fromHelper) {
	frame, err := encode(m, s.most)
	if err != nil { // an answer that is too great; failures are small
		frame, err = encode(fromHelper{Call: m.Call, Done: m.Done, Failed: failureOf(err), Rollback: m.Rollback}, s.most)
	}
	if err != nil {
		frame, _ = encode(fromHelper{Call: m.Call, Done: m.Done, Failed: failureOf(err)}, s.most)
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	_, _ = s.out.Write(frame)
}

// take acts on a message of the engine.
func (s *served) take(m toHelper) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.Task != nil {
		c := &distantCall{s: s, id: m.Call, done: make(chan struct{}), flushed: make(chan *flushed, 1)}
		c.stop(m.Stop)
		s.calls[m.Call] = c
		go c.run(m.Task)
		return
	}
	c := s.calls[m.Call]
	if c == nil { // it has ended meanwhile
		return
	}
	c.stop(m.Stop)
	if m.Flushed != nil {
		c.flushed <- m.Flushed
	}
}

// distantCall is a call that the engine waits for. It is the context of the
// call, too, which ends when the engine says so.
type distantCall struct {
	s       *served
	id      uint64
	flushed chan *flushed

	mu   sync.Mutex
	done chan struct{}
	err  error
}

func (c *distantCall) stop(why stop) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if why == "" || c.err != nil {
		return
	}
	c.err = context.Canceled
	if why == late {
		c.err = context.DeadlineExceeded
	}
	close(c.done)
}

// Deadline, Done, Err and Value make a context of c.
func (c *distantCall) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *distantCall) Done() <-chan struct{}       { return c.done }
func (c *distantCall) Value(any) any               { return nil }
func (c *distantCall) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// run carries the call out and answers.
func (c *distantCall) run(t *task) {
	answer := fromHelper{Call: c.id, Done: true}
	defer func() {
		if v := recover(); v != nil {
			answer.Failed = failureOf(sutler.Errorf(sutler.NoAnswer, "cannot %s %q: the helper panicked: %v", t.Phase, t.Procedure, v))
		}
		c.s.mu.Lock()
		delete(c.s.calls, c.id)
		c.s.mu.Unlock()
		c.s.send(answer)
	}()
	call, err := callOf(t, c.flush)
	if err == nil {
		had := last(call.Data)
		err = c.s.do(c, call, t.Phase)
		answer.Rollback = call.Rollback.Pairs()
		if err == nil {
			answer.Output, err = addedTo(call.Data, had)
		}
	}
	if err != nil {
		answer.Failed = failureOf(err)
	}
}

func (s *served) do(ctx context.Context, c *sutler.Call, phase string) error {
	switch phase {
	case phaseProcess:
		return s.table.Process(ctx, c)
	case phaseRollback:
		return s.table.Rollback(ctx, c)
	case phaseCommit:
		return s.table.Commit(ctx, c)
	}
	return sutler.Errorf(sutler.BadInput, "cannot %s %q: a helper does not do that", phase, c.Procedure)
}

// flush has the engine make the rollback data durable.
func (c *distantCall) flush(_ context.Context, pairs []sutler.Pair) error {
	m := fromHelper{Call: c.id, Flush: true, Rollback: pairs}
	if _, err := encode(m, c.s.most); err != nil {
		return err
	}
	c.s.send(m)
	if f := <-c.flushed; f.Failed != nil {
		return f.Failed.error()
	}
	return nil
}

// callOf makes the call of a task.
func callOf(t *task, flush func(context.Context, []sutler.Pair) error) (*sutler.Call, error) {
	d, err := xmltree.Parse([]byte("<executeXml><context/>"+t.Data+"</executeXml>"), xmltree.Options{MaxBytes: int64(len(t.Data)) + 64, MaxDepth: 1 << 20})
	if err != nil {
		return nil, fmt.Errorf("cannot read the data of the call: %w", err)
	}
	top := d.DocumentElement()
	return &sutler.Call{
		Transaction: t.Transaction, Seq: t.Seq, Procedure: t.Procedure,
		Context: top.Child("context"), Data: top.Child("executeData"),
		Rollback: sutler.NewRollbackData(t.Rollback, flush), Bag: &sutler.Bag{},
	}, nil
}

func last(e *xmltree.Node) *xmltree.Node {
	if e == nil {
		return nil
	}
	return e.Last()
}

// addedTo returns what stands behind had in e, as XML.
func addedTo(e, had *xmltree.Node) (string, error) {
	if e == nil {
		return "", nil
	}
	var b strings.Builder
	n := e.First()
	if had != nil {
		n = had.Next()
	}
	for ; n != nil; n = n.Next() {
		if err := n.Write(&b, xmltree.WriteOptions{}); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}
