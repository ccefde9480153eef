package checks

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"sluice/internal/gate"
)

// largeSize is a request that no chat needs and any gateway should survive.
const largeSize = 4 << 20

// largeRequest sends a large body with an unknown key: it must be refused, and
// the gateway must live on.
func largeRequest(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control, c.Aspect = "8l", "Large request of a stranger → refused, gateway lives on", controlLoad, gate.Operational
	c.Verified = "A large request of a stranger is refused and does no harm"
	c.Remedy = "Limit the size of requests in the proxy in front (nginx: client_max_body_size)."
	large := gate.Request{Path: "/v1/chat/completions", As: "invalid"}
	c.Sends = []string{"POST /v1/chat/completions with 4 MiB", "GET /health/liveliness"}
	c.Curl = func(gate.Plan) string {
		r := large
		r.Method = "POST"
		return "head -c 4194304 /dev/zero | tr '\\0' a > large.txt\n" +
			gate.Curl(r) + " -H 'Content-Type: application/json' --data-binary @large.txt |\n  want 8l unserved\n" +
			gate.Curl(gate.Request{Path: "/health/liveliness"}) + " |\n  want 8l served\n"
	}
	c.Run = func(ctx context.Context, env *gate.Env) gate.Result {
		r := large
		r.Body = `{"model":"` + strings.Repeat("a", largeSize) + `"}`
		return runSteps(ctx, env, []step{
			{label: "4 MiB", Request: r, want: unserved},
			{label: "liveliness afterwards", Request: gate.Request{Path: "/health/liveliness"}, want: served},
		})
	}
	return c
}

const (
	// slowConnections are held open with half a request each: enough to show a
	// server that has one worker for each, too few to harm one that has not.
	slowConnections = 20
	slowPatience    = 15 * time.Second
)

// slowClients holds connections open that send their request drop by drop.
func slowClients(c gate.Check) gate.Check {
	c.ID, c.Title, c.Control, c.Aspect = "8m", "Slow clients do not keep others waiting", controlLoad, gate.Operational
	c.Verified = "Clients that send slowly keep nobody waiting"
	c.Remedy = "Put a proxy in front that reads requests whole (nginx does), with client_header_timeout and client_body_timeout."
	c.Sends = []string{fmt.Sprintf("%d connections with half a request", slowConnections), "GET /health/liveliness"}
	c.Curl = func(gate.Plan) string {
		r := gate.Request{Path: "/health/liveliness"}
		return "for i in {1..20}; do (printf '{'; exec sleep 30) 2> /dev/null | curl -s -m 30 -X POST \"$GATEWAY/v1/chat/completions\" -H @invalid.h" +
			" -H 'Transfer-Encoding: chunked' -T - > /dev/null 2>&1 & done\nsleep 1\n" +
			strings.Replace(gate.Curl(r), "--max-time 20", "--max-time 15", 1) + " |\n  want 8m served\nkill -PIPE $(jobs -p); wait\n"
	}
	c.Run = runSlowClients
	return c
}

// runSlowClients asks for something before, with and after the slow clients: a
// gateway that is slow by itself proves nothing.
func runSlowClients(ctx context.Context, env *gate.Env) gate.Result {
	if a := askedSoon(ctx, env); a.Kind != gate.Served {
		return gate.Unknown("no answer without slow clients either: " + a.String())
	}
	var open []net.Conn
	leave := sync.OnceFunc(func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	})
	defer leave()
	for range slowConnections {
		conn, err := env.Dial(ctx, 0)
		if err != nil {
			break
		}
		open = append(open, conn)
		if _, err := fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000\r\nContent-Type: application/json\r\n\r\n{"); err != nil {
			break
		}
	}
	if len(open) < slowConnections/2 {
		return gate.Unknown(fmt.Sprintf("only %d of %d connections could be opened", len(open), slowConnections))
	}
	if env.Wait(ctx, askEvery) != nil { // until the gateway has read them all
		return gate.Unknown("the run ended first")
	}
	begin := time.Now()
	with := askedSoon(ctx, env)
	took := time.Since(begin)
	if with.Kind == gate.Served {
		return gate.Passed(fmt.Sprintf("With %d slow clients another was served in %.1f s", len(open), took.Seconds()))
	}
	leave()
	if after := askedSoon(ctx, env); with.Kind != gate.NoAnswer || after.Kind != gate.Served {
		return gate.Unknown("no answer to judge: " + with.String())
	}
	return gate.Failed(fmt.Sprintf("%d clients that send slowly keep others waiting: %s; without them there was an answer", len(open), with))
}

// askedSoon asks for something small, and not for long.
func askedSoon(ctx context.Context, env *gate.Env) gate.Answer {
	ctx, cancel := context.WithTimeoutCause(ctx, slowPatience, fmt.Errorf("no answer within %v", slowPatience))
	defer cancel()
	return env.Send(ctx, gate.Request{Path: "/health/liveliness"})
}
