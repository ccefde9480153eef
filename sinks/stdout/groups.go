package stdout

import (
	"cmp"
	"slices"

	"sluice/internal/record"
	"sluice/internal/report"
)

// The bounds of what the summary remembers.
const (
	maxGroups  = 10_000 // different secrets, about 1 KiB each
	maxPlaces  = 6      // sources of one secret, named; more are counted together
	maxSources = 10_000 // different sources with findings
)

// secretID tells secrets apart: equal ones have equal prints in one run.
type secretID struct {
	rule  string
	print [8]byte
}

// place is a source that holds a secret.
type place struct {
	origin record.Origin
	first  string // report.Where of the first occurrence
	count  int64
}

// group is one secret with all its occurrences.
type group struct {
	first    record.Finding // without its context
	count    int64          // occurrences that are not known
	places   []place
	unplaced int64 // occurrences in further sources
}

// groups counts occurrences by secret.
type groups struct {
	byID       map[secretID]*group
	sources    map[record.Origin]struct{}
	found      int64 // occurrences that are not known
	known      int64
	unlisted   int64 // of found: of secrets beyond maxGroups
	bySeverity map[record.Severity]int64
}

func newGroups() groups {
	return groups{
		byID:       map[secretID]*group{},
		sources:    map[record.Origin]struct{}{},
		bySeverity: map[record.Severity]int64{},
	}
}

// add counts f and returns how many of its secret there are by now; always 1
// for a secret that is not remembered.
func (g *groups) add(f *record.Finding) int64 {
	if f.Known {
		g.known++
		return 0
	}
	g.found++
	g.bySeverity[f.Severity]++
	if len(g.sources) < maxSources {
		g.sources[f.Origin] = struct{}{}
	}
	id := secretID{f.Rule, f.Print}
	s := g.byID[id]
	if s == nil {
		if len(g.byID) >= maxGroups {
			g.unlisted++
			return 1
		}
		s = &group{first: *f}
		s.first.Context = ""
		g.byID[id] = s
	}
	s.count++
	s.first.Severity = max(s.first.Severity, f.Severity)
	if s.first.Key == nil {
		s.first.Key, s.first.LiveAtTime = f.Key, f.LiveAtTime
	}
	s.place(f)
	return s.count
}

func (s *group) place(f *record.Finding) {
	for i := range s.places {
		if s.places[i].origin == f.Origin {
			s.places[i].count++
			return
		}
	}
	if len(s.places) == maxPlaces {
		s.unplaced++
		return
	}
	s.places = append(s.places, place{origin: f.Origin, first: report.Where(f), count: 1})
}

// update gives a secret the owner that was found out later.
func (g *groups) update(f *record.Finding) {
	if s := g.byID[secretID{f.Rule, f.Print}]; s != nil {
		s.first.Key, s.first.LiveAtTime = f.Key, f.LiveAtTime
		s.first.Severity = max(s.first.Severity, f.Severity)
	}
}

// sorted is the groups, most severe first, then by count, then by name.
func (g *groups) sorted() []*group {
	list := make([]*group, 0, len(g.byID))
	for _, s := range g.byID {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *group) int {
		if c := cmp.Or(cmp.Compare(b.first.Severity, a.first.Severity), cmp.Compare(b.count, a.count)); c != 0 {
			return c
		}
		if c := cmp.Compare(a.first.Rule, b.first.Rule); c != 0 {
			return c
		}
		return cmp.Or(cmp.Compare(a.places[0].first, b.places[0].first), slices.Compare(a.first.Print[:], b.first.Print[:]))
	})
	return list
}
