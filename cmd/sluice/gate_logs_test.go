package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/gate"
	"sluice/internal/gateway/fake"
)

func newTestProbe(t *testing.T, paths ...string) gate.LogProbe {
	t.Helper()
	a := &app{stdin: strings.NewReader("")}
	p, err := newLogProbe(a, paths)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// Whatever stood in a log when the run began (nothing, half a line, more than
// a batch), only what came after is examined, and all of it.
func TestLogProbeReadsOnlyWhatIsNew(t *testing.T) {
	for _, lines := range []int{0, 1, 3, 500, 20_000} {
		for _, half := range []string{"", "half a line "} {
			t.Run(fmt.Sprintf("%d lines %q", lines, half), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "gateway.log")
				old, recent := fake.NewKey(), fake.NewKey()
				appendTo(t, path, strings.Repeat("INFO: key "+old+" seen\n", lines)+half)
				p := newTestProbe(t, path)
				if err := p.Begin(t.Context()); err != nil {
					t.Fatal(err)
				}
				appendTo(t, path, "to its end\nGET /?m=marker-1 HTTP/1.1\nkey "+recent+"\n")
				secrets := map[string]string{"old": old, "recent": recent}
				for range 2 { // it may be asked again
					r, err := p.Collect(t.Context(), []string{"marker-1", "marker-2"}, secrets)
					if err != nil || r.Unread != "" {
						t.Fatal(err, r.Unread)
					}
					if len(r.Streams) != 1 || !r.Streams[0].Seen["marker-1"] || r.Streams[0].Seen["marker-2"] || r.Streams[0].Lines != 3 {
						t.Errorf("streams %+v", r.Streams)
					}
					for _, l := range r.Leaks {
						if l.Name != "recent" {
							t.Errorf("found %+v, which is not of the run", l)
						}
					}
					if len(r.Leaks) == 0 {
						t.Error("the key of the run was not found")
					}
				}
			})
		}
	}
}

// A log that is rotated during the run is read from its new beginning.
func TestLogProbeAfterRotation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	appendTo(t, path, strings.Repeat("INFO: something old\n", 300))
	p := newTestProbe(t, path)
	if err := p.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	key := fake.NewKey()
	appendTo(t, path, "first line of the new file with "+key+"\n")
	r, err := p.Collect(t.Context(), []string{"first line"}, map[string]string{"k": key})
	if err != nil || len(r.Leaks) != 1 || !r.Streams[0].Seen["first line"] || !strings.Contains(r.Unread, "rotated") {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestLogProbeExamine(t *testing.T) {
	p := newTestProbe(t, filepath.Join(t.TempDir(), "none.log"))
	key := fake.NewKey()
	for text, want := range map[string]int{"Authorization: Bearer " + key + "\n": 1, `{"error":"Received=` + key + `"}`: 1, "nothing here\n": 0} {
		leaks, err := p.Examine(t.Context(), text, map[string]string{"canary": key})
		if err != nil || len(leaks) != want || want == 1 && leaks[0].Name != "canary" {
			t.Errorf("%v, %d found, want %d: %+v", err, len(leaks), want, leaks)
		}
	}
	if err := p.Begin(t.Context()); err == nil {
		t.Error("a log that is not there is no error")
	}
}
