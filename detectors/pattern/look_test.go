package pattern

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestLookLetsEveryMatchPass: where a group's automaton finds a match, its first
// look lets the place pass, in whatever order and however near the places are.
func TestLookLetsEveryMatchPass(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	texts := hostile(t, 1<<14)
	texts["log"] = gatewayLog(1 << 18)
	for _, d := range detectors(t) {
		m := newMachine(d)
		m.setPath("")
		looks, passed := 0, 0
		for name, text := range texts {
			text := []byte(text)
			if name == "log" { // damaged at random, so that looks end at any byte
				for range len(text) / 40 {
					text[r.IntN(len(text))] = byte(r.Uint32())
					copy(text[r.IntN(len(text)):], []string{string(longS), string(kelvin), "`", "é"}[r.IntN(4)])
				}
			}
			for n, g := range d.engine.groups {
				if g.look == nil {
					continue
				}
				looks++
				gap := run{}
				for _, at := range wordsIn(g, text) {
					m.reset()
					pass, _ := g.look.passes(text, at, &gap)
					m.tryGroup(&fragment{text: text}, &target{group: n}, at, at)
					if len(m.ruled) > 0 {
						passed++
						if !pass {
							t.Fatalf("%s: group of %s: a match at %d did not pass", name, g.branches[0].rule.ID, at)
						}
					}
				}
			}
		}
		if looks == 0 || passed == 0 {
			t.Fatalf("%d looks, %d matches: nothing was tested", looks, passed)
		}
	}
}

// wordsIn are the places of the words of a group, ascending, whatever their case.
func wordsIn(g *tails, text []byte) (at []int) {
	low := appendASCIILower(nil, text)
	for i := range low {
		for _, b := range g.branches {
			for _, w := range b.words {
				if bytes.HasPrefix(low[i:], []byte(w)) && (len(at) == 0 || at[len(at)-1] != i) {
					at = append(at, i)
				}
			}
		}
	}
	return at
}

func appendASCIILower(dst, s []byte) []byte {
	for _, c := range s {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
