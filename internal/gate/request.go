package gate

import (
	"regexp"
	"strings"
)

// Target says where a request goes: 0 the gateway as users reach it, n replica n.
type Target int

// Header is one header line; order and repetition are kept.
type Header struct{ Name, Value string }

// Request is what a check sends, in symbols: {plain.key}, {team1.id} or {run}
// in Path, Body and headers stand for objects that the run makes when they are
// first needed (package object table) and for facts of the plan. The same value is sent,
// announced by --dry-run and written as a curl.
type Request struct {
	To      Target
	Method  string // GET if empty, POST if there is a body
	Path    string // with query
	As      string // who asks: the name of an object with a key, "master", or "" for nobody
	Headers []Header
	Body    string // JSON, unless a header says otherwise
	// Quick cuts the connection when the answer's head has been read.
	Quick bool
}

// Verb is the method that is sent.
func (r Request) Verb() string {
	switch {
	case r.Method != "":
		return r.Method
	case r.Body != "":
		return "POST"
	}
	return "GET"
}

// Line is the request as --dry-run announces it.
func (r Request) Line() string { return r.Verb() + " " + r.Path }

// reference is {name.attribute} or {name}.
var reference = regexp.MustCompile(`\{([a-z][a-z0-9]*)(?:\.([a-z]+))?\}`)

// expand replaces every reference of text by what value says of it.
func expand(text string, value func(name, attribute string) (string, error)) (string, error) {
	var failed error
	out := reference.ReplaceAllStringFunc(text, func(ref string) string {
		m := reference.FindStringSubmatch(ref)
		v, err := value(m[1], m[2])
		if err != nil && failed == nil {
			failed = err
		}
		return v
	})
	return out, failed
}

// References lists the names that texts refer to, each once, in order.
func References(texts ...string) []string {
	var names []string
	seen := map[string]bool{}
	for _, m := range reference.FindAllStringSubmatch(strings.Join(texts, "\n"), -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			names = append(names, m[1])
		}
	}
	return names
}
