package gateway

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/internal/record"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// newKey is a key of LiteLLM's default form.
func newKey(t testing.TB) string {
	t.Helper()
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	return "sk-" + base64.RawURLEncoding.EncodeToString(raw)
}

func genInfo() *rapid.Generator[record.KeyInfo] {
	return rapid.Custom(func(t *rapid.T) record.KeyInfo {
		text := rapid.StringMatching(`[a-z]{0,6}`)
		stamp := func(name string) time.Time {
			if rapid.Bool().Draw(t, name+"?") {
				return time.Time{}
			}
			return noon.Add(time.Duration(rapid.IntRange(-1000, 1000).Draw(t, name)) * time.Hour)
		}
		return record.KeyInfo{
			Gateway: "http://" + text.Draw(t, "gateway"), Alias: text.Draw(t, "alias"),
			TeamID: text.Draw(t, "team"), TeamAlias: text.Draw(t, "teamAlias"), UserID: text.Draw(t, "user"),
			Name:    rapid.SampledFrom([]string{"", "sk-...", "sk-...a_-Q", "sk-...7-kQ"}).Draw(t, "name"),
			Master:  rapid.Bool().Draw(t, "master"),
			State:   rapid.SampledFrom(keyStates[:]).Draw(t, "state"),
			Created: stamp("created"), Expires: stamp("expires"), Deleted: stamp("deleted"),
		}
	})
}

func build(keys map[[32]byte]record.KeyInfo) *Snapshot {
	b := newBuilder(noon)
	for hash, k := range keys {
		tail, _ := maskedName(k.Name)
		b.add(hash, tail, k)
	}
	return b.snapshot()
}

func genKeys() *rapid.Generator[map[[32]byte]record.KeyInfo] {
	return rapid.Custom(func(t *rapid.T) map[[32]byte]record.KeyInfo {
		keys := make(map[[32]byte]record.KeyInfo)
		for i := range rapid.IntRange(0, 60).Draw(t, "n") {
			keys[sha256.Sum256(fmt.Append(nil, rapid.Byte().Draw(t, "seed"), i))] = genInfo().Draw(t, "info")
		}
		return keys
	})
}

// A snapshot is a map from hashes to infos, and survives its file.
func TestSnapshotIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := genKeys().Draw(t, "keys")
		s := build(keys)
		var file bytes.Buffer
		if err := s.Encode(&file); err != nil {
			t.Fatal(err)
		}
		again, err := Decode(&file, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*Snapshot{s, again} {
			got := make(map[[32]byte]record.KeyInfo)
			for hash, k := range s.All() {
				got[hash] = k
				if one, ok := s.Lookup(hash); !ok || *one != k {
					t.Fatalf("Lookup of a key that All yields: %v, %v", one, ok)
				}
			}
			if diff := cmp.Diff(keys, got); diff != "" {
				t.Fatal(diff)
			}
			if _, ok := s.Lookup(sha256.Sum256([]byte("nobody's"))); ok {
				t.Fatal("found a key that is not there")
			}
		}
		if a, b := slices.Collect(s.Suffixes()), slices.Collect(again.Suffixes()); !slices.Equal(a, b) || s.HidesNames() != again.HidesNames() {
			t.Fatalf("suffixes %q became %q", a, b)
		}
	})
}

// One snapshot is merged without being built again: what comes of it is what
// comes of it beside an empty one.
func TestMergeOfOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := build(genKeys().Draw(t, "keys"))
		now := time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "now"), 0)
		var one, two bytes.Buffer
		if err := errors.Join(Merge(now, s).Encode(&one), Merge(now, s, build(nil)).Encode(&two)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(two.String(), one.String()); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestSuffixes(t *testing.T) {
	keys := make(map[[32]byte]record.KeyInfo)
	want := make(map[[4]byte]bool)
	for range 500 {
		key := newKey(t)
		tail := [4]byte([]byte(key[len(key)-4:]))
		want[tail] = true
		keys[sha256.Sum256([]byte(key))] = record.KeyInfo{Name: "sk-..." + string(tail[:])}
	}
	s := build(keys)
	got := slices.Collect(s.Suffixes())
	if len(got) != len(want) || s.HidesNames() {
		t.Fatalf("%d suffixes of %d, hides %v", len(got), len(want), s.HidesNames())
	}
	for tail := range want {
		if !s.Suffix(tail) {
			t.Fatal("a suffix is missing")
		}
	}
	if s.Suffix([4]byte([]byte("!!!!"))) {
		t.Fatal("a suffix too many")
	}
}

// 100,000 keys with names of their own, as heap in use.
func TestSnapshotMemory(t *testing.T) {
	const keys, limit = 100_000, 20 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := bigSnapshot(keys)
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	used := int64(after.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d keys: %.1f MB", s.Len(), float64(used)/1e6)
	if s.Len() != keys || used > limit {
		t.Fatalf("%d keys take %d bytes, want at most %d", s.Len(), used, limit)
	}
	runtime.KeepAlive(s)
}

func bigSnapshot(n int) *Snapshot {
	b := newBuilder(noon)
	for i := range n {
		hash := sha256.Sum256(fmt.Append(nil, "key", i))
		name := fmt.Sprintf("sk-...%04d", i%10000)
		tail, _ := maskedName(name)
		b.add(hash, tail, record.KeyInfo{
			Gateway: "http://gateway:4000", Alias: fmt.Sprintf("service-account-%d", i), Name: name,
			TeamID: fmt.Sprintf("5cb9dad1-4885-4c0e-8b2b-%012d", i%500), TeamAlias: fmt.Sprintf("team %d", i%500),
			UserID: fmt.Sprintf("a0a9f2e8-088a-483c-bbff-%012d", i%20000), State: record.KeyLive,
			Created: noon, Expires: noon.Add(time.Hour),
		})
	}
	return b.snapshot()
}

func BenchmarkLookup(b *testing.B) {
	s := bigSnapshot(100_000)
	known, unknown := sha256.Sum256([]byte("key7")), sha256.Sum256([]byte("no key"))
	for name, hash := range map[string][32]byte{"known": known, "unknown": unknown} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(32)
			b.ReportAllocs()
			for b.Loop() {
				s.Lookup(hash)
			}
		})
	}
}

// The nil snapshot knows nothing and answers.
func TestNilSnapshot(t *testing.T) {
	var s *Snapshot
	_, found := s.Lookup([32]byte{})
	if found || s.Suffix([4]byte{}) || s.HidesNames() || s.Len() != 0 || len(slices.Collect(s.Suffixes())) != 0 {
		t.Fatal("a nil snapshot knows something")
	}
}
