package reassemble

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// batchOf makes a batch of lines whose text begins at base of the stream.
func batchOf(text string, base int) record.Batch {
	b := record.Batch{Text: []byte(text), End: record.Mark{Stream: "s", Offset: int64(base + len(text))}}
	for at := 0; at < len(text); {
		n := strings.IndexByte(text[at:], '\n') + 1
		if n == 0 {
			n = len(text) - at
		}
		b.Records = append(b.Records, record.Record{
			Span: record.Span{Start: at, End: at + n}, Base: int64(base + at), Next: int64(base + at + n),
		})
		at += n
	}
	return b
}

// check verifies a batch that came out against the stream's text and returns
// how far the stream is out now.
func check(t interface{ Fatalf(string, ...any) }, b record.Batch, all string, out int) int {
	if b.Lead > MaxLead || string(b.Text[:b.Lead]) != all[out-b.Lead:out] {
		t.Fatalf("lead %q is not what was delivered before", b.Text[:b.Lead])
	}
	at := b.Lead
	for _, rec := range b.Records {
		if rec.Start != at || rec.Base != int64(out+at-b.Lead) {
			t.Fatalf("record %+v, want start %d", rec, at)
		}
		at = rec.End
	}
	if at != len(b.Text) {
		t.Fatalf("records end at %d of %d", at, len(b.Text))
	}
	next := out + len(b.Text) - b.Lead
	if string(b.Text[b.Lead:]) != all[out:next] {
		t.Fatalf("text %q, want %q", b.Text[b.Lead:], all[out:next])
	}
	if b.End.Offset != int64(next) {
		t.Fatalf("mark %d behind %d delivered bytes", b.End.Offset, next)
	}
	return next
}

func TestNothingIsLostOrMoved(t *testing.T) {
	line := rapid.SampledFrom([]string{
		"plain\n", "\n", "-----BEGIN RSA PRIVATE KEY-----\n", "MIIEabcd+/==\n", "-----END RSA PRIVATE KEY-----\n",
		"ends in sec", "ret and goes on\r\n", strings.Repeat("x", 3000) + "\n", "no end",
	})
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(line, 0, 30).Draw(t, "lines")
		all := strings.Join(pieces, "")
		s := New(func(text []byte) int {
			if bytes.HasSuffix(text, []byte("sec")) {
				return 3
			}
			return 0
		})
		in, out := 0, 0
		for in < len(all) {
			n := rapid.IntRange(1, len(all)-in).Draw(t, "batch")
			b := batchOf(all[in:in+n], in)
			if rapid.Bool().Draw(t, "lent") {
				b = lent(b, all[max(in-MaxLead, 0):in])
			}
			in += n
			b.Final = in == len(all)
			if got, ok := s.Push(b); ok {
				out = check(t, got, all, out)
				if got.Free != nil {
					got.Free()
				}
			}
			if s.Held() != in-out {
				t.Fatalf("held %d, want %d", s.Held(), in-out)
			}
			if rapid.Bool().Draw(t, "quiet") {
				if got, ok := s.Flush(); ok {
					out = check(t, got, all, out)
				}
			}
		}
		if out != len(all) {
			t.Fatalf("%d of %d bytes came out", out, len(all))
		}
	})
}

// lent is b in memory that is spoilt when it is given back, behind what its source
// read before.
func lent(b record.Batch, before string) record.Batch {
	b.Lead, b.Text = len(before), append([]byte(before), b.Text...)
	for i := range b.Records {
		b.Records[i].Start += b.Lead
		b.Records[i].End += b.Lead
	}
	text, records := b.Text, b.Records
	b.Free = func() {
		for i := range text {
			text[i] = 0xff
		}
		clear(records)
	}
	return b
}

const (
	begin = "-----BEGIN PRIVATE KEY-----\n"
	body  = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
	end   = "-----END PRIVATE KEY-----\n"
)

func push(s *Stream, base *int, text string, final bool) (record.Batch, bool) {
	b := batchOf(text, *base)
	b.Final = final
	*base += len(text)
	return s.Push(b)
}

func TestPEMComesInOnePiece(t *testing.T) {
	s, base := New(nil), 0
	if b, ok := push(s, &base, "before\n"+begin, false); !ok || string(b.Text) != "before\n" {
		t.Fatalf("first %q", b.Text)
	}
	if b, ok := push(s, &base, body, false); ok {
		t.Fatalf("the open block was let go: %q", b.Text)
	}
	b, ok := push(s, &base, body+end, false)
	if want := begin + body + body + end; !ok || string(b.Text[b.Lead:]) != want {
		t.Fatalf("block %q, want %q", b.Text[b.Lead:], want)
	}
	for _, rec := range b.Records {
		if rec.Withhold {
			t.Fatal("a block that ended must not be withheld")
		}
	}
}

func withheld(b record.Batch) (n int) {
	for _, rec := range b.Records {
		if rec.Withhold {
			n++
		}
	}
	return n
}

func TestPEMGivenUpIsWithheldToItsEnd(t *testing.T) {
	for name, giveUp := range map[string]func(s *Stream, base *int) (record.Batch, bool){
		"silence": func(s *Stream, _ *int) (record.Batch, bool) { return s.Flush() },
		"limit": func(s *Stream, base *int) (record.Batch, bool) {
			return push(s, base, strings.Repeat(body, MaxHeld/len(body)), false)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, base := New(nil), 0
			push(s, &base, begin+body, false)
			b, ok := giveUp(s, &base)
			if !ok || withheld(b) != len(b.Records)-1 {
				t.Fatalf("%d of %d records withheld, want all but BEGIN", withheld(b), len(b.Records))
			}
			b, _ = push(s, &base, body+end+"after\n", false)
			if withheld(b) != 2 || b.Records[2].Withhold {
				t.Fatalf("%d withheld, want the body and END", withheld(b))
			}
			b, _ = push(s, &base, "later\n", false)
			if withheld(b) != 0 {
				t.Fatal("the block must end")
			}
		})
	}
}

func TestUnfinishedPEMAtEndOfStreamIsWithheld(t *testing.T) {
	s, base := New(nil), 0
	b, _ := push(s, &base, begin+body, true)
	if withheld(b) != 1 {
		t.Fatalf("%d withheld, want the body", withheld(b))
	}
}

// A prompt that says BEGIN PRIVATE KEY must not hold back or withhold what others log.
func TestLoneBeginHoldsNothingBack(t *testing.T) {
	s, base := New(nil), 0
	text := `{"content":"-----BEGIN PRIVATE KEY-----"}` + "\nINFO:     GET /health 200\n"
	b, ok := push(s, &base, text, false)
	if !ok || string(b.Text) != text || withheld(b) != 0 {
		t.Fatalf("got %q, %d withheld", b.Text, withheld(b))
	}
}

func FuzzStream(f *testing.F) {
	f.Add([]byte(begin+body+end), uint8(7))
	f.Fuzz(func(t *testing.T, text []byte, step uint8) {
		s, in, out := New(nil), 0, 0
		all := string(text)
		for in < len(all) {
			n := min(int(step)+1, len(all)-in)
			b := batchOf(all[in:in+n], in)
			if step%2 == 1 {
				b = lent(b, all[max(in-MaxLead, 0):in])
			}
			in += n
			b.Final = in == len(all)
			if got, ok := s.Push(b); ok {
				out = check(t, got, all, out)
				if got.Free != nil {
					got.Free()
				}
			}
		}
		if out != len(all) {
			t.Fatalf("%d of %d bytes came out", out, len(all))
		}
	})
}
