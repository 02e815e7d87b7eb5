package login

import (
	"context"
	"sync"
	"time"
)

// mostSessions bounds the memory of MemorySessions.
const mostSessions = 100_000

// MemorySessions keeps sessions in memory: after a restart browsers log in
// anew. Beyond 100,000 the one that is idle longest is forgotten. The zero
// value is empty and works; it is safe for concurrent use.
type MemorySessions struct {
	mu  sync.Mutex
	all map[string]Session
}

// Put implements Sessions.
func (s *MemorySessions) Put(_ context.Context, hash string, v Session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]Session{}
	}
	if len(s.all) >= mostSessions {
		oldest := ""
		for k, other := range s.all {
			if oldest == "" || other.Seen.Before(s.all[oldest].Seen) {
				oldest = k
			}
		}
		delete(s.all, oldest)
	}
	s.all[hash] = v
	return nil
}

// Get implements Sessions.
func (s *MemorySessions) Get(_ context.Context, hash string) (Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.all[hash]
	if !ok {
		return v, ErrNoSession
	}
	return v, nil
}

// Touch implements Sessions.
func (s *MemorySessions) Touch(_ context.Context, hash string, seen time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.all[hash]; ok {
		v.Seen = seen
		s.all[hash] = v
	}
	return nil
}

// Delete implements Sessions.
func (s *MemorySessions) Delete(_ context.Context, hash string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, hash)
	return nil
}

// Len returns how many sessions there are.
func (s *MemorySessions) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}
