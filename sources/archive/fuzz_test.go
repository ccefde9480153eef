package archive

import (
	"bytes"
	"context"
	"testing"

	"sluice/internal/record"
	"sluice/sources/sourcetest"
)

// Whatever comes in: no panic, bounded work, one final batch for each stream,
// and an error exactly when something was not examined.
func FuzzExpand(f *testing.F) {
	text := []byte("a line\nanother line\n")
	for c := range writers {
		f.Add(compress(f, c, text))
		f.Add(compress(f, c, makeTar(f, file{"a", text}, file{"b", compress(f, c, text)})))
	}
	packed := makeZip(f, file{"a", text}, file{"b/", nil}, file{"c.tar", makeTar(f, file{"d", text})})
	f.Add(packed)
	f.Add(append(bytes.Clone(packed), packed...))
	f.Add(makeTar(f, file{"a", text}, file{"b.zip", packed}))
	f.Add(zstdZeros(20))
	f.Add(text)
	f.Fuzz(func(t *testing.T, content []byte) {
		cfg := Config{Depth: 4, Total: 1 << 20, Spool: 1 << 20}
		stream := expand(t, bytes.NewReader(content), cfg)
		at := expandInput(t, Input{Reader: bytes.NewReader(content), At: bytes.NewReader(content), Size: int64(len(content))}, cfg)
		if (stream.err == nil) != (at.err == nil) {
			t.Fatalf("a stream: %v; a file: %v", stream.err, at.err)
		}
		for name, text := range stream.text {
			if at.text[name] != text {
				t.Fatalf("%q differs between a stream and a file", name)
			}
		}
	})
}

// packedSource is one packed input as a source.
type packedSource struct{ content []byte }

func (p packedSource) Run(ctx context.Context, emit func(record.Batch) error) error {
	in := Input{Reader: bytes.NewReader(p.content), Entry: Entry{Origin: record.Origin{Kind: "file", Name: "x"}, Stream: "x"}}
	return Expand(ctx, in, Config{Ratio: 1 << 30}, emit)
}

func (packedSource) Commit(context.Context, record.Mark) error { return nil }

func TestConformance(t *testing.T) {
	for f := range writers {
		t.Run(string(f), func(t *testing.T) {
			sourcetest.Run(t, sourcetest.Case{New: func(t *testing.T, content []byte) sourcetest.Source {
				return packedSource{compress(t, f, content)}
			}})
		})
	}
	member := record.Origin{Kind: Kind, Name: "x!m"}
	t.Run("tar", func(t *testing.T) {
		sourcetest.Run(t, sourcetest.Case{Origin: member, New: func(t *testing.T, content []byte) sourcetest.Source {
			return packedSource{makeTar(t, file{"m", content})}
		}})
	})
	t.Run("zip", func(t *testing.T) {
		sourcetest.Run(t, sourcetest.Case{Origin: member, New: func(t *testing.T, content []byte) sourcetest.Source {
			return packedSource{makeZip(t, file{"m", content})}
		}})
	})
}

func BenchmarkExpand(b *testing.B) {
	text := bytes.Repeat(sample(), 8)
	for f := range writers {
		b.Run(string(f), func(b *testing.B) {
			src := packedSource{compress(b, f, text)}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := src.Run(b.Context(), func(record.Batch) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
