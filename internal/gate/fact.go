package gate

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// NewRunID is a name for a run: 8 characters, 40 bits, lower case.
func NewRunID() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
}

// Random returns n characters of [a-z2-7], 5 bits each.
func Random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))[:n]
}

// fact is what a reference says that means no object: of the plan, of the
// master key, or a key that no gateway knows.
func (s *session) fact(name, attribute string) (string, bool) {
	if strings.HasPrefix(name, CanaryPrefix) {
		switch attribute {
		case "key", "token":
			return s.canary(name + "." + attribute), true
		case "tail": // behind the k of sk, whose s was sent in another form
			return strings.TrimPrefix(s.canary(name+".key"), "sk"), true
		}
		return "", false
	}
	if attribute == "made" {
		id, ok := s.kept.Load(madeRef(name))
		text, _ := id.(string)
		return text, ok
	}
	switch name + "." + attribute {
	case "run.":
		return prefix + s.plan.Run, true
	case "model.":
		return s.plan.Model, true
	case "other.":
		return s.plan.Other, true
	case "large.":
		return strings.Repeat("a", largeText), true
	case "master.hash":
		sum := sha256.Sum256([]byte(s.master.Reveal()))
		return hex.EncodeToString(sum[:]), !s.master.Empty()
	case "unknown.key":
		return s.unknownKey(), true
	case "short.key":
		return s.chosenKey("short", 8), true
	case "custom.key":
		return s.chosenKey("custom", 24), true
	}
	return "", false
}

// largeText is more than a proxy lets through that nobody has told (nginx: 1 MiB).
const largeText = 1_500_000

// madeRef is where the id is kept that {name.made} refers to.
func madeRef(name string) string { return "{" + name + ".made}" }

// CanaryPrefix begins the names of keys that nobody has and that a probe sends:
// {canary1.key} has the form of a gateway key, {canary1.token} of another
// service's.
const CanaryPrefix = "canary"

// canary is the value of a canary: the same at each reference.
func (s *session) canary(ref string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.canaries[ref] == "" {
		value := "sk-" + Random(22)
		if strings.HasSuffix(ref, ".token") {
			value = "gsk_" + Random(48)
		}
		s.canaries[ref] = value
		s.scrub.Add(value)
	}
	return s.canaries[ref]
}

// chosenKey is a key of n random characters that the run asks the gateway to
// use: the same one at each reference.
func (s *session) chosenKey(name string, n int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.chosen[name] == "" {
		s.chosen[name] = "sk-" + Random(n)
		s.scrub.Add(s.chosen[name])
	}
	return s.chosen[name]
}

// unknownKey is a key of the right form that no gateway knows; scrubbed as any other.
func (s *session) unknownKey() string {
	key := "sk-" + Random(22)
	s.scrub.Add(key)
	return key
}

// CanaryName is what a canary is called in Env.Secrets and so in a Leak.
func CanaryName(ref string) string { return "canary " + ref }
