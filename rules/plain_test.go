package rules

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zricethezav/gitleaks/v8/config"
)

// differ says how the plain reader and the decoder read text, if both do, and
// whether the plain one does.
func differ(text string) (diff string, plain bool) {
	vc, keys, plain := readPlain(text)
	if !plain {
		return "", false
	}
	want, wantKeys, err := (&layer{}).decode(text)
	if err != nil {
		return "the decoder refuses it: " + err.Error(), true
	}
	if !maps.Equal(keys, wantKeys) {
		return cmp.Diff(wantKeys, keys, cmp.AllowUnexported(own{})), true
	}
	if !reflect.DeepEqual(want, vc) {
		return "another configuration", true
	}
	return "", true
}

// The rules that come with the program are read plainly, to what the decoder
// makes of them.
func TestPlainReadsTheEmbeddedFiles(t *testing.T) {
	for name, text := range map[string]string{originGitleaks: config.DefaultConfig, originGateway: gatewayRules} {
		if diff, plain := differ(text); diff != "" || !plain {
			t.Errorf("%s: plain %v: %s", name, plain, diff)
		}
	}
}

// What the plain reader does not know it leaves to the decoder, and what it
// reads the decoder reads alike.
func TestPlainOrNotAtAll(t *testing.T) {
	for text, want := range map[string]bool{
		"title = 'a'\n[extend]\nuseDefault = true\ndisabledRules = [\"a\", 'b',\n # c\n]": true,
		"[[rules]]\nid = '''a\n'b'''\nentropy = 3\nsecretGroup = 2\nskipReport = false":   true,
		"[[rules]]\nid = \"a\"\nseverity = \"low\"\nhelp = \"h\"\nkeywords = []":          true,
		"[[allowlists]]\ntargetRules = ['a']\nstopwords = ['b']\ncondition = 'AND'":       true,
		"title = \"\\t\"":                             false,
		"title = \"\"\"a\"\"\"":                       false,
		"title = '''\na'''":                           false,
		"title = 'a' # why":                           true,
		"title":                                       false,
		"title = 1":                                   false,
		"[[rules]]\nentropy = '3'":                    false,
		"[[rules]]\nID = 'a'":                         false,
		"[[rules]]\nkeywords = 'a'":                   false,
		"[[rules]]\nkeywords = ['a' 'b']":             false,
		"[[rules.allowlists]]":                        false,
		"[[rules]]\n[[rules.required]]\nid = 'a'":     false,
		"[[rules]]\n[rules.allowlist]\nregexes = [1]": false,
	} {
		if diff, plain := differ(text); diff != "" || plain != want {
			t.Errorf("%q: plain %v, want %v: %s", text, plain, want, diff)
		}
	}
}

// Lines of the embedded files, in any order and cut anywhere, mean the same to
// both, where both read them.
func TestPlainIsLikeTheDecoder(t *testing.T) {
	lines := strings.SplitAfter(gatewayRules, "\n")
	random, read := rand.New(rand.NewPCG(1, 2)), 0
	for range 3000 {
		var b strings.Builder
		for range 1 + random.IntN(6) {
			line := lines[random.IntN(len(lines))]
			if random.IntN(8) == 0 {
				line = line[:random.IntN(len(line)+1)]
			}
			b.WriteString(line)
		}
		diff, plain := differ(b.String())
		if plain {
			read++
		}
		// A key or table that stands twice is an error to the decoder alone.
		if diff != "" && !strings.Contains(diff, "refuses") {
			t.Errorf("%q: %s", b.String(), diff)
		}
	}
	if read < 100 {
		t.Errorf("%d of 3000 texts were plain", read)
	}
}
