package fake

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// What a key may do beside models and money. Refusals read in source carry the
// statuses of those that were seen running.

// cacheLife is how long this replica remembers a key.
func (r *Replica) cacheLife(alias string) time.Duration {
	if r.g.opts.CacheFor != nil {
		return r.g.opts.CacheFor(r.n, alias)
	}
	return r.g.opts.CacheTTL
}

// counter is the replica whose windows count for the key that asks: this one,
// or with a shared store of limits always the first.
func (c *call) counter() *Replica {
	if shared := c.g.opts.SharedLimits; shared != nil && shared(c.who.key.Alias) {
		return c.g.replicas[0]
	}
	return c.Replica
}

// withinRoutes checks the routes that a key is restricted to.
func (c *call) withinRoutes(path string) *refusal {
	if routes := c.who.key.Routes; len(routes) > 0 && !slices.Contains(routes, path) {
		return authError(http.StatusForbidden, fmt.Sprintf("Virtual key is not allowed to call this route. Only allowed to call routes: %s. Tried to call route: %s", pythonList(routes), path))
	}
	return nil
}

// withinUserBudget is read in source; its status follows overBudget.
func (c *call) withinUserBudget(string) *refusal {
	u, ok := c.db.user(c.who.key.UserID)
	if c.who.master || !ok || u.Budget == nil || u.Spend < *u.Budget {
		return nil
	}
	status := 400
	if c.v == V1_106 {
		status = 422
	}
	return &refusal{status: status, kind: "budget_exceeded", message: fmt.Sprintf(
		"ExceededBudget: User=%s over budget. Spend=%s, Budget=%s", u.ID, pythonFloat(u.Spend), pythonFloat(*u.Budget))}
}

// tokenWindow is the name under which a key's tokens of a minute are counted.
func tokenWindow(token string) string { return token + " tokens" }

func (c *call) withinTokens(string) *refusal {
	k := &c.who.key
	if c.who.master || k.TPM == nil {
		return nil
	}
	counter := c.counter()
	counter.mu.Lock()
	defer counter.mu.Unlock()
	if w := counter.windows[tokenWindow(k.Token)]; c.now.Before(w.until) && w.used >= *k.TPM {
		return c.v.tooMany(k.Token, *k.TPM, w.until)
	}
	return nil
}

// useTokens counts what an answer has used.
func (c *call) useTokens(n int) {
	counter := c.counter()
	counter.mu.Lock()
	defer counter.mu.Unlock()
	name := tokenWindow(c.who.key.Token)
	w := counter.windows[name]
	if !c.now.Before(w.until) {
		w = window{until: c.now.Add(time.Minute)}
	}
	w.used += n
	counter.windows[name] = w
}

// oneOf takes one of the places of a key that may ask few at a time; done gives
// it back. A prompt that asks for it makes the model think meanwhile.
func (c *call) oneOf() (done func(), no *refusal) {
	k := &c.who.key
	counter := c.counter()
	counter.mu.Lock()
	if k.Parallel != nil && counter.running[k.Token] >= *k.Parallel {
		counter.mu.Unlock()
		return nil, c.v.tooMany(k.Token, *k.Parallel, c.now.Add(time.Minute))
	}
	counter.running[k.Token]++
	counter.mu.Unlock()
	if bytes.Contains(c.body, []byte("sluice-gate-slow")) {
		wait(c.r.Context(), c.g.opts.ThinkTime)
	}
	return func() {
		counter.mu.Lock()
		defer counter.mu.Unlock()
		counter.running[k.Token]--
	}, nil
}

// reset is when a key's budget begins anew: whole days, as was seen, or the
// duration from its creation or its last reset.
func (k *Key) reset() time.Time {
	d, ok := parseDuration(k.Every)
	if k.Every == "" || !ok {
		return time.Time{}
	}
	from := k.Created
	if k.Renewed.After(from) {
		from = k.Renewed
	}
	if d%(24*time.Hour) == 0 {
		return from.UTC().Truncate(24 * time.Hour).Add(d)
	}
	return from.Add(d)
}

// resetBudgets does what LiteLLM does from time to time: what was spent of a
// budget whose time has come is forgotten. The store is locked.
func (s *store) resetBudgets(now time.Time) {
	if now.Before(s.looks) {
		return
	}
	s.looks = now.Add(s.resetEvery)
	for _, k := range s.keys {
		if at := k.reset(); !at.IsZero() && !now.Before(at) {
			k.Spend, k.Renewed = 0, now
		}
	}
}
