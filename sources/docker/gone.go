package docker

import (
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"time"
)

// keepGone is how long marks outlive their container, counted from the first
// listing without it: DOCKER_HOST may name another daemon for a while.
const keepGone = 24 * time.Hour

// listing is what the daemon has, and since when what it had is gone.
type listing struct {
	mu   sync.Mutex
	held map[string]bool  // ids; nil: nothing was listed yet
	gone map[string]int64 // Unix seconds by id; of containers that Keep was asked for
}

// kept is the form of State.
type kept struct {
	Gone map[string]int64 `json:"gone"`
}

// resume takes what State gave. What it can't read is none of ours.
func (l *listing) resume(state json.RawMessage) {
	var was kept
	_ = json.Unmarshal(state, &was)
	if l.gone = was.Gone; l.gone == nil {
		l.gone = map[string]int64{}
	}
}

// set takes the ids of all containers there are.
func (l *listing) set(held map[string]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = held
	for id := range held {
		delete(l.gone, id)
	}
}

// State is what has to be kept beside marks; nil: nothing.
func (s *Source) State() json.RawMessage {
	l := &s.listing
	l.mu.Lock()
	defer l.mu.Unlock()
	long := time.Now().Add(-2 * keepGone).Unix() // nobody asks for them any more
	maps.DeleteFunc(l.gone, func(_ string, since int64) bool { return since < long })
	if len(l.gone) == 0 {
		return nil
	}
	text, err := json.Marshal(kept{l.gone})
	if err != nil {
		return nil
	}
	return text
}

// Keep says that a stored mark of this stream is of use: its container is there,
// or has not been gone for long. An id never comes again.
func (s *Source) Keep(stream string) bool {
	id, _, ours := strings.Cut(stream, "/")
	l := &s.listing
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ours || l.held == nil || l.held[id] {
		return true
	}
	now := time.Now()
	if since, noted := l.gone[id]; !noted || since > now.Unix() {
		l.gone[id] = now.Unix()
	}
	return now.Sub(time.Unix(l.gone[id], 0)) < keepGone
}
