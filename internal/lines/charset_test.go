package lines

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// No token of up to MaxToken bytes is cut in two while anything separates.
func TestCutLeavesTokensWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		for b.Len() < MaxLine {
			n := rapid.SampledFrom([]int{1, 30, 5000, MaxToken - 1, MaxToken + 1, MaxLine}).Draw(t, "token")
			b.WriteString(strings.Repeat(rapid.SampledFrom([]string{"k", "é", "\xff"}).Draw(t, "byte"), n))
			b.WriteString(rapid.SampledFrom([]string{" ", "\t", `"`, "'", "\x00", ",", "}", "\\"}).Draw(t, "separator"))
		}
		text := b.Bytes()[:MaxLine]
		n := octets.cut(text)
		if n < 1 || n >= len(text) {
			t.Fatalf("cut at %d of %d", n, len(text))
		}
		tail := text[len(text)-MaxToken : len(text)-1]
		switch {
		case bytes.ContainsAny(tail, hardSeparators) && !strings.ContainsRune(hardSeparators, rune(text[n-1])):
			t.Fatalf("cut behind %q", text[n-1])
		case bytes.ContainsAny(tail, softSeparators) && !strings.ContainsRune(hardSeparators+softSeparators, rune(text[n-1])):
			t.Fatalf("cut behind %q", text[n-1])
		case len(text)-n > MaxToken+utf8.UTFMax:
			t.Fatalf("%d bytes held back", len(text)-n)
		case utf8.Valid(text[:n]) && !utf8.RuneStart(text[n]):
			t.Fatalf("cut inside a character")
		}
	})
}

func TestCutOfAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOfN(rapid.SampledFrom([]byte(" ,kx\x80\xbf\xc3\n")), 2, 40).Draw(t, "text")
		if n := Cut(text); n < 1 || n >= len(text) {
			t.Fatalf("cut %q at %d", text, n)
		}
	})
}

// A view of UTF-16 means what the text means, and every rune of it leads back
// to its own bytes.
func TestViewOfWideTextMapsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.StringMatching(`[a-zé😀\x{800}\x{FFFF}\n ]{0,40}`).Draw(t, "text")
		cs := rapid.SampledFrom([]charset{utf16LE, utf16BE}).Draw(t, "order")
		raw := encodeWide(cs, "\ufeff"+want)
		v := cs.view(raw)
		if string(v.Text) != want || v.Kind != record.UTF16 {
			t.Fatalf("view %q of %q", v.Text, want)
		}
		for i, r := range want {
			lo, hi := mapped(v, i, i+utf8.RuneLen(r))
			if got := encodeWide(cs, string(r)); !bytes.Equal(raw[lo:hi], got) {
				t.Fatalf("rune %q at %d stands for % x, want % x", r, i, raw[lo:hi], got)
			}
		}
		for i, s := range v.Map {
			if !s.IsEven() || i > 0 && (s.View() != v.Map[i-1].End() || s.Raw() < v.Map[i-1].RawEnd()) {
				t.Fatalf("segment %d: %+v behind %+v", i, s, v.Map[max(0, i-1)])
			}
		}
	})
}

// mapped is the raw stretch of [start,end), as record.Seg says.
func mapped(v record.View, start, end int) (lo, hi int) {
	lo = -1
	for _, s := range v.Map {
		if s.View() >= end || s.End() <= start {
			continue
		}
		a, z := max(start-s.View(), 0), min(end-s.View(), s.N())
		if lo < 0 {
			lo = s.Raw() + a*s.RawN()/s.N()
		}
		hi = s.Raw() + (z*s.RawN()+s.N()-1)/s.N()
	}
	return lo, hi
}

func encodeWide(cs charset, s string) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		if cs == utf16LE {
			out = append(out, byte(u), byte(u>>8))
		} else {
			out = append(out, byte(u>>8), byte(u))
		}
	}
	return out
}

var page = bytes.Repeat([]byte("abcdefghijklmnopqrstuvw"), 1000)

// endless is a line of n bytes that never ends.
type endless struct{ left int64 }

func (e *endless) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), e.left)]
	for n := 0; n < len(p); {
		n += copy(p[n:], page)
	}
	e.left -= int64(len(p))
	return len(p), nil
}

func TestALineWithoutEndStaysSmall(t *testing.T) {
	const size, most = hugeLine, 32 << 20
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var total, lines int64
	batches := 0
	err := NewReader(&endless{size}, testOrigin, record.Mark{}).Emit(t.Context(), func(b record.Batch) error {
		total += int64(len(b.Text))
		for _, r := range b.Records {
			lines = max(lines, r.Line)
		}
		if batches++; batches%32 == 0 {
			if runtime.ReadMemStats(&now); now.HeapAlloc > before.HeapAlloc+most {
				t.Fatalf("heap grew by %d bytes after %d", now.HeapAlloc-before.HeapAlloc, total)
			}
		}
		return nil
	})
	if err != nil || total != size || lines != 1 {
		t.Errorf("%d bytes on %d lines, %v", total, lines, err)
	}
}

func BenchmarkReader(b *testing.B) {
	for name, line := range map[string]string{
		"100": strings.Repeat("x", 99) + "\n", "1000": strings.Repeat("y", 999) + "\n", "300k": strings.Repeat("z", 300_000) + "\n",
	} {
		b.Run(name, func(b *testing.B) {
			content := []byte(strings.Repeat(line, 1+8<<20/len(line)))
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewReader(bytes.NewReader(content), testOrigin, record.Mark{})
				if err := r.Emit(b.Context(), func(record.Batch) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
