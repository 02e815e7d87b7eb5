package security

import (
	"container/list"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// Limits are those of a Guard. A field that is not above zero means the value
// given beside it.
type Limits struct {
	PairFailures    int           // of one account from one source without a success between them: 5
	SourceFailures  int           // from one source within Window, whatever the account: 50
	AccountFailures int           // of one account within Window, from all sources: 100
	Window          time.Duration // 10 minutes; counted in tenths, so up to a tenth longer
	FirstWait       time.Duration // 1 second; each further failure doubles it
	MaxWait         time.Duration // 15 minutes
	Trust           time.Duration // how long a source is known to an account after a success: 30 days
	Entries         int           // how many pairs, sources, accounts and known sources are remembered, of each: 100,000
}

// Guard slows those who guess passwords, without letting them lock out others:
//
//   - From the 5th failure in a row of an account from a source, the pair waits
//     1 second, then 2, 4 and so on up to 15 minutes. A success ends that.
//   - From the 50th failure of a source within 10 minutes, whatever the
//     accounts, the source waits likewise. A success does not end that, else a
//     guesser with an account of their own could.
//   - Above 100 failures of an account within 10 minutes, from whatever
//     sources, everybody waits likewise who tries that account.
//   - Only the first rule holds for a source that has succeeded for the account
//     within 30 days.
//
// An account is the same in whatever case, and one that does not exist is
// like any other: the Guard knows none. A source is an address, with or without
// port: of IPv4 the address, of IPv6 its network of 64 bits; any other text is
// a source by itself. What has not been touched for the longest is forgotten
// first when there is too much to remember. A Guard is safe for concurrent use;
// tries that run at the same time are all let through, and count when they
// fail, so the caller bounds how many run.
type Guard struct {
	limits   Limits
	mu       sync.Mutex
	pairs    recent[pair, inARow]
	sources  recent[digest, inWindow]
	accounts recent[digest, inWindow]
	known    recent[pair, time.Time] // the last success
}

// digest stands for a name of any length, which a stranger may have chosen.
type digest [sha256.Size]byte

// pair is an account and a source.
type pair struct{ account, source digest }

// inARow counts the failures of a pair since its last success.
type inARow struct {
	failures int
	until    time.Time // has to wait
}

// NewGuard returns a Guard that has seen nothing yet.
func NewGuard(limits Limits) *Guard {
	l := Limits{
		PairFailures:    orElse(limits.PairFailures, 5),
		SourceFailures:  orElse(limits.SourceFailures, 50),
		AccountFailures: orElse(limits.AccountFailures, 100),
		Window:          orElse(limits.Window, 10*time.Minute),
		FirstWait:       orElse(limits.FirstWait, time.Second),
		MaxWait:         orElse(limits.MaxWait, 15*time.Minute),
		Trust:           orElse(limits.Trust, 30*24*time.Hour),
		Entries:         orElse(limits.Entries, 100_000),
	}
	return &Guard{
		limits:   l,
		pairs:    newRecent[pair, inARow](l.Entries),
		sources:  newRecent[digest, inWindow](l.Entries),
		accounts: newRecent[digest, inWindow](l.Entries),
		known:    newRecent[pair, time.Time](l.Entries),
	}
}

func orElse[N ~int | ~int64](n, otherwise N) N {
	if n > 0 {
		return n
	}
	return otherwise
}

// Allow returns how long source must wait before it may try a password for
// account; 0 means now. Without a 0 the caller must not look at the password,
// and reports nothing; with it, the caller tells Failed or Succeeded what came
// of the try.
func (g *Guard) Allow(now time.Time, account, source string) (wait time.Duration) {
	p := pairOf(account, source)
	g.mu.Lock()
	defer g.mu.Unlock()
	var until time.Time
	if e := g.pairs.get(p); e != nil {
		until = e.until
	}
	if !g.knows(now, p) {
		for _, e := range []*inWindow{g.sources.get(p.source), g.accounts.get(p.account)} {
			if e != nil {
				until = later(until, e.until)
			}
		}
	}
	if !until.After(now) {
		return 0
	}
	return min(until.Sub(now), g.limits.MaxWait) // a clock may have been set back
}

// Failed counts a wrong password or an unknown account.
func (g *Guard) Failed(now time.Time, account, source string) {
	p, l := pairOf(account, source), g.limits
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.pairs.touch(p)
	e.failures++
	e.until = l.after(now, e.failures-l.PairFailures)
	s := g.sources.touch(p.source)
	s.until = later(s.until, l.after(now, s.add(now, l.Window)-l.SourceFailures))
	a := g.accounts.touch(p.account)
	a.until = later(a.until, l.after(now, a.add(now, l.Window)-l.AccountFailures-1))
}

// Succeeded counts a right password: the source is known to the account from
// now on.
func (g *Guard) Succeeded(now time.Time, account, source string) {
	p := pairOf(account, source)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pairs.drop(p)
	*g.known.touch(p) = now
}

func (g *Guard) knows(now time.Time, p pair) bool {
	last := g.known.get(p)
	return last != nil && now.Sub(*last) <= g.limits.Trust
}

// after returns until when to wait after a failure that is the over-th beyond
// those that cost nothing, counted from 0.
func (l Limits) after(now time.Time, over int) time.Time {
	if over < 0 {
		return time.Time{}
	}
	wait := l.FirstWait
	for ; over > 0 && wait < l.MaxWait; over-- {
		wait *= 2
	}
	return now.Add(min(wait, l.MaxWait))
}

// later keeps a wait from being shortened: a failure after a quiet while costs
// less than the one before.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// slots is how many parts of a window are counted apart: ten and the running one.
const slots = 11

// inWindow counts failures of the last while.
type inWindow struct {
	counts [slots]uint32
	last   int64     // number of the newest slot since 1970
	until  time.Time // has to wait
}

// add counts a failure and returns how many there were within window.
func (w *inWindow) add(now time.Time, window time.Duration) (n int) {
	slot := now.UnixNano() / max(1, int64(window)/(slots-1))
	if slot-w.last >= slots {
		w.last, w.counts = slot, [slots]uint32{}
	}
	for w.last < slot {
		w.last++
		w.counts[uint64(w.last)%slots] = 0
	}
	w.counts[uint64(w.last)%slots]++ // a clock that was set back counts on in the newest slot
	for _, c := range w.counts {
		n += int(c)
	}
	return n
}

func pairOf(account, source string) pair {
	return pair{sha256.Sum256([]byte(fold(account))), sha256.Sum256([]byte(Network(source)))}
}

// Network returns what counts as one source, an address with or without port: an
// address of IPv4, or the 64 bits of an IPv6 address that a customer of a
// network usually gets. Any other text is a source by itself.
func Network(source string) string {
	addr, err := netip.ParseAddr(source)
	if err != nil {
		at, err := netip.ParseAddrPort(source)
		if err != nil {
			return source
		}
		addr = at.Addr()
	}
	addr = addr.Unmap()
	if addr.Is4() {
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String() // without its zone
}

// recent is a map of bounded size: what was touched longest ago is dropped.
type recent[K comparable, V any] struct {
	most  int
	order *list.List // of *entry, touched longest ago first
	at    map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newRecent[K comparable, V any](most int) recent[K, V] {
	return recent[K, V]{most, list.New(), map[K]*list.Element{}}
}

// get returns the value of k, or nil.
func (r *recent[K, V]) get(k K) *V {
	if e, ok := r.at[k]; ok {
		return &e.Value.(*entry[K, V]).value
	}
	return nil
}

// touch returns the value of k, made if need be, as the one touched last.
func (r *recent[K, V]) touch(k K) *V {
	e, ok := r.at[k]
	if ok {
		r.order.MoveToBack(e)
		return &e.Value.(*entry[K, V]).value
	}
	if r.order.Len() >= r.most {
		r.drop(r.order.Front().Value.(*entry[K, V]).key)
	}
	made := &entry[K, V]{key: k}
	r.at[k] = r.order.PushBack(made)
	return &made.value
}

func (r *recent[K, V]) drop(k K) {
	if e, ok := r.at[k]; ok {
		r.order.Remove(e)
		delete(r.at, k)
	}
}
