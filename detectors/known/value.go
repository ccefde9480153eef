package known

import (
	"encoding/json"
	"math"
	"net/url"
	"strings"
)

const (
	shortest     = 8        // bytes of a secret: fewer stand in ordinary text by chance
	longest      = 64 << 10 // bytes of a secret; a longer value is a file, not a secret
	shortestKey  = 16       // bytes of a secret of which parts are reported
	shortestPart = 12       // bytes behind the public prefix that make a part
	partEntropy  = 3        // bits a byte of a secret of which parts are reported
	leastEntropy = 2        // bits a byte of any secret; "changeme" has 2.75, "xxxxxxxx" 0
	// pemPublic is how much of a key's first line is the same in all keys of its
	// kind: the DER that names the algorithm, at most 36 bytes.
	pemPublic = 48
	maxNested = 4 // objects in objects of a value that is JSON
)

// value is what of a told value is looked for.
type value struct {
	text   string
	public int // bytes that say only what kind it is
	words  bool
}

// secretsOf takes a told value apart: a URL holds its password, a PEM block its
// lines, a JSON document its strings, anything else itself. Without any, the
// reason says why.
func secretsOf(t Told) (values []value, reason string) {
	text := strings.TrimSpace(t.Value.Reveal())
	asked := t.Asked || t.Gateway || t.Rule == RuleMaster || namesSecret(t.Name)
	return takeApart(text, asked, 0)
}

func takeApart(text string, asked bool, depth int) (values []value, reason string) {
	switch {
	case text == "":
		return nil, "empty"
	case len(text) > longest:
		return nil, "longer than 64 KiB"
	case strings.Contains(text, "-----BEGIN "):
		return pemLines(text)
	case text[0] == '{' || text[0] == '[':
		if values, ok := jsonStrings(text, asked, depth); ok {
			if len(values) == 0 {
				return nil, "a JSON document without a secret"
			}
			return values, ""
		}
	}
	if passwords, ok := urlPasswords(text); ok {
		if len(passwords) == 0 {
			return nil, "a URL without a password"
		}
		for _, p := range passwords {
			if r := unfit(p, true); r != "" {
				reason = "its password is " + r
				continue
			}
			values = append(values, newValue(p))
		}
		if len(values) > 0 {
			reason = ""
		}
		return values, reason
	}
	if reason := unfit(text, asked); reason != "" {
		return nil, reason
	}
	return []value{newValue(text)}, ""
}

func newValue(text string) value {
	return value{text: text, public: PublicPrefix([]byte(text)), words: wordlike(text)}
}

// hasParts says whether a part of v identifies it.
func hasParts(v value) bool {
	return len(v.text) >= shortestKey && len(v.text)-v.public >= shortestPart && !v.words && entropy(v.text) >= partEntropy
}

// pemLines are the lines between BEGIN and END of private keys, which are
// written with line ends or with \n.
func pemLines(text string) (values []value, reason string) {
	text = strings.NewReplacer(`\r`, "", `\n`, "\n", "\r", "").Replace(text)
	inside, first := false, false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "-----BEGIN "):
			inside, first = strings.Contains(line, "PRIVATE KEY"), true
		case strings.HasPrefix(line, "-----END "):
			inside = false
		case inside && len(line) >= shortest && !strings.ContainsAny(line, ": "):
			v := value{text: line}
			if first {
				v.public = min(pemPublic, len(line))
			}
			values, first = append(values, v), false
		}
	}
	if len(values) == 0 {
		return nil, "a PEM block without a private key"
	}
	return values, ""
}

// jsonStrings are the secrets among the strings of a JSON document, as in the
// credentials of a service account; each is judged by its own name.
func jsonStrings(text string, asked bool, depth int) (values []value, ok bool) {
	var doc any
	if depth >= maxNested || json.Unmarshal([]byte(text), &doc) != nil {
		return nil, false
	}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case string:
			found, _ := takeApart(strings.TrimSpace(v), asked && name == "" || namesSecret(name), depth+1)
			values = append(values, found...)
		case []any:
			for _, e := range v {
				walk(name, e)
			}
		case map[string]any:
			for name, e := range v {
				walk(name, e)
			}
		}
	}
	walk("", doc)
	return values, true
}

// urlPasswords are the password of scheme://user:password@host as it is written
// and as it is meant.
func urlPasswords(text string) (passwords []string, ok bool) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme == "" || strings.Trim(strings.ToLower(scheme), "abcdefghijklmnopqrstuvwxyz0123456789+.-") != "" {
		return nil, false
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return nil, true
	}
	_, password, ok := strings.Cut(rest[:at], ":")
	if !ok || password == "" {
		return nil, true
	}
	passwords = append(passwords, password)
	if meant, err := url.PathUnescape(password); err == nil && meant != password {
		passwords = append(passwords, meant)
	}
	return passwords, true
}

// entropy is that of the bytes of s, in bits a byte.
func entropy(s string) float64 {
	var counts [256]int
	for i := range len(s) {
		counts[s[i]]++
	}
	sum := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(s))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}
