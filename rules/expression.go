package rules

import (
	"regexp"
	"sync"
)

// Expression is a regular expression that is compiled when it is first matched:
// those of the files that come with the program are known to compile, and most of
// them no log asks for. Safe for concurrent use.
type Expression struct {
	source   string
	compiled func() *regexp.Regexp
}

// newExpression checks the source now, unless it is known to compile.
func (l *layer) newExpression(source string) (*Expression, error) {
	if l.embedded() {
		return &Expression{source, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(source) })}, nil
	}
	return NewExpression(source)
}

// NewExpression compiles source now.
func NewExpression(source string) (*Expression, error) {
	re, err := compile(source)
	if err != nil {
		return nil, err
	}
	return &Expression{source, func() *regexp.Regexp { return re }}, nil
}

// String is the source.
func (e *Expression) String() string { return e.source }

// MatchString says whether s holds a match.
func (e *Expression) MatchString(s string) bool { return e.compiled().MatchString(s) }
