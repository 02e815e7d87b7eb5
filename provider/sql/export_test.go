package sql

import (
	"os"

	"sutler/provider"
)

// Inside lets tests look into a provider.
type Inside struct{ p *databases }

// NewInside is New for tests.
func NewInside(root *os.Root, l Limits) (provider.Procedures, Inside) {
	p, err := newDatabases(root, l)
	if err != nil {
		panic(err)
	}
	return p.procedures(), Inside{p}
}

// Open returns how many connections and sessions there are.
func (i Inside) Open() (connections, sessions int) {
	i.p.mu.Lock()
	defer i.p.mu.Unlock()
	for _, n := range i.p.open {
		connections += n
	}
	return connections, len(i.p.sessions)
}

// Die cuts the connections of all sessions, as the end of the process would.
func (i Inside) Die() {
	i.p.mu.Lock()
	all := i.p.sessions
	i.p.sessions = map[sessionKey]*session{}
	i.p.mu.Unlock()
	for _, s := range all {
		s.drop()
	}
}

// ParseConnections reads the text of a file of connections.
func ParseConnections(text []byte) error {
	_, err := parseConnections(text)
	return err
}
