package pattern

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/internal/view"
)

// TestViewsAreSearchedAsIfAlone: what is taken over from the text into a view is
// what a search of the view by itself finds.
func TestViewsAreSearchedAsIfAlone(t *testing.T) {
	texts := map[string]string{"log": coloured(gatewayLog(1 << 18))}
	for name, text := range hostile(t, 1<<14) {
		texts[name] = coloured(text)
	}
	if root := os.Getenv("SLUICE_SHARED"); root != "" {
		var all strings.Builder
		for _, s := range samples(t) {
			all.WriteString(s.Sample + "\n")
		}
		texts["samples"] = coloured(all.String())
		for _, name := range []string{"v1.81.0.debug.stderr.log", "v1.106.2.debug.stdout.log"} {
			text, err := os.ReadFile(filepath.Join(root, "logs", name))
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	inside := 0
	for set, d := range detectors(t) {
		for name, text := range texts {
			for _, piece := range pieces(text, 64<<10) {
				b := batchOf([]byte(piece), 0)
				view.Expand(b)
				m := untaught(d)
				frag := fragment{text: b.Text, keep: true}
				m.search(&frag)
				for i := range b.Views {
					v := &b.Views[i]
					alone := untaught(d)
					want := listed(alone.search(&fragment{text: v.Text}))
					got := listed(m.search(&fragment{text: v.Text, view: v}))
					if !slices.Equal(got, want) {
						t.Fatalf("%s, %s, view %s: %d findings, alone %d", set, name, v.Kind, len(got), len(want))
					}
				}
				inside += usedInside(m)
			}
		}
	}
	if inside == 0 {
		t.Error("nothing was taken over")
	}
}

// untaught is a machine that searches all lines: it has no templates.
func untaught(d *Detector) *machine {
	m := newMachine(d)
	m.setPath("")
	m.templates = nil
	return m
}

// usedInside is how many places of the last view were places of the text.
func usedInside(m *machine) (n int) {
	for _, r := range m.ruled {
		for _, p := range m.places[r] {
			if p.of > 0 {
				n++
			}
		}
	}
	return n
}

func listed(found []finding) (out []string) {
	slices.SortFunc(found, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rule.index, b.rule.index), cmp.Compare(a.end, b.end))
	})
	for _, f := range found {
		out = append(out, fmt.Sprint(f.rule.ID, f.at, f.end, f.match, f.secret))
	}
	return out
}

// coloured puts colour codes, escapes and base64 into lines at random.
func coloured(text string) string {
	r := rand.New(rand.NewPCG(3, 9))
	var b strings.Builder
	for line := range strings.Lines(text) {
		for len(line) > 0 {
			n := min(len(line), 1+r.IntN(900))
			b.WriteString(line[:n])
			if line = line[n:]; line != "" {
				b.WriteString([]string{"\x1b[92m", `\n`, `\u0022`, "%3d", "\x1b[0m", `\"`, "", "dG9rZW49J1p4OW1RMnZSN3RZcExrM1dzRGY4Jw=="}[r.IntN(8)])
			}
		}
	}
	return b.String()
}
