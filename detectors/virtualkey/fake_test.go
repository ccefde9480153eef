package virtualkey

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"

	"sluice/internal/record"
)

// fakeKeys is a snapshot made of plain keys, which the real one never has.
type fakeKeys struct {
	infos    map[[32]byte]*record.KeyInfo
	suffixes map[[4]byte]struct{}
	hides    bool
}

func (k *fakeKeys) Lookup(hash [32]byte) (*record.KeyInfo, bool) {
	info, ok := k.infos[hash]
	return info, ok
}
func (k *fakeKeys) Suffixes() iter.Seq[[4]byte] { return maps.Keys(k.suffixes) }
func (k *fakeKeys) HidesNames() bool            { return k.hides }

func newFakeKeys(keys ...string) *fakeKeys {
	k := &fakeKeys{infos: make(map[[32]byte]*record.KeyInfo), suffixes: make(map[[4]byte]struct{})}
	for _, key := range keys {
		k.add(key, record.KeyInfo{State: record.KeyLive})
	}
	return k
}

func (k *fakeKeys) add(key string, info record.KeyInfo) {
	k.infos[sha256.Sum256([]byte(key))] = &info
	k.suffixes[[4]byte([]byte(key)[len(key)-4:])] = struct{}{}
}

// hide adds a key whose masked name is not shown.
func (k *fakeKeys) hide(key string) {
	k.infos[sha256.Sum256([]byte(key))] = &record.KeyInfo{State: record.KeyLive}
	k.hides = true
}

// random gives the same keys in each run, so that a failure can be repeated.
func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// defaultKey is a key as LiteLLM makes them.
func defaultKey(r *rand.Rand) string {
	var raw [16]byte
	for i := range raw {
		raw[i] = byte(r.Uint32())
	}
	return DefaultPrefix + base64.RawURLEncoding.EncodeToString(raw[:])
}

// many is n live keys, the last of them returned.
func many(n int) (*fakeKeys, string) {
	r, keys, last := random(), newFakeKeys(), ""
	for i := range n {
		last = defaultKey(r)
		keys.add(last, record.KeyInfo{Alias: fmt.Sprintf("key-%d", i), State: record.KeyLive})
	}
	return keys, last
}

func newDetector(t fataler, keys Keys, prefixes ...string) *Detector {
	t.Helper()
	d, err := New(keys, Options{Prefixes: prefixes})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// batch is text as one record.
func batch(text string) *record.Batch {
	b := &record.Batch{Text: []byte(text)}
	b.Records = []record.Record{{Span: record.Span{End: len(text)}}}
	return b
}

// fataler is what *testing.T and *rapid.T share.
type fataler interface {
	Helper()
	Fatal(...any)
}

// hit is what tests compare of a match.
type hit struct {
	rule       string
	start, end int
}

func hits(ms []record.Match) []hit {
	var out []hit
	for _, m := range ms {
		out = append(out, hit{m.Rule, m.Spans[0].Start, m.Spans[len(m.Spans)-1].End})
	}
	return out
}
