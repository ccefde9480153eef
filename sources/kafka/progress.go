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

// Progress is how many bytes of how many are read: ours if we are alone, the
// group's if there is one. Kafka counts messages, so bytes that we did not read
// are those of as many of our own on average. Total is 0 while nothing is read,
// and always when following. It may be called while Run runs.
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
	messages := s.counts.messages.Load()
	if messages == 0 {
		return 0, 0, s.cfg.Topic
	}
	mean := float64(s.counts.bytes.Load()) / float64(messages)
	return int64(float64(done) * mean), int64(float64(total) * mean), s.cfg.Topic
}
