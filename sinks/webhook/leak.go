package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"sluice/internal/record"
	"sluice/internal/report"
)

// groupKey names what counts as the same leak: rule, print and source.
type groupKey [16]byte

func (k groupKey) String() string { return hex.EncodeToString(k[:]) }

func keyOf(f *record.Finding) (k groupKey) {
	h := sha256.New()
	for _, s := range []string{f.Rule, report.Print(f), f.Origin.Kind, f.Origin.Name, f.Origin.Stream} {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	if f.Update { // what became known of its owner is news of its own
		h.Write([]byte("update"))
	}
	copy(k[:], h.Sum(nil))
	return k
}

// leak is equal findings with how often and when they were seen.
type leak struct {
	key         groupKey
	count       int64
	first, last time.Time
	finding     *record.Finding
}

// group takes the findings of ds that are to be sent and puts equal ones
// together, in the order of their first.
func group(ds []record.Delivery, wanted func(*record.Finding) bool, now time.Time) []leak {
	var leaks []leak
	at := map[groupKey]int{}
	for i := range ds {
		for j := range ds[i].Findings {
			f := &ds[i].Findings[j]
			if !wanted(f) {
				continue
			}
			key, seen := keyOf(f), seenAt(f, now)
			n, ok := at[key]
			if !ok {
				at[key] = len(leaks)
				leaks = append(leaks, leak{key, 1, seen, seen, f})
				continue
			}
			leaks[n].add(1, seen, seen)
		}
	}
	return leaks
}

func (l *leak) add(n int64, first, last time.Time) {
	l.count += n
	if first.Before(l.first) {
		l.first = first
	}
	if last.After(l.last) {
		l.last = last
	}
}

// seenAt is the time of the line, or now if it has none that can be true: a
// line's own stamp is whatever its author wrote.
func seenAt(f *record.Finding, now time.Time) time.Time {
	if y := f.Time.Year(); f.Time.IsZero() || y < 1990 || f.Time.After(now.Add(24*time.Hour)) {
		return now
	}
	return f.Time
}

// The bounds of a stored finding, bytes; about 1 KiB is usual.
const (
	maxContext = 512
	maxOrigin  = 4096 // what a path may have
)

// encode is a finding as the spool holds it. Its strings are bounded and, but
// for the source's name, visible.
func encode(f *record.Finding) ([]byte, error) {
	v := *f
	v.Context = report.Context(f, maxContext)
	v.Origin = record.Origin{Kind: report.Short(f.Origin.Kind), Name: report.Clip(f.Origin.Name, maxOrigin), Stream: report.Short(f.Origin.Stream)}
	v.Rule, v.Name, v.Preview = report.Short(f.Rule), report.Short(f.Name), report.Short(f.Preview)
	v.Encoding, v.KnownBy = record.Encoding(report.Short(string(f.Encoding))), report.Short(f.KnownBy)
	v.BaselineID = ""
	v.Severity = min(f.Severity, record.SeverityCritical)
	v.Time = storable(f.Time)
	if f.Key != nil {
		k := *f.Key
		for _, s := range []*string{&k.Gateway, &k.Alias, &k.Name, &k.TeamID, &k.TeamAlias, &k.UserID} {
			*s = report.Short(*s)
		}
		k.State = record.KeyState(report.Short(string(k.State)))
		k.Created, k.Expires, k.Deleted = storable(k.Created), storable(k.Expires), storable(k.Deleted)
		v.Key = &k
	}
	b, err := json.Marshal(&v)
	if err != nil {
		return nil, fmt.Errorf("encode finding: %w", err)
	}
	return b, nil
}

// storable is t, or no time where JSON has no form for it.
func storable(t time.Time) time.Time {
	if y := t.Year(); y < 1 || y > 9999 {
		return time.Time{}
	}
	return t.UTC()
}

func decode(b []byte) (*record.Finding, error) {
	f := new(record.Finding)
	if err := json.Unmarshal(b, f); err != nil {
		return nil, fmt.Errorf("decode finding: %w", err)
	}
	return f, nil
}
