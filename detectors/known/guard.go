package known

import (
	"net"
	"strings"
)

// unfit says why a value is not looked for, or "". Under 16 bytes a value must
// not look like words at all: POSTGRES_PASSWORD=postgres would blank the word
// wherever it stands. From 16 bytes on, one that was asked for, or whose name
// says that it is a secret, may be words (a passphrase); others (a model, a
// region, a list of flags) may not.
func unfit(v string, asked bool) string {
	switch {
	case len(v) < shortest:
		return "shorter than 8 bytes"
	case isReference(v):
		return "a reference or a placeholder"
	case isNumber(v):
		return "a number"
	case isHost(v):
		return "a host"
	case isPath(v):
		return "a path"
	case entropy(v) < leastEntropy:
		return "too uniform"
	case !wordlike(v):
		return ""
	case len(v) < shortestKey:
		return "a common word"
	case !asked:
		return "words, and its name does not say that it is a secret"
	}
	return ""
}

// secretNames are the segments of a name that say that its value is a secret.
var secretNames = [...]string{
	"KEY", "KEYS", "APIKEY", "TOKEN", "TOKENS", "SECRET", "SECRETS", "PASSWORD", "PASSWORDS", "PASSWD", "PASS", "PWD",
	"PASSPHRASE", "CREDENTIAL", "CREDENTIALS", "CREDS", "AUTH", "SALT", "DSN", "PAT", "BEARER", "SIGNATURE",
}

// namesSecret says whether a whole segment of a name says so: "API_KEY" does,
// "KEYBOARD" does not.
func namesSecret(name string) bool {
	for segment := range strings.FieldsFuncSeq(strings.ToUpper(name), func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) {
		for _, s := range secretNames {
			if segment == s {
				return true
			}
		}
	}
	return false
}

// isReference says that a value only points to a secret, or keeps its place.
func isReference(v string) bool {
	lower := strings.ToLower(v)
	for _, p := range []string{"os.environ/", "env://", "vault:", "secret://", "file:", "arn:aws:", "${", "$(", "{{", "<", "your-", "your_"} {
		if strings.HasPrefix(lower, p) {
			return true
		}
	}
	for _, p := range []string{"changeme", "change-me", "change_me", "redacted", "placeholder", "your-api-key", "your_api_key", "xxxxxx", "******"} {
		if strings.Contains(lower, p) {
			return true
		}
	}
	return false
}

// isNumber says that a value is digits with what stands between them in dates,
// versions, addresses and sizes. Sixteen digits in a row may be a secret.
func isNumber(v string) bool {
	digits, row := 0, 0
	for i := range len(v) {
		switch c := v[i]; {
		case c >= '0' && c <= '9':
			digits++
			row++
			if row >= shortestKey {
				return false
			}
		case strings.IndexByte(".,:;-+/_ TZe", c) >= 0:
			row = 0
		default:
			return false
		}
	}
	return digits > 0
}

// isHost says that a value is an address, or names with dots, with a port or not.
func isHost(v string) bool {
	host, _, err := net.SplitHostPort(v)
	if err != nil {
		host = v
	}
	if net.ParseIP(strings.Trim(host, "[]")) != nil || err == nil && strings.EqualFold(host, "localhost") {
		return true
	}
	if !strings.Contains(host, ".") && err != nil {
		return false
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; err != nil && !isWord(last) {
		return false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || !namelike(label) {
			return false
		}
	}
	return true
}

// isPath says that a value is a path of a file, a container's image or a route.
// A secret in base64 may begin with / too, but does not consist of names.
func isPath(v string) bool {
	rest := v
	for _, p := range []string{"/", "./", "../", "~/"} {
		if r, ok := strings.CutPrefix(v, p); ok {
			rest = r
			break
		}
	}
	if rest == v && (len(v) < 3 || v[1] != ':' || v[2] != '\\' && v[2] != '/') {
		return false
	}
	for segment := range strings.FieldsFuncSeq(rest, func(r rune) bool { return r == '/' || r == '\\' || r == ':' }) {
		if !wordlike(segment) {
			return false
		}
	}
	return true
}

// namelike is wordlike for a label of a host, which may be an identifier.
func namelike(label string) bool {
	for part := range strings.SplitSeq(label, "-") {
		if len(part) >= shortestKey && !wordlike(part) {
			return false
		}
	}
	return true
}
