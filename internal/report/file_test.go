package report_test

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/report"
	"sluice/internal/report/reporttest"
)

func text(s string) func(*bufio.Writer) error {
	return func(w *bufio.Writer) error {
		_, err := w.WriteString(s)
		return err
	}
}

func TestFileAppearsWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "report")
	if err := report.WriteFile(path, text("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := report.WriteFile(path, func(w *bufio.Writer) error {
		if _, err := w.WriteString(strings.Repeat("new", 1<<20)); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Errorf("the old report is now %.20q", got)
	}
	f, err := report.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Discard()
	reporttest.OnlyFile(t, dir, "report")
	if err := report.WriteFile(path, text("new")); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "new" {
		t.Errorf("the new report is %.20q", got)
	}
	reporttest.OnlyFile(t, dir, "report")
}

// A report that was there keeps its mode; a link keeps pointing.
func TestFileKeepsModeAndLink(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "report"), filepath.Join(dir, "link")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o646); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("report", link); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteFile(link, text("x")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o646 || info.Size() != 1 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
}

// What can't be replaced is written, never replaced.
func TestDeviceIsWritten(t *testing.T) {
	if err := report.WriteFile(os.DevNull, text("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%v is now a file", os.DevNull)
	}
}

func TestPathErrorsSayWhatToDo(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ path, want string }{
		{filepath.Join(dir, "none", "x"), "folder " + filepath.Join(dir, "none") + " does not exist, make it first"},
		{dir, "is a folder, name a file in it"},
		{filepath.Join(dir, strings.Repeat("x", 300)), "report"},
	} {
		for _, err := range []error{report.Check(c.path), report.WriteFile(c.path, text("x"))} {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%.60s: %v", c.path, err)
			}
		}
	}
	reporttest.OnlyFile(t, dir)
	long := filepath.Join(dir, strings.Repeat("x", 255))
	if err := errors.Join(report.Check(long), report.WriteFile(long, text("x"))); err != nil {
		t.Errorf("the longest name: %v", err)
	}
}
