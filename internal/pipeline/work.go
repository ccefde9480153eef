package pipeline

import (
	"bytes"
	"sync"

	"sluice/internal/record"
)

// deliverAtOnce is how many finished batches of a queue one Write takes.
const deliverAtOnce = 64

// job is a batch on its way through a worker.
type job struct {
	batch    record.Batch
	lane     *lane
	cost     int64
	free     func() // gives back the memory of batch, which delivery may alias; nil: it is garbage
	records  int    // of batch
	delivery record.Delivery
	end      record.Mark
	ok       bool
	done     chan struct{} // closed by the worker, or by who gives the job up
}

func (r *run) work() {
	for j := range r.jobs {
		if r.deliver.Err() == nil {
			j.delivery = r.examine(&j.batch, r.tell)
			j.end, j.records, j.ok = j.batch.End, len(j.batch.Records), true
			if r.tells && j.free != nil { // while it is in the processor's cache
				j.free()
				j.free = nil
			}
		}
		j.batch = record.Batch{} // the raw bytes end here
		close(j.done)
	}
}

// redactFunc is what makes a delivery of a batch and the matches in it.
type redactFunc func(b *record.Batch, matches []record.Match) record.Delivery

// examine runs the detectors over a batch and redacts it. If one panics, the
// records are examined one by one, and those it can't bear are withheld.
func (r *run) examine(b *record.Batch, redact redactFunc) record.Delivery {
	matches, free, ok := r.detect(b)
	if !ok {
		matches = r.detectEach(b)
	}
	if r.cfg.Resolve != nil && len(matches) > 0 {
		r.cfg.Resolve(r.deliver, matches)
	}
	d := r.apply(b, matches, redact)
	free() // matches end here, and with them the last that aliases views
	return d
}

// apply redacts; a batch that redaction can't bear is withheld whole.
func (r *run) apply(b *record.Batch, matches []record.Match, redact redactFunc) (d record.Delivery) {
	defer func() {
		if recover() != nil {
			r.stats.Panics.Add(1)
			all := []record.Match{{Withhold: true, Spans: []record.Span{{Start: b.Lead, End: len(b.Text)}}}}
			d = redact(b, all)
		}
	}()
	return redact(b, matches)
}

// detect asks every detector; free gives back what the views were lent, which
// b.Views and the matches alias. After a panic nothing is given back: nobody
// knows who holds what.
func (r *run) detect(b *record.Batch) (ms []record.Match, free func(), ok bool) {
	free = func() {}
	defer func() {
		// What was recovered may quote the input, so it is counted and not kept.
		if recover() != nil {
			r.stats.Panics.Add(1)
			ms, free, ok = nil, func() {}, false
		}
	}()
	if r.cfg.Views != nil {
		var missed []record.Span
		if missed, free = r.cfg.Views(b); len(missed) > 0 {
			ms = append(ms, record.Match{Rule: "withheld", Spans: missed, Withhold: true})
		}
	}
	for _, d := range r.cfg.Detectors() {
		ms = d.Detect(ms, b)
	}
	return ms, free, true
}

// detectEach examines the records of a batch alone. Views that the source made
// span records, so a batch that has some is withheld whole.
func (r *run) detectEach(b *record.Batch) []record.Match {
	var all []record.Match
	for _, rec := range b.Records {
		one := record.Batch{Origin: b.Origin, Text: b.Text[rec.Start:rec.End:rec.End], End: b.End}
		start := rec.Start
		rec.Start, rec.End = 0, rec.Len()
		one.Records = []record.Record{rec}
		ms, free, ok := r.detect(&one)
		if !ok {
			ms = []record.Match{{Withhold: true, Spans: []record.Span{{Start: 0, End: rec.End}}}}
		}
		for _, m := range ms {
			moved := make([]record.Span, len(m.Spans))
			for i, s := range m.Spans {
				moved[i] = record.Span{Start: s.Start + start, End: s.End + start}
			}
			m.Spans, m.Secret = moved, bytes.Clone(m.Secret)
			all = append(all, m)
		}
		free()
	}
	return all
}

// queues hold the jobs of each stream in order; a queue's goroutine lives while
// it has any.
type queues struct {
	mu   sync.Mutex
	wg   sync.WaitGroup
	open map[laneKey][]*job
}

func (q *queues) push(r *run, key laneKey, j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.open == nil {
		q.open = map[laneKey][]*job{}
	}
	waiting, running := q.open[key]
	q.open[key] = append(waiting, j)
	if !running {
		q.wg.Go(func() { q.drain(r, key) })
	}
}

func (q *queues) wait() { q.wg.Wait() }

// drain delivers a queue's jobs in order until it is empty.
func (q *queues) drain(r *run, key laneKey) {
	for {
		q.mu.Lock()
		waiting := q.open[key]
		if len(waiting) == 0 {
			delete(q.open, key)
			q.mu.Unlock()
			return
		}
		n := min(len(waiting), deliverAtOnce)
		batch := waiting[:n:n]
		q.open[key] = waiting[n:]
		q.mu.Unlock()
		for len(batch) > 0 {
			batch = batch[r.deliverSome(batch):]
		}
	}
}

// deliverSome waits for the first job, takes those behind it that are done, and
// delivers them in one Write; then their sources may commit.
func (r *run) deliverSome(jobs []*job) int {
	<-jobs[0].done
	n := 1
	for n < len(jobs) && isDone(jobs[n]) {
		n++
	}
	ds := make([]record.Delivery, 0, n)
	for _, j := range jobs[:n] {
		if !j.ok || r.deliver.Err() != nil {
			break
		}
		ds = append(ds, j.delivery)
	}
	if len(ds) > 0 {
		if err := r.cfg.Sink.Write(r.deliver, ds); err != nil {
			r.fail(err)
		} else {
			r.count(jobs[:len(ds)])
			r.commit(jobs[:len(ds)])
			freeAll(jobs[:len(ds)])
		}
	}
	for _, j := range jobs[:n] {
		j.delivery = record.Delivery{}
		r.budget.Release(j.cost)
	}
	return n
}

// freeAll gives back the memory of jobs whose deliveries the sink has read. What
// was not delivered becomes garbage: the run ends.
func freeAll(jobs []*job) {
	for _, j := range jobs {
		for _, free := range []func(){j.delivery.Free, j.free} {
			if free != nil {
				free()
			}
		}
	}
}

func isDone(j *job) bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// commit tells each source how far its streams are delivered: the last mark of
// a run of jobs of one stream stands for those before it.
func (r *run) commit(jobs []*job) {
	for i, j := range jobs {
		if i+1 < len(jobs) && jobs[i+1].lane == j.lane {
			continue
		}
		if err := j.lane.source.Commit(r.deliver, j.end); err != nil {
			r.fail(err)
			return
		}
	}
}

func (r *run) count(jobs []*job) {
	s := r.stats
	for _, j := range jobs {
		d := &j.delivery
		s.Bytes.Add(int64(d.Bytes))
		s.Records.Add(int64(j.records))
		s.Withheld.Add(int64(d.Withheld))
		s.Findings.Add(int64(len(d.Findings)))
		for j := range d.Findings {
			if f := &d.Findings[j]; !f.Known {
				s.BySeverity[f.Severity].Add(1)
			}
		}
		if d.Unread != "" {
			s.mu.Lock()
			if len(s.unread) < maxUnread {
				s.unread = append(s.unread, Unread{d.Origin.Name, d.Unread})
			}
			s.mu.Unlock()
		}
	}
}
