package pattern

import (
	"slices"
	"strings"
	"sync"

	"sluice/rules"
)

// rule is a rules.Rule made ready: what is the same for every batch is worked
// out once.
type rule struct {
	*rules.Rule
	finder
	index    int
	generic  bool // yields to a specific rule on the same line
	aux      bool // another rule requires it: it is looked for even if not reported
	allow    []*allowlist
	judge    func() *judge
	required []need
}

// need is a rules.Required with its rule resolved; one that is nil is never met.
type need struct {
	rule           *rule
	lines, columns *int
}

// pattern is the source of the rule's expression, "" for a rule of paths only.
func (r *rule) pattern() string {
	if r.Regex != nil {
		return r.Regex.String()
	}
	return r.Pattern
}

// newRules resolves the rules of a set. Allowlists are numbered through, so
// that what a path means for each can be kept in one slice.
func newRules(set *rules.Set) (list []*rule, global []*allowlist, number int) {
	global = newAllowlists(set.Allowlists, &number)
	all := newPool()
	byID := make(map[string]*rule, len(set.Rules))
	for i := range set.Rules {
		r := &rule{Rule: &set.Rules[i], index: i}
		r.generic = strings.Contains(strings.ToLower(r.ID), "generic")
		r.allow = newAllowlists(r.Allowlists, &number)
		r.judge = sync.OnceValue(func() *judge { return newJudge(slices.Concat(global, r.allow), all) })
		byID[r.ID] = r
		list = append(list, r)
	}
	for _, r := range list {
		for _, q := range r.Required {
			other := byID[q.RuleID]
			if other != nil {
				other.aux = true
			}
			r.required = append(r.required, need{other, q.WithinLines, q.WithinColumns})
		}
	}
	return list, global, number
}

func matchesAny(res []*rules.Expression, s string) bool {
	for _, re := range res {
		if re.MatchString(s) {
			return true
		}
	}
	return false
}
