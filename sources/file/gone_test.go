package file

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/record"
)

// goneFollower follows the logs of a folder by hand, with a clock of its own.
func goneFollower(t *testing.T, dir string) (f *follower, look func() (got string)) {
	t.Helper()
	f = newFollower(Config{Paths: []string{filepath.Join(dir, "*.log")}, Follow: true, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(f.closeAll)
	return f, func() (got string) {
		t.Helper()
		if err := f.discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.dropGone()
		p := pace{slowest: slowest}
		for _, c := range f.all() {
			f.glance(c, &p)
			turn := f.drain(t.Context(), c, func(b record.Batch) error {
				got += string(b.Text[b.Lead:])
				f.commit(b.End)
				return nil
			})
			if turn.err != nil {
				t.Fatal(turn.err)
			}
		}
		return got
	}
}

// A log whose volume was away for long is gone on with when it comes back, and
// one of its name with other content is read whole.
func TestLogThatComesBackIsNotReadAgain(t *testing.T) {
	for _, back := range []bool{true, false} {
		dir := t.TempDir()
		path := filepath.Join(dir, "app.log")
		f, look := goneFollower(t, dir)
		now := time.Now()
		f.now = func() time.Time { return now }
		add(t, path, "one\n")
		if got := look(); got != "one\n" {
			t.Fatalf("got %q", got)
		}
		away := filepath.Join(t.TempDir(), "away")
		if err := os.Rename(path, away); err != nil {
			t.Fatal(err)
		}
		for range 4 { // it is let go of first
			now = now.Add(letGo)
			f.order[0].close()
			if got := look(); got != "" {
				t.Fatalf("got %q of a log that is gone", got)
			}
			if len(f.order) > 0 && len(f.order[0].queue) > 0 {
				f.order[0].queue[0].over = true
			}
		}
		now = now.Add(dropAfter)
		look()
		if len(f.order) != 0 || !f.keep(path) {
			t.Fatalf("%d logs are followed; remembered: %v", len(f.order), f.keep(path))
		}
		now = now.Add(forgetAfter / 2)
		if back {
			if err := os.Rename(away, path); err != nil {
				t.Fatal(err)
			}
		}
		add(t, path, "two\n")
		if got := look(); got != "two\n" {
			t.Errorf("back %v: it read %q", back, got)
		}
		if n := f.stats.Gaps.Load(); n != 0 {
			t.Errorf("%d gaps", n)
		}
	}
}

// What is gone is remembered for a time, and not more of it than is bearable.
func TestGoneLogsAreForgotten(t *testing.T) {
	f, _ := goneFollower(t, t.TempDir())
	now := time.Now()
	f.now = func() time.Time { return now }
	for n := range mostGone + 10 {
		stream := fmt.Sprint(n)
		f.saved[stream] = savedStream{Stream: []byte(stream), Seen: now.Add(time.Duration(n) * time.Second)}
		f.marks[stream] = record.Mark{Stream: stream}
	}
	f.dropGone()
	if len(f.saved) != mostGone || len(f.marks) != mostGone || f.keep("9") || !f.keep("10") {
		t.Errorf("%d are remembered, %d marks; the oldest: %v, %v", len(f.saved), len(f.marks), f.keep("9"), f.keep("10"))
	}
	now = now.Add(forgetAfter + time.Minute)
	f.dropGone()
	if n := len(f.saved) + len(f.marks); n != 2*(mostGone+10-60-1) {
		t.Errorf("%d are remembered after %v", n, forgetAfter)
	}
}
