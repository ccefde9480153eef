package rules

import (
	"strconv"
	"strings"

	"github.com/zricethezav/gitleaks/v8/config"
)

// plainReader reads rule files that are written as plainly as those which come
// with the program, in a tenth of the time that the decoder takes for any TOML:
// strings without escapes, lists of them, numbers and booleans, under the tables
// and keys that gitleaks and we know. What it does not know it does not read.
// Tests hold it to the decoder's results.
type plainReader struct {
	rest  string
	vc    config.ViperConfig
	own   map[int]own
	field func(key string) any // where the value of a key of the present table belongs; nil: nowhere
}

// readPlain reads a whole file; not ok: the decoder has to.
func readPlain(text string) (vc *config.ViperConfig, keys map[int]own, ok bool) {
	p := &plainReader{rest: text, own: make(map[int]own)}
	p.field = p.top
	for p.skip(); p.rest != ""; p.skip() {
		if p.rest[0] == '[' {
			ok = p.table()
		} else {
			ok = p.pair()
		}
		if !ok {
			return nil, nil, false
		}
	}
	return &p.vc, p.own, true
}

// skip passes over blanks, line ends and comments.
func (p *plainReader) skip() {
	for {
		p.rest = strings.TrimLeft(p.rest, " \t\r\n")
		if !strings.HasPrefix(p.rest, "#") {
			return
		}
		_, p.rest, _ = strings.Cut(p.rest, "\n")
	}
}

// table reads the head of one, and says with field what its keys are.
func (p *plainReader) table() bool {
	head, rest, _ := strings.Cut(p.rest, "\n")
	p.rest = rest
	vc := &p.vc
	rule := len(vc.Rules) - 1
	switch head = strings.TrimRight(head, " \t\r"); {
	case head == "[extend]":
		p.field = p.extend
	case head == "[[rules]]":
		vc.Rules = append(vc.Rules, zeroOf(vc.Rules))
		p.field = p.rule
	case head == "[[rules.allowlists]]" && rule >= 0:
		r := &vc.Rules[rule]
		r.Allowlists = append(r.Allowlists, newOf(r.Allowlists))
		a := r.Allowlists[len(r.Allowlists)-1]
		p.field = listFields(&a.Description, &a.Condition, &a.RegexTarget, &a.Commits, &a.Paths, &a.Regexes, &a.StopWords, nil)
	case head == "[allowlist]" || head == "[[allowlists]]":
		a := newOf(vc.Allowlists)
		if head == "[allowlist]" {
			vc.AllowList = a //lint:ignore SA1019 gitleaks' own default rules have the old form
		} else {
			vc.Allowlists = append(vc.Allowlists, a)
		}
		p.field = listFields(&a.Description, &a.Condition, &a.RegexTarget, &a.Commits, &a.Paths, &a.Regexes, &a.StopWords, &a.TargetRules)
	default:
		return false
	}
	return true
}

// zeroOf and newOf make values of types that gitleaks does not name for us.
func zeroOf[T any]([]T) (zero T) { return zero }

func newOf[T any]([]*T) *T { return new(T) }

func (p *plainReader) top(key string) any {
	switch key {
	case "title":
		return &p.vc.Title
	case "description":
		return &p.vc.Description
	case "minVersion":
		return &p.vc.MinVersion
	}
	return nil
}

func (p *plainReader) extend(key string) any {
	switch key {
	case "path":
		return &p.vc.Extend.Path
	case "useDefault":
		return &p.vc.Extend.UseDefault
	case "disabledRules":
		return &p.vc.Extend.DisabledRules
	}
	return nil
}

func (p *plainReader) rule(key string) any {
	r := &p.vc.Rules[len(p.vc.Rules)-1]
	switch key {
	case "id":
		return &r.ID
	case "description":
		return &r.Description
	case "path":
		return &r.Path
	case "regex":
		return &r.Regex
	case "secretGroup":
		return &r.SecretGroup
	case "entropy":
		return &r.Entropy
	case "keywords":
		return &r.Keywords
	case "tags":
		return &r.Tags
	case "skipReport":
		return &r.SkipReport
	case "severity", "help":
		return func(value string) {
			k := p.own[len(p.vc.Rules)-1]
			if key == "help" {
				k.help = value
			} else {
				k.severity = value
			}
			p.own[len(p.vc.Rules)-1] = k
		}
	}
	return nil
}

// listFields are the keys of an allowlist; targets is nil where there are none.
func listFields(description, condition, target *string, commits, paths, regexes, stopWords, targets *[]string) func(string) any {
	return func(key string) any {
		switch key {
		case "description":
			return description
		case "condition":
			return condition
		case "regexTarget":
			return target
		case "commits":
			return commits
		case "paths":
			return paths
		case "regexes":
			return regexes
		case "stopwords":
			return stopWords
		case "targetRules":
			if targets != nil {
				return targets
			}
		}
		return nil
	}
}

// pair reads KEY = VALUE.
func (p *plainReader) pair() bool {
	key, rest, found := strings.Cut(p.rest, "=")
	p.rest = strings.TrimLeft(rest, " \t")
	if !found || p.rest == "" {
		return false
	}
	key = strings.TrimRight(key, " \t")
	switch to := p.field(key).(type) {
	case *string:
		return p.text(to)
	case func(string):
		var value string
		ok := p.text(&value)
		to(value)
		return ok
	case *[]string:
		return p.list(to)
	case *bool:
		word := p.word()
		*to = word == "true"
		return *to || word == "false"
	case *int:
		var err error
		*to, err = strconv.Atoi(p.word())
		return err == nil
	case *float64:
		var err error
		*to, err = strconv.ParseFloat(p.word(), 64)
		return err == nil
	}
	return false
}

// word is what stands up to the end of the line.
func (p *plainReader) word() string {
	word, rest, _ := strings.Cut(p.rest, "\n")
	p.rest = rest
	return strings.TrimRight(word, " \t\r")
}

// text reads a string: of lines in three quotes, literal in one, or in double quotes
// without escapes.
func (p *plainReader) text(to *string) (ok bool) {
	const long = "'''"
	if rest, is := strings.CutPrefix(p.rest, long); is {
		*to, p.rest, ok = strings.Cut(rest, long)
		return ok && !strings.HasPrefix(*to, "\n") && !strings.ContainsRune(*to, '\r') && !strings.HasPrefix(p.rest, "'")
	}
	if p.rest == "" || p.rest[0] != '"' && p.rest[0] != '\'' || strings.HasPrefix(p.rest, `"""`) {
		return false
	}
	*to, p.rest, ok = strings.Cut(p.rest[1:], p.rest[:1])
	return ok && !strings.ContainsAny(*to, "\\\n\r")
}

// list reads strings in brackets.
func (p *plainReader) list(to *[]string) bool {
	if p.rest[0] != '[' {
		return false
	}
	p.rest = p.rest[1:]
	*to = []string{}
	for {
		p.skip()
		if strings.HasPrefix(p.rest, "]") {
			p.rest = p.rest[1:]
			return true
		}
		var item string
		if !p.text(&item) {
			return false
		}
		*to = append(*to, item)
		p.skip()
		switch {
		case strings.HasPrefix(p.rest, ","):
			p.rest = p.rest[1:]
		case !strings.HasPrefix(p.rest, "]"):
			return false
		}
	}
}
