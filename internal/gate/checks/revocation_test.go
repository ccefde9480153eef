package checks_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"sluice/internal/gate"
	"sluice/internal/gateway/fake"
)

// A replica that fails to answer once while it is asked about a revoked key is
// asked again: a real one did not answer while it wrote its OpenAPI document.
func TestRevocationIsAskedAgain(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T) {
		var asked atomic.Int64
		stumbles := fake.Change{Before: func(e *fake.Exchange) bool {
			k, ok := e.Caller()
			// The first request has the replica remember the key.
			if !ok || e.Replica != 1 || !strings.Contains(k.Alias, "-7a-") || asked.Add(1) != 2 {
				return false
			}
			e.Refuse(500, "not now", "internal_server_error")
			return true
		}}
		r := newRig(t, append([]fake.Change{stumbles}, fake.Sound()...)...)
		cfg := r.config()
		cfg.Only = []string{"7a"}
		report := run(t, cfg)
		if o := report.Outcomes[0]; o.Verdict != gate.Pass || asked.Load() < 3 {
			t.Errorf("7a is %s after %d questions: %s", o.Verdict, asked.Load(), o.Evidence)
		}
	})
}
