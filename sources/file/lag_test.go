package file

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/record"
)

// A log is behind by what is there and not delivered, over rotations; not by a
// line that has no end yet.
func TestLagIsWhatIsNotDelivered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.log")
	var marks []record.Mark
	batches := make(chan record.Mark, 100)
	add(t, path, "one\ntwo\n")
	src, stop := following(t, Config{Paths: []string{path}}, func(b record.Batch) error {
		batches <- b.End
		return nil
	})
	defer stop()
	until := func(text string) {
		t.Helper()
		for read := 0; read < len(text); {
			select {
			case m := <-batches:
				marks, read = append(marks, m), int(m.Offset)
			case <-t.Context().Done():
				t.Fatal("it was not read")
			}
		}
	}
	wants := func(what string, behind int64) {
		t.Helper()
		tick := time.NewTicker(time.Millisecond) // what is there is seen at a look
		defer tick.Stop()
		for {
			lag := src.Lag()
			if len(lag) == 1 && lag[0].Path == path && lag[0].End-lag[0].Done == behind {
				return
			}
			select {
			case <-tick.C:
			case <-t.Context().Done():
				t.Fatalf("%s: %+v, want %d", what, lag, behind)
			}
		}
	}
	commit := func() {
		t.Helper()
		for _, m := range marks {
			if err := src.Commit(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		marks = nil
	}
	until("one\ntwo\n")
	wants("read and not delivered", 8)
	commit()
	wants("delivered", 0)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	add(t, path, "three\nfo")
	until("three\n")
	wants("a new generation", 6)
	commit()
	wants("half a line", 0)
	add(t, path, "ur\n")
	until("three\nfour\n")
	wants("the other half", 5)
	commit()
	wants("all", 0)
}
