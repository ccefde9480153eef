package docker

import (
	"bytes"
	"io"
	"os"
	"slices"
	"sync"
	"time"
)

// keeper holds the files of a json-file log open from when they are seen, so that
// rotation takes none away before it was read: a daemon that rotates removes a
// name, and what has no name is there as long as it is open.
type keeper struct {
	path    string
	looking chan struct{} // holds one while the folder is looked at: order matters

	mu     sync.Mutex
	files  []*generation // oldest first; the last is the newest
	named  int           // how many of the newest had names at the last look
	size   int64         // of the newest at the last look
	pause  time.Duration // until the next look
	due    time.Time     // of the next look
	closed bool
}

// generation is one file of a log.
type generation struct {
	*os.File
	n     int64 // counts a log's files from 1 on
	hole  bool  // others may have been between the one before and this one
	users int   // guarded by keeper.mu; the keeper is one
}

const (
	// soonest and latest bound the pause between two looks at a log: a file is
	// filled in 90 ms at best, and two have to be before one is gone.
	soonest = 5 * time.Millisecond
	latest  = 100 * time.Millisecond
	// mostHeld and mostFiles bound what is held of a log beyond what the daemon
	// keeps, in bytes and descriptors: the disk is the daemon's.
	mostHeld  = 256 << 20
	mostFiles = 256
	// spare is how many files stay though one behind them was read from: a line
	// in pieces is counted from its first piece on.
	spare = 2
)

func newKeeper(path string) *keeper {
	return &keeper{path: path, looking: make(chan struct{}, 1)}
}

// look opens what is new.
func (k *keeper) look() error {
	k.looking <- struct{}{}
	defer func() { <-k.looking }()
	newest, err := k.newest()
	if newest != nil {
		defer k.done(newest)
	}
	if err != nil || newest != nil && k.still(newest) {
		return err
	}
	set, err := openLog(k.path)
	if err != nil {
		k.looked(0, false)
		return err
	}
	k.merge(newest, set)
	return nil
}

// still says that a file is the newest as it was, and notes whether it grew.
func (k *keeper) still(newest *generation) bool {
	same, err := isAt(newest.File, k.path)
	if err != nil || !same {
		return false
	}
	info, err := newest.Stat()
	if err != nil {
		return false
	}
	k.looked(info.Size(), true)
	return true
}

// looked plans the next look.
func (k *keeper) looked(size int64, held bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pause = min(2*max(k.pause, soonest), latest)
	if held && size != k.size {
		k.size, k.pause = size, soonest
	}
	k.due = time.Now().Add(k.pause)
}

// newest is in use by who asked.
func (k *keeper) newest() (*generation, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, os.ErrClosed
	}
	if len(k.files) == 0 {
		return nil, nil
	}
	g := k.files[len(k.files)-1]
	g.users++
	return g, nil
}

// merge adds the files of a set that are newer than the newest held, and closes
// the others.
func (k *keeper) merge(newest *generation, set *logFiles) {
	fresh := len(set.files)
	if newest != nil {
		fresh = slices.IndexFunc(set.files, func(f *os.File) bool { return sameLog(newest.File, f) })
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	hole := fresh < 0
	if hole {
		fresh = len(set.files)
	}
	for i, f := range slices.Backward(set.files) {
		if i >= fresh || k.closed {
			_ = f.Close() // read only
			continue
		}
		g := &generation{File: f, n: 1, hole: hole, users: 1}
		if n := len(k.files); n > 0 {
			g.n = k.files[n-1].n + 1
		}
		k.files, hole = append(k.files, g), false
	}
	k.named, k.size, k.pause = len(set.files), -1, soonest
	k.due = time.Now().Add(k.pause)
	k.bound()
}

// sameLog says whether two files are one, which may have been compressed since.
func sameLog(a, b *os.File) bool {
	here, err := a.Stat()
	there, also := b.Stat()
	if err != nil || also != nil {
		return false
	}
	return os.SameFile(here, there) || bytes.Equal(headOf(a), headOf(b)) && len(headOf(a)) > 0
}

// headOf is the beginning of a file's text: its first entry has a stamp.
func headOf(f *os.File) []byte {
	r, err := contentOf(f, 1<<62)
	if err != nil {
		return nil
	}
	head := make([]byte, 4<<10)
	n, _ := io.ReadFull(r, head)
	return head[:n]
}

// bound lets go of the oldest files if too much is held. k.mu is held.
func (k *keeper) bound() {
	var sum int64
	for i := len(k.files) - 1 - k.named; i >= 0; i-- {
		if info, err := k.files[i].Stat(); err == nil {
			sum += info.Size()
		}
		if sum > mostHeld || len(k.files)-i > mostFiles {
			k.drop(i + 1)
			return
		}
	}
}

// drop lets go of the first n files. k.mu is held.
func (k *keeper) drop(n int) {
	for _, g := range k.files[:n] {
		k.leave(g)
	}
	k.files = slices.Delete(k.files, 0, n)
}

// taken lets go of what was read: a message of the nth file was taken.
func (k *keeper) taken(n int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	read := 0
	for read < len(k.files)-k.named && k.files[read].n < n-spare {
		read++
	}
	k.drop(read)
}

// leave is the end of a use. k.mu is held.
func (k *keeper) leave(g *generation) {
	if g.users--; g.users == 0 {
		_ = g.Close() // read only
	}
}

func (k *keeper) done(g *generation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.leave(g)
}

// all gives the files, oldest first; who asked is done with each.
func (k *keeper) all() []*generation {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, g := range k.files {
		g.users++
	}
	return slices.Clone(k.files)
}

// next is the file behind one; nil: that is the newest. Who asked is done with it.
func (k *keeper) next(behind *generation) *generation {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.files, func(g *generation) bool { return g.n > behind.n })
	if i < 0 {
		return nil
	}
	g := k.files[i]
	g.users++
	return g
}

// close lets go of everything.
func (k *keeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	k.drop(len(k.files))
}

// dueIn is how long the next look can wait, with some time for who follows the log:
// it looks too, as long as it gets to it.
func (k *keeper) dueIn() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Until(k.due) + k.pause/4
}
