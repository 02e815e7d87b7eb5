package audit

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sutler/security"
)

// Refused is somebody who was not let in at a door, or not let do something there.
type Refused struct {
	What    string // what was not allowed, such as "log in"; one of a few
	Method  string // how it was tried, such as password
	Caller  string // who asked, if that was proved, else ""
	Claimed string // who it claims to be if Caller is ""; not to be trusted
	Source  string // address that it came from
	Reason  string // without secrets
}

// RefusalRecord is what is recorded of one Refused, or of several.
type RefusalRecord struct {
	Caller  string // who asked, if that was proved
	Trustee string // Caller, or who was claimed to ask
	What    string
	Text    string
}

// What bounds the records of refusals, whoever makes however many of them.
const (
	refusalWindow = 10 * time.Minute
	mostRefusals  = 50  // that are recorded one by one in a window: of callers whose name is proved, and of others
	mostQueued    = 300 // that wait to be written
	refusalBeat   = 10 * time.Second
	longestName   = 200
	longestReason = 300
)

// Refusals takes note of refusals and records them, so that no flood of them
// fills the log or slows the door down. In each window of ten minutes the
// first refusal of its kind is recorded at once; those that follow it are
// counted, and recorded as one when the window is over. Of one kind are
// those with the same What, Method, account and network. Beyond the first 50
// kinds in a window, callers whose name is proved and others apart, refusals
// are counted together. What cannot be written is tried again; 300 records wait
// for that, those beyond are dropped and counted. It is safe for concurrent use.
type Refusals struct {
	write  func(RefusalRecord) error
	logger *slog.Logger
	wake   chan struct{}

	writing sync.Mutex // held by who writes

	mu      sync.Mutex
	began   time.Time // of the window
	kinds   map[[sha256.Size]byte]*tally
	order   []*tally  // of kinds
	others  [2]*tally // beyond mostRefusals, by whether the name is proved
	numbers [2]int    // of kinds, likewise
	queue   []RefusalRecord
	dropped int
}

// tally counts refusals after the one that is recorded already.
type tally struct {
	last        Refused
	count       int
	first, till time.Time
}

// NewRefusals returns a Refusals that has seen nothing. write makes a record
// durable; it is called by Run and Flush alone. With no logger nothing is logged.
func NewRefusals(write func(RefusalRecord) error, logger *slog.Logger) *Refusals {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	r := &Refusals{write: write, logger: logger, wake: make(chan struct{}, 1)}
	r.clear(time.Time{})
	return r
}

func (r *Refusals) clear(now time.Time) {
	r.began, r.kinds, r.order = now, map[[sha256.Size]byte]*tally{}, nil
	r.others, r.numbers = [2]*tally{{}, {}}, [2]int{}
}

// Note takes note of a refusal at a time. It waits for nothing that is written,
// and does the same work for every account.
func (r *Refusals) Note(now time.Time, f Refused) {
	f.Caller, f.Claimed = security.Shown(f.Caller, longestName), security.Shown(f.Claimed, longestName)
	f.Source, f.Reason = security.Shown(f.Source, longestName), security.Shown(f.Reason, longestReason)
	kind := sha256.Sum256([]byte(strings.Join([]string{f.What, f.Method, security.Fold(f.Caller), security.Fold(f.Claimed), security.Source(f.Source)}, "\x00")))
	proved := 0
	if f.Caller != "" {
		proved = 1
	}
	r.mu.Lock()
	r.turn(now)
	t := r.kinds[kind]
	if t == nil && r.numbers[proved] < mostRefusals {
		r.numbers[proved]++
		t = &tally{}
		r.kinds[kind], r.order = t, append(r.order, t)
		r.put(recordOf(f, f.text()), 1)
	} else {
		if t == nil {
			t = r.others[proved]
		}
		if t.count == 0 {
			t.first = now
		}
		t.last, t.till = f, now
		t.count++
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default: // it is awake
	}
}

// turn ends the window if it is over, or if the clock was set back.
func (r *Refusals) turn(now time.Time) {
	if now.Sub(r.began) >= refusalWindow || now.Before(r.began) {
		r.end(now)
	}
}

// end puts what was counted in the window into the queue, and begins another one.
func (r *Refusals) end(now time.Time) {
	for _, t := range r.order {
		if t.count > 0 {
			r.put(recordOf(t.last, fmt.Sprintf("%s more, the last: %s", t.times(), t.last.text())), t.count)
		}
	}
	for proved, t := range r.others {
		if t.count == 0 {
			continue
		}
		f := Refused{What: t.last.What}
		whose := "accounts and networks"
		if proved == 1 {
			whose = "callers"
		}
		r.put(recordOf(f, fmt.Sprintf("%s more, of %s beyond the first %d kinds; the log of the server has each of them", t.times(), whose, mostRefusals)), t.count)
	}
	r.clear(now)
}

// put appends to the queue what stands for so many refusals.
func (r *Refusals) put(rec RefusalRecord, count int) {
	if len(r.queue) >= mostQueued {
		r.dropped += count
		return
	}
	r.queue = append(r.queue, rec)
}

func (t *tally) times() string {
	return fmt.Sprintf("%d from %s to %s", t.count, t.first.UTC().Format(time.RFC3339), t.till.UTC().Format(time.RFC3339))
}

func (f Refused) text() string {
	text := f.Reason
	if f.Method != "" {
		text = f.Method + ": " + text
	}
	if f.Source != "" {
		text += ", from " + f.Source
	}
	return text
}

func recordOf(f Refused, text string) RefusalRecord {
	rec := RefusalRecord{Caller: f.Caller, Trustee: f.Caller, What: f.What, Text: text}
	if f.Caller == "" {
		rec.Trustee = f.Claimed
	}
	return rec
}

// Run writes what was noted until ctx ends; then what was counted, too.
func (r *Refusals) Run(ctx context.Context, now func() time.Time) {
	tick := time.NewTicker(refusalBeat)
	defer tick.Stop()
	failing := false
	for {
		ended := false
		select {
		case <-r.wake:
		case <-tick.C:
		case <-ctx.Done():
			ended = true
		}
		err := r.Flush(now(), ended)
		if err != nil && !failing {
			r.logger.Error("cannot record who was refused; it is tried again", "error", err.Error())
		}
		failing = err != nil
		if ended {
			return
		}
	}
}

// Flush writes what waits at that time, and with all what is counted still. After
// an error the rest waits.
func (r *Refusals) Flush(now time.Time, all bool) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.mu.Lock()
	if all {
		r.end(now)
	} else {
		r.turn(now)
	}
	r.mu.Unlock()
	for {
		rec, there := r.first()
		if !there {
			return nil
		}
		if err := r.write(rec); err != nil {
			return err
		}
		r.mu.Lock()
		r.queue = r.queue[1:]
		r.mu.Unlock()
	}
}

// first returns what is to be written next; what was dropped is said after
// everything else.
func (r *Refusals) first() (RefusalRecord, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) == 0 && r.dropped > 0 {
		r.put(RefusalRecord{What: "log in", Text: fmt.Sprintf("%d refusals are not recorded: the audit log could not be written for too long", r.dropped)}, 0)
		r.logger.Error("refusals are not recorded", "count", r.dropped)
		r.dropped = 0
	}
	if len(r.queue) == 0 {
		return RefusalRecord{}, false
	}
	return r.queue[0], true
}
