package view

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

// Bytes that start, end and fill units, and what they make: atoms of texts where
// units touch, stand in one another and come about by what a round does.
var atoms = []string{
	`\`, `\\`, `\n`, `\"`, `\/`, `\u0025`, `\u005c`, `\u001b`, `\x41`, `\U0001f600`, `\ud83d\ude00`, "%", "%25", "%5c", "%41",
	"%1b", "%7", "\x1b", "\x1b[0m", "\x1b[", "[0m", "m", "u", "4", "1", "a", "/", "=", " ", `"`, "\n", "\xff", "é",
	"aGVsbG8gd29ybGQgaGVsbG8=", "697420697320612074657874206f6620697420697320", "WEdWdVhXNTlYRzVjYmx4dWNHRnphUT09JTI1", "words ",
	"aXQgaXMgYSB0\x1b[0mZXh0IG9m", `aXQgaXMgYSB0\/ZXh0IG9m`, // neither half is a run that is looked at
	`%\x341\u0022abc`, `\\\\\\ `, // units that map alike where they meet
}

// drawText draws a text of atoms, some of which it has often, and some garbage.
func drawText(t *rapid.T) []byte {
	some := rapid.SliceOfN(rapid.SampledFrom(atoms), 1, 6).Draw(t, "some")
	one := rapid.OneOf(rapid.SampledFrom(some), rapid.SampledFrom(atoms), rapid.StringN(0, 3, 9))
	return []byte(strings.Join(rapid.SliceOfN(one, 0, 40).Draw(t, "text"), ""))
}

// asFrames is text as a batch gives it that has it in frames with headers of up to two bytes.
func asFrames(t *rapid.T, text []byte) record.Batch {
	var raw []byte
	var segs []record.Seg
	for at := 0; at < len(text); {
		n := rapid.IntRange(1, len(text)-at).Draw(t, "frame")
		raw = append(raw, "\n<"[:rapid.IntRange(0, 2).Draw(t, "header")]...)
		segs = append(segs, record.Verbatim(at, n, len(raw)))
		raw, at = append(raw, text[at:at+n]...), at+n
	}
	return record.Batch{Text: raw, Views: []record.View{{Kind: record.Framed, Text: bytes.Clone(text), Map: segs}}}
}

// expandDoubting is Expand where each line is taken to have what doubt says.
func expandDoubting(b record.Batch, doubt traits) ([]record.View, []record.Span) {
	b.Views = slices.Clone(b.Views)
	given := len(b.Views)
	over, _ := (&expander{doubt: doubt}).lend(&b)
	return b.Views[given:], over
}

// What is not looked at because a line is known not to have it would have made no
// view: a line that may have anything gives the same.
func TestTraitsDenyNothingThatIsThere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := record.Batch{Text: drawText(t)}
		if rapid.Bool().Draw(t, "framed") {
			b = asFrames(t, b.Text)
		} else {
			for at := 0; at < len(b.Text) && rapid.IntRange(0, 3).Draw(t, "records end") > 0; {
				n := rapid.IntRange(1, len(b.Text)-at).Draw(t, "record")
				b.Records = append(b.Records, record.Record{Span: record.Span{Start: at, End: at + n}})
				at += n
			}
		}
		got, over := expandDoubting(b, 0)
		want, wantOver := expandDoubting(b, anything)
		if !reflect.DeepEqual(got, want) || !slices.Equal(over, wantOver) {
			t.Fatalf("of %q: %v (%v), want %v (%v)", b.Text, got, over, want, wantOver)
		}
	})
}

// marksByDefinition says of each byte of text whether it is marked.
func marksByDefinition(text []byte) []mark {
	marks := make([]mark, (len(text)+blockSize-1)/blockSize)
	for i, c := range text {
		m, bit := &marks[i/blockSize], uint64(1)<<(i%blockSize)
		for word, set := range map[*uint64]string{&m.lines: "\n", &m.escapes: "\\", &m.others: "\x1b%"} {
			if strings.IndexByte(set, c) >= 0 {
				*word |= bit
			}
		}
	}
	return marks
}

// Marks are found alike one byte after the other and by blocks.
func TestMarksAreFound(t *testing.T) {
	all := make([]byte, 0x100)
	for i := range all {
		all[i] = byte(i)
	}
	for shift := range 2 * blockSize {
		text := bytes.Repeat(append(all, all[:shift]...), 20)
		want := marksByDefinition(text)
		got, plainly := make([]mark, len(want)), make([]mark, len(want))
		var f rowFinder
		f.rows(nil, got, slices.Clip(text))
		markEach(nil, plainly, text)
		if !slices.Equal(got, want) || !slices.Equal(plainly, want) {
			t.Fatalf("%d bytes: %x by blocks, %x one by one, want %x", len(text), got, plainly, want)
		}
	}
}
