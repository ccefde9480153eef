package child

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// A model: what comes out is the lines that went in, in order, but for runs of
// whole lines that a notice with their number stands for.
func TestQueueDropsWholeLinesAndCountsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQueue(rapid.IntRange(16, 400).Draw(t, "limit"))
		var in, out bytes.Buffer
		line, told := 0, int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "write") {
				var p []byte
				for range rapid.IntRange(1, 5).Draw(t, "lines") {
					line++
					p = fmt.Appendf(p, "line %d %s\n", line, strings.Repeat("x", line%7))
				}
				in.Write(p)
				for cut := 0; cut < len(p); {
					n := rapid.IntRange(1, len(p)-cut).Draw(t, "cut")
					q.put(p[cut:cut+n], nil)
					cut += n
				}
			} else if q.whole() > 0 {
				p := make([]byte, rapid.IntRange(1, 100).Draw(t, "room"))
				n, err := q.Read(p)
				if err != nil {
					t.Fatal(err)
				}
				out.Write(p[:n])
			}
			told += q.takeDropped()
		}
		q.put(nil, io.EOF)
		rest, err := io.ReadAll(q)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(rest)
		told += q.takeDropped()
		compare(t, in.String(), out.String(), told)
	})
}

func compare(t *rapid.T, in, out string, told int64) {
	want := strings.SplitAfter(in, "\n")
	dropped := int64(0)
	for _, got := range strings.SplitAfter(out, "\n") {
		var n int64
		if _, err := fmt.Sscanf(got, "[sluice:withheld:0000000000000000] %d lines", &n); err == nil {
			dropped += n
			want = want[n:]
			continue
		}
		if got != want[0] {
			t.Fatalf("got %q, want %q", got, want[0])
		}
		want = want[1:]
	}
	if len(want) != 0 || dropped != told {
		t.Fatalf("%d lines are missing; %d dropped, %d told", len(want), dropped, told)
	}
}

// A sink that takes nothing while the child prints must not hold the child
// back: the whole flood is read, in bounded memory, and what is dropped is told.
func TestChildIsNeverBlocked(t *testing.T) {
	flood := &flood{left: 50 << 20, end: make(chan struct{})}
	src := New(Config{Input: flood, Origin: record.Origin{Kind: Kind, Name: "x", Stream: "stdout"}, Buffer: 1 << 20})
	told := 0
	err := src.Run(t.Context(), func(b record.Batch) error {
		<-flood.end
		if b.Unread != "" {
			told++
		}
		return nil
	})
	if err != nil || told == 0 {
		t.Fatalf("%v, %d notices", err, told)
	}
}

// flood is a child that prints lines as fast as it is read, and then ends.
type flood struct {
	left int
	end  chan struct{}
}

var floodLine = []byte(strings.Repeat("a gateway prints without end ", 8) + "\n")

func (f *flood) Read(p []byte) (int, error) {
	if f.left <= 0 {
		close(f.end)
		return 0, io.EOF
	}
	n := 0
	for n+len(floodLine) <= len(p) && f.left > 0 {
		n += copy(p[n:], floodLine)
		f.left -= len(floodLine)
	}
	return n, nil
}

func TestErrorOfEmitEndsRunAndNotTheChild(t *testing.T) {
	r, w := io.Pipe()
	src := New(Config{Input: r, Origin: record.Origin{Stream: "stdout"}, Buffer: 1 << 10})
	wrote := make(chan error, 1)
	go func() {
		for range 1000 {
			if _, err := w.Write(floodLine); err != nil {
				wrote <- err
				return
			}
		}
		wrote <- w.Close()
	}()
	want := errors.New("full")
	if err := src.Run(t.Context(), func(record.Batch) error { return want }); !errors.Is(err, want) {
		t.Fatal(err)
	}
	if err := <-wrote; err != nil {
		t.Fatalf("the child's write failed: %v", err)
	}
}
