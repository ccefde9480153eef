package lines

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// batch divides text into one record for each line.
func batch(text string) *record.Batch {
	b := &record.Batch{Text: []byte(text)}
	for pos := 0; pos < len(text); {
		n, _ := octets.nextEnd(b.Text[pos:])
		b.Records = append(b.Records, record.Record{Span: record.Span{Start: pos, End: pos + n}})
		pos += n
	}
	return b
}

var stamp = time.Date(2026, 1, 21, 9, 14, 3, 120_000_000, time.UTC)

// jsonFile writes a piece as Docker does, with its encoder's escapes.
func jsonFile(stream, piece string) string {
	type entry struct {
		Log    string            `json:"log"`
		Stream string            `json:"stream"`
		Attrs  map[string]string `json:"attrs,omitempty"`
		Time   time.Time         `json:"time"`
	}
	e := entry{Log: piece, Stream: stream, Time: stamp}
	if len(piece)%3 == 0 {
		e.Attrs = map[string]string{"tag": `","time":"x`}
	}
	out, err := json.Marshal(e)
	if err != nil {
		return err.Error()
	}
	return string(out) + "\n"
}

func cri(stream, piece string) string {
	if text, whole := strings.CutSuffix(piece, "\n"); whole {
		return stamp.Format(time.RFC3339Nano) + " " + stream + " F " + text + "\n"
	}
	return stamp.Format(time.RFC3339Nano) + " " + stream + " P " + piece + "\n"
}

// Whatever was written to the two streams, in whatever pieces, the views say.
func TestFramesMeanWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		format := rapid.SampledFrom([]func(stream, piece string) string{jsonFile, cri}).Draw(t, "format")
		var text strings.Builder
		want := map[string]string{}
		open := map[string]int{}
		pieces := rapid.IntRange(1, 12).Draw(t, "pieces")
		for i := range pieces {
			stream := rapid.SampledFrom([]string{"stdout", "stderr"}).Draw(t, "stream")
			piece := rapid.StringMatching(`[a-z\\"<é😀/\t{}:,]{0,20}`).Draw(t, "text")
			if rapid.Bool().Draw(t, "whole") {
				piece += "\n"
			}
			if _, partial := open[stream]; !strings.HasSuffix(piece, "\n") && !partial {
				open[stream] = i
			} else if strings.HasSuffix(piece, "\n") {
				delete(open, stream)
			}
			want[stream] += piece
			text.WriteString(format(stream, piece))
		}
		b := batch(text.String())
		first := pieces
		for _, i := range open {
			first = min(first, i)
		}
		if got := Frames(b); got != first {
			t.Fatalf("open at %d, want %d", got, first)
		}
		var got []string
		for _, v := range b.Views {
			got = append(got, string(v.Text))
			checkMap(t, b, v)
		}
		var expected []string
		for _, stream := range []string{"stdout", "stderr"} {
			if want[stream] != "" {
				expected = append(expected, want[stream])
			}
		}
		if strings.Join(got, "|") != strings.Join(expected, "|") {
			t.Fatalf("views %q, want %q", got, expected)
		}
		for _, r := range b.Records {
			if !r.Time.Equal(stamp) {
				t.Fatalf("time %v", r.Time)
			}
		}
	})
}

// checkMap checks that v covers itself and leads into b, and is the same bytes
// where it says so.
func checkMap(t rapid.TB, b *record.Batch, v record.View) {
	t.Helper()
	at, raw := 0, 0
	for _, s := range v.Map {
		if s.View() != at || s.N() <= 0 || s.Raw() < raw || s.RawN() <= 0 || s.RawEnd() > len(b.Text) || s.End() > len(v.Text) {
			t.Fatalf("segment %+v at %d, %d of %d and %d bytes", s, at, raw, len(v.Text), len(b.Text))
		}
		if s.IsVerbatim() && string(v.Text[s.View():s.End()]) != string(b.Text[s.Raw():s.RawEnd()]) {
			t.Fatalf("segment %+v: %q is not %q", s, v.Text[s.View():s.End()], b.Text[s.Raw():s.RawEnd()])
		}
		at, raw = s.End(), s.RawEnd()
	}
	if at != len(v.Text) {
		t.Fatalf("the map covers %d of %d bytes", at, len(v.Text))
	}
}

func TestWhatIsNoFrame(t *testing.T) {
	good := jsonFile("stdout", "text\n")
	for _, line := range []string{
		"", "\n", "a line\n", "{}\n", strings.TrimSuffix(good, "\n"), " " + good, strings.Replace(good, "stdout", "stdlog", 1),
		strings.Replace(good, `"time"`, `"Time"`, 1), strings.Replace(good, "2026", "20x6", 1), strings.Replace(good, `"}`, `"]`, 1),
		strings.Replace(good, "text", `\q`, 1), strings.Replace(good, "text", `\u12`, 1), `{"log":"\` + "\n", `{"log":"` + "\n",
		"2026-01-21T09:14:03Z stdout F\n", "2026-01-21T09:14:03Z stdlog F x\n", "2026-01-21T09:14:03Z stdout Q x\n", "2026-13-21T09:14:03Z stdout F x\n",
	} {
		b := batch(line)
		if open := Frames(b); open != len(b.Records) || len(b.Views) != 0 {
			t.Errorf("%q: open at %d, views %v", line, open, b.Views)
		}
	}
}

// A stamp that the source gave stays, and context is not read again.
func TestFramesLeaveWhatIsKnown(t *testing.T) {
	b := batch(jsonFile("stdout", "old\n") + jsonFile("stderr", "new\n"))
	lead := b.Records[0].End
	b.Lead, b.Records = lead, b.Records[1:]
	known := stamp.Add(time.Hour)
	b.Records[0].Time = known
	b.Views = []record.View{{Kind: record.UTF16}}
	Frames(b)
	if len(b.Views) != 2 || string(b.Views[1].Text) != "new\n" || b.Views[1].Map[0].Raw() < lead || !b.Records[0].Time.Equal(known) {
		t.Errorf("views %v, time %v", b.Views, b.Records[0].Time)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(jsonFile("stdout", "a \"b\"\\n\n") + jsonFile("stderr", "piece") + cri("stdout", "x\n"))
	f.Add(cri("stderr", "piece") + "other\n")
	f.Add(`{"log":"\ud83d\ude00\ud83dx\n","stream":"stderr","time":"2026-01-21T09:14:03Z"}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		b := batch(text)
		if open := Frames(b); open < 0 || open > len(b.Records) {
			t.Fatalf("open at %d of %d", open, len(b.Records))
		}
		for _, v := range b.Views {
			checkMap(t, b, v)
		}
	})
}

func BenchmarkFrames(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		text.WriteString(jsonFile("stdout", fmt.Sprintf("2026-01-21 INFO request %d took 12 ms {\"model\": \"m\"}\n", i)))
	}
	in := batch(text.String())
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		in.Views = nil
		Frames(in)
	}
}
