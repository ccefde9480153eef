package reassemble

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sluice/internal/record"
)

// jsonFile is a line as Docker's json-file driver writes it; a text without a
// line end is a piece that goes on.
func jsonFile(text string) string {
	return fmt.Sprintf(`{"log":%q,"stream":"stderr","time":"2026-01-21T09:14:03.120Z"}`+"\n", text)
}

func framedText(b record.Batch) string {
	var out bytes.Buffer
	for _, v := range b.Views {
		if v.Kind == record.Framed {
			out.Write(v.Text)
		}
	}
	return out.String()
}

// The pieces of a 16 KiB line come in one batch, joined in a view, even if the
// batches part them.
func TestPiecesOfAFramedLineComeTogether(t *testing.T) {
	s, base := New(nil), 0
	long := strings.Repeat("x", 16<<10)
	b, ok := push(s, &base, jsonFile("before\n")+jsonFile(long), false)
	if !ok || framedText(b) != "before\n" {
		t.Fatalf("first: %v, view %.40q", ok, framedText(b))
	}
	b, ok = push(s, &base, jsonFile("end sk-1\n"), false)
	if want := long + "end sk-1\n"; !ok || framedText(b) != want {
		t.Fatalf("second: %v, view of %d bytes, want %d", ok, len(framedText(b)), len(want))
	}
	for _, v := range b.Views {
		last := v.Map[len(v.Map)-1]
		if last.RawEnd() > len(b.Text) || v.Map[0].Raw() < b.Lead {
			t.Fatalf("the view's map leaves the batch: %+v, lead %d, text %d", v.Map, b.Lead, len(b.Text))
		}
	}
	if b.Records[0].Time.IsZero() {
		t.Error("the record has not the time of its frame")
	}
}

// A private key over framed lines is held like one over plain lines.
func TestPEMInFrames(t *testing.T) {
	s, base := New(nil), 0
	if b, ok := push(s, &base, jsonFile(begin)+jsonFile(body), false); ok {
		t.Fatalf("an open block was let go: %q", b.Text)
	}
	b, ok := push(s, &base, jsonFile(body)+jsonFile(end), false)
	if !ok || withheld(b) != 0 || framedText(b) != begin+body+body+end {
		t.Fatalf("%v, %d withheld, view %q", ok, withheld(b), framedText(b))
	}
	if _, ok := push(s, &base, jsonFile(begin)+jsonFile(body), false); ok {
		t.Fatal("the second block was let go")
	}
	b, _ = s.Flush()
	if withheld(b) != 1 {
		t.Fatalf("%d withheld after silence, want the body", withheld(b))
	}
}

// A view of the source's that spans the batch is not parted from its records.
func TestViewsAreNotParted(t *testing.T) {
	s := New(func(text []byte) int {
		if bytes.HasSuffix(text, []byte("sec")) {
			return 3
		}
		return 0
	})
	b := batchOf("one\ntwo sec", 0)
	b.Views = []record.View{{Kind: "utf16", Text: b.Text, Map: []record.Seg{record.Verbatim(0, len(b.Text), 0)}}}
	out, ok := s.Push(b)
	if !ok || len(out.Text) != len("one\ntwo sec") || s.Held() != 0 {
		t.Fatalf("%v, %q, %d held", ok, out.Text, s.Held())
	}
}
