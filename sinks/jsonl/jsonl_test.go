package jsonl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/internal/report/reporttest"
)

func TestGolden(t *testing.T) {
	var out bytes.Buffer
	run := reporttest.Run()
	run.Complete, run.Errors = false, []string{"read logs/b.log: permission denied"}
	s := New(&out, run)
	if err := s.Write(t.Context(), reporttest.Deliveries()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	reporttest.Golden(t, "testdata/report.jsonl", out.Bytes())
}

func TestCompleteRunAddsNothing(t *testing.T) {
	var out bytes.Buffer
	s := New(&out, &report.Run{Complete: true})
	if err := s.Close(t.Context()); err != nil || out.Len() != 0 {
		t.Fatalf("%v, %q", err, out.String())
	}
}

// Hostile strings in every field: each line is one JSON object of printable
// characters that decodes to the strings that went in.
func TestHostile(t *testing.T) {
	for _, ds := range reporttest.Hostile() {
		var out bytes.Buffer
		s := New(&out, reporttest.Run())
		if err := s.Write(t.Context(), ds); err != nil {
			t.Fatal(err)
		}
		reporttest.CheckVisible(t, out.String())
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		f := ds[0].Findings
		if len(lines) != len(f) {
			t.Fatalf("%d lines for %d findings", len(lines), len(f))
		}
		for i, line := range lines {
			var o struct{ Source report.Source }
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatal(err)
			}
			want := string([]rune(f[i].Origin.Name)) // each bad byte is U+FFFD
			if o.Source.Name != want {
				t.Errorf("name %q, want %q", o.Source.Name, want)
			}
		}
	}
}

func TestConcurrentLinesStayWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	s, err := Append(path, &report.Run{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	ds := reporttest.Deliveries()
	perWrite := 0
	for _, d := range ds {
		perWrite += len(d.Findings)
	}
	const writers, rounds = 8, 20
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range rounds {
				if err := s.Write(t.Context(), ds); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	if got := len(lines) - 1; got != writers*rounds*perWrite {
		t.Fatalf("%d lines", got)
	}
	for _, line := range lines[:len(lines)-1] {
		if !json.Valid([]byte(line)) {
			t.Fatalf("not JSON: %q", line)
		}
	}
}

func TestAppendCutsTornLine(t *testing.T) {
	for _, c := range []struct{ before, want string }{
		{"", ""},
		{"{\"rule\":\"a\"}\n", "{\"rule\":\"a\"}\n"},
		{"{\"rule\":\"a\"}\n{\"ru", "{\"rule\":\"a\"}\n"},
		{"{\"rule\":\"a\"}\n{\"complete\":false,\"er", "{\"rule\":\"a\"}\n"},
		{"{", ""},
	} {
		path := filepath.Join(t.TempDir(), "out.jsonl")
		if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Append(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != c.want {
			t.Errorf("%q became %q, %v", c.before, got, err)
		}
	}
}

func TestAppendLeavesForeignFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte("no line end"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Append(path, nil); !errors.Is(err, errNotOurs) {
		t.Fatalf("%v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "no line end" {
		t.Errorf("file is now %q", got)
	}
}

// A disk that was full for a while: nothing torn stays, and the same Write
// succeeds later.
func TestAppendRecovers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.jsonl")
	s, err := Append(path, &report.Run{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	ds := reporttest.Deliveries()
	if err := s.Write(t.Context(), ds); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s.w = io.MultiWriter(&half{s.file}, &failing{}) // half of it reaches the disk
	if err := s.Write(t.Context(), ds); err == nil {
		t.Fatal("no error")
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, whole) {
		t.Errorf("%d bytes after the failure, want the %d before", len(got), len(whole))
	}
	s.w = s.file
	if err := errors.Join(s.Write(t.Context(), ds), s.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, append(whole, whole...)) {
		t.Errorf("%d bytes in the end, want twice %d", len(got), len(whole))
	}
}

// More lines than are gathered are written in several calls, of whole lines each; if
// one of them fails the file has none of that Write.
func TestManyLines(t *testing.T) {
	f := record.Finding{Rule: "r", Context: strings.Repeat("x", 100)}
	ds := []record.Delivery{{Findings: slices.Repeat([]record.Finding{f}, 2*atOnce/100)}}
	calls := &wholeLines{t: t}
	if err := New(calls, nil).Write(t.Context(), ds); err != nil || calls.n < 2 {
		t.Fatalf("%d calls, %v", calls.n, err)
	}
	path := filepath.Join(t.TempDir(), "out.jsonl")
	s, err := Append(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.w = io.MultiWriter(s.file, &failing{atOnce * 3 / 2})
	if err := s.Write(t.Context(), ds); err == nil {
		t.Fatal("no error")
	}
	if got, _ := os.ReadFile(path); len(got) != 0 {
		t.Errorf("%d bytes are left", len(got))
	}
	s.w = s.file
	if err := errors.Join(s.Write(t.Context(), ds), s.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); bytes.Count(got, []byte("\n")) != len(ds[0].Findings) {
		t.Errorf("%d bytes", len(got))
	}
}

// wholeLines counts the calls and fails if one does not end a line.
type wholeLines struct {
	t *testing.T
	n int
}

func (w *wholeLines) Write(p []byte) (int, error) {
	if w.n++; !bytes.HasSuffix(p, []byte("}\n")) || !bytes.HasPrefix(p, []byte("{")) {
		w.t.Errorf("not whole lines: %.20q", p)
	}
	return len(p), nil
}

// half writes the first half and says it was all.
type half struct{ w io.Writer }

func (h *half) Write(p []byte) (int, error) {
	_, err := h.w.Write(p[:len(p)/2])
	return len(p), err
}

func TestAppendSaysWhichFolderIsMissing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := Append(filepath.Join(dir, "x"), nil); err == nil || !strings.Contains(err.Error(), dir+" does not exist, make it first") {
		t.Errorf("%v", err)
	}
}

// failing takes n bytes and then no more.
type failing struct{ n int }

func (f *failing) Write(p []byte) (int, error) {
	if len(p) > f.n {
		n := f.n
		f.n = 0
		return n, fmt.Errorf("disk full")
	}
	f.n -= len(p)
	return len(p), nil
}

func TestNothingAfterATornLine(t *testing.T) {
	s := New(&failing{n: 10}, &report.Run{})
	if err := s.Write(t.Context(), reporttest.Deliveries()); err == nil {
		t.Fatal("no error")
	}
	if err := s.Write(t.Context(), reporttest.Deliveries()); err == nil {
		t.Error("a line was written into the middle of another")
	}
	if err := s.Close(t.Context()); err == nil {
		t.Error("close hides the failure")
	}
	if err := s.Write(t.Context(), []record.Delivery{{}}); err != nil {
		t.Errorf("nothing to write: %v", err)
	}
}

func TestCreateAppearsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.jsonl")
	s, err := Create(path, &report.Run{Complete: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), reporttest.Deliveries()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("visible before Close: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	reporttest.OnlyFile(t, dir, "out.jsonl")
}

func BenchmarkWrite(b *testing.B) {
	s := New(io.Discard, nil)
	ds := reporttest.Deliveries()
	var lines bytes.Buffer
	if err := New(&lines, nil).Write(b.Context(), ds); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(lines.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Write(b.Context(), ds); err != nil {
			b.Fatal(err)
		}
	}
}
