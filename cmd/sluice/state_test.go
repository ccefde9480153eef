package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/record"
	"sluice/sources"
)

// still is a source that keeps what it was told to commit.
type still struct{ committed []record.Mark }

func (*still) Run(context.Context, func(record.Batch) error) error { return nil }

func (s *still) Commit(_ context.Context, at record.Mark) error {
	s.committed = append(s.committed, at)
	return nil
}

func (*still) State() json.RawMessage { return json.RawMessage(`{"generations":2}`) }

// What was committed and what the source adds is there at the next start, under
// the same print key; a second process is told who has the folder.
func TestStateOutlivesTheProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	log := slog.New(slog.DiscardHandler)
	s, err := openState(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	key, err := s.printKey()
	if err != nil || len(key) < minPrintKey {
		t.Fatalf("print key of %d bytes, %v", len(key), err)
	}
	src := &still{}
	at := record.Mark{Stream: "a.log", Epoch: 7, Offset: 812, Sub: 3}
	if err := s.track(sources.Named{Name: "logs", Source: src}).Commit(t.Context(), at); err != nil || len(src.committed) != 1 {
		t.Fatal("the source was not told", err)
	}
	if _, err := openState(dir, log); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Fatalf("a second process: %v", err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	s, err = openState(dir, log)
	if err != nil {
		t.Fatal(err)
	}
	marks, own := s.resume("logs")
	if len(marks) != 1 || marks[0] != at || string(own) != `{"generations":2}` {
		t.Errorf("resumed at %v with %s", marks, own)
	}
	again, err := s.printKey()
	if err != nil || string(again) != string(key) {
		t.Error("the print key is another one", err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
}
