package gateway

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

func TestLiveAt(t *testing.T) {
	hour := time.Hour
	full := record.KeyInfo{State: record.KeyDeleted, Created: noon, Expires: noon.Add(3 * hour), Deleted: noon.Add(2 * hour)}
	with := func(change func(*record.KeyInfo)) record.KeyInfo { k := full; change(&k); return k }
	for _, c := range []struct {
		name string
		key  record.KeyInfo
		at   time.Time
		want string
	}{
		{"before it was made", full, noon.Add(-1), "no"},
		{"when it was made", full, noon, "yes"},
		{"before it was deleted", full, noon.Add(2*hour - 1), "yes"},
		{"when it was deleted", full, noon.Add(2 * hour), "no"},
		{"when it expired", with(func(k *record.KeyInfo) { k.Deleted = noon.Add(9 * hour) }), noon.Add(3 * hour), "no"},
		{"no time", full, time.Time{}, "unknown"},
		{"blocked, nobody knows since when", record.KeyInfo{State: record.KeyBlocked, Created: noon}, noon.Add(hour), "unknown"},
		{"blocked, not made yet", record.KeyInfo{State: record.KeyBlocked, Created: noon}, noon.Add(-hour), "no"},
		{"deleted, nobody knows when", record.KeyInfo{State: record.KeyDeleted, Created: noon}, noon.Add(hour), "unknown"},
		{"never expires", record.KeyInfo{State: record.KeyLive, Created: noon}, noon.Add(1e5 * hour), "yes"},
		{"expired later", record.KeyInfo{State: record.KeyExpired, Created: noon, Expires: noon.Add(hour)}, noon, "yes"},
		{"the master key", record.KeyInfo{State: record.KeyLive, Master: true}, noon, "unknown"},
	} {
		got := "unknown"
		if live := LiveAt(&c.key, c.at); live != nil {
			got = map[bool]string{true: "yes", false: "no"}[*live]
		}
		if got != c.want {
			t.Errorf("%s: live %s, want %s", c.name, got, c.want)
		}
	}
}

// However often snapshots are accumulated, every key ever seen is known, and a
// key that its gateway no longer has is deleted.
func TestAccumulateForgetsNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pool := genKeys().Draw(t, "pool")
		ever := make(map[[32]byte]bool)
		var sum *Snapshot
		for round := range rapid.IntRange(1, 4).Draw(t, "rounds") {
			taken := noon.Add(time.Duration(round) * time.Hour)
			b := newBuilder(taken)
			b.gateway("http://g")
			alive := make(map[[32]byte]bool)
			for hash, k := range pool {
				if rapid.Bool().Draw(t, "alive") {
					k.Gateway, k.State, k.Deleted, k.Master = "http://g", record.KeyLive, time.Time{}, false
					b.add(hash, [4]byte{}, k)
					alive[hash], ever[hash] = true, true
				}
			}
			sum = b.snapshot().Accumulate(sum)
			if sum.Len() != len(ever) {
				t.Fatalf("%d keys known of %d ever seen", sum.Len(), len(ever))
			}
			for hash := range ever {
				k, _ := sum.Lookup(hash)
				switch {
				case alive[hash] && (k.State != record.KeyLive || !k.Deleted.IsZero()):
					t.Fatalf("alive, but %v", k)
				case !alive[hash] && (k.State != record.KeyDeleted || k.Deleted.IsZero() || k.Deleted.After(taken)):
					t.Fatalf("gone, but %v", k)
				}
			}
		}
	})
}

func TestAccumulateKeepsOtherGateways(t *testing.T) {
	hash := HashKey(record.NewSecret(newKey(t)))
	old := build(map[[32]byte]record.KeyInfo{hash: {Gateway: "http://other", State: record.KeyLive}})
	b := newBuilder(noon)
	b.gateway("http://g")
	if k, ok := b.snapshot().Accumulate(old).Lookup(hash); !ok || k.State != record.KeyLive {
		t.Fatalf("a key of a gateway that was not read: %v", k)
	}
	rotated := Master(record.NewSecret(newKey(t))).Accumulate(Master(record.NewSecret(newKey(t))))
	states := map[record.KeyState]int{}
	for _, k := range rotated.All() {
		states[k.State]++
	}
	if states[record.KeyLive] != 1 || states[record.KeyDeleted] != 1 {
		t.Fatalf("after the master key changed: %v", states)
	}
}

func TestMaskedName(t *testing.T) {
	full := newKey(t)
	for _, c := range []struct{ raw, tail, name string }{
		{"", "", ""},
		{"my key", "", ""},
		{"sk-...", "", "sk-..."},
		{"sk-...7-kQ", "7-kQ", "sk-...7-kQ"},
		{"sk-...sk-1", "sk-1", "sk-..."},        // all of the key
		{"sk-...äöüß", "", "sk-..."},            // four characters, eight bytes
		{"sk-short", "", "sk-..."},              // a whole short key
		{full, full[21:], "sk-..." + full[21:]}, // a version that stored the key itself
		{"sk-...\x1b[2J", "\x1b[2J", "sk-..."},
	} {
		tail, name := maskedName(c.raw)
		if got := strings.Trim(string(tail[:]), "\x00"); got != c.tail || name != c.name {
			t.Errorf("name %d bytes long: tail %q, name %q, want %q, %q", len(c.raw), got, name, c.tail, c.name)
		}
	}
}

func FuzzCleanText(f *testing.F) {
	f.Add("team a")
	f.Add("x sk-abcdefghijklm")
	f.Add("task-x sk-abcdefghijklmnop")
	f.Add("\x1b]0;title\x07")
	f.Fuzz(func(t *testing.T, s string) {
		got := cleanText(s)
		if strings.ContainsAny(got, "\x00\x07\x1b\n\r\x7f\u202e\u2066") || len(got) > 4*longestText {
			t.Fatalf("%q", got)
		}
		if regexp.MustCompile(`(^|[^A-Za-z0-9])sk-[A-Za-z0-9_-]{13}`).MatchString(got) {
			t.Fatal("a key is shown")
		}
		maskedName(s)
		parseTime(s)
	})
}

func TestSnapshotFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	key := record.NewSecret(newKey(t))
	if err := Master(key).Save(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	s, err := Load(path, noon)
	if err != nil {
		t.Fatal(err)
	}
	if k, ok := s.Lookup(HashKey(key)); !ok || !k.Master || k.State != record.KeyLive {
		t.Fatalf("the master key: %v", k)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, []byte(key.Reveal())) {
		t.Fatal("the file holds the key")
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Fatalf("files left: %v", left)
	}
}

// Another program may have written the fields in another order.
func TestSnapshotFileInAnyOrder(t *testing.T) {
	text := `{"keys":[{"hash":"` + strings.Repeat("0a", 32) + `","state":"live"}],"new":[{}],"taken":"2026-01-21T09:14:03Z","gateways":["http://g"],"version":1}`
	s, err := Decode(strings.NewReader(text), noon)
	if err != nil || s.Len() != 1 || s.Taken().IsZero() || len(s.Gateways()) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestSnapshotFileRefused(t *testing.T) {
	for _, text := range []string{
		"", "no", "[]", "{}", `{"version":2,"keys":[]}`, `{"version":1,"keys":[{"hash":"12"}]}`, `{"version":1,"keys":[{"hash":5}]}`,
		`{"keys":[],"gateways":[]}`, `{"keys":[],"version":2}`, `{"version":1,"keys":{}}`, `{"version":1,"keys":[`, `{"version":1`, "null",
	} {
		if _, err := Decode(strings.NewReader(text), noon); !errors.Is(err, ErrSnapshotFile) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none"), noon); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestDecodeExpires(t *testing.T) {
	hash := strings.Repeat("ab", 32)
	s, err := Decode(strings.NewReader(`{"version":1,"keys":[{"hash":"`+hash+`","state":"live","expires":"2026-11-23T11:00:00Z"}]}`), noon)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := ParseHash(hash)
	if k, _ := s.Lookup(want); k.State != record.KeyExpired {
		t.Fatalf("state %s of a key that expired after the export", k.State)
	}
}
