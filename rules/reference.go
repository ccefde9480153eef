package rules

import (
	"math"
	"strings"
)

// Hit is one finding of the reference: half-open byte ranges of the text, of
// what the expression matched and of the secret in it.
type Hit struct {
	Rule                 *Rule
	Start, End           int // the secret
	MatchStart, MatchEnd int
}

// Search is what the rules mean, as plainly as it can be said: gitleaks'
// semantics by package regexp, rule after rule over the whole text. It is what
// rule files are tested with and what a faster engine is compared to; it takes
// seconds for a megabyte. A text of one line or record is one call; path "" is
// no path.
func (s *Set) Search(text, path string) []Hit {
	if anyPathAllowed(s.Allowlists, path) {
		return nil
	}
	low := strings.ToLower(text)
	var hits []Hit
	for i := range s.Rules {
		r := &s.Rules[i]
		if !r.SkipReport && r.keywordIn(low) {
			hits = append(hits, s.searchWithRequired(r, text, path)...)
		}
	}
	return withoutGeneric(hits, text)
}

// SearchRule is what one rule of the set finds, other rules that it requires
// included and generic ones not taken back.
func (s *Set) SearchRule(r *Rule, text, path string) []Hit {
	if r.SkipReport || anyPathAllowed(s.Allowlists, path) || !r.keywordIn(strings.ToLower(text)) {
		return nil
	}
	return s.searchWithRequired(r, text, path)
}

func (s *Set) searchWithRequired(r *Rule, text, path string) []Hit {
	hits := s.searchAlone(r, text, path)
	if len(r.Required) == 0 {
		return hits
	}
	near := make([][]Hit, len(r.Required))
	for i, q := range r.Required {
		if other := s.ByID(q.RuleID); other != nil {
			near[i] = s.searchAlone(other, text, path)
		}
	}
	var kept []Hit
	for _, h := range hits {
		met := true
		for i, q := range r.Required {
			met = met && anyNear(text, h, near[i], q)
		}
		if met {
			kept = append(kept, h)
		}
	}
	return kept
}

// searchAlone leaves the required rules aside.
func (s *Set) searchAlone(r *Rule, text, path string) []Hit {
	re := r.Regexp()
	if re == nil || anyPathAllowed(r.Allowlists, path) || (r.Path != nil && !r.Path.MatchString(path)) {
		return nil
	}
	var hits []Hit
	for _, m := range re.FindAllStringIndex(text, -1) {
		h := r.locate(text, m[0], m[1])
		secret := text[h.Start:h.End]
		if r.Entropy != 0 && Entropy(secret) <= r.Entropy {
			continue
		}
		match, line := text[h.MatchStart:h.MatchEnd], lineAround(text, h.MatchStart, h.MatchEnd)
		if !allowed(s.Allowlists, secret, match, line, path) && !allowed(r.Allowlists, secret, match, line, path) {
			hits = append(hits, h)
		}
	}
	return hits
}

// locate finds the secret in a match: line feeds at the ends go first, then
// the group is looked for in what is left, alone, as gitleaks does it.
func (r *Rule) locate(text string, start, end int) Hit {
	match := strings.Trim(text[start:end], "\n")
	start += strings.Index(text[start:end], match)
	h := Hit{Rule: r, Start: start, End: start + len(match), MatchStart: start, MatchEnd: start + len(match)}
	g := r.Regexp().FindStringSubmatchIndex(match)
	for n := 1; 2*n+1 < len(g); n++ {
		wanted := n == r.SecretGroup || (r.SecretGroup == 0 && g[2*n+1] > g[2*n])
		if !wanted {
			continue
		}
		if g[2*n] < 0 { // the group took no part: an empty secret
			h.End = h.Start
		} else {
			h.Start, h.End = start+g[2*n], start+g[2*n+1]
		}
		break
	}
	return h
}

func (r *Rule) keywordIn(low string) bool {
	for _, k := range r.Keywords {
		if strings.Contains(low, k) {
			return true
		}
	}
	return len(r.Keywords) == 0
}

// lineAround is the lines that the match stands in.
func lineAround(text string, start, end int) string {
	from := strings.LastIndexByte(text[:start], '\n') + 1
	if to := strings.IndexByte(text[end:], '\n'); to >= 0 {
		return text[from : end+to]
	}
	return text[from:]
}

// anyNear says whether one of hits is as near as the rule wants it.
func anyNear(text string, h Hit, hits []Hit, q Required) bool {
	line, column := position(text, h.MatchStart)
	for _, o := range hits {
		l, c := position(text, o.MatchStart)
		if (q.WithinLines == nil || abs(line-l) <= *q.WithinLines) &&
			(q.WithinColumns == nil || abs(column-c) <= *q.WithinColumns) {
			return true
		}
	}
	return false
}

func position(text string, at int) (line, column int) {
	return strings.Count(text[:at], "\n"), at - strings.LastIndexByte(text[:at], '\n')
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// withoutGeneric drops what a generic rule found where a specific one has it
// too, on the same line.
func withoutGeneric(hits []Hit, text string) []Hit {
	var kept []Hit
	for _, h := range hits {
		if !(generic(*h.Rule) == 1 && specificHas(hits, h, text)) {
			kept = append(kept, h)
		}
	}
	return kept
}

func specificHas(hits []Hit, h Hit, text string) bool {
	line, _ := position(text, h.MatchStart)
	for _, o := range hits {
		if l, _ := position(text, o.MatchStart); generic(*o.Rule) == 0 && l == line &&
			strings.Contains(text[o.Start:o.End], text[h.Start:h.End]) {
			return true
		}
	}
	return false
}

// Entropy is Shannon's, in bits a code point.
func Entropy(s string) float64 {
	if s == "" {
		return 0
	}
	counts := make(map[rune]int)
	for _, c := range s {
		counts[c]++
	}
	var bits float64
	for _, n := range counts {
		p := float64(n) / float64(len(s))
		bits -= p * math.Log2(p)
	}
	return bits
}
