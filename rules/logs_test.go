package rules

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// truth is what a person knows of the shared logs.
type truth struct {
	Secrets   map[string]string `json:"secrets"`
	Tolerated []string          `json:"tolerated"`
}

// tally counts the lines of one log.
type tally struct {
	sync.Mutex
	occurrences, found int
	falseAlarms        []string // rule ids
	missed             map[string]int
}

// On the logs of the real gateway each full occurrence of each secret in plain
// text is found whole, by its shape or by the name before it, and at most one
// finding in 10,000 lines is none.
func TestRealLogs(t *testing.T) {
	dir := os.Getenv("SLUICE_SHARED")
	if dir == "" || testing.Short() {
		t.Skip("SLUICE_SHARED is not set, or -short: the gateway's logs are not read")
	}
	text, err := os.ReadFile(filepath.Join(dir, "logs", "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var known truth
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "logs", "*.log"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	set, lines, alarms := defaults(t), 0, 0
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
		sum := known.count(set, all)
		lines, alarms = lines+len(all), alarms+len(sum.falseAlarms)
		t.Logf("%s: %d lines, %d of %d occurrences found, false: %v", filepath.Base(name), len(all), sum.found, sum.occurrences, sum.falseAlarms)
		if len(sum.missed) > 0 {
			t.Errorf("%s: not found: %v", filepath.Base(name), sum.missed)
		}
	}
	t.Logf("%d lines, %d false alarms", lines, alarms)
	if alarms*10_000 > lines {
		t.Errorf("%d false alarms in %d lines, want one in 10,000 at most", alarms, lines)
	}
}

func (k truth) count(set *Set, lines []string) *tally {
	sum := &tally{missed: map[string]int{}}
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(lines); i += workers {
				k.line(sum, lines[i], set.Search(lines[i], ""))
			}
		})
	}
	wait.Wait()
	return sum
}

func (k truth) line(sum *tally, line string, hits []Hit) {
	sum.Lock()
	defer sum.Unlock()
	for name, value := range k.Secrets {
		for at := strings.Index(line, value); at >= 0; {
			end := at + len(value)
			sum.occurrences++
			if slices.ContainsFunc(hits, func(h Hit) bool { return h.Start == at && h.End == end }) {
				sum.found++
			} else {
				sum.missed[name]++
			}
			next := strings.Index(line[end:], value)
			if next < 0 {
				break
			}
			at = end + next
		}
	}
	for _, h := range hits {
		if !k.about(line[h.Start:h.End]) {
			sum.falseAlarms = append(sum.falseAlarms, h.Rule.ID)
		}
	}
}

// about says whether what was found is a secret, a part of one that the log
// cut, or one of the tolerated values.
func (k truth) about(secret string) bool {
	for _, value := range k.Secrets {
		if secret == value || (len(secret) >= 12 && strings.Contains(value, secret)) {
			return true
		}
	}
	return slices.ContainsFunc(k.Tolerated, func(v string) bool { return strings.Contains(v, secret) || strings.Contains(secret, v) })
}
