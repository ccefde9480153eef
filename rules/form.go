package rules

import (
	"math"
	"regexp/syntax"
	"unicode"
)

// StrongBits is how many random bits a secret's form needs for an unkeyed hash
// of it to help nobody who guesses.
const StrongBits = 80

// FormBits is how many bits the form of a rule's secrets has at least: the
// characters it leaves open, at the shortest length it allows. A rule whose
// form any chosen password fits has few.
func (r *Rule) FormBits() float64 {
	tree, err := r.Tree()
	if err != nil {
		return 0
	}
	group := r.SecretGroup
	first, last := group, group
	if group == 0 {
		if tree.MaxCap() == 0 {
			return bits(tree)
		}
		first, last = 1, tree.MaxCap() // the secret is the first group that took part: any
	}
	least := math.Inf(1)
	for n := first; n <= last; n++ {
		if sub := findGroup(tree, n); sub != nil {
			least = math.Min(least, bits(sub))
		}
	}
	if math.IsInf(least, 1) {
		return bits(tree)
	}
	return least
}

func findGroup(re *syntax.Regexp, n int) *syntax.Regexp {
	if re.Op == syntax.OpCapture && re.Cap == n {
		return re
	}
	for _, sub := range re.Sub {
		if found := findGroup(sub, n); found != nil {
			return found
		}
	}
	return nil
}

// bits is the least information a match of re can carry.
func bits(re *syntax.Regexp) float64 {
	switch re.Op {
	case syntax.OpCharClass:
		n := 0.0
		for i := 0; i+1 < len(re.Rune); i += 2 {
			// Text of logs is ASCII: a class of everything else is no more random.
			hi := min(re.Rune[i+1], unicode.MaxASCII)
			n += math.Max(0, float64(hi-re.Rune[i]+1))
		}
		return math.Log2(math.Max(n, 1))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 6
	case syntax.OpConcat, syntax.OpCapture:
		sum := 0.0
		for _, sub := range re.Sub {
			sum += bits(sub)
		}
		return sum
	case syntax.OpAlternate:
		least := math.Inf(1)
		for _, sub := range re.Sub {
			least = math.Min(least, bits(sub))
		}
		return least
	case syntax.OpPlus:
		return bits(re.Sub[0])
	case syntax.OpRepeat:
		return float64(re.Min) * bits(re.Sub[0])
	}
	return 0
}
