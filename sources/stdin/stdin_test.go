package stdin

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"sluice/internal/record"
)

func TestALineIsEmittedWhileThePipeIsOpen(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer out.Close()
	got := make(chan string)
	ran := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		ran <- New(Config{Input: in}).Run(ctx, func(b record.Batch) error {
			got <- string(b.Text[b.Lead:])
			return nil
		})
	}()
	for _, line := range []string{"one\n", "two\n"} {
		if _, err := out.WriteString(line); err != nil {
			t.Fatal(err)
		}
		if text := <-got; text != line {
			t.Errorf("got %q, want %q", text, line)
		}
	}
	cancel() // while the read waits
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestTheLastBatchIsFinal(t *testing.T) {
	var text strings.Builder
	final := false
	err := New(Config{Input: strings.NewReader("a\nb")}).Run(t.Context(), func(b record.Batch) error {
		text.Write(b.Text[b.Lead:])
		final = b.Final
		return nil
	})
	if err != nil || text.String() != "a\nb" || !final {
		t.Errorf("text %q, final %v, %v", text.String(), final, err)
	}
}
