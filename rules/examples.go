package rules

import (
	"bufio"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
)

// Example is one line of a file of examples, which says what a text must and
// must not set off:
//
//	# a comment
//	want my-rule: X-Token: «tok_{alnum:24}»
//	want not my-rule: X-Token: tok_{lower:8}
//	want none: nothing to see in deadbeef
//
// The text begins behind the colon and one space and goes to the line's end.
// « and » stand around the secret, if the example is to say which part it is;
// they are no part of the text. Words in braces are made up anew for each
// seed, so that no file has to hold anything that looks like a key: {hex:N}
// {HEX:N} {digits:N} {lower:N} {upper:N} {alnum:N} {base64:N} {base64url:N}
// {uuid}, and {nl} and {esc} for what a line cannot hold.
type Example struct {
	Line int
	Rule string // "none": no rule at all may fire
	Not  bool
	text string
}

// ParseExamples reads a file of examples. An error says on which line.
func ParseExamples(text string) ([]Example, error) {
	var out []Example
	lines := bufio.NewScanner(strings.NewReader(text))
	lines.Buffer(nil, maxFile)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		head, body, found := strings.Cut(line, ": ")
		words := strings.Fields(head)
		e := Example{Line: n, text: body}
		switch {
		case found && len(words) == 2 && words[0] == "want":
			e.Rule = words[1]
		case found && len(words) == 3 && words[0] == "want" && words[1] == "not":
			e.Rule, e.Not = words[2], true
		default:
			return nil, fmt.Errorf("line %d: want \"want RULE: TEXT\", \"want not RULE: TEXT\" or \"want none: TEXT\"", n)
		}
		out = append(out, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read examples: %w", err)
	}
	return out, nil
}

// Make is the text for a seed and the secret marked in it, "" if none is.
func (e Example) Make(seed uint64) (text, secret string) {
	h := fnv.New64a()
	h.Write([]byte(e.text))
	text = expand(e.text, rand.New(rand.NewPCG(seed, h.Sum64())))
	before, rest, found := strings.Cut(text, "«")
	if !found {
		return text, ""
	}
	secret, after, _ := strings.Cut(rest, "»")
	return before + secret + after, secret
}

// Run says what is wrong, nil if nothing is. Its errors never quote the text.
func (e Example) Run(s *Set, seed uint64) error {
	text, secret := e.Make(seed)
	if e.Rule == "none" {
		if hits := s.Search(text, ""); len(hits) > 0 {
			return fmt.Errorf("rule %s fires, want none", hits[0].Rule.ID)
		}
		return nil
	}
	r := s.ByID(e.Rule)
	if r == nil {
		return fmt.Errorf("there is no rule %s", e.Rule)
	}
	hits := s.SearchRule(r, text, "")
	switch {
	case e.Not && len(hits) > 0:
		return fmt.Errorf("rule %s fires, want it silent", e.Rule)
	case e.Not:
		return nil
	case len(hits) == 0:
		return fmt.Errorf("rule %s is silent: %w", e.Rule, s.whySilent(r, text))
	}
	for _, h := range hits {
		if secret == "" || text[h.Start:h.End] == secret {
			return nil
		}
	}
	h := hits[0]
	return fmt.Errorf("rule %s takes bytes %d to %d for the secret, want %d bytes from %d on",
		e.Rule, h.Start, h.End, len(secret), strings.Index(text, secret))
}

// whySilent finds the first thing that stands between the rule and the text.
func (s *Set) whySilent(r *Rule, text string) error {
	re := r.Regexp()
	switch {
	case re == nil:
		return errors.New("it has a path and no regex")
	case r.SkipReport:
		return errors.New("skipReport is set")
	case !re.MatchString(text):
		return errors.New("its regex does not match")
	case !r.keywordIn(strings.ToLower(text)):
		return errors.New("its regex matches, but none of its keywords is in the text")
	}
	bare := *r
	bare.Allowlists, bare.Entropy = nil, 0
	for _, h := range (&Set{}).searchAlone(&bare, text, "") {
		if have := Entropy(text[h.Start:h.End]); r.Entropy != 0 && have <= r.Entropy {
			return fmt.Errorf("the secret has %.2f bits of entropy a character, it must have more than %g", have, r.Entropy)
		}
	}
	if len(s.searchAlone(r, text, "")) > 0 {
		return errors.New("a rule it requires is not near")
	}
	return errors.New("an allowlist excuses what it finds")
}

var templates = regexp.MustCompile(`\{(?:(hex|HEX|digits|lower|upper|alnum|base64|base64url):([0-9]{1,4})|(uuid|nl|esc))\}`)

const (
	lowerCase = "abcdefghijklmnopqrstuvwxyz"
	upperCase = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits    = "0123456789"
)

// alphabets of the templates by name.
var alphabets = map[string]string{
	"hex": digits + "abcdef", "HEX": digits + "ABCDEF", "digits": digits,
	"lower": lowerCase, "upper": upperCase, "alnum": upperCase + lowerCase + digits,
	"base64": upperCase + lowerCase + digits + "+/", "base64url": upperCase + lowerCase + digits + "-_",
}

func expand(text string, random *rand.Rand) string {
	from := func(alphabet string, n int) string {
		out := make([]byte, n)
		for i := range out {
			out[i] = alphabet[random.IntN(len(alphabet))]
		}
		return string(out)
	}
	return templates.ReplaceAllStringFunc(text, func(t string) string {
		m := templates.FindStringSubmatch(t)
		switch m[3] {
		case "nl":
			return "\n"
		case "esc":
			return "\x1b"
		case "uuid":
			hex := alphabets["hex"]
			return strings.Join([]string{from(hex, 8), from(hex, 4), "4" + from(hex, 3), "8" + from(hex, 3), from(hex, 12)}, "-")
		}
		n, _ := strconv.Atoi(m[2])
		return from(alphabets[m[1]], n)
	})
}
