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
	AccountFailures int           // of one account within Window, from all sources, PairFailures in a row of each: 100
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
//     guesser with an account of their own could. A loopback address is no
//     such source: everybody on the host has it.
//   - While an account has had more than 100 failures within 10 minutes, from
//     whatever sources, the first failure from a source is enough to make the
//     pair wait for 15 minutes. The first 5 in a row of each source count. A
//     source that has not failed for the account is never kept from a try, so
//     that no number of guessers locks its owner out.
//   - Only the first rule holds for a source that has succeeded for the account
//     within 30 days.
//
// An account is the same in whatever case, and one that does not exist is
// like any other: the Guard knows none. A source is what Source makes of an
// address. What has not been touched for the longest is forgotten first when
// there is too much to remember.
//
// A Guard is safe for concurrent use. It counts a try when that has failed, so
// the caller lets the tries of one source run one after another, lest those
// that run at once be more than it would have allowed. A failure while its wait
// runs belongs to a try that ran at once with others, and makes no wait longer.
type Guard struct {
	limits   Limits
	mu       sync.Mutex
	pairs    recent[pair, inARow]
	sources  recent[digest, waits]
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
		sources:  newRecent[digest, waits](l.Entries),
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
// of the try. Asking changes nothing.
func (g *Guard) Allow(now time.Time, account, source string) (wait time.Duration) {
	p := pairOf(account, source)
	g.mu.Lock()
	defer g.mu.Unlock()
	var until time.Time
	if e := g.pairs.get(p); e != nil {
		until = e.until
	}
	if s := g.sources.get(p.source); s != nil && s.until.After(until) && !g.knows(now, p) {
		until = s.until
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
	if e.until.After(now) {
		return
	}
	e.failures++
	e.until = l.after(now, e.failures-l.PairFailures)
	a, count := g.accounts.touch(p.account), 1
	if e.failures > l.PairFailures {
		count = 0
	}
	if a.add(now, l.Window, count) > l.AccountFailures && !g.knows(now, p) {
		e.until = now.Add(l.MaxWait)
	}
	if isLoopback(source) {
		return
	}
	if s := g.sources.touch(p.source); !s.until.After(now) {
		s.until = l.after(now, s.add(now, l.Window, 1)-l.SourceFailures)
	}
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

// Knows reports whether account has logged in from source within Limits.Trust.
func (g *Guard) Knows(now time.Time, account, source string) bool {
	p := pairOf(account, source)
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.knows(now, p)
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

// slots is how many parts of a window are counted apart: ten and the running one.
const slots = 11

// inWindow counts failures of the last while.
type inWindow struct {
	counts [slots]uint32
	last   int64 // number of the newest slot since 1970
}

// waits counts the failures of a source.
type waits struct {
	inWindow
	until time.Time // has to wait
}

// add counts more failures and returns how many there were within window.
func (w *inWindow) add(now time.Time, window time.Duration, more int) (n int) {
	slot := now.UnixNano() / max(1, int64(window)/(slots-1))
	if slot-w.last >= slots {
		w.last, w.counts = slot, [slots]uint32{}
	}
	for w.last < slot {
		w.last++
		w.counts[uint64(w.last)%slots] = 0
	}
	w.counts[uint64(w.last)%slots] += uint32(more) // a clock that was set back counts on in the newest slot
	for _, c := range w.counts {
		n += int(c)
	}
	return n
}

func pairOf(account, source string) pair {
	return pair{sha256.Sum256([]byte(fold(account))), sha256.Sum256([]byte(Source(source)))}
}

// Source returns what counts as one source to a Guard. Of an address, with or
// without port, that is the address for IPv4, and for IPv6 the network of 64
// bits that a customer of a network usually gets; any other text is a source by
// itself.
func Source(address string) string {
	addr, ok := parseAddress(address)
	switch {
	case !ok:
		return address
	case addr.Is4():
		return addr.String()
	}
	return netip.PrefixFrom(addr, 64).Masked().String() // without its zone
}

func isLoopback(address string) bool {
	addr, ok := parseAddress(address)
	return ok && addr.IsLoopback()
}

func parseAddress(address string) (addr netip.Addr, ok bool) {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return netip.Addr{}, false
		}
		addr = at.Addr()
	}
	return addr.Unmap(), true
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
