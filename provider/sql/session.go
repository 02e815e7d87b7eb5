package sql

import (
	"context"
	"slices"

	"sutler"
)

type sessionKey struct {
	tx sutler.TransactionID
	to string
	as string // see actor
}

// keyOf goes by what c remembers, once it does: a stored credential may be one
// of another account by then.
func keyOf(c *sutler.Call, t target) sessionKey {
	was := c.Rollback.Get(asPair)
	if was == "" {
		was = as(c.Identity)
	}
	return sessionKey{c.Transaction, t.key(), actor(t, was)}
}

// state is how far a session has come.
type state uint8

const (
	fresh     state = iota // nothing has begun
	working                // the database transaction is open
	broken                 // it is gone, and with it what calls did
	prepared               // it is prepared
	committed              // it is committed
	ended                  // nothing refers to it any more
)

// session is the database transaction that the enlisted calls of one
// transaction and identity share on one connection. Whoever has taken turn may
// use it.
type session struct {
	key    sessionKey
	to     target
	turn   chan struct{}
	state  state
	link   link          // while fresh or working
	secret sutler.Secret // the password that link was made with
	calls  []int         // the calls whose work is in it, in order
	cause  error         // why it is broken
}

// link is the connection of a session: of SQLite or of PostgreSQL.
type link interface {
	prepares() bool
	schema() string
	database() string
	role() string // the account of the server
	begin(ctx context.Context, name string) error
	savepoint(ctx context.Context, call int) error
	// backTo takes back what was done since the savepoint of call.
	backTo(ctx context.Context, call int) error
	// carry runs the command of in; with read one that would write fails.
	carry(ctx context.Context, c *sutler.Call, in *input, read bool, maxRows int) error
	// mark writes the row that tells of the commit.
	mark(ctx context.Context, c *sutler.Call) error
	prepare(ctx context.Context, name string) error
	commit(ctx context.Context) error
	// alive fails when the database transaction is gone.
	alive(ctx context.Context) error
	// close ends the connection, and what is open on it is taken back.
	close()
}

// session returns the session of c on t, or nil.
func (p *databases) session(c *sutler.Call, t target) *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[keyOf(c, t)]
}

// acquire returns the session of c on t with its turn taken; it makes one if
// create is set, else it may be nil.
func (p *databases) acquire(ctx context.Context, c *sutler.Call, t target, create bool) (*session, error) {
	key := keyOf(c, t)
	for {
		p.mu.Lock()
		s := p.sessions[key]
		if s == nil && create {
			s = &session{key: key, to: t, turn: make(chan struct{}, 1)}
			p.sessions[key] = s
		}
		p.mu.Unlock()
		if s == nil {
			return nil, nil
		}
		select {
		case s.turn <- struct{}{}: // also when ctx is done: a new session ends by its turn only
		default:
			select {
			case s.turn <- struct{}{}:
			case <-ctx.Done():
				return nil, sutler.Errorf(sutler.NoAnswer, "cannot use %s: another call of this transaction is still at work on it: %w", t.title(), context.Cause(ctx))
			}
		}
		if s.state != ended {
			return s, nil
		}
		<-s.turn
	}
}

// release gives the turn back. A session that no call is in ends.
func (p *databases) release(s *session) {
	if len(s.calls) == 0 {
		s.drop()
		s.state = ended
		p.mu.Lock()
		delete(p.sessions, s.key)
		p.mu.Unlock()
	}
	<-s.turn
}

// drop closes the connection.
func (s *session) drop() {
	if s.link != nil {
		s.link.close()
		s.link = nil
	}
}

// fails ends the database transaction, whose calls are lost, because of cause.
func (s *session) fails(cause error) {
	s.drop()
	s.state, s.cause = broken, cause
}

// gone is the error of everything that needs a broken session.
func (s *session) gone() error {
	return sutler.Errorf(sutler.Failed, "the database transaction on %s is gone, with all that it held: %w", s.to.title(), s.cause)
}

// admit refuses a call with another password than that which the server has
// looked at. A stored credential may have got a new one meanwhile.
func (s *session) admit(c *sutler.Call) error {
	if s.to.postgres() && c.Identity.Kind == sutler.BasicAccount && !c.Identity.Secret.Equal(s.secret) {
		return sutler.Errorf(sutler.Denied, "cannot use the database transaction on %s as account %q: it was begun with another password", s.to.title(), c.Identity.Account)
	}
	return nil
}

// leave takes the call out of those whose work is in the session.
func (s *session) leave(call int) {
	s.calls = slices.DeleteFunc(s.calls, func(n int) bool { return n == call })
}
