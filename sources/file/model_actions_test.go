package file

import (
	"fmt"
	"os"
	"time"

	"pgregory.net/rapid"
)

// actions are what can happen, each at any moment.
func (w *world) actions() map[string]func(*rapid.T) {
	draw := func(most int, label string) int { return rapid.IntRange(1, most).Draw(w.t, label) }
	return map[string]func(*rapid.T){
		"write":        func(*rapid.T) { w.write(draw(5, "lines")) },
		"writeMuch":    func(*rapid.T) { w.write(40 * draw(3, "lines")) },
		"writeHalf":    func(*rapid.T) { w.writeHalf() },
		"poll":         func(*rapid.T) { w.poll() },
		"deliver":      func(*rapid.T) { w.deliver(draw(3, "batches")) },
		"save":         func(*rapid.T) { w.save() },
		"crash":        func(*rapid.T) { w.crash() },
		"restart":      func(*rapid.T) { w.deliver(len(w.inbox)); w.save(); w.crash() },
		"rotate":       func(*rapid.T) { w.rotate() },
		"rotateLate":   func(*rapid.T) { w.rotateLate() },
		"copyTruncate": func(*rapid.T) { w.copyTruncate() },
		"regrow":       func(*rapid.T) { w.regrow() },
		"delete":       func(*rapid.T) { w.deleteAndCreate() },
		"pack":         func(*rapid.T) { w.packOne() },
		"retain":       func(*rapid.T) { w.retain() },
		"stepClock":    func(*rapid.T) { w.stepClock() },
	}
}

// reopen makes the writer leave a file that was renamed.
func (w *world) reopen() {
	if w.old != nil {
		_ = w.old.Close()
		w.old = nil
	}
}

// shift makes room for a file to be named next and gives the name.
func (w *world) shift() string {
	w.seq++
	if w.scheme == "sequence" {
		return fmt.Sprintf("%s.%05d", w.path, w.seq)
	}
	for n := w.seq; n > 1; n-- {
		for _, ext := range []string{"", ".gz", ".zst"} {
			from, to := fmt.Sprintf("%s.%d%s", w.path, n-1, ext), fmt.Sprintf("%s.%d%s", w.path, n, ext)
			if os.Rename(from, to) == nil {
				for i := range w.rotated {
					if w.rotated[i] == from {
						w.rotated[i] = to
					}
				}
			}
		}
	}
	return w.path + ".1"
}

// empty says that the file being written has nothing; rotators leave it then.
func (w *world) empty() bool {
	info, err := w.file.Stat()
	must(w.t, err)
	return info.Size() == 0
}

func (w *world) rotate() {
	w.reopen()
	if w.empty() {
		return
	}
	if w.linked {
		_ = w.file.Close()
		w.create()
		return
	}
	name := w.shift()
	must(w.t, os.Rename(w.path, name))
	w.rotated = append(w.rotated, name)
	_ = w.file.Close()
	w.create()
}

// rotateLate renames, and the writer goes on writing to the old file.
func (w *world) rotateLate() {
	w.reopen()
	if w.linked || w.empty() {
		return
	}
	old := w.file
	name := w.shift()
	must(w.t, os.Rename(w.path, name))
	again, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0o600)
	must(w.t, err)
	w.old = again
	_ = old.Close()
	w.rotated = append(w.rotated, name)
	w.create()
}

func (w *world) copyTruncate() {
	w.reopen()
	if w.linked || w.empty() {
		return
	}
	name := w.shift()
	text, err := os.ReadFile(w.path)
	must(w.t, err)
	half := len(text) / 2
	must(w.t, os.WriteFile(name, text[:half], 0o600))
	if rapid.Bool().Draw(w.t, "look at half a copy") {
		w.poll()
	}
	must(w.t, os.WriteFile(name, text, 0o600))
	w.rotated = append(w.rotated, name)
	must(w.t, os.Truncate(w.path, 0))
	if rapid.Bool().Draw(w.t, "grow at once") {
		w.write(60)
	}
}

// regrow empties the file, without a copy: all of it has to be saved.
func (w *world) regrow() {
	w.reopen()
	if w.rest != "" {
		w.write(1)
	}
	w.settle()
	must(w.t, os.Truncate(w.file.Name(), 0))
	w.write(rapid.SampledFrom([]int{1, 60}).Draw(w.t, "lines"))
}

// deleteAndCreate removes the file; the next one gets its inode as a rule.
func (w *world) deleteAndCreate() {
	w.reopen()
	if w.linked {
		return
	}
	if w.rest != "" {
		w.write(1)
	}
	w.settle()
	held := rapid.Bool().Draw(w.t, "the follower is away")
	if held {
		w.f.closeAll()
	}
	_ = w.file.Close()
	must(w.t, os.Remove(w.path))
	w.create()
	if held {
		w.crash()
	}
}

// packOne compresses a rotated file.
func (w *world) packOne() {
	if len(w.rotated) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.rotated)-1).Draw(w.t, "which")
	if w.old != nil && i == len(w.rotated)-1 {
		return // it is still written to
	}
	w.pack(w.rotated[i], rapid.Bool().Draw(w.t, "zst"))
	w.rotated = append(w.rotated[:i:i], w.rotated[i+1:]...)
}

// retain removes the oldest rotated file, once it is saved.
func (w *world) retain() {
	if len(w.rotated) == 0 || w.old != nil {
		return
	}
	if w.rest != "" {
		w.write(1)
	}
	w.settle()
	must(w.t, os.Remove(w.rotated[0]))
	w.rotated = w.rotated[1:]
}

// stepClock sets the clock of the machine once.
func (w *world) stepClock() {
	if w.stepped {
		return
	}
	w.stepped = true
	step := time.Duration(rapid.SampledFrom([]int{-7200, -60, 60, 7200}).Draw(w.t, "seconds")) * time.Second
	w.skew += step
	w.now = w.now.Add(step)
}
