package pattern

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"sluice/rules"
)

// drawnRules is a rule file made at random, of rules whose words, values and allowlists
// have to do with digits, ids and line feeds.
func drawnRules(t *rapid.T) string {
	var b strings.Builder
	n := rapid.IntRange(1, 5).Draw(t, "rules")
	for i := range n {
		word := rapid.SampledFrom(ruleWords).Draw(t, "word")
		fmt.Fprintf(&b, "[[rules]]\nid = \"%s%d\"\nregex = '''%s'''\n", rapid.SampledFrom([]string{"r", "r", "r", "generic-"}).Draw(t, "id"), i, drawnExpression(t, word))
		key := strings.ToLower(word)
		switch rapid.IntRange(0, 7).Draw(t, "keywords") {
		case 0:
			key = rapid.SampledFrom(ruleWords).Draw(t, "keyword")
		case 1:
			key = ""
		}
		if key != "" {
			fmt.Fprintf(&b, "keywords = [%q]\n", key)
		}
		if rapid.IntRange(0, 3).Draw(t, "entropy") == 0 {
			fmt.Fprintf(&b, "entropy = %v\n", rapid.SampledFrom([]float64{0.5, 1, 1.5, 2, 2.5, 3, 3.3}).Draw(t, "least"))
		}
		if n > 1 && rapid.IntRange(0, 9).Draw(t, "required") == 0 {
			fmt.Fprintf(&b, "  [[rules.required]]\n  id = \"r%d\"\n  withinLines = 1\n", (i+1)%n)
		}
		if rapid.IntRange(0, 2).Draw(t, "allow") == 0 {
			fmt.Fprintf(&b, "  [[rules.allowlists]]\n%s", drawnAllowlist(t))
		}
	}
	if rapid.IntRange(0, 4).Draw(t, "global") == 0 {
		fmt.Fprintf(&b, "[[allowlists]]\n%s", drawnAllowlist(t))
	}
	return b.String()
}

func drawnAllowlist(t *rapid.T) string {
	return rapid.SampledFrom([]string{
		"  stopwords = [\"77\"]\n", "  stopwords = [\"a1\", \"dead\"]\n", "  regexes = ['''^[0-6a-f]+$''']\n", "  regexes = ['''^\\d+$''']\n", "  regexes = ['''^[0-9a-f-]+$''']\n",
		"  regexes = ['''^[[:alnum:]]*$''']\n", "  regexes = ['''^sk-\\.\\.\\.\\w{4}$''']\n", "  regexes = ['''\\d\\d$''', '''^x''']\n", "  regexes = ['''(?i)^[a-z]+\\d+$''']\n",
		"  regexTarget = \"line\"\n  regexes = ['''99''']\n", "  regexTarget = \"match\"\n  regexes = ['''\\d5''']\n", "  regexTarget = \"match\"\n  regexes = ['''^[^0-3]*$''']\n",
		"  paths = ['''\\.md$''']\n", "  condition = \"AND\"\n  paths = ['''\\.md$''']\n  regexes = ['''1''']\n",
	}).Draw(t, "allowlist")
}

var ruleWords = []string{"key", "token", "sk-", "a1", "dead", "4b1d", "77", "0000", "acca", "x-y", "Id", "KEY", "_k", "ab12", "tok", "e-4", "aa", "=a", "s3", "SK-", "Bx=", "E4 ", "xx", "k:", "D-", "1k", "ABAb"}

// drawnExpression is one that holds a word, and some parts before and behind.
func drawnExpression(t *rapid.T, word string) string {
	sample := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	value := func(label string) string {
		return sample(label+" set", `[2-7]`, `\d`, `[0-9a-f]`, `[a-z0-9]`, `\w`, `[\w-]`, `[A-Z]`, `[^\s'"]`, `.`, `[\s\S]`, `[a-f]`, `[^0-3\n]`, `[g-z5]`) +
			sample(label+" times", `{2,4}`, `{4}`, `{8,20}`, `{3,}`, `+`, `+?`, `{2,9}?`, `{6,}`, `{32}`, `{10,150}`)
	}
	any := func(label string) string {
		return sample(label, ``, ``, ``, `\b`, `^`, `(?m:^)`, `(?m:$)`, `$`, `\s*`, `\s?`, `\n`, `\n?`, ` ?`, `[\s'"]{0,3}`, `[=:]`, `[ \t\w.-]{0,12}`, `[\w]{0,9}?`, `\d?`, `\d{1,3}`, `[2-7]`, `[^a-f]`, `\B`, `-`, `%[0-9a-f]{2}`, `.*?`, `[^\n]*`, `(?:\n.*){0,2}`, `(?:a|5|77)`, `[\s\S]*?`)
	}
	switch rapid.IntRange(0, 9).Draw(t, "form") {
	case 0, 1, 2: // as most rules of gitleaks are
		return sample("flags", `(?i)`, ``) + sample("before", `[\s=;]{0,3}[a-z\s=0-9;']{0,30}`, `[\s\w='.]{0,20}`, `\d{0,2}[^;]{0,9}?`, `[\w.-]{0,50}?`, `[\w.-]{0,5}?`, ``, `\b`, `[0-9]{0,4}`) + `(?:` + word + sample("more", `)`, `|pass)`, `|zz9)`) + sample("gap", `(?:[ \t\w.-]{0,20})[\s'"]{0,3}`, `[\s'"]{0,3}`, `[\w]{0,3}`, ` {0,3}`) +
			sample("separator", `(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)`, `[=:]`, `=`) + sample("quotes", "[\\x60'\"\\s=]{0,5}", ``, `["']?`) + `(` + value("value") + `)` + sample("end", `(?:[\x60'"\s;]|\\[nr]|$)`, `\b`, ``, `['"\n]`, `\s`)
	case 3:
		return `\b(` + word + value("value") + `)` + sample("end", `(?:[\x60'"\s;]|\\[nr]|$)`, `\b`, ``, `\s`)
	case 4:
		return sample("flags", `(?i)`, ``, `(?s)`) + word + `(?:` + any("a") + value("b") + `|` + any("c") + value("d") + `)`
	case 5:
		return any("first") + value("value") + any("then") + word + any("last")
	}
	return sample("flags", `(?i)`, ``, `(?s)`) + any("first") + word + any("then") + sample("group", `(`, `(?:`) + value("value") + `)` + any("end")
}

// partsOfAttacks are of lines that have to do with such rules.
var partsOfAttacks = []string{
	" ", " ", "=", "='", "'", "\": \"", "\n", "\n", "\r\n", "\\\n", "key", "key2=", "token", "token=", "KEY", "sk-...AbCd", "sk-...AbCd'", "4b1d5f86c5f289649ae37f2cc1297e91461045220427",
	"0ea92354-4c56-4430-aa2b-1b3b34310194", "7", "42", "77", "1234567890", "A1b2C3d4E5f6G7h8I9j0", "call_7PEXfSHthnZIX0Q5U8uXZ0WZ", "10.0.0.25:53741", "acca", "dead", "a1", "0000",
	"x-y", "id", "%3d", "%", "-", "_k9", ",", ": ", "INFO:     ", "d41d8cd98f00b204e9800998ecf8427e", "abcdef", "12ab34cd", "pass", "e-4", "99", "gitleaks:allow", "\x00", "zz9:", "A1b2C3d4E5f6G7h8I9j0-", "A1b2C3d4E5f6G7h8I9j0 abcd", "12-", "; and more", " and so on ", " and so on ", "=00000000;", "='0000'", "='", "key=", "token: ", "4-",
}

// attack compares searches with and without templates, of texts that say some lines
// again, by machines that share what they have learned. It returns how many texts were
// passed over. tight: their caches are as good as full.
func attack(t *rapid.T, d *Detector, tight int) (passed int) {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	part := rapid.SampledFrom(partsOfAttacks)
	lines := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 2, 9).Draw(t, "line"), "") + "\n"
	}), 1, 4).Draw(t, "lines")
	machines := []*machine{newMachine(d), newMachine(d)}
	for n := range 5 {
		m := machines[n%2]
		m.setPath([]string{"", "", "a.md"}[r.IntN(3)])
		m.credit = firstCredit
		if tight > 0 {
			m.memory = maxMemory - r.IntN(tight)
		}
		passed += compareSearches(t, d, m, saidAgain(r, lines))
	}
	return passed
}

// saidAgain says lines again with other numbers and ids, and sometimes begins or ends within
// one.
func saidAgain(r *rand.Rand, lines []string) string {
	var b strings.Builder
	if r.IntN(4) > 0 {
		b.WriteString("\n")
	}
	for range 10 {
		b.WriteString(seeded(r, varied(r, lines[r.IntN(len(lines))])))
	}
	if r.IntN(5) == 0 {
		b.WriteString([]string{"ſ", "\u212a", "é", "\xff", "key='"}[r.IntN(5)])
	}
	text := b.String()
	if r.IntN(3) == 0 {
		text = text[r.IntN(len(text)):]
	}
	return text
}

// seeded puts words of rules where digits or ids are.
func seeded(r *rand.Rand, text string) string {
	out := []byte(text)
	for range r.IntN(3) {
		word := strings.ToLower(ruleWords[r.IntN(len(ruleWords))])
		at := r.IntN(len(out))
		for at < len(out) && freeSets.of(out[at])&freeDigit == 0 {
			at++
		}
		if r.IntN(2) == 0 {
			word = strings.ToUpper(word)
		}
		if r.IntN(2) == 0 { // up to the end of the id
			end := at
			for end < len(out) && freeSets.of(out[end])&freeWord != 0 {
				end++
			}
			head := strings.TrimRightFunc(word, func(c rune) bool { return freeSets.of(byte(c))&freeWord == 0 })
			at = max(at, end-len(head))
		}
		for k := 0; k < len(word) && at+k < len(out)-1 && freeSets.of(out[at+k])&freeWord != 0; k++ {
			out[at+k] = word[k]
		}
	}
	return string(out)
}

// ofAnyRules attacks detectors of rules made at random.
func ofAnyRules(t *testing.T, tight int) {
	file, passed := filepath.Join(t.TempDir(), "rules.toml"), 0
	rapid.Check(t, func(t *rapid.T) {
		toml := drawnRules(t)
		if err := os.WriteFile(file, []byte(toml), 0o600); err != nil {
			t.Fatal(err)
		}
		set, err := rules.Load([]string{file}, rules.Options{NoDefaults: true})
		if err != nil {
			t.Skip(err)
		}
		often := rapid.IntRange(0, 4)
		d, err := New(set, Options{HonorAllowComments: often.Draw(t, "honor") == 0, RequiredMet: often.Draw(t, "met") == 0})
		if err != nil {
			t.Skip(err)
		}
		t.Log(toml)
		passed += attack(t, d, tight)
	})
	if passed == 0 {
		t.Error("nothing was passed over")
	}
}

// TestTemplatesOfAnyRules: whatever the rules are, a search that passes over what it knows
// finds what one finds that searches all.
func TestTemplatesOfAnyRules(t *testing.T) { ofAnyRules(t, 0) }

// TestTemplatesOfFullCaches: so it is where caches are emptied in the midst of a proof.
func TestTemplatesOfFullCaches(t *testing.T) { ofAnyRules(t, 4000) }

// TestTemplatesThatAreShared: so it is for machines that learn at the same time.
func TestTemplatesThatAreShared(t *testing.T) {
	for _, d := range detectors(t) {
		var group sync.WaitGroup
		for seed := range uint64(3) {
			group.Go(func() {
				r, m := rand.New(rand.NewPCG(seed, 2)), newMachine(d)
				m.setPath("")
				for range 20 {
					compareSearches(allErrors{t}, d, m, saidAgain(r, linesOfLogs))
				}
			})
		}
		group.Wait()
	}
}

var linesOfLogs = []string{
	"INFO:     10.0.0.25:53741 - \"GET /v1/models HTTP/1.1\" 401\n", "token=\n", "'4b1d5f86c5f289649ae37f2cc1297e91461045220427'\n", "key = 'os.environ/KEY_2', id 42\n",
	"user_api_key_team_id': '0ea92354-4c56-4430-aa2b-1b3b34310194'\n", "A1b2C3d4E5f6G7h8I9j0-abcd\n", "sk-...AbCd and 17 more\n",
}

// allErrors is a test that goes on after what is fatal elsewhere.
type allErrors struct{ *testing.T }

func (e allErrors) Fatalf(format string, args ...any) { e.Errorf(format, args...) }

// TestWhatTemplatesTookForNothing: texts that once were searched otherwise, or without end.
func TestWhatTemplatesTookForNothing(t *testing.T) {
	rule := func(expression, keyword, more string) string {
		return fmt.Sprintf("[[rules]]\nid = 'r'\nregex = \"\"\"%s\"\"\"\nkeywords = ['%s']\n%s\n", strings.ReplaceAll(expression, `\`, `\\`), keyword, more)
	}
	allow := func(what string) string { return "[[rules.allowlists]]\n" + what }
	for name, c := range map[string]struct{ rules, line, text string }{
		"capitals at an id's end": {
			rule(`SK-[a-z]{4}`, "sk-", ""), "id A1b2C3d4E5f6G7h8I9j0-abcd done\n", "id A1b2C3d4E5f6G7h8I9SK-abcd done\n",
		},
		"letters in the place of digits": {
			rule(`key=([\d-]{10,});`, "key", allow("stopwords = ['77', 'cde']")), "key=" + strings.Repeat("1234567-", 12) + "77; and more\n",
			"key=" + strings.Repeat("1234566-", 12) + "66; and more\n",
		},
		"more digits than bytes": {
			rule(`key=([\d-]{10,});`, "key", "entropy = 4.0"), "key=" + strings.Repeat("1234567-", 60) + "; and more\n", "",
		},
		"a match that begins on the line before": {
			rule(`[j-q][a-z\s=0-9;]{0,30}(?:key)[ ]{0,3}=['"]?([0-9]{4,8})[;\n]`, "key", allow("regexes = ['^0+$']")), "line key=0000; and more\n",
			strings.Repeat("!", 60) + "\njunk key=1234;\nline key=0000; and more\n",
		},
		"a word of what follows a lesson": {
			rule(`xx\s{0,3}[0-9]{4}`, "xx", "[[rules]]\nid = 's'\nregex = 'there=[\\s]*([0-9]{4})'\nkeywords = ['there']"), "hello there=\n", "xx1234\nhello there=\n1234\n",
		},
		"a word that is longer than the line so far": {
			rule(`77ab[a-f]+`, "77ab", ""), "7ab and more\n", "77abc and more\n",
		},
	} {
		d := detectorOf(t, c.rules, Options{})
		m, passed := newMachine(d), 0
		m.setPath("")
		between := strings.Repeat("?", 40) + "\n"
		for range 2 {
			passed += compareSearches(allErrors{t}, d, m, "\n"+strings.Repeat(c.line+between, 4)+c.text+c.line)
		}
		if passed == 0 {
			t.Errorf("%s: nothing was passed over", name)
		}
	}
}
