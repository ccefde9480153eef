package pattern

// pathState is what the path of a stream means for the rules. It is worked out
// when a batch of another path comes.
type pathState struct {
	path    string
	known   bool
	off     []bool // by rule: not for this path
	named   []bool // by allowlist: it names this path
	covered bool   // a global allowlist names this path: nothing is looked for
}

// setPath makes m ready for batches of a path.
func (m *machine) setPath(path string) {
	s := &m.pathState
	if s.known && s.path == path {
		return
	}
	*s = pathState{path: path, known: true, off: make([]bool, len(m.rules)), named: make([]bool, m.allowlists)}
	s.covered = s.read(m.global)
	for _, r := range m.rules {
		whole := s.read(r.allow)
		s.off[r.index] = whole || r.Path != nil && !r.Path.MatchString(path) || r.SkipReport && !r.aux
	}
	m.templates = m.templatesOf(s)
}

// read notes which of the lists name the path, and says whether one of them
// allows all of a file by it.
func (s *pathState) read(lists []*allowlist) bool {
	whole := false
	if s.path == "" {
		return false
	}
	for _, a := range lists {
		s.named[a.number] = matchesAny(a.Paths, s.path)
		whole = whole || a.coversPath(s.named[a.number])
	}
	return whole
}
