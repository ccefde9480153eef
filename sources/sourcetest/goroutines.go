package sourcetest

import (
	"bytes"
	"context"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
)

// turns is how often others get to run before a goroutine counts as left over:
// one that has only its return statement to go is gone after a few.
const turns = 20_000

// leavesNothing runs f and finds goroutines that it started and that are still
// there. They carry a label of its goroutine, so those of a fake server or of
// another test do not count.
func leavesNothing(t *testing.T, f func()) {
	t.Helper()
	label := "of " + t.Name()
	pprof.Do(t.Context(), pprof.Labels("sourcetest", label), func(context.Context) { f() })
	var left string
	for range turns {
		if left = labelled(t, label); left == "" {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("goroutines are left over:\n%s", left)
}

func labelled(t *testing.T, label string) string {
	t.Helper()
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		t.Fatal(err)
	}
	for _, stack := range strings.Split(profile.String(), "\n\n") {
		if strings.Contains(stack, label) {
			return stack
		}
	}
	return ""
}
