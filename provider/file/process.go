package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sutler"
	"sutler/xmltree"
)

// process is a running helper process.
type process struct {
	in, out *os.File
	kill    func()
	ended   <-chan string // how it ended, when it has
}

// helper is a helper process as the engine sees it. It belongs to somebody who
// may do with his processes what he likes, so nothing that it says is trusted.
type helper struct {
	pool    *pool
	account *account
	process process
	frames  chan []byte   // messages to be sent
	gone    chan struct{} // closed when the process has ended

	mu      sync.Mutex
	calls   map[uint64]chan fromHelper
	last    uint64
	ready   bool
	refused *failure // why it did not get ready
	why     error    // why it ended, the first reason

	busy, uses int       // of pool.mu: calls it has now, and has had
	idle       time.Time // of pool.mu: since when it has none
}

// start starts the helper of a.
func (p *pool) start(a *account) (*helper, error) {
	first, err := encode(toHelper{Start: &start{Root: p.path, ID: p.id, Trash: trashOf(a), MessageBytes: p.o.MessageBytes}}, 1<<20)
	if err != nil {
		return nil, err
	}
	h := &helper{pool: p, account: a, frames: make(chan []byte), gone: make(chan struct{}), calls: map[uint64]chan fromHelper{}}
	if h.process, err = startProcess(a, p.argument); err != nil {
		return nil, err
	}
	p.ending.Add(2)
	go func() {
		defer p.ending.Done()
		h.write(first)
	}()
	go func() {
		defer p.ending.Done()
		h.read()
	}()
	return h, nil
}

func (h *helper) write(first []byte) {
	defer h.process.in.Close()
	for frame := first; ; {
		if _, err := h.process.in.Write(frame); err != nil {
			h.process.kill() // it does not listen; mostly it is dead
			return
		}
		select {
		case frame = <-h.frames:
		case <-h.gone:
			return
		}
	}
}

// read hands out what the process says. When that ends, so does the process,
// before any call learns of it: what it did not do till then it never does.
func (h *helper) read() {
	var err error
	for err == nil {
		var m fromHelper
		if err = decode(h.process.out, &m, h.pool.o.MessageBytes); err == nil {
			err = h.handOut(m)
		}
	}
	h.pool.mu.Lock()
	h.pool.forget(h)
	h.pool.mu.Unlock()
	if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
		h.end(err)
	}
	h.process.kill()
	how := <-h.process.ended
	h.process.out.Close()
	h.end(errors.New(how))
	close(h.gone)
}

// end ends the process for a reason; the first one counts.
func (h *helper) end(why error) {
	h.mu.Lock()
	if h.why == nil {
		h.why = why
	}
	h.mu.Unlock()
	h.process.kill()
}

// handOut gives a message to the call that it is for.
func (h *helper) handOut(m fromHelper) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.ready {
		if m.Failed != nil {
			h.refused = m.Failed
			return errors.New("it cannot serve")
		}
		if h.ready = m.Ready; !h.ready {
			return errors.New("it said something else than that it is ready")
		}
		return nil
	}
	select {
	case h.calls[m.Call] <- m: // nil when there is no such call
		return nil
	default:
		return errors.New("it said something that it was not asked")
	}
}

func (h *helper) enter() (uint64, <-chan fromHelper) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	said := make(chan fromHelper, 1)
	h.calls[h.last] = said
	return h.last, said
}

func (h *helper) leave(id uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.calls, id)
}

// call has the process carry out a phase of c and waits for the answer, which
// comes or the process is gone.
func (h *helper) call(ctx context.Context, c *sutler.Call, phase string) error {
	t, err := taskOf(c, phase)
	if err != nil {
		return err
	}
	id, said := h.enter()
	defer h.leave(id)
	most := h.pool.o.MessageBytes
	frame, err := encode(toHelper{Call: id, Task: t, Stop: stopOf(ctx)}, most)
	if err != nil {
		return fmt.Errorf("cannot %s %q as account %q of the operating system: %w", phase, c.Procedure, h.account.name, err)
	}
	unsent := [][]byte{frame}
	done := ctx.Done()
	var overdue <-chan time.Time
	k := &conversation{c: c}
	for {
		var frames chan<- []byte
		var next []byte
		if len(unsent) > 0 {
			frames, next = h.frames, unsent[0]
		}
		select {
		case frames <- next:
			unsent = unsent[1:]
		case m := <-said:
			if m.Done {
				return k.answer(ctx, m)
			}
			f, err := k.flush(ctx, m)
			if err != nil {
				h.end(err)
				continue
			}
			frame, _ := encode(toHelper{Call: id, Flushed: f, Stop: stopOf(ctx)}, most)
			unsent = append(unsent, frame)
		case <-done:
			done = nil
			frame, _ := encode(toHelper{Call: id, Stop: stopOf(ctx)}, most)
			unsent = append(unsent, frame)
			timer := time.NewTimer(h.pool.o.Patience)
			defer timer.Stop()
			overdue = timer.C
		case <-overdue:
			h.end(fmt.Errorf("it did not end a call within %v and was killed", h.pool.o.Patience))
		case <-h.gone:
			select {
			case m := <-said: // its last words
				if m.Done {
					return k.answer(ctx, m)
				}
			default:
			}
			return h.lost(c, phase)
		}
	}
}

// lost is the error of a call whose helper is gone.
func (h *helper) lost(c *sutler.Call, phase string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refused != nil {
		return fmt.Errorf("cannot %s %q as account %q of the operating system: %w", phase, c.Procedure, h.account.name, h.refused.error())
	}
	return sutler.Errorf(sutler.NoAnswer, "cannot %s %q as account %q of the operating system: its helper process has ended without an answer (%w); how far the call came is not known",
		phase, c.Procedure, h.account.name, h.why)
}

func stopOf(ctx context.Context) stop {
	switch err := ctx.Err(); {
	case err == nil:
		return ""
	case errors.Is(err, context.DeadlineExceeded):
		return late
	default:
		return withdrawn
	}
}

func taskOf(c *sutler.Call, phase string) (*task, error) {
	t := &task{Phase: phase, Procedure: c.Procedure, Transaction: c.Transaction, Seq: c.Seq, Rollback: c.Rollback.Pairs()}
	if c.Data != nil {
		var b strings.Builder
		if err := c.Data.Write(&b, xmltree.WriteOptions{}); err != nil {
			return nil, err
		}
		t.Data = b.String()
	}
	return t, nil
}

// conversation is what the engine knows of a call while a helper carries it out.
type conversation struct {
	c       *sutler.Call
	flushes int
	failed  error // of the last flush
}

// mayRemember reports whether a helper may set p: rollback values of this
// provider, but for those that say as whom it acts, which stay as they are.
func (k *conversation) mayRemember(p sutler.Pair) bool {
	if p.Name == asKey || p.Name == nameKey {
		return p.Value == k.c.Rollback.Get(p.Name)
	}
	return slices.Contains([]string{"toFolder", "toName", "fromFolder", "fromName", "aside", "id", "digest", "old", "was", "mode"}, p.Name)
}

// remember takes the rollback values over from the helper.
func (k *conversation) remember(pairs []sutler.Pair) error {
	for _, p := range pairs {
		if !k.mayRemember(p) {
			return fmt.Errorf("it said that %q is to be remembered, which is not for it", p.Name)
		}
	}
	for _, p := range pairs {
		k.c.Rollback.Set(p.Name, p.Value)
	}
	return nil
}

// flush makes the rollback values durable that m holds.
func (k *conversation) flush(ctx context.Context, m fromHelper) (*flushed, error) {
	const most = 8 // procedures do it twice
	if k.flushes++; !m.Flush || k.flushes > most {
		return nil, errors.New("it said something that makes no sense in a call")
	}
	if err := k.remember(m.Rollback); err != nil {
		return nil, err
	}
	if k.failed = k.c.Rollback.Flush(ctx); k.failed != nil {
		return &flushed{failureOf(k.failed)}, nil
	}
	return &flushed{}, nil
}

// answer is the end of the call.
func (k *conversation) answer(ctx context.Context, m fromHelper) error {
	if err := k.remember(m.Rollback); err != nil {
		return sutler.Errorf(sutler.NoAnswer, "cannot believe the answer of the helper process: %w", err)
	}
	if m.Failed != nil {
		var causes []error
		if k.failed != nil {
			causes = append(causes, k.failed)
		}
		if ctx.Err() != nil {
			causes = append(causes, ctx.Err())
		}
		return m.Failed.error(causes...)
	}
	if m.Output == "" {
		return nil
	}
	return k.add(m.Output)
}

// add adds the output of the helper to the data of the call.
func (k *conversation) add(output string) error {
	if k.c.Data == nil {
		return sutler.Errorf(sutler.NoAnswer, "cannot use the answer of the helper process: it has output for a call without data")
	}
	const depth = 8 // result and what is in it
	d, err := xmltree.Parse([]byte("<o>"+output+"</o>"), xmltree.Options{MaxBytes: int64(len(output)) + 16, MaxDepth: depth})
	if err != nil {
		return sutler.Errorf(sutler.NoAnswer, "cannot read the answer of the helper process: %w", err)
	}
	defer d.Release()
	for n := d.DocumentElement().First(); n != nil; n = n.Next() {
		cp, err := k.c.Data.Document().Copy(n)
		if err == nil {
			err = k.c.Data.Append(cp)
		}
		if err != nil {
			return fmt.Errorf("cannot take the answer over: %w", err)
		}
	}
	return nil
}
