package lines

import (
	"errors"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// growing gives its content piece by piece, and says ErrLater between them.
type growing struct {
	pieces []string
	said   bool
	over   bool
}

func (g *growing) Read(p []byte) (int, error) {
	if len(g.pieces) == 0 && g.over {
		return 0, io.EOF
	}
	if len(g.pieces) == 0 || !g.said {
		g.said = true
		return 0, ErrLater
	}
	n := copy(p, g.pieces[0])
	if g.pieces[0] = g.pieces[0][n:]; g.pieces[0] == "" {
		g.pieces, g.said = g.pieces[1:], false
	}
	return n, nil
}

// A stream that grows gives the records that it would give in one read, however
// its writes are cut, and whatever memory is given back in between.
func TestAGrowingStreamGivesTheSameRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.SampledFrom([]string{"", "\xff\xfe", "\xfe\xff"}).Draw(t, "mark") +
			rapid.StringMatching(`([a-z ]{0,30}\n|\x00\n|\n\x00){0,20}[a-z]{0,5}`).Draw(t, "content")
		want := readAll(t, strings.NewReader(content))

		src := &growing{}
		for rest := content; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "write")
			src.pieces, rest = append(src.pieces, rest[:n]), rest[n:]
		}
		var got []piece
		r := NewReader(src, testOrigin, record.Mark{Stream: "a.log", Epoch: 7})
		for {
			b, err := r.Next(t.Context())
			if errors.Is(err, ErrLater) {
				src.over = len(src.pieces) == 0
				if rapid.Bool().Draw(t, "release") {
					r.Release()
				}
				continue
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range b.Records {
				got = append(got, piece{rec.Line, rec.Base, rec.Next, rec.More, string(b.Text[rec.Start:rec.End])})
			}
		}
		if len(got) != len(want) {
			t.Fatalf("%d records, want %d", len(got), len(want))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("record %d: %+v, want %+v", i, got[i], want[i])
			}
		}
	})
}

// A stream that is resumed has the character set of its head.
func TestAResumedStreamKeepsItsCharacterSet(t *testing.T) {
	head, rest := "\xff\xfea\x00\n\x00", "b\x00\n\x00"
	r := Resume(strings.NewReader(rest), testOrigin, record.Mark{Offset: int64(len(head))}, []byte(head))
	b, err := r.Next(t.Context())
	if err != nil || len(b.Views) != 1 || string(b.Views[0].Text) != "b\n" {
		t.Fatalf("%d views, error %v", len(b.Views), err)
	}
}
