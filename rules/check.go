package rules

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"strings"
)

// maxProgram is what a rule may cost: instructions of its program, about as
// many steps a byte in the worst case. gitleaks' largest has 2,000; a
// thousandfold repeat of a class has as many thousand.
const maxProgram = 10_000

// Problem is something wrong with a rule that loads. A fatal one makes the rule
// useless or too expensive to run.
type Problem struct {
	Rule, Text string
	Fatal      bool
}

// Check looks at the rules of one origin, or of all but those that come with
// the program if origin is "".
func (s *Set) Check(origin string) []Problem {
	var out []Problem
	for i := range s.Rules {
		r := &s.Rules[i]
		shipped := r.Origin == originGitleaks || r.Origin == originGateway
		if r.Origin == origin || (origin == "" && !shipped) {
			out = append(out, r.check()...)
		}
	}
	return out
}

func (r *Rule) check() []Problem {
	var out []Problem
	add := func(fatal bool, format string, args ...any) {
		out = append(out, Problem{Rule: r.ID, Text: fmt.Sprintf(format, args...), Fatal: fatal})
	}
	if slices.Contains(r.Keywords, "") {
		add(false, "an empty keyword is in every text")
	}
	if r.Pattern == "" {
		return out
	}
	tree, err := syntax.Parse(r.Pattern, syntax.Perl)
	if err != nil {
		add(true, "%v", err)
		return out
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		add(true, "%v", err)
		return out
	}
	if n := len(program.Inst); n > maxProgram {
		add(true, "it costs too much: %d instructions, at most %d; shorten its repeats", n, maxProgram)
		return out
	}
	if !matchable(program) {
		add(true, "no text can match it")
	}
	if matchesEmpty(program) {
		add(true, "it matches the empty text, and so everywhere")
	}
	if len(r.Keywords) == 0 {
		add(false, "it has no keywords, and so runs on every line")
	}
	if strings.HasPrefix(r.Pattern, ".*") {
		add(false, "it begins with .*, which makes each line one match and finds one secret in it")
	}
	return out
}

// around is the kind of a character next to a place in the text, as far as
// empty-width conditions can tell.
type around uint8

const (
	edge around = iota // begin or end of the text
	newline
	wordChar
	otherChar
	kinds
)

// sample is a character of each kind; -1 is none.
var sample = [kinds]rune{-1, '\n', 'a', ' '}

// state is a place in the program between two characters of given kinds: the
// one behind has been read, the one ahead is guessed.
type state struct {
	pc            uint32
	behind, ahead around
}

// matchable says whether any text matches. It walks every state once, at most
// 16 for each instruction.
func matchable(p *syntax.Prog) bool {
	var todo []state
	seen := map[state]bool{}
	visit := func(s state) {
		if !seen[s] {
			seen[s] = true
			todo = append(todo, s)
		}
	}
	for k := range kinds * kinds {
		visit(state{uint32(p.Start), k / kinds, k % kinds})
	}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		switch in := &p.Inst[s.pc]; in.Op {
		case syntax.InstMatch:
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			visit(state{in.Out, s.behind, s.ahead})
			visit(state{in.Arg, s.behind, s.ahead})
		case syntax.InstCapture, syntax.InstNop:
			visit(state{in.Out, s.behind, s.ahead})
		case syntax.InstEmptyWidth:
			have := syntax.EmptyOpContext(sample[s.behind], sample[s.ahead])
			if syntax.EmptyOp(in.Arg)&^have == 0 {
				visit(state{in.Out, s.behind, s.ahead})
			}
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			if takes(in, s.ahead) {
				for next := range kinds {
					visit(state{in.Out, s.ahead, next})
				}
			}
		}
	}
	return false
}

// takes says whether the instruction matches some character of the kind.
func takes(in *syntax.Inst, k around) bool {
	switch k {
	case edge:
		return false
	case newline:
		return in.MatchRune('\n')
	}
	for c := rune(0); c <= 0x80; c++ { // 0x80 stands for all that is not ASCII
		if c != '\n' && syntax.IsWordChar(c) == (k == wordChar) && in.MatchRune(c) {
			return true
		}
	}
	return k == otherChar && beyondASCII(in)
}

func beyondASCII(in *syntax.Inst) bool {
	switch in.Op {
	case syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return true
	}
	return slices.ContainsFunc(in.Rune, func(c rune) bool { return c > 0x7f })
}

// matchesEmpty says whether the program matches without reading a character,
// in the middle of words.
func matchesEmpty(p *syntax.Prog) bool {
	have := syntax.EmptyOpContext('a', 'a')
	seen := map[uint32]bool{}
	var walk func(pc uint32) bool
	walk = func(pc uint32) bool {
		if seen[pc] {
			return false
		}
		seen[pc] = true
		switch in := &p.Inst[pc]; in.Op {
		case syntax.InstMatch:
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			return walk(in.Out) || walk(in.Arg)
		case syntax.InstCapture, syntax.InstNop:
			return walk(in.Out)
		case syntax.InstEmptyWidth:
			return syntax.EmptyOp(in.Arg)&^have == 0 && walk(in.Out)
		}
		return false
	}
	return walk(uint32(p.Start))
}
