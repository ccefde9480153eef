package file

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sluice/internal/record"
)

// What a look at the disk may cost: an interval is so many times what the last
// look took, and between these bounds.
const (
	costFactor   = 200
	minDiscovery = 500 * time.Millisecond
	maxDiscovery = 10 * time.Second
)

// listing is a folder at one moment: the names by what they may be rotated
// generations of.
type listing struct {
	rotated map[string][]string
	changed time.Time // as the folder says
	began   time.Time
	checked time.Time
	until   time.Time // it is long, and is not read again before
}

// listed says how old a listing may be.
type listed int

const (
	fresh   listed = iota // read after the call, unless that takes long
	current               // of the folder as it is, as far as its time of change tells
)

const (
	// coarse is how far apart two changes have to be to have different times.
	coarse = 50 * time.Millisecond
	// checkEvery is how often a folder's time of change is asked for.
	checkEvery = 2 * time.Millisecond
	maxListAge = 10 * time.Second
	// A folder with more than manyNames is read again only after perName for each.
	manyNames = 2000
	perName   = 10 * time.Microsecond
)

// list is what is in a folder. A folder that takes long to read is not read
// for each of its logs.
func (f *follower) list(dir string, age listed) *listing {
	f.heldMu.Lock()
	defer f.heldMu.Unlock()
	now := f.now()
	l := f.lists[dir]
	if l != nil && now.Before(l.until) && !l.began.After(now) || age == current && l.is(dir, now) {
		return l
	}
	l = &listing{rotated: map[string][]string{}, began: now, checked: now}
	f.lists[dir] = l
	d, err := os.Open(dir)
	if err != nil {
		return l // there are no rotated files then, or look says what is wrong
	}
	defer d.Close()
	if info, err := d.Stat(); err == nil {
		l.changed = info.ModTime()
	}
	names, _ := d.Readdirnames(-1) // what was read counts
	for _, name := range names {
		for _, base := range rotationOf(name) {
			l.rotated[base] = append(l.rotated[base], name)
		}
	}
	if len(names) > manyNames {
		l.until = now.Add(time.Duration(len(names)) * perName)
	}
	return l
}

// is says that a folder has not changed since it was read.
func (l *listing) is(dir string, now time.Time) bool {
	if l == nil || now.Sub(l.began) > maxListAge || now.Before(l.began) {
		return false
	}
	if now.Sub(l.checked) < checkEvery {
		return true
	}
	info, err := os.Stat(dir)
	l.checked = now
	return err == nil && info.ModTime().Equal(l.changed) && l.began.Sub(l.changed) > coarse
}

// discover makes a chain for each log that the paths name now.
func (f *follower) discover(ctx context.Context) error {
	began := f.now()
	find := finder{ctx: ctx, log: f.cfg.Log}
	defer find.close()
	var missing []string
	for _, path := range f.cfg.Paths {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.Mode().IsDir(), err != nil && isGlob(path):
			find.find(path)
		case err == nil && !info.Mode().IsRegular():
			f.special(path)
		default: // a log that is not there yet has its chain already
			missing = append(missing, path)
		}
	}
	if err := f.complain(find.failures); err != nil {
		return err
	}
	found := map[string]bool{}
	for _, t := range find.targets {
		found[filepath.Clean(t.name)] = true
	}
	for _, path := range missing {
		found[filepath.Clean(path)] = true
	}
	f.mu.Lock()
	f.found = found
	f.mu.Unlock()
	for _, path := range missing {
		f.add(path, true, true)
	}
	for _, t := range find.targets {
		if !f.rotated(t.name, found) {
			f.add(t.name, t.root == nil, false)
		}
	}
	f.discovered, f.first = began, false
	return nil
}

// complain keeps what cannot be found or read. What never can is an error.
func (f *follower) complain(failures []failure) error {
	f.troubleMu.Lock()
	defer f.troubleMu.Unlock()
	f.failing = nil
	var wrong []error
	for _, fail := range failures {
		switch {
		case errors.Is(fail.err, errNoMatch), errors.Is(fail.err, fs.ErrNotExist):
		case errors.Is(fail.err, fs.ErrPermission):
			f.failing = append(f.failing, fail.err.Error())
		case f.discovered.IsZero():
			wrong = append(wrong, fail.err)
		default:
			f.failing = append(f.failing, fail.err.Error())
		}
	}
	return errors.Join(wrong...)
}

// rotated says that a file is a generation of a log that is followed.
func (f *follower) rotated(name string, found map[string]bool) bool {
	dir := filepath.Dir(name)
	return slices.ContainsFunc(rotationOf(filepath.Base(name)), func(base string) bool {
		path := filepath.Join(dir, base)
		return path != filepath.Clean(name) && (found[path] || f.chain(path) != nil)
	})
}

// chain is the chain of a path; nil: there is none.
func (f *follower) chain(path string) *chain {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.chains[filepath.Clean(path)]
}

// add makes a chain for a path that has none. One that was only found is left
// alone if another chain has the file or has read it under another name.
func (f *follower) add(path string, links, named bool) {
	if f.chain(path) != nil {
		return
	}
	info, err := os.Stat(path)
	if err == nil && f.never(info) {
		return
	}
	if !named && (err != nil || f.owned(idOf(info)) || f.wasRead(path, info)) {
		return
	}
	c := &chain{f: f, path: path, dir: filepath.Dir(path), links: links, named: named, judged: map[fileKey]verdict{}, wait: fastest, quiet: f.now()}
	f.mu.Lock()
	f.chains[filepath.Clean(path)] = c
	f.order = append(f.order, c)
	f.mu.Unlock()
	f.stats.Files.Add(1)
	c.look() // while it is known whether this is the first start
	c.tellGaps()
}

// wasRead says that another chain has read a file to its end, and it was
// rotated to a name that looks like a log of its own.
func (f *follower) wasRead(path string, info fs.FileInfo) bool {
	if f.first && len(f.saved) == 0 {
		return false
	}
	if _, known := f.saved[path]; known {
		return false
	}
	if was, ok := f.others[path]; ok && was == keyOf(info) {
		return true
	}
	probe := &chain{f: f, path: path, links: true}
	g, err := probe.openFile(path)
	if err != nil || g == nil {
		return false
	}
	first, packed := g.first, g.packed != nil
	_ = g.file.Close() // it was only read
	f.release(probe, g.id)
	if len(first) < headLen {
		return false
	}
	head := headOf(first)
	for _, c := range f.all() {
		c.mu.Lock()
		read := slices.ContainsFunc(c.segs, func(s *segment) bool {
			return s.Head == head && s.End >= 0 && (packed || c.endOf(s) >= info.Size())
		})
		c.mu.Unlock()
		if read {
			f.others[path] = keyOf(info)
			return true
		}
	}
	return false
}

// all are the chains there are.
func (f *follower) all() []*chain {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}

// asked says that the user's paths match a file.
func (f *follower) asked(path string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.found[filepath.Clean(path)]
}

func (f *follower) never(info fs.FileInfo) bool { return f.cfg.Never != nil && f.cfg.Never(info) }

// hold takes a file for a chain; false: another one has it.
func (f *follower) hold(c *chain, id fileID) bool {
	f.heldMu.Lock()
	defer f.heldMu.Unlock()
	h := f.held[id]
	if h.chain != nil && h.chain != c && id != (fileID{}) {
		return false
	}
	f.held[id] = holder{c, h.times + 1}
	f.stats.Open.Add(1)
	return true
}

func (f *follower) release(_ *chain, id fileID) {
	f.heldMu.Lock()
	defer f.heldMu.Unlock()
	f.stats.Open.Add(-1)
	if h := f.held[id]; h.times > 1 {
		f.held[id] = holder{h.chain, h.times - 1}
	} else {
		delete(f.held, id)
	}
}

func (f *follower) owned(id fileID) bool {
	f.heldMu.Lock()
	defer f.heldMu.Unlock()
	return f.held[id].chain != nil && id != (fileID{})
}

// countBehind counts what is there and was not read.
func (f *follower) countBehind() {
	n := int64(0)
	for _, c := range f.all() {
		c.mu.Lock()
		n += c.unread()
		c.mu.Unlock()
	}
	f.stats.Behind.Store(n)
}

// commit notes what is delivered.
func (f *follower) commit(at record.Mark) {
	if c := f.chain(at.Stream); c != nil {
		c.mu.Lock()
		c.committed, c.mark = at.Epoch, at
		c.delivers(at)
		c.mu.Unlock()
	}
}

func (f *follower) keep(stream string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, saved := f.saved[stream]
	return saved || f.chains[filepath.Clean(stream)] != nil
}

func (f *follower) trouble() []string {
	f.troubleMu.Lock()
	out := slices.Clone(f.failing)
	f.troubleMu.Unlock()
	for _, c := range f.all() {
		c.mu.Lock()
		if c.trouble != nil {
			out = append(out, c.trouble.Error())
		}
		c.mu.Unlock()
	}
	return out
}
