package view_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"sluice/internal/record"
	"sluice/internal/view"
)

// TestKinds lists the views of small texts: kind and text of each.
func TestKinds(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString
	for _, c := range []struct {
		name, text string
		want       map[record.Encoding]string
	}{
		{"nothing to undo", "a plain line, 100% so\nand C:\\ is none either\n", nil},
		{"json", `{"a":"x\ny\/\u0041\u00e9\ud83d\ude00"}` + "\n", map[record.Encoding]string{"json": "{\"a\":\"x\ny/Aé😀\"}\n"}},
		{"python", `b'\x73k\'\U0001f600' \q \u12 \x1`, map[record.Encoding]string{"json": "b'sk'😀' \\q \\u12 \\x1\n"}},
		{"only lines with a trigger", "one\ntwo \\t\nthree\n", map[record.Encoding]string{"json": "two \t\n"}},
		{"escaped twice", `\\n \"`, map[record.Encoding]string{"json": "\\n \"\n", "json+json": "\n \"\n"}},
		{"percent", "%73%6B-%zz%4", map[record.Encoding]string{"percent": "sk-%zz%4\n"}},
		{"percent twice", "%2573", map[record.Encoding]string{"percent": "%73\n", "percent+percent": "s\n"}},
		{"mixed", `%73\t`, map[record.Encoding]string{"json": "%73\t\n", "percent": "s\\t\n", "json+percent": "s\t\n"}},
		{"percent makes an escape", `%5Cn`, map[record.Encoding]string{"percent": "\\n\n", "percent+json": "\n\n"}},
		{"colours", "\x1b[1;32mINFO\x1b[0m: x\n", map[record.Encoding]string{"ansi": "INFO: x\n"}},
		{"colours escaped", `\u001b[1mx`, map[record.Encoding]string{"json": "\x1b[1mx\n", "json+ansi": "x\n"}},
		{"no colour code", "\x1b[\n \x1b]0;title\a", nil},
		{"base64", "token-" + b64([]byte("it is a text")) + ".", map[record.Encoding]string{"base64": "\x91\xe9\xfeit is a text\n"}},
		{"base64 of bytes", b64([]byte("\x00\x81it is a longer \xff text\x03\x04")), map[record.Encoding]string{"base64": "\x81it is a longer \xff text\n"}},
		{"base64 twice", b64([]byte(b64([]byte("text twice")))), map[record.Encoding]string{"base64": b64([]byte("text twice")) + "\n", "base64+base64": "text twice\n"}},
		{"base64 in a JSON string", `"aGVsbG8\/d29ybGQ\/aGVsbG8\/"`, map[record.Encoding]string{
			"json": `"aGVsbG8/d29ybGQ/aGVsbG8/"` + "\n", "json+base64": "hello?world?hello?\n"}},
		{"hex", hex.EncodeToString([]byte("sixteen bytes it")), map[record.Encoding]string{"hex": "sixteen bytes it\n"}},
		{"a hash", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", nil},
		{"an identifier", "user_api_key_team_alias litellm_internal_health_check", nil},
	} {
		b := record.Batch{Text: []byte(c.text)}
		if over := view.Expand(&b); len(over) > 0 {
			t.Errorf("%s: not examined: %v", c.name, over)
		}
		checkViews(t, &b)
		if len(b.Views) != len(c.want) {
			t.Errorf("%s: %d views, want %d", c.name, len(b.Views), len(c.want))
		}
		for _, v := range b.Views {
			if string(v.Text) != c.want[v.Kind] {
				t.Errorf("%s: %s is %q, want %q", c.name, v.Kind, v.Text, c.want[v.Kind])
			}
		}
	}
}

// TestSpans says what a range of a view is in the text.
func TestSpans(t *testing.T) {
	b64 := base64.StdEncoding.EncodeToString([]byte("abcdefghijkl"))
	for _, c := range []struct {
		name, text, of string
		want           []record.Span
	}{
		{"an escape whole", `x\u0041y`, "A", []record.Span{{Start: 1, End: 7}}},
		{"a part of an escape is all of it", `x\u00e9y`, "\xc3", []record.Span{{Start: 1, End: 7}}},
		{"text behind an escape", `x\"abc`, "ab", []record.Span{{Start: 3, End: 5}}},
		{"an escape and text behind it", `x\"abc`, `"a`, []record.Span{{Start: 1, End: 4}}},
		{"an escaped escape and text", `x\\\"abc`, `"ab`, []record.Span{{Start: 1, End: 7}}},
		{"touching spans are one", `x\u0041y`, "xAy", []record.Span{{Start: 0, End: 8}}},
		{"a colour code is left out", "ab\x1b[1mcd", "bc", []record.Span{{Start: 1, End: 2}, {Start: 6, End: 7}}},
		{"an escape with a colour code in it", "\\\x1b[1mn", "\n\n", []record.Span{{Start: 0, End: 1}, {Start: 5, End: 6}}},
		{"first byte of three", b64, "a", []record.Span{{Start: 0, End: 2}}},
		{"second byte of three", b64, "b", []record.Span{{Start: 1, End: 3}}},
		{"third byte of three", b64, "f", []record.Span{{Start: 6, End: 8}}},
		{"base64 over groups", b64, "cd", []record.Span{{Start: 2, End: 6}}},
		{"one of a run of percents", "%41%42%43", "B", []record.Span{{Start: 3, End: 6}}},
	} {
		b := record.Batch{Text: []byte(c.text)}
		view.Expand(&b)
		last := &b.Views[len(b.Views)-1]
		at := bytes.Index(last.Text, []byte(c.of))
		if at < 0 {
			t.Errorf("%s: %q is not in %q", c.name, c.of, last.Text)
			continue
		}
		if got := view.Spans(nil, last, at, at+len(c.of)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// TestSame: text behind an escape is the text itself, an escape is not.
func TestSame(t *testing.T) {
	b := record.Batch{Text: []byte(`x\"abc\nd`)}
	view.Expand(&b)
	for of, want := range map[string]bool{"x": true, "abc": true, "c": true, "d": true, `"`: false, `"a`: false, `x"`: false, "c\n": false} {
		at := bytes.Index(b.Views[0].Text, []byte(of))
		if got := view.Same(&b.Views[0], at, at+len(of)); got != want {
			t.Errorf("%q: %v, want %v", of, got, want)
		}
	}
}

// TestRecordsAreLines: an escape does not go on in the next record, and the
// view of a record without a line end does not run into the next.
func TestRecordsAreLines(t *testing.T) {
	b := record.Batch{Text: []byte(`a\u0041b\u0042`), Records: []record.Record{
		{Span: record.Span{Start: 0, End: 4}}, {Span: record.Span{Start: 4, End: 8}, Msg: 1}, {Span: record.Span{Start: 8, End: 14}, Msg: 2},
	}}
	view.Expand(&b)
	if len(b.Views) != 1 || string(b.Views[0].Text) != "B\n" {
		t.Errorf("views: %v", b.Views)
	}
}

// TestFramed undoes what the pieces mean together, with spans in both.
func TestFramed(t *testing.T) {
	raw := []byte("P x\\u00\nP 41y\n")
	b := record.Batch{Text: raw, Views: []record.View{{Kind: record.Framed, Text: []byte("x\\u0041y"), Map: []record.Seg{
		record.Verbatim(0, 5, 2), record.Verbatim(5, 3, 10),
	}}}}
	view.Expand(&b)
	if len(b.Views) != 2 || b.Views[1].Kind != "framed+json" || string(b.Views[1].Text) != "xAy\n" {
		t.Fatalf("views: %v", b.Views)
	}
	want := []record.Span{{Start: 3, End: 7}, {Start: 10, End: 12}}
	if got := view.Spans(nil, &b.Views[1], 1, 2); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestTooMuch: a line that would cost more than its share is named, and only
// that line; its neighbours are undone.
func TestTooMuch(t *testing.T) {
	heavy := strings.Repeat("a\\u0025b%5c%6e\\x1b[0m", 400)
	text := "before %41\n" + heavy + "\nbehind %42\n"
	b := record.Batch{Text: []byte(text)}
	over := view.Expand(&b)
	want := []record.Span{{Start: 11, End: 11 + len(heavy) + 1}}
	if !slices.Equal(over, want) {
		t.Fatalf("not examined: %v, want %v", over, want)
	}
	for _, v := range b.Views {
		if v.Kind == record.Percent && !(bytes.Contains(v.Text, []byte("before A\n")) && bytes.Contains(v.Text, []byte("behind B\n"))) {
			t.Errorf("neighbours are not undone: %q", v.Text)
		}
	}
}

// TestTooLong: of a text that no map can lead to, nothing is taken as examined.
func TestTooLong(t *testing.T) {
	b := record.Batch{Text: make([]byte, record.MaxMapped+1), Views: []record.View{{Kind: record.Framed}}}
	over := view.Expand(&b)
	if want := []record.Span{{Start: 0, End: len(b.Text)}}; !slices.Equal(over, want) || len(b.Views) > 0 {
		t.Errorf("not examined: %v, want %v; %d views", over, want, len(b.Views))
	}
}

// TestCost: whatever the bytes, views take no more than a multiple of the text.
func TestCost(t *testing.T) {
	for name, unit := range hostile() {
		for _, size := range []int{1 << 10, 1 << 15, 1 << 18} {
			b := record.Batch{Text: bytes.Repeat([]byte(unit), size/len(unit)+1)}
			view.Expand(&b)
			cost := 0
			for _, v := range b.Views {
				cost += len(v.Text) + 16*len(v.Map)
			}
			if limit := 24*len(b.Text) + 8*16*bytes.Count(b.Text, []byte("\n")) + 4096; cost > limit {
				t.Errorf("%s: %d bytes of views of %d, want at most %d", name, cost, len(b.Text), limit)
			}
			checkViews(t, &b)
		}
	}
}

// TestLogs: real logs are examined whole.
func TestLogs(t *testing.T) {
	for name, text := range sharedLogs(t) {
		for _, part := range batches(text) {
			b := record.Batch{Text: part}
			if over := view.Expand(&b); len(over) > 0 {
				t.Errorf("%s: not examined: %v", name, over)
			}
			checkViews(t, &b)
		}
	}
}

// FuzzExpand: no panic, and what every map promises, for views of views too.
func FuzzExpand(f *testing.F) {
	for _, unit := range hostile() {
		f.Add([]byte(strings.Repeat(unit, 3)), 5)
	}
	f.Add([]byte("\\u00\n41 %4\n1 aGVsbG8gd29\nybGQgaGVsbG8="), 9)
	f.Fuzz(func(t *testing.T, text []byte, cut int) {
		cut = min(max(cut, 0), len(text))
		// The text as two frames with a header of one byte.
		raw := slices.Concat([]byte("<"), text[:cut], []byte("\n<"), text[cut:])
		b := record.Batch{Text: raw, Views: []record.View{{Kind: record.Framed, Text: bytes.Clone(text), Map: []record.Seg{
			record.Verbatim(0, cut, 1), record.Verbatim(cut, len(text)-cut, cut+3),
		}}}}
		over := view.Expand(&b)
		checkViews(t, &b)
		for _, s := range over {
			if s.Start < 0 || s.End > len(raw) || s.Start >= s.End {
				t.Fatalf("not examined: %v of %d bytes", s, len(raw))
			}
		}
		for i := range b.Views {
			v := &b.Views[i]
			for at := 0; at < len(v.Text); at += 1 + at/3 {
				last := -1
				for _, s := range view.Spans(nil, v, at, min(len(v.Text), at*2+1)) {
					if s.Start <= last || s.End <= s.Start || s.End > len(raw) {
						t.Fatalf("%s: span %v behind %d", v.Kind, s, last)
					}
					last = s.End
				}
			}
		}
	})
}
