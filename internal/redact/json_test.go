package redact

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sluice/internal/record"
)

func TestJSONStaysJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"pin":1234567890,"a":1}`:         `{"pin":"¤","a":1}`,
		`{"pin": 91234567890 }` + "\n":     `{"pin": "9¤" }` + "\n",
		`["x",-1234567890]`:                `["x","-¤"]`,
		`{"pin":"1234567890"}`:             `{"pin":"¤"}`,
		`{"a\"b":[1234567890,1234567890]}`: `{"a\"b":["¤","¤"]}`,
		`{"open":1234567890`:               `{"open":¤`,
		`1234567890`:                       `¤`,
		`[INFO] 1234567890`:                `[INFO] ¤`,
	} {
		b := batchOf([]byte(text), 0)
		d := testRedactor().Apply(b, finder(b, "1234567890", "strong"))
		if got := anyPlaceholder.ReplaceAllString(string(d.Clean), "¤"); got != want {
			t.Errorf("%s became %s, want %s", text, got, want)
		}
	}
}

// A cut that takes the document's own marks with it can't be mended.
func TestJSONThatCannotBeMendedIsWithheld(t *testing.T) {
	text := `{"a":"begin","b":"end"}` + "\n"
	b := batchOf([]byte(text), 0)
	d := testRedactor().Apply(b, finder(b, `n","b`, "strong"))
	if string(d.Clean) != `"[sluice:withheld:0000000000000000]"`+"\n" || d.Withheld != 1 || len(d.Findings) != 1 {
		t.Errorf("%q, %d withheld, %d findings", d.Clean, d.Withheld, len(d.Findings))
	}
	b.Records[0].Withhold = true
	if d = testRedactor().Apply(b, nil); string(d.Clean) != `"[sluice:withheld:0000000000000000]"`+"\n" {
		t.Errorf("withheld as %q", d.Clean)
	}
}

// Whatever is cut out of a document, what is left is one, and holds nothing of
// what was cut.
func TestAnyCutLeavesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var doc any = genDocument(t, 3)
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if !isJSON(text) {
			return
		}
		b := batchOf(text, 0)
		ms := genMatches(t, len(text))
		for i := range ms {
			ms[i].Rule, ms[i].Secret = "strong", []byte("x")
		}
		d := testRedactor().Apply(b, ms)
		if !json.Valid(d.Clean) {
			t.Fatalf("%s became %s", text, d.Clean)
		}
	})
}

func genDocument(t *rapid.T, depth int) any {
	kinds := 4
	if depth > 0 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return rapid.Int().Draw(t, "number")
	case 1:
		return rapid.StringOfN(rapid.RuneFrom([]rune("ab\n\"\\é[:")), 0, 12, -1).Draw(t, "string")
	case 2:
		return rapid.Bool().Draw(t, "bool")
	case 3:
		return nil
	case 4:
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, genDocument(t, depth-1))
		}
		return list
	}
	object := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "fields") {
		object[rapid.StringMatching("[a-c]{1,3}").Draw(t, "name")] = genDocument(t, depth-1)
	}
	return object
}

// A message's place is its offset, not a byte of it.
func TestPositionInAMessage(t *testing.T) {
	b := &record.Batch{Messages: true, Text: []byte("key" + "a hunter2hunter2"), End: record.Mark{Stream: "t/0", Offset: 42}}
	b.Records = []record.Record{
		{Span: record.Span{Start: 0, End: 3}, Base: 41, Next: 41, Sub: 1, Part: record.PartKey},
		{Span: record.Span{Start: 3, End: 3}, Base: 41, Next: 41, Sub: 2, Part: record.PartHeaderValue},
		{Span: record.Span{Start: 3, End: len(b.Text)}, Base: 41, Next: 42, Null: false},
	}
	d := testRedactor().Apply(b, finder(b, "hunter2hunter2", "strong"))
	if p := d.Findings[0].Pos; p.Offset != 41 || p.Column != 3 || p.Line != 0 || p.Length != 14 {
		t.Errorf("position %+v", p)
	}
	if len(d.Records) != 3 || !bytes.HasPrefix(d.Clean, []byte("keya [sluice:strong:")) || d.Records[1].Len() != 0 {
		t.Errorf("clean %q, records %+v", d.Clean, d.Records)
	}
	if !strings.Contains(d.Findings[0].Context, "a [sluice:") || strings.Contains(d.Findings[0].Context, "key") {
		t.Errorf("context %q", d.Findings[0].Context)
	}
}

// cutDocument is a document, and what is taken out of it.
type cutDocument struct {
	text     []byte
	from, to int
}

// Where keepsJSON is sure, a placeholder in place of the cut leaves a valid
// document valid; and it is sure of the cuts that logs are full of.
func TestKeepsJSON(t *testing.T) {
	for text, want := range map[string]bool{
		`{"key_hash": "¤d37b1f1568f9d6d9¤"}`:                      true,
		`{"a": "x=¤123¤&y=1", "b": 1}`:                            true,
		`{"a": "¤123¤"}`:                                          true,
		`{"a": "\"¤123¤\""}`:                                      true,
		`{"a": "\u00e9 long enough ¤1,2:3¤zzz."}`:                 true,
		`{"a": ¤123¤, "b": 1}`:                                    false,
		`{"a": ¤fab123¤, "b": 1}`:                                 true, // which is not valid, so it may be left alone
		`{"a": "¤1", "b": "2¤"}`:                                  false,
		`{"a": "\¤n123¤"}`:                                        false,
		`{"a": "\u00¤41123¤"}`:                                    false,
		`{"a": "¤12\¤n3"}`:                                        false,
		`["¤1,2¤"]`:                                               false,
		"{\"a\": \"¤12¤" + strings.Repeat("x", quoteNear) + "\"}": false,
	} {
		parts := strings.Split(text, "¤")
		raw, from := []byte(strings.Join(parts, "")), len(parts[0])
		if got := keepsJSON(raw, from, from+len(parts[1])); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	cases := rapid.Custom(func(t *rapid.T) cutDocument {
		text, err := json.Marshal(genDocument(t, 3))
		if err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(0, 2).Draw(t, "edits") {
			at := rapid.IntRange(0, len(text)).Draw(t, "at")
			text = append(text[:at:at], append([]byte(rapid.SampledFrom([]string{`"`, `\`, `\u0041`, `,`, ` `, "e", "x", `\\`}).Draw(t, "edit")), text[at:]...)...)
		}
		from := rapid.IntRange(0, len(text)-1).Draw(t, "from")
		return cutDocument{text, from, rapid.IntRange(from+1, min(from+6, len(text))).Draw(t, "to")}
	})
	sure := 0
	for seed := range 2000 { // the same each time, so that some of them are sure
		d := cases.Example(seed)
		if !json.Valid(d.text) || !keepsJSON(d.text, d.from, d.to) {
			continue
		}
		sure++
		clean := append(appendPlaceholder(bytes.Clone(d.text[:d.from]), "weak", [8]byte{}), d.text[d.to:]...)
		if !json.Valid(clean) {
			t.Fatalf("%s became %s", d.text, clean)
		}
	}
	if sure < 20 {
		t.Errorf("it was sure %d times", sure)
	}
}
