package kafka

import "sync"

// progress is how far a pass is that has an end.
type progress struct {
	mu         sync.Mutex
	from, ends map[partition]int64
	at         map[partition]int64 // of the group; nil: ask the readers
}

func (p *progress) begin(from, ends map[partition]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.from, p.ends = from, ends
}

func (p *progress) reached(at map[partition]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = at
}

// Progress is how many messages of how many are read: ours if we are alone, the
// group's if there is one. Total is 0 while the ends are not known, and always
// when following. It may be called while Run runs.
func (s *Source) Progress() (done, total int64, current string) {
	read := map[partition]int64{}
	for _, a := range s.metrics.assigned() {
		read[a.partition], _ = a.position()
	}
	p := &s.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at != nil {
		read = p.at
	}
	for part, end := range p.ends {
		from := min(p.from[part], end)
		total += end - from
		done += min(max(read[part], from), end) - from
	}
	return done, total, s.cfg.Topic
}
