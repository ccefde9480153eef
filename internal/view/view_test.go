package view_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
	"sluice/internal/recycle"
	"sluice/internal/view"
)

// hostile are units that, repeated, cost much: as one line, and as many.
func hostile() map[string]string {
	nested := "%5c%75" + strings.Repeat("%25", 3)
	deep := strings.Repeat("text ", 20)
	for range 5 {
		deep = base64.StdEncoding.EncodeToString([]byte(deep))
	}
	return map[string]string{
		"backslashes": `\`, "percent": "%", "percents": "%25", "escapes": "\x1b[0m",
		"open": "\x1b[", "alternating": `a\n`, "mixed": `a\u0025%5c\\x1b[0m`, "nested": nested,
		"base64": deep, "base64lines": deep + "\n", "hex": hex.EncodeToString([]byte(deep)),
		"letters": "a", "surrogates": `\ud83d\ude00`, "halves": `\ud83d`, "all": "\x1b[1m%5Cn\\u0025" + deep[:40],
	}
}

// encoder is one round as a writer applies it: it returns where each byte went.
type encoder struct {
	name  string
	apply func(t *rapid.T, text []byte) (out []byte, at [][2]int)
}

// each builds an encoder from what a byte becomes where the encoding wants it
// or the writer chooses to.
func each(name string, needs string, f func(t *rapid.T, c byte) string) encoder {
	return encoder{name, func(t *rapid.T, text []byte) (out []byte, at [][2]int) {
		some := rapid.SampledFrom([]int{1, 2, 20, 1000}).Draw(t, "one in")
		for _, c := range text {
			s := string(c)
			if strings.IndexByte(needs, c) >= 0 || rapid.IntRange(1, some).Draw(t, "escaped") == some {
				s = f(t, c)
			}
			at = append(at, [2]int{len(out), len(out) + len(s)})
			out = append(out, s...)
		}
		return out, at
	}}
}

func escapeByte(t *rapid.T, c byte) string {
	switch {
	case c == '\n':
		return `\n`
	case c == '"' || c == '\\' || c == '/':
		return `\` + string(c)
	}
	format := rapid.SampledFrom([]string{`\u%04x`, `\u%04X`, `\x%02x`, `\x%02X`, `\U%08x`}).Draw(t, "escape")
	return fmt.Sprintf(format, c)
}

func percentByte(t *rapid.T, c byte) string {
	return fmt.Sprintf(rapid.SampledFrom([]string{"%%%02x", "%%%02X"}).Draw(t, "percent"), c)
}

func encodeBase64(_ *rapid.T, text []byte) (out []byte, at [][2]int) {
	out = []byte(base64.RawURLEncoding.EncodeToString(text))
	for k := range text {
		at = append(at, [2]int{k * 8 / 6, (k*8+7)/6 + 1})
	}
	return out, at
}

func encodeHex(_ *rapid.T, text []byte) (out []byte, at [][2]int) {
	for k := range text {
		at = append(at, [2]int{2 * k, 2*k + 2})
	}
	return []byte(hex.EncodeToString(text)), at
}

// colour puts codes between some bytes; they belong to none.
func colour(t *rapid.T, text []byte) (out []byte, at [][2]int) {
	some := rapid.SampledFrom([]int{5, 50}).Draw(t, "one in")
	for _, c := range text {
		if rapid.IntRange(1, some).Draw(t, "coloured") == some {
			out = append(out, rapid.SampledFrom([]string{"\x1b[0m", "\x1b[1;32m", "\x1b[K"}).Draw(t, "code")...)
		}
		at = append(at, [2]int{len(out), len(out) + 1})
		out = append(out, c)
	}
	return out, at
}

var (
	ansiEncoder    = encoder{"ansi", colour}
	jsonEncoder    = each("json", "\"\\\n\x1b", escapeByte)
	percentEncoder = each("percent", "% ", percentByte)
	base64Encoder  = encoder{"base64", encodeBase64}
	hexEncoder     = encoder{"hex", encodeHex}
)

// chains are what a text is put through, first to last, within the bounds of the package.
func drawChain(t *rapid.T) []encoder {
	all := []encoder{ansiEncoder, jsonEncoder, percentEncoder, base64Encoder, hexEncoder}
	n := rapid.IntRange(0, 4).Draw(t, "rounds")
	var chain []encoder
	count := map[string]int{}
	for len(chain) < n {
		e := rapid.SampledFrom(all).Draw(t, "round")
		packed := count["base64"] + count["hex"]
		if isPacked := e.name == "base64" || e.name == "hex"; isPacked && packed == 3 || !isPacked && count[e.name] == 2 {
			continue
		}
		count[e.name]++
		chain = append(chain, e)
	}
	return chain
}

// TestEveryChainIsUndone is the promise of the package.
func TestEveryChainIsUndone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := []byte(rapid.StringMatching(`sk-[A-Za-z0-9_-]{21}[AQgw]`).Draw(t, "secret"))
		text := []byte("before it " + rapid.StringMatching(`[ -~]{0,9}`).Draw(t, "before") + " ")
		spans := []record.Span{{Start: len(text), End: len(text) + len(secret)}}
		text = append(append(text, secret...), " and text behind it"...)
		names := ""
		for _, e := range drawChain(t) {
			out, at := e.apply(t, text)
			spans = through(spans, at)
			text, names = out, names+"+"+e.name
		}
		head := rapid.SampledFrom([]string{"", "a line\n", "token: ", "token-", "x\n\x1b[32mINFO\x1b[0m: ", `{"message": "`}).Draw(t, "head")
		raw := slices.Concat([]byte(head), text, []byte(rapid.SampledFrom([]string{"", "\n", "\"\nmore\n", "==\n", " %41\\n\n"}).Draw(t, "tail")))
		for i := range spans {
			spans[i].Start, spans[i].End = spans[i].Start+len(head), spans[i].End+len(head)
		}
		b := record.Batch{Text: raw}
		over := view.Expand(&b)
		checkViews(t, &b)
		if withheld(over, spans) {
			return // more than a line may cost, and said so
		}
		if !stands(&b, secret, spans) {
			t.Fatalf("chain %s: not in clear at %v of %q", names, spans, raw)
		}
	})
}

// through moves spans to where their bytes went.
func through(spans []record.Span, at [][2]int) (out []record.Span) {
	for _, s := range spans {
		for _, to := range at[s.Start:s.End] {
			if last := len(out) - 1; last >= 0 && to[0] <= out[last].End {
				out[last].End = to[1]
				continue
			}
			out = append(out, record.Span{Start: to[0], End: to[1]})
		}
	}
	return out
}

func withheld(over, want []record.Span) bool {
	return slices.ContainsFunc(over, func(s record.Span) bool {
		return s.Start <= want[0].Start && want[len(want)-1].End <= s.End
	})
}

// stands says whether secret is in the text or a view, with these raw spans.
func stands(b *record.Batch, secret []byte, want []record.Span) bool {
	if len(want) == 1 && bytes.Equal(b.Text[want[0].Start:want[0].End], secret) {
		return true
	}
	for i := range b.Views {
		v := &b.Views[i]
		for at := 0; ; at++ {
			j := bytes.Index(v.Text[at:], secret)
			if j < 0 {
				break
			}
			at += j
			if slices.Equal(view.Spans(nil, v, at, at+len(secret)), want) {
				return true
			}
		}
	}
	return false
}

// checkViews holds what every view promises, whatever the bytes.
func checkViews(t interface{ Fatalf(string, ...any) }, b *record.Batch) {
	for i := range b.Views {
		v := &b.Views[i]
		at, raw := 0, 0
		for _, s := range v.Map {
			if newLine := s.View() > 0 && v.Text[s.View()-1] == '\n'; newLine {
				raw = 0
			}
			if s.View() != at || s.N() > 0 && s.Raw() < raw || s.N() < 0 || s.RawN() < 0 || s.RawEnd() > len(b.Text) {
				t.Fatalf("%s: segment %+v behind view %d, raw %d of %d", v.Kind, s, at, raw, len(b.Text))
			}
			if at, raw, n := s.Same(); n > 1 && !bytes.Equal(v.Text[at:at+n], b.Text[raw:raw+n]) {
				t.Fatalf("%s: segment %+v is not the bytes it stands for", v.Kind, s)
			}
			at += s.N()
			if s.N() > 0 {
				raw = s.Raw()
			}
		}
		if at != len(v.Text) {
			t.Fatalf("%s: the map covers %d of %d bytes", v.Kind, at, len(v.Text))
		}
	}
}

// TestLentIsTheSame lends views a batch after another, from memory that was given
// back and spoilt, and compares them with views that are the batch's own.
func TestLentIsTheSame(t *testing.T) {
	recycle.SpoilAll(true)
	defer recycle.SpoilAll(false)
	for range 3 {
		for name, unit := range hostile() {
			text := []byte(strings.Repeat(unit+"\n", 1+2000/len(unit)))
			own, lent := record.Batch{Text: text}, record.Batch{Text: text}
			over := view.Expand(&own)
			overLent, free := view.Lend(&lent)
			if !reflect.DeepEqual(own.Views, lent.Views) || !slices.Equal(over, overLent) {
				t.Errorf("%s: lent views differ from the batch's own", name)
			}
			free()
			for _, v := range lent.Views {
				if bytes.Count(v.Text, []byte{0xff}) < len(v.Text) {
					t.Errorf("%s: %d bytes of a view of kind %s were given back and can still be read", name, len(v.Text), v.Kind)
				}
			}
		}
	}
}
