package rules

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"

	"github.com/mitchellh/mapstructure"
	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"

	"sluice/internal/record"
)

// layer is one rule file before it is laid over what it extends.
type layer struct {
	origin   string
	extend   config.Extend
	rules    []Rule // severity 0: not given
	allow    []Allowlist
	targeted []targeted
	warnings []string
	gitleaks bool // gitleaks' default rules are in it
}

// targeted is an allowlist of the file's top level that names its rules.
type targeted struct {
	ruleID, origin string
	list           Allowlist
}

// fileError places an error: "FILE: rule ID: FIELD: what".
func (l *layer) fileError(rule, field string, err error) error {
	if rule == "" {
		return fmt.Errorf("%s: %s: %w", l.origin, field, err)
	}
	return fmt.Errorf("%s: rule %s: %s: %w", l.origin, rule, field, err)
}

func (l *layer) warn(format string, args ...any) {
	l.warnings = append(l.warnings, l.origin+": "+fmt.Sprintf(format, args...))
}

// parse reads one file's text. gitleaks' ViperConfig is the format: names in
// any case, a string where a list is due, and whatever else its decoder lets
// pass, is decided by it. Its Translate is not used: it reads a process-wide
// viper and a counter that never goes down, panics on a bad expression, and
// takes 17 ms for the default rules, most of it for the stop words' tries.
// Tests hold this code to Translate's results.
func parse(origin, text string) (*layer, error) {
	l := &layer{origin: origin}
	decode := l.decode
	if l.embedded() {
		decode = l.decodeEmbedded
	}
	vc, own, err := decode(text)
	if err != nil {
		return nil, err
	}
	l.extend = vc.Extend
	if err := l.minVersion(vc.MinVersion); err != nil {
		return nil, err
	}
	for i := range vc.Rules {
		if err := l.addRule(vc, i, own[i]); err != nil {
			return nil, err
		}
	}
	return l, l.addGlobal(vc)
}

// decode reads any text that gitleaks reads, with a warning for each key that
// means nothing.
func (l *layer) decode(text string) (*config.ViperConfig, map[int]own, error) {
	v := viper.New()
	v.SetConfigType("toml")
	if err := v.ReadConfig(strings.NewReader(text)); err != nil {
		return nil, nil, l.syntaxError(err)
	}
	var vc config.ViperConfig
	var md mapstructure.Metadata
	if err := v.Unmarshal(&vc, func(c *mapstructure.DecoderConfig) { c.Metadata = &md }); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", l.origin, flat(err))
	}
	l.unknown(md.Unused, &vc)
	return &vc, ownKeys(v), nil
}

// decodeEmbedded reads what comes with the program in a quarter of decode's time:
// its keys are spelt as they should be, and tests hold it to decode's results.
func (l *layer) decodeEmbedded(text string) (*config.ViperConfig, map[int]own, error) {
	var vc config.ViperConfig
	var extra struct {
		Rules []struct{ Severity, Help string }
	}
	all := []any{&vc, &extra}
	if l.origin == originGitleaks {
		all = all[:1] // it has no keys but its own
	}
	for _, to := range all {
		if err := toml.Unmarshal([]byte(text), to); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", l.origin, err)
		}
	}
	keys := make(map[int]own)
	for i, r := range extra.Rules {
		if k := (own{r.Severity, r.Help}); k != (own{}) {
			keys[i] = k
		}
	}
	return &vc, keys, nil
}

// syntaxError names the line of a TOML error, if the decoder tells it.
func (l *layer) syntaxError(err error) error {
	var parse viper.ConfigParseError
	if errors.As(err, &parse) {
		err = parse.Unwrap()
	}
	var at interface{ Position() (row, column int) }
	if errors.As(err, &at) {
		row, column := at.Position()
		return fmt.Errorf("%s:%d:%d: %w", l.origin, row, column, err)
	}
	return fmt.Errorf("%s: %w", l.origin, err)
}

// flat puts the decoder's list of errors on one line.
func flat(err error) error {
	var list *mapstructure.Error
	if !errors.As(err, &list) {
		return err
	}
	return errors.New(strings.Join(list.Errors, "; "))
}

// own are the keys of a rule that gitleaks does not have.
type own struct{ severity, help string }

// ownKeys reads them for every index of rules; a rule without has the zero.
func ownKeys(v *viper.Viper) map[int]own {
	list, _ := v.Get("rules").([]any)
	keys := make(map[int]own)
	for i, item := range list {
		table, _ := item.(map[string]any)
		severity, _ := table["severity"].(string)
		help, _ := table["help"].(string)
		if severity != "" || help != "" {
			keys[i] = own{severity, help}
		}
	}
	return keys
}

// unknown warns of keys that mean nothing, by rule where they stand in one.
func (l *layer) unknown(unused []string, vc *config.ViperConfig) {
	slices.Sort(unused)
	for _, key := range unused {
		var i int
		name := key[strings.LastIndex(key, ".")+1:]
		if n, _ := fmt.Sscanf(key, "Rules[%d].", &i); n == 1 && i < len(vc.Rules) {
			if _, nested, _ := strings.Cut(key, "]."); nested == "severity" || nested == "help" {
				continue
			}
			l.warn("rule %s: unknown field %q has no effect", vc.Rules[i].ID, name)
			continue
		}
		l.warn("unknown field %q has no effect", key)
	}
	if vc.Extend.URL != "" {
		l.warn("extend.url has no effect")
	}
}

func (l *layer) addRule(vc *config.ViperConfig, i int, keys own) error {
	vr := &vc.Rules[i]
	r := Rule{
		ID: vr.ID, Description: vr.Description, Pattern: vr.Regex,
		SecretGroup: vr.SecretGroup, Entropy: vr.Entropy,
		Keywords: lower(vr.Keywords), Tags: slices.Clone(vr.Tags),
		SkipReport: vr.SkipReport, Origin: l.origin, Help: keys.help,
	}
	if keys.severity != "" {
		var err error
		if r.Severity, err = record.ParseSeverity(keys.severity); err != nil {
			return l.fileError(r.ID, "severity", err)
		}
	}
	if err := l.compileRule(&r, vr.Path); err != nil {
		return err
	}
	lists := vr.Allowlists
	if vr.AllowList != nil {
		if len(lists) > 0 {
			return l.fileError(r.ID, "allowlist", errors.New("the old form [rules.allowlist] cannot stand beside [[rules.allowlists]]"))
		}
		l.warn("rule %s: [rules.allowlist] is the old form, use [[rules.allowlists]]", r.ID)
		lists = append(lists, vr.AllowList)
	}
	for _, a := range lists {
		list, err := l.allowlist(r.ID, &allowlistText{a.Description, a.Condition, a.Commits, a.Paths, a.RegexTarget, a.Regexes, a.StopWords})
		if err != nil {
			return err
		}
		r.Allowlists = append(r.Allowlists, list)
	}
	for _, q := range vr.Required {
		if q.ID == "" {
			return l.fileError(r.ID, "required", errors.New("the id is empty"))
		}
		r.Required = append(r.Required, Required{RuleID: q.ID, WithinLines: q.WithinLines, WithinColumns: q.WithinColumns})
	}
	if at := slices.IndexFunc(l.rules, func(o Rule) bool { return o.ID == r.ID }); at >= 0 {
		l.warn("rule %s is defined twice, the last one holds", r.ID)
		l.rules = slices.Delete(l.rules, at, at+1)
	}
	l.rules = append(l.rules, r)
	return nil
}

// compileRule checks the expressions. Those of the embedded files are known to
// compile (a test does it) and wait until they are needed.
func (l *layer) compileRule(r *Rule, path string) error {
	if path != "" {
		var err error
		if r.Path, err = l.newExpression(path); err != nil {
			return l.fileError(r.ID, "path", err)
		}
	}
	if r.Pattern == "" {
		return nil
	}
	pattern := r.Pattern
	r.compile = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
	r.tree = sync.OnceValues(func() (*syntax.Regexp, error) { return syntax.Parse(pattern, syntax.Perl) })
	if l.embedded() {
		return nil
	}
	re, err := compile(pattern)
	if err != nil {
		return l.fileError(r.ID, "regex", err)
	}
	r.compile = func() *regexp.Regexp { return re }
	return nil
}

func (l *layer) embedded() bool { return l.origin == originGitleaks || l.origin == originGateway }

// compile hides the expression from its error where it is long or may hold a
// value that somebody accepted: only the place that is wrong is quoted.
func compile(pattern string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(pattern)
	var bad *syntax.Error
	if errors.As(err, &bad) {
		if bad.Expr == pattern {
			return nil, errors.New(bad.Code.String())
		}
		return nil, fmt.Errorf("%s: %q", bad.Code, clip(bad.Expr))
	}
	return re, err
}

// clip keeps an error to one line of a terminal.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

func lower(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = strings.ToLower(w)
	}
	return out
}
