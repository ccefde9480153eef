package pattern

import (
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pieces cuts a text behind line ends into pieces of about n bytes, since
// gitleaks needs time that grows faster than the piece.
func pieces(text string, n int) []string {
	var list []string
	for len(text) > n {
		cut := strings.IndexByte(text[n:], '\n') + 1
		if cut == 0 {
			break
		}
		list = append(list, text[:n+cut])
		text = text[n+cut:]
	}
	return append(list, text)
}

func TestLogsAsGitleaks(t *testing.T) {
	names, err := filepath.Glob(shared(t, "logs/*.log"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no logs to compare on: %v", err)
	}
	d, step := gitleaksDetector(t, Options{}), 8 // gitleaks needs 20 s for all of them
	if os.Getenv("SLUICE_ALL") != "" {
		step = 1
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for i, piece := range pieces(string(text), 64<<10) {
			if i%step > 0 {
				continue
			}
			compare(t, fmt.Sprintf("%s piece %d", filepath.Base(name), i),
				oracleFindings(oracle(), piece, ""), ourFindings(d, piece, ""))
		}
	}
}

// TestGoSourceAsGitleaks walks a part of Go's own source tree; all of it with
// SLUICE_ALL set.
func TestGoSourceAsGitleaks(t *testing.T) {
	parts := []string{"crypto/tls", "encoding/pem", "cmd/go/internal/modfetch"}
	if os.Getenv("SLUICE_ALL") != "" {
		parts = []string{"."}
	} else if testing.Short() {
		parts = parts[1:2]
	}
	d := gitleaksDetector(t, Options{})
	for _, part := range parts {
		root := filepath.Join(build.Default.GOROOT, "src", part)
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !e.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			rel, _ := filepath.Rel(build.Default.GOROOT, path)
			for i, piece := range pieces(string(text), 256<<10) {
				compare(t, fmt.Sprintf("%s piece %d", rel, i),
					oracleFindings(oracle(), piece, rel), ourFindings(d, piece, rel))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
