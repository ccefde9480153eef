package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seeds is how many made-up values each example is tried with. They are the
// same on each run.
const seeds = 40

func examples(t *testing.T, name string) []Example {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	list, err := ParseExamples(string(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return list
}

func defaults(t testing.TB) *Set {
	t.Helper()
	set, err := Default()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Each rule of ours fires on its examples, with just the secret, and stays
// silent on the others.
func TestGatewayExamples(t *testing.T) {
	set := defaults(t)
	for i := range set.Rules {
		if set.Rules[i].Origin != originGateway {
			continue
		}
		id := set.Rules[i].ID
		t.Run(id, func(t *testing.T) {
			fires, silent := 0, 0
			for _, e := range examples(t, id+".txt") {
				if e.Rule != id {
					t.Fatalf("line %d speaks of %s", e.Line, e.Rule)
				}
				if e.Not {
					silent++
				} else {
					fires++
				}
				try(t, set, e)
			}
			if fires < 2 || silent < 2 {
				t.Errorf("%d examples that fire and %d that stay silent, want two of each at least", fires, silent)
			}
		})
	}
}

func try(t *testing.T, set *Set, e Example) {
	t.Helper()
	for seed := range uint64(seeds) {
		if err := e.Run(set, seed); err != nil {
			t.Errorf("line %d, seed %d: %v", e.Line, seed, err)
			return
		}
	}
}

// What gateways print innocently sets off no rule at all.
func TestInnocentExamples(t *testing.T) {
	set := defaults(t)
	for _, e := range examples(t, "innocent.txt") {
		try(t, set, e)
	}
}

// A corpus is there for each rule of ours and for no other.
func TestNoCorpusWithoutRule(t *testing.T) {
	names, err := filepath.Glob(filepath.Join("testdata", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	set := defaults(t)
	for _, name := range names {
		id := strings.TrimSuffix(filepath.Base(name), ".txt")
		if r := set.ByID(id); id != "innocent" && (r == nil || r.Origin != originGateway) {
			t.Errorf("%s: there is no such rule of ours", name)
		}
	}
}
