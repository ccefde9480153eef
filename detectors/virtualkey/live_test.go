package virtualkey

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"sluice/internal/record"
)

var compareHits = gocmp.Options{gocmp.AllowUnexported(hit{}), cmpopts.EquateEmpty()}

func sorted(h []hit) []hit {
	slices.SortFunc(h, func(a, b hit) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end), cmp.Compare(a.rule, b.rule))
	})
	return h
}

func TestLiveKeyInEveryContext(t *testing.T) {
	r := random()
	key := defaultKey(r)
	d := newDetector(t, newFakeKeys(key, defaultKey(r)))
	for _, context := range []string{
		"%", "Bearer %", `{"token":"%"}`, `'authorization': 'Bearer %'`, "?key=%&x=1", "/key/%/regenerate", "a%b",
		`\n%\n`, "\x1b[92m%\x1b[0m", "%.", "%...", "%%2", "é%é", "0%0", "_%-", "sk-%", "%sk-", "sk-sk-%-sk-",
		"\x00%\xff", "\t%\r\n", "xxxx%xxxx", "=%=", "<%>", "(%)", "%:pw@host",
	} {
		text := strings.Replace(context, "%", key, 1)
		at := strings.Index(text, key)
		want := hit{RuleVirtual, at, at + len(key)}
		ms := d.Detect(nil, batch(text))
		if !slices.Contains(hits(ms), want) {
			t.Errorf("in %q: %v, want %v", context, hits(ms), want)
		}
		for _, m := range ms {
			if string(m.Secret) == key && (m.Hash != sha256.Sum256([]byte(key)) || !m.Whole || m.Severity != 0 || m.Encoding != record.Plain) {
				t.Errorf("in %q: hash %x, whole %t, severity %v, encoding %s", context, m.Hash, m.Whole, m.Severity, m.Encoding)
			}
		}
	}
}

// TestHiddenKeyInsideAnother: what a token came to is not what it comes to where
// its beginning is part of another key.
func TestHiddenKeyInsideAnother(t *testing.T) {
	keys := newFakeKeys()
	keys.hide("sk-1")
	keys.hide("sk-absk-1")
	d := newDetector(t, keys)
	got := hits(d.Detect(nil, batch("sk-12 sk-absk-12 sk-12")))
	want := []hit{{RuleVirtual, 0, 4}, {RuleVirtual, 6, 15}, {RuleVirtual, 17, 21}}
	if !gocmp.Equal(got, want, compareHits) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, set := range d.memos.Get().(*memo).slots {
		if set[0].token != nil {
			t.Fatal("bytes of the batch are kept")
		}
	}
}

func TestMasterKey(t *testing.T) {
	keys := newFakeKeys()
	master := "sk-" + "Master!Of/The(Gateway)"
	keys.add(master, record.KeyInfo{Master: true})
	d := newDetector(t, keys)
	got := hits(d.Detect(nil, batch("x "+master+" y")))
	if want := []hit{{RuleMaster, 2, 2 + len(master)}}; !gocmp.Equal(got, want, compareHits) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHashOfALiveKey(t *testing.T) {
	key := defaultKey(random())
	hash := sha256.Sum256([]byte(key))
	text := hex.EncodeToString(hash[:])
	d := newDetector(t, newFakeKeys(key))
	want := []hit{{RuleHash, 1, 65}}
	for pad := range 130 {
		head := strings.Repeat("g", pad)
		ms := d.Detect(nil, batch(head+"="+text+"\n"))
		want[0].start, want[0].end = pad+1, pad+65
		if !gocmp.Equal(hits(ms), want, compareHits) || ms[0].Hash != hash {
			t.Fatalf("behind %d bytes: %v, want %v", pad, hits(ms), want)
		}
	}
	if got := hits(d.Detect(nil, batch(text+" "+text+" "+text))); len(got) != 3 {
		t.Errorf("three hashes with a space between: %v", got)
	}
	other := sha256.Sum256([]byte("sk-other"))
	for _, innocent := range []string{"a" + text, text + "0", text[1:], strings.ToUpper(text), hex.EncodeToString(other[:])} {
		if ms := d.Detect(nil, batch(innocent)); len(ms) > 0 {
			t.Errorf("%q: %v", innocent, hits(ms))
		}
	}
}

// TestOracle compares with what the words of the package comment say, tried on
// every substring.
func TestOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SampledFrom([]string{
			"sk-", "s", "k", "-", "a", "A", "1", "aA", "-_", " ", "\n", `"`, ",", "é", "\x00", "sk-aA1", "sk-a1-sk", strings.Repeat("a", 120),
		})
		join := func(l []string) string { return strings.Join(l, "") }
		keyOf := func(s string) string { return "sk-" + s }
		body := rapid.StringMatching(`[aA1sk-]{1,8}`)
		named := rapid.SliceOfN(rapid.Map(body, keyOf), 0, 4).Draw(t, "named")
		named = append(named, "sk-"+strings.Repeat("a", 253), "sk-"+strings.Repeat("a", 254))
		hidden := rapid.SliceOfN(rapid.Map(rapid.StringMatching(`[aA1sk ,-]{1,6}`), keyOf), 0, 2).Draw(t, "hidden")
		text := join(rapid.SliceOfN(piece, 0, 60).Draw(t, "text"))
		if n := rapid.IntRange(-1, len(named)-1).Draw(t, "planted"); n >= 0 {
			text = text + named[n] + join(rapid.SliceOfN(piece, 0, 5).Draw(t, "behind"))
		}
		keys := newFakeKeys(named...)
		for _, h := range hidden {
			keys.hide(h)
		}
		b := batch(text)
		b.Lead = rapid.IntRange(0, len(text)).Draw(t, "lead")
		got := sorted(hits(liveOnly(keys, newDetector(t, keys).Detect(nil, b))))
		want := sorted(oracle(text, b.Lead, named, hidden))
		if diff := gocmp.Diff(want, got, compareHits); diff != "" {
			t.Fatalf("named %q hidden %q text %q lead %d (-want +got):\n%s", named, hidden, text, b.Lead, diff)
		}
	})
}

// liveOnly leaves out what the snapshot does not know, an unknown key of the
// default form having the same rule, and keys in two pieces.
func liveOnly(keys *fakeKeys, ms []record.Match) []record.Match {
	return slices.DeleteFunc(ms, func(m record.Match) bool {
		_, live := keys.Lookup(m.Hash)
		return m.Rule != RuleVirtual || m.Severity != 0 || m.Withhold || !live || m.Encoding == record.Split
	})
}

// Some of the oracle's texts have the default form by chance.
func TestOracleLeavesUnknownKeysAside(t *testing.T) {
	keys := newFakeKeys("sk-aaaaa")
	ms := newDetector(t, keys).Detect(nil, batch("sk-sk-sk-ssssk-aA1sk-aA1A"))
	if len(ms) != 1 || ms[0].Rule != RuleVirtual || len(liveOnly(keys, ms)) != 0 {
		t.Errorf("%v", hits(ms))
	}
}

// oracle tries every substring.
func oracle(text string, lead int, named, hidden []string) []hit {
	const delimiters = " \"'`\\,;|()[]{}<>"
	// A hidden key may end like a named one, and is then found like it.
	suffix := func(s string) bool {
		return slices.ContainsFunc(named, func(n string) bool { return n[len(n)-4:] == s[len(s)-4:] })
	}
	var out []hit
	covered := lead
	for start := range text {
		best := 0
		for end := start + 4; end <= min(len(text), start+maxKey); end++ {
			s := text[start:end]
			if last := s[len(s)-1]; last < ' ' || last > '~' {
				break
			}
			live := slices.Contains(named, s) || slices.Contains(hidden, s) &&
				(suffix(s) || !strings.ContainsAny(s, delimiters))
			if strings.HasPrefix(s, "sk-") && live {
				best = end
			}
		}
		if best > covered {
			out = append(out, hit{RuleVirtual, start, best})
			covered = best
		}
	}
	return out
}

// TestLead: a match is reported by the batch behind whose lead it ends.
func TestLead(t *testing.T) {
	r := random()
	a, b, unknown := defaultKey(r), defaultKey(r), defaultKey(r)
	hash := sha256.Sum256([]byte(a))
	text := "1 " + a + "\n2 " + unknown + "\n3 sk-" + b[3:20] + "...\n4 " + hex.EncodeToString(hash[:]) + "\n5 " + b + "sk-\n" +
		strings.Repeat("6 nothing here\n", 60) + "7 " + b + " " + a[:14] + "..." + a[20:] + " end\n"
	keys := newFakeKeys(a, b)
	for _, hides := range []bool{false, true} {
		keys.hides = hides
		d := newDetector(t, keys)
		all := hits(d.Detect(nil, batch(text)))
		if len(all) != 7 {
			t.Fatalf("%v: want 7 matches", all)
		}
		for lead := range len(text) {
			in := batch(text)
			in.Lead = lead
			want := slices.DeleteFunc(slices.Clone(all), func(h hit) bool { return h.end <= lead })
			if got := hits(d.Detect(nil, in)); !gocmp.Equal(got, want, compareHits) {
				t.Fatalf("hides %t, lead %d: %v, want %v", hides, lead, got, want)
			}
		}
	}
}

func TestNoMatchCrossesMessages(t *testing.T) {
	r := random()
	key, unknown := defaultKey(r), defaultKey(r)
	keys := newFakeKeys(key)
	d := newDetector(t, keys)
	for _, other := range []record.Record{{Msg: 1}, {Part: record.PartHeaderKey}} {
		for cut := 1; cut < len(key); cut++ {
			b := batch(key + key)
			b.Records = append(b.Records, other)
			b.Records[0].End, b.Records[1].Span = cut, record.Span{Start: cut, End: len(b.Text)}
			want := []hit{{RuleVirtual, len(key), 2 * len(key)}}
			if got := hits(liveOnly(keys, d.Detect(nil, b))); !gocmp.Equal(got, want, compareHits) {
				t.Fatalf("cut at %d: %v, want %v", cut, got, want)
			}
		}
	}
	b := batch("abc" + unknown + "abc")
	b.Records = []record.Record{
		{Span: record.Span{End: 3}}, {Span: record.Span{Start: 3, End: 28}, Msg: 1}, {Span: record.Span{Start: 28, End: 31}, Msg: 2},
	}
	if got, want := hits(d.Detect(nil, b)), []hit{{RuleVirtual, 3, 28}}; !gocmp.Equal(got, want, compareHits) {
		t.Errorf("between messages: %v, want %v", got, want)
	}
}

func TestOtherPrefixes(t *testing.T) {
	d := newDetector(t, newFakeKeys("vk_team:0001", "pk-1234567"), "vk_", "pk-")
	got := sorted(hits(d.Detect(nil, batch("a vk_team:0001 b pk-1234567 "+defaultKey(random())))))
	want := []hit{{RuleVirtual, 2, 14}, {RuleVirtual, 17, 27}}
	if !gocmp.Equal(got, want, compareHits) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, bad := range [][]string{{""}, {"k"}, {"a b"}, {"a\n"}, {strings.Repeat("x", 33)}, slices.Repeat([]string{"ab"}, 9)} {
		if _, err := New(nil, Options{Prefixes: bad}); err == nil {
			t.Errorf("prefixes %q: no error", bad)
		}
	}
}
