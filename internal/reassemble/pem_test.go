package reassemble

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// openByAll is openPEM by its definition: it goes through all of the text.
func openByAll(s *Stream, b *record.Batch) int {
	text := string(b.Text)
	at := strings.LastIndex(text, string(pemBegin))
	if at < 0 || !keyHeader(b.Text[at:]) || strings.Contains(text[at:], string(pemEnd)) {
		return len(b.Records)
	}
	from := recordOf(b.Records, at)
	for i := range b.Records[from+1:] {
		if !pemLine(s.inner(b, from+1+i)) {
			return len(b.Records)
		}
	}
	return from
}

// That one line tells is no difference, also where a cut goes through a header, and
// in frames.
func TestOpenPEMIsFoundFromTheLastLine(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"-----BEGIN PRIVATE KEY-----\n", "x -----BEGIN RSA PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----\n", "-----END PRIVATE KEY-----\n",
		"MIIEvQIBADAN\n", "DEK-Info: AES\n", "a line of text\n", "BEGIN ", "\n", "  \n", "MIIE",
	})
	rapid.Check(t, func(t *rapid.T) {
		s, text := New(nil), ""
		s.framed = rapid.Bool().Draw(t, "framed")
		for range rapid.IntRange(1, 12).Draw(t, "pieces") {
			if more := piece.Draw(t, "piece"); s.framed {
				text += jsonFile(more)
			} else {
				text += more
			}
		}
		b := batchOf(text, 0)
		for i := rapid.IntRange(-1, len(b.Records)-1).Draw(t, "cut"); i >= 0; i = -1 {
			whole := b.Records[i]
			at := rapid.IntRange(whole.Start, whole.End).Draw(t, "at")
			if at == whole.Start || at == whole.End {
				break
			}
			head, rest := whole, whole
			head.End, head.More, rest.Start = at, true, at
			b.Records = append(append(append([]record.Record(nil), b.Records[:i]...), head, rest), b.Records[i+1:]...)
		}
		if got, want := s.openPEM(&b), openByAll(s, &b); got != want {
			t.Fatalf("%q: open from record %d, want %d", text, got, want)
		}
	})
}
