package baseline

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/scrypt"
)

// cost is what a guess at a weak secret costs, as scrypt counts it.
type cost struct {
	N int `json:"n"`
	R int `json:"r"`
	P int `json:"p"`
}

// defaultCost takes 32 MiB and about 0.1 s of one core.
var defaultCost = cost{N: 1 << 15, R: 8, P: 1}

// check refuses what would protect nothing, or take the machine's memory: the
// file may come from a pull request.
func (c cost) check() error {
	if c.R != 8 || c.P != 1 || c.N < 1<<14 || c.N > 1<<17 || c.N&(c.N-1) != 0 {
		return fmt.Errorf("scrypt cost n=%d r=%d p=%d is not one that Sluice writes; write the baseline anew", c.N, c.R, c.P)
	}
	return nil
}

// maxStretched is how many different weak secrets of a run get a scrypt: a
// minute of one core, whatever a log holds.
const maxStretched = 512

// The prefixes of the two kinds of identity.
const (
	strongPrefix = "h:"
	weakPrefix   = "s:"
)

// identity makes identities under a salt.
type identity struct {
	salt    []byte
	cost    cost
	skipped atomic.Int64

	mu        sync.Mutex // held during a scrypt too: one at a time takes 32 MiB
	run       [32]byte   // key of the cache, random
	stretched map[[32]byte][32]byte
}

// of is the identity of a secret in a place, "" when the bound is reached.
func (d *identity) of(rule, source string, secret []byte, strong bool) string {
	var key [32]byte
	prefix := strongPrefix
	if strong {
		key = mac(d.salt, secret)
	} else {
		prefix = weakPrefix
		var ok bool
		if key, ok = d.stretch(secret); !ok {
			d.skipped.Add(1)
			return ""
		}
	}
	sum := mac(key[:], []byte(rule), []byte(source))
	return prefix + hex.EncodeToString(sum[:])
}

// stretch is scrypt of the secret, computed once per secret and run.
func (d *identity) stretch(secret []byte) (key [32]byte, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stretched == nil {
		if _, err := rand.Read(d.run[:]); err != nil {
			return key, false
		}
		d.stretched = map[[32]byte][32]byte{}
	}
	name := mac(d.run[:], secret)
	if key, ok := d.stretched[name]; ok {
		return key, true
	}
	if len(d.stretched) >= maxStretched {
		return key, false
	}
	k, err := scrypt.Key(secret, d.salt, d.cost.N, d.cost.R, d.cost.P, len(key))
	if err != nil {
		return key, false
	}
	key = [32]byte(k)
	d.stretched[name] = key
	return key, true
}

// mac is HMAC-SHA-256 over parts of stated length, so that no two lists of
// parts read alike.
func mac(key []byte, parts ...[]byte) (sum [32]byte) {
	h := hmac.New(sha256.New, key)
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}
