package lines

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/internal/recycle"
)

var testOrigin = record.Origin{Kind: "file", Name: "a.log"}

// chunks gives its content in reads of the given sizes, over and over.
type chunks struct {
	content []byte
	sizes   []int
	turn    int
	eofWith bool // io.EOF comes with the last bytes
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.content) == 0 {
		return 0, io.EOF
	}
	n := min(len(p), len(c.content))
	if len(c.sizes) > 0 {
		n = min(n, c.sizes[c.turn%len(c.sizes)])
		c.turn++
	}
	n = copy(p, c.content[:n])
	c.content = c.content[n:]
	if c.eofWith && len(c.content) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// piece is a record with its bytes.
type piece struct {
	Line, Base, Next int64
	More             bool
	Text             string
}

// readAll checks what holds for every stream and returns its records.
func readAll(t rapid.TB, src io.Reader) []piece {
	t.Helper()
	return readWith(t, NewReader(src, testOrigin, record.Mark{Stream: "a.log", Epoch: 7}))
}

// readWith gives each batch back when the next one is there; until then it must
// stay as it is, and from then on nobody needs it.
func readWith(t rapid.TB, r *Reader) []piece {
	t.Helper()
	recycle.SpoilAll(true)
	defer recycle.SpoilAll(false)
	var out []piece
	var all, before []byte
	var last record.Batch
	finals := 0
	err := r.Emit(context.Background(), func(b record.Batch) error {
		if !bytes.Equal(last.Text, before) {
			t.Fatalf("a batch of %d bytes was written to before it was given back", len(before))
		}
		if last.Free != nil {
			last.Free()
			last.Free() // once is enough
		}
		if b.Lead > LeadSize || !bytes.HasSuffix(all, b.Text[:b.Lead]) || b.Lead > 0 && b.Free == nil {
			t.Fatalf("a lead of %d bytes is not what went before", b.Lead)
		}
		pos := b.Lead
		for _, rec := range b.Records {
			offset := int64(len(all))
			if rec.Start != pos || rec.End <= rec.Start || rec.Base != offset || rec.Next != offset+int64(rec.Len()) {
				t.Fatalf("record %+v at text %d, stream %d", rec, pos, offset)
			}
			out = append(out, piece{rec.Line, rec.Base, rec.Next, rec.More, string(b.Text[rec.Start:rec.End])})
			all = append(all, b.Text[rec.Start:rec.End]...)
			pos = rec.End
		}
		if pos != len(b.Text) || b.End != (record.Mark{Stream: "a.log", Epoch: 7, Offset: int64(len(all))}) || b.Origin != testOrigin {
			t.Fatalf("batch covers %d of %d bytes, ends at %+v", pos, len(b.Text), b.End)
		}
		if len(b.Text) == b.Lead && !b.Final {
			t.Fatalf("an empty batch that is not final")
		}
		if b.Final {
			finals++
		}
		last, before = b, append(before[:0], b.Text...)
		return nil
	})
	if err != nil || finals != 1 {
		t.Fatalf("error %v, %d final batches", err, finals)
	}
	return out
}

// model divides content as the package comment says, the slow way.
func model(content []byte) []piece {
	cs, _ := detect(content, true)
	var out []piece
	line, base := int64(1), int64(0)
	for len(content) > 0 {
		n, ended := cs.nextEnd(content)
		more := false
		if limit := cs.maxLine(); n > limit || n == limit && !ended {
			n, ended, more = cs.cut(content[:limit]), false, true
		}
		out = append(out, piece{line, base, base + int64(n), more, string(content[:n])})
		content, base = content[n:], base+int64(n)
		if ended {
			line++
		}
	}
	return out
}

func compare(t rapid.TB, want, got []piece) {
	t.Helper()
	if !slices.Equal(want, got) {
		t.Fatalf("records differ (-want +got):\n%.2000s", cmp.Diff(want, got))
	}
}

func genContent(t *rapid.T) []byte {
	var b bytes.Buffer
	b.WriteString(rapid.SampledFrom([]string{"", "", "\xff\xfe", "\xfe\xff", "\xff", "\xef\xbb\xbf"}).Draw(t, "mark"))
	for range rapid.IntRange(0, 6).Draw(t, "parts") {
		part := rapid.SampledFrom([]string{
			"\n", "\r\n", "line\n", "a b", "\x00", "\xff\xfe", "l\x00\n\x00", "\x00l\x00\n", "\n\n\n", "é\n", "\x0a\x0a", "x",
		}).Draw(t, "part")
		times := rapid.SampledFrom([]int{1, 2, 3, 100, MaxRecords, 1<<16 - 1, maxWideLine / 2, MaxLine/3 + 1, MaxLine}).Draw(t, "times")
		if strings.Contains(part, "\n") {
			times = min(times, 2*MaxRecords)
		}
		b.WriteString(strings.Repeat(part, min(times, (5*MaxLine/2-b.Len())/len(part))))
	}
	return b.Bytes()
}

func TestRecordsDependOnTheBytesAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := genContent(t)
		src := &chunks{
			content: content,
			sizes:   rapid.SliceOfN(rapid.SampledFrom([]int{1, 2, 7, 100, 4096, 70_000, MaxLine}), 0, 5).Draw(t, "sizes"),
			eofWith: rapid.Bool().Draw(t, "eof with data"),
		}
		if len(src.sizes) > 0 {
			src.sizes = append(src.sizes, len(content)/50+1) // keep one-byte reads few
		}
		r := NewReader(src, testOrigin, record.Mark{Stream: "a.log", Epoch: 7})
		if rapid.Bool().Draw(t, "lend") {
			r.Lend()
		}
		compare(t, model(content), readWith(t, r))
	})
}

// Two readers that lend cut a stream as one that does not: what a batch is, does
// not depend on where its memory is from.
func TestLentBatchesAreTheSame(t *testing.T) {
	var long strings.Builder
	for i := range 40_000 {
		long.WriteString(strings.Repeat("word ", i%37) + "\n")
	}
	for name, content := range map[string]string{
		"lines": long.String(), "short lines": strings.Repeat("ab\n", 5*MaxRecords), "one long": strings.Repeat("x ", MaxLine) + "\n" + long.String(),
		"wide": "\xff\xfe" + strings.Repeat("a\x00\n\x00", 3*LeadSize), "few": "a\nb",
	} {
		var ends [2][]int64
		for i := range ends {
			r := NewReader(strings.NewReader(content), testOrigin, record.Mark{})
			if i == 1 {
				r.Lend()
			}
			lent := 0
			err := r.Emit(t.Context(), func(b record.Batch) error {
				ends[i] = append(ends[i], b.End.Offset)
				if b.Free != nil {
					lent++
					b.Free()
				}
				return nil
			})
			if large := len(content) > 2*LeadSize && name != "wide"; err != nil || (lent > 0) != (large && i == 1) {
				t.Errorf("%s: %d of %d batches were lent, error %v", name, lent, len(ends[i]), err)
			}
		}
		if !slices.Equal(ends[0], ends[1]) {
			t.Errorf("%s: batches end at %v, lent ones at %v", name, ends[0], ends[1])
		}
	}
}

func TestBytesOutAreBytesIn(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "no final newline": "a\nb", "crlf": "a\r\nb\r\n", "nul": "a\x00b\n\x00", "invalid utf-8": "\xff\n\xc3\n",
		"only newlines": strings.Repeat("\n", 3*MaxRecords+1), "exactly the limit": strings.Repeat("x", MaxLine-1) + "\n",
		"one more": strings.Repeat("x", MaxLine) + "\n", "the limit at the end": strings.Repeat("x", MaxLine),
		"wide": "\xff\xfea\x00\n\x00b\x00", "wide, odd end": "\xfe\xff\x00a\x00\n\x00",
	} {
		t.Run(name, func(t *testing.T) {
			for _, wrap := range []func(io.Reader) io.Reader{
				func(r io.Reader) io.Reader { return r }, iotest.HalfReader, iotest.DataErrReader, iotest.OneByteReader,
			} {
				var out strings.Builder
				pieces := readAll(t, wrap(strings.NewReader(content)))
				for _, p := range pieces {
					out.WriteString(p.Text)
				}
				if out.String() != content {
					t.Fatalf("%d bytes out, %d in, or others", out.Len(), len(content))
				}
				compare(t, model([]byte(content)), pieces)
			}
		})
	}
}

// A line that was written is a batch, whoever keeps the pipe open.
func TestALineInIsALineOut(t *testing.T) {
	in, out := io.Pipe()
	r := NewReader(in, testOrigin, record.Mark{})
	for _, line := range []string{"first\n", "\n", "third with words\n"} {
		go func() { _, _ = io.WriteString(out, line) }()
		b, err := r.Next(t.Context())
		if err != nil || string(b.Text) != line || b.Final {
			t.Fatalf("got %q, %v, final %v", b.Text, err, b.Final)
		}
	}
	_ = out.Close()
	if b, err := r.Next(t.Context()); err != nil || !b.Final {
		t.Fatalf("got %+v, %v", b, err)
	}
	if _, err := r.Next(t.Context()); err != io.EOF {
		t.Fatalf("behind the end: %v", err)
	}
}

func TestAReadErrorIsSaidTwice(t *testing.T) {
	bad := errors.New("disk on fire")
	src := io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(bad))
	var text, why string
	err := NewReader(src, record.Origin{Name: "x\x1b[2J"}, record.Mark{}).Emit(t.Context(), func(b record.Batch) error {
		text, why = text+string(b.Text), why+b.Unread
		return nil
	})
	if !errors.Is(err, bad) || !strings.Contains(err.Error(), `read "x\x1b[2J": `) {
		t.Errorf("error %q", err)
	}
	if text != "a\nb" || why == "" || strings.Contains(why, "fire") {
		t.Errorf("text %q, unread %q", text, why)
	}
}

func TestAReaderThatGivesNothingEnds(t *testing.T) {
	err := NewReader(stuck{}, testOrigin, record.Mark{}).Emit(t.Context(), func(record.Batch) error { return nil })
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestAResumedStreamCountsNoLines(t *testing.T) {
	r := NewReader(strings.NewReader("\xff\xfe\n"), testOrigin, record.Mark{Offset: 10})
	b, err := r.Next(t.Context())
	if err != nil || b.Records[0].Line != 0 || b.Records[0].Base != 10 || b.End.Offset != 13 || len(b.Views) != 0 {
		t.Errorf("got %+v, %v", b, err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte("a\nb"), uint16(1))
	f.Add([]byte("\xff\xfea\x00\n\x00"), uint16(3))
	f.Add(bytes.Repeat([]byte("\n"), MaxRecords+1), uint16(1000))
	f.Fuzz(func(t *testing.T, content []byte, size uint16) {
		// Repeated until it has to be cut.
		if long := bytes.Repeat(content, 1+(2*MaxLine)/max(1, len(content))); size%7 == 0 && bytes.IndexByte(content, '\n') < 0 {
			content = long
		}
		compare(t, model(content), readAll(t, &chunks{content: content, sizes: []int{int(size) + 1}}))
	})
}
