package checks

import (
	"context"
	"fmt"
	"math"
	"strings"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const (
	fewKeys  = 50
	manyKeys = 1000 // --thorough
	// minKeyBits is what a key must have that nobody can guess.
	minKeyBits = 96
)

// entropy makes keys and looks at what is random in them.
func entropy(c gate.Check) gate.Check {
	c.ID, c.Title, c.Severity, c.Control = "2d", "Generated keys are unique and random", record.SeverityCritical, controlCreation
	c.Slow = true
	c.Verified = "Generated keys are unique, of one form, and random in enough characters"
	c.Remedy = "Set LENGTH_OF_LITELLM_GENERATED_KEY to 16 or more, and upgrade the gateway."
	c.Sends = []string{"POST /key/generate"}
	c.Curl = func(gate.Plan) string {
		return "for i in {1..50}; do\n" +
			"  key e$i '{\"duration\":\"1h\",\"key_alias\":\"'\"$RUN\"'-e'$i'\"}'; k=e${i}_key; printf '%s\\n' \"${!k}\"\n" +
			"done | sort -u | awk '{ n++; if (length($0) < 19 || $0 !~ /^sk-/) bad = 1 }\n" +
			"  END { print \"2d\", (n == 50 && !bad) ? \"pass (50 keys differ)\" : \"FAIL (\" n \" differ)\" }'\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		n := fewKeys
		if env.Thorough {
			n = manyKeys
		}
		keys := make([]string, 0, n)
		for range n {
			o, err := env.NewKey(ctx, "")
			if err != nil {
				return gate.Unknown(fmt.Sprintf("%d of %d keys made: %v", len(keys), n, err))
			}
			keys = append(keys, o.Key.Reveal())
		}
		return judgeKeys(keys)
	}
	return c
}

// judgeKeys holds keys that were generated one after another to their promise.
func judgeKeys(keys []string) gate.Result {
	seen := map[string]bool{}
	for _, k := range keys {
		if seen[k] {
			return gate.Failed("two of the keys are equal")
		}
		seen[k] = true
		if !strings.HasPrefix(k, "sk-") {
			return gate.Failed("a key does not begin with sk-")
		}
		if len(k) != len(keys[0]) {
			return gate.Failed(fmt.Sprintf("keys of %d and of %d characters", len(keys[0]), len(k)))
		}
	}
	bits, fixed := keyBits(keys)
	if bits < minKeyBits {
		return gate.Failed(fmt.Sprintf("%d keys of %d characters: at most %.0f bits are random, want %d (%d characters never change)",
			len(keys), len(keys[0]), bits, minKeyBits, fixed))
	}
	return gate.Passed(fmt.Sprintf("%d keys of %d characters, all different; at least %.0f bits are random", len(keys), len(keys[0]), bits))
}

// keyBits estimates from below how much is random in keys of one length: for
// each place the entropy of what stood there, which cannot exceed log2 of the
// number of keys, scaled to the alphabet where a place behaves like a random one.
func keyBits(keys []string) (bits float64, fixed int) {
	alphabet := map[byte]bool{}
	for i := len("sk-"); i < len(keys[0]); i++ {
		for _, k := range keys {
			alphabet[k[i]] = true
		}
	}
	size := float64(len(alphabet))
	n := float64(len(keys))
	expected := size * (1 - math.Pow(1-1/size, n)) // different characters at a random place
	for i := len("sk-"); i < len(keys[0]); i++ {
		distinct := map[byte]bool{}
		for _, k := range keys {
			distinct[k[i]] = true
		}
		d := float64(len(distinct))
		switch {
		case d == 1:
			fixed++
		case d >= 0.75*expected:
			bits += math.Log2(size)
		default:
			bits += math.Log2(d)
		}
	}
	return bits, fixed
}
