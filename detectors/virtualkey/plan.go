package virtualkey

import (
	"bytes"
	"context"
	"crypto/sha256"
	"runtime"
	"sync"
	"sync/atomic"
)

// plan is a set of completions of one fragment: its head, so many unknown
// characters, and each of some ends of equal length.
type plan struct {
	head    []byte
	ends    []byte // one behind the other
	endLen  int    // 0: one end, empty
	unknown int
	bits    int   // left open by head and an end
	total   int64 // completions
}

// newPlans are the ways to complete a fragment within a budget and the hashes
// they come to: through the masked names of live keys and, while some key hides
// its name, through all that the form allows. all is false if one was left out.
func newPlans(head, tail []byte, d *Detector, budget int64) (plans []*plan, total int64, all bool) {
	candidates := []*plan{namedPlan(head, tail, d)}
	if d.hides {
		candidates = append(candidates, newPlan(head, tail, len(tail), 1))
	}
	all = true
	for _, p := range candidates {
		switch {
		case p.total == 0:
		case p.total > budget-total:
			all = false
		default:
			plans = append(plans, p)
			total += p.total
		}
	}
	return plans, total, all
}

// newPlan is for n ends of so many bytes.
func newPlan(head, ends []byte, endLen, n int) *plan {
	p := &plan{head: head, ends: ends, endLen: endLen, unknown: formLen - len(head) - endLen}
	p.bits = charBits * p.unknown
	if endLen == 0 { // the last character has four values
		p.bits -= charBits - lastBits
	}
	const beyond = 32 // more than any budget, and total is still a number
	p.total = int64(n) << min(p.bits, beyond)
	return p
}

// namedPlan ends in the last four characters of each masked name that agrees
// with tail, and with the end of head where the two overlap; or in tail itself
// if that is longer and ends like a name.
func namedPlan(head, tail []byte, d *Detector) *plan {
	room := formLen - len(head)
	size := min(room, len([4]byte{}))
	var ends []byte
	n := 0
	for s := range d.suffixes.all() {
		name := s[:]
		over := len(name) - size
		if run(name, 0, len(name), keyByte) < len(name) || !is(name[len(name)-1], lastByte) ||
			!bytes.HasSuffix(head, name[:over]) {
			continue
		}
		name = name[over:]
		switch {
		case len(tail) > size && bytes.HasSuffix(tail, name):
			return newPlan(head, tail, len(tail), 1)
		case bytes.HasSuffix(name, tail):
			ends = append(ends, name...)
			n++
		}
	}
	return newPlan(head, ends, size, n)
}

// run hashes the completions on every core and waits for all of them.
func (p *plan) run(ctx context.Context, keys Keys) completion {
	var (
		next    atomic.Int64
		found   atomic.Pointer[completion]
		workers sync.WaitGroup
	)
	for range min(int64(runtime.GOMAXPROCS(0)), (p.total+chunk-1)/chunk) {
		workers.Go(func() {
			for found.Load() == nil && ctx.Err() == nil {
				from := next.Add(chunk) - chunk
				if from >= p.total {
					return
				}
				if hash, ok := p.try(keys, from, min(from+chunk, p.total)); ok {
					found.Store(&completion{ok: true, hash: hash, bits: p.bits})
				}
			}
		})
	}
	workers.Wait()
	if f := found.Load(); f != nil {
		return *f
	}
	return completion{}
}

// try hashes completions from to to. Number n has the end n>>bits and the
// unknown characters that the bits below it spell.
func (p *plan) try(keys Keys, from, to int64) (hash [sha256.Size]byte, ok bool) {
	var key [formSize]byte
	middle := copy(key[:], DefaultPrefix)
	middle += copy(key[middle:], p.head)
	last := middle + p.unknown
	if p.endLen == 0 {
		last--
	}
	for n := from; n < to; n++ {
		v := n
		if p.endLen == 0 {
			key[last] = lastAlphabet[v&(1<<lastBits-1)]
			v >>= lastBits
		} else {
			end := int(n>>p.bits) * p.endLen
			copy(key[last:], p.ends[end:end+p.endLen])
		}
		for i := middle; i < last; i++ {
			key[i] = alphabet[v&(1<<charBits-1)]
			v >>= charBits
		}
		hash = sha256.Sum256(key[:])
		if _, ok := keys.Lookup(hash); ok {
			return hash, true
		}
	}
	return hash, false
}
