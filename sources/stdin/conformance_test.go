package stdin

import (
	"bytes"
	"os"
	"testing"

	"sluice/internal/record"
	"sluice/sources/sourcetest"
)

func TestConformance(t *testing.T) {
	sourcetest.Run(t, sourcetest.Case{
		Origin: record.Origin{Kind: "stdin", Name: "-"},
		New: func(_ *testing.T, content []byte) sourcetest.Source {
			return New(Config{Input: bytes.NewReader(content)})
		},
		Waiting: waiting,
	})
}

func TestConformanceOfRawInput(t *testing.T) {
	sourcetest.Run(t, sourcetest.Case{
		New: func(_ *testing.T, content []byte) sourcetest.Source {
			return New(Config{Input: bytes.NewReader(content), Raw: true})
		},
		Waiting: waiting,
	})
}

// waiting is a pipe that somebody keeps open.
func waiting(t *testing.T, content []byte) sourcetest.Source {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = out.Close()
	})
	if _, err := out.Write(content); err != nil {
		t.Fatal(err)
	}
	return New(Config{Input: in})
}
