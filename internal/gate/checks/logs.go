package checks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/gate"
	"sluice/internal/record"
)

const controlLogs = "Log redaction"

// logs is system 5. It reads what every other check has left behind.
func logs() []gate.Check {
	return []gate.Check{{
		ID: "5", System: "log-redaction", Title: "Log redaction (secrets not in logs)", Core: true, Last: true, Safe: true,
		Needs: gate.NeedLogs, Aspect: gate.Security, Severity: record.SeverityCritical, Control: controlLogs,
		Verified: "No secret stands in anything logged during the run, on any replica or the balancer",
		Remedy: "Put `sluice redact` or `sluice exec` between the gateway and whatever stores its output, turn debug logging off, " +
			"and keep keys out of URLs: the balancer logs them too.",
		Sends: []string{"GET /health/liveliness?sluice_gate_marker={run}-gateway", "GET /health/liveliness?sluice_gate_marker={run}-1"},
		Curl:  curlScan,
		Run:   secretsInLogs,
	}}
}

// curlScan is the scan that does by hand what check 5 does: first that the logs
// are those of the replicas, then that they show no secret.
func curlScan(p gate.Plan) string {
	var b strings.Builder
	for t := range targets(p) {
		fmt.Fprintf(&b, "marked 5 \"%s\" %s\n", t.Base(), logWords(p))
	}
	return b.String() + `(cd "$FROM" && sluice scan --gateway ` + gate.ShellWord(p.Gateway) + " --since 15m " + logWords(p) + ") > 5.found\n" +
		"case $? in 0) echo '5 pass' ;; 1) echo \"5 FAIL ($(wc -l < 5.found) found)\" ;; *) echo '5 inconclusive (not everything could be read)' ;; esac\n"
}

// logWords are the logs of the run as words of a shell.
func logWords(p gate.Plan) string {
	var words []string
	for _, l := range p.Logs {
		words = append(words, gate.ShellWord(l))
	}
	if len(words) == 0 {
		return "docker://'litellm*'"
	}
	return strings.Join(words, " ")
}

const (
	// settleTime is how long a line may take from the gateway to its log.
	settleTime = 10 * time.Second
	// lbMarkers is how many marked requests go through the balancer.
	lbMarkers = 3
)

// logResult is what all checks of the system go by: it is found out once.
type logResult struct {
	err     string // why the logs say nothing
	missing string // which log shows nothing of this run
	reading gate.LogReading
	planted planted
}

// readLogs plants the probes, marks the end of the run on every replica, and
// reads everything logged since its beginning.
func readLogs(ctx context.Context, env *gate.Env) *logResult {
	env.Once("logs", func() {
		r := &logResult{err: "the logs were not read"}
		env.Keep("logs", r)
		if r.err = selfTest(ctx, env); r.err != "" {
			return
		}
		if !env.Safe {
			r.planted = plant(ctx, env)
		}
		markers := sendMarkers(ctx, env)
		reading, err := collect(ctx, env, markers)
		if err != nil {
			r.err = "the logs could not be read: " + err.Error()
			return
		}
		r.reading, r.missing = reading, unseen(env, reading, markers)
		if r.missing == "" && reading.Unread != "" {
			r.missing = "not everything was examined: " + reading.Unread
		}
	})
	r, _ := env.Kept("logs").(*logResult)
	return r
}

// secretsInLogs passes only if every replica's marked request was seen in a
// log, a planted canary was found on the way, and nothing else was.
func secretsInLogs(ctx context.Context, env *gate.Env) gate.Result {
	r := readLogs(ctx, env)
	if r.err != "" {
		return gate.Unknown(r.err)
	}
	if leaks := leakEvidence(r.reading.Leaks); leaks != "" {
		return gate.Failed(leaks)
	}
	if r.missing != "" {
		return gate.Unknown(r.missing)
	}
	var lines int64
	for _, s := range r.reading.Streams {
		lines += s.Lines
	}
	return gate.Passed(fmt.Sprintf("No secrets found in %s of %s; each replica's marked request was seen, a planted canary was found",
		counted(int(lines), "line", "lines"), counted(len(r.reading.Streams), "log", "logs")))
}

// selfTest plants a canary in the path that the logs take.
func selfTest(ctx context.Context, env *gate.Env) string {
	canary := "sk-" + gate.Random(22)
	env.Hide(canary)
	found, err := env.Logs().Examine(ctx, "INFO:     Authorization: Bearer "+canary+"\n", map[string]string{"self-test": canary})
	switch {
	case err != nil:
		return "the detectors could not be tested: " + err.Error()
	case len(found) == 0:
		return "a canary planted in a log line was not found: the detectors do not work"
	}
	return ""
}

// marker is a text that a target's access line will hold.
func marker(env *gate.Env, to gate.Target) string {
	if to == 0 {
		return env.Name("gateway")
	}
	return env.Name(fmt.Sprint(int(to)))
}

// sendMarkers asks every replica, and the gateway some times, for something
// harmless that names this run, and returns what to look for by target.
func sendMarkers(ctx context.Context, env *gate.Env) map[gate.Target]string {
	markers := map[gate.Target]string{}
	for _, t := range append(env.Targets(), 0) {
		m := marker(env, t)
		markers[t] = m
		for range lbMarkers {
			env.Send(ctx, gate.Request{To: t, Path: "/health/liveliness?sluice_gate_marker=" + m})
			if t != 0 {
				break
			}
		}
	}
	return markers
}

// collect reads the logs until every marker was seen or settleTime is over.
func collect(ctx context.Context, env *gate.Env, markers map[gate.Target]string) (gate.LogReading, error) {
	var texts []string
	for _, m := range markers {
		texts = append(texts, m)
	}
	begin := time.Now()
	for {
		reading, err := env.Logs().Collect(ctx, texts, env.Secrets())
		seen := unseen(env, reading, markers) == ""
		if err != nil || !seen && time.Since(begin) > settleTime {
			return reading, err
		}
		if err := env.Wait(ctx, askEvery); err != nil {
			return reading, errors.New("the run ended first")
		}
		if seen { // once more: other streams may be a little behind
			return env.Logs().Collect(ctx, texts, env.Secrets())
		}
	}
}

// unseen says which marked request stands in no log, or which log holds none.
func unseen(env *gate.Env, r gate.LogReading, markers map[gate.Target]string) string {
	var missing []string
	proven := map[string]bool{}
	for _, t := range env.Targets() {
		found := false
		for _, s := range r.Streams {
			found = found || s.Seen[markers[t]]
		}
		if !found {
			missing = append(missing, "no log shows the marked request to "+place(t)+" ("+env.Base(t)+
				"): its log was not named, or prints no access lines")
		}
	}
	for _, s := range r.Streams {
		for _, m := range markers {
			proven[s.Group] = proven[s.Group] || s.Seen[m]
		}
	}
	for _, s := range r.Streams {
		if !proven[s.Group] {
			missing = append(missing, s.Name+" shows no request of this run: it is another program's log, or prints no access lines")
			proven[s.Group] = true
		}
	}
	return sentence(missing)
}

// leakEvidence says what stood where; "" if nothing that counts did.
func leakEvidence(leaks []gate.Leak) string {
	var streams []string
	lines, kinds := map[string]int{}, map[string][]string{}
	for _, l := range leaks {
		if l.Severity == "info" || l.Severity == "none" {
			continue // identifiers: hashes, masked names
		}
		if lines[l.Stream]++; lines[l.Stream] == 1 {
			streams = append(streams, l.Stream)
		}
		if what := leakName(l) + ", " + form(l); !slices.Contains(kinds[l.Stream], what) {
			kinds[l.Stream] = append(kinds[l.Stream], what)
		}
	}
	parts := make([]string, len(streams))
	for i, s := range streams {
		parts[i] = fmt.Sprintf("%s shows %s: %s", s, counted(lines[s], "secret", "secrets"), sentence(kinds[s]))
	}
	return sentence(parts)
}

// leakName says whose secret it was.
func leakName(l gate.Leak) string {
	for _, f := range families() {
		for _, p := range f.probes {
			if strings.HasPrefix(l.Name, gate.CanaryName(p.canary()+".")) {
				return f.id + "'s canary in " + p.label
			}
		}
	}
	if l.Name != "" {
		return l.Name
	}
	return l.Rule
}

func form(l gate.Leak) string {
	if l.Whole {
		return "whole, " + l.Encoding
	}
	return "in part, " + l.Encoding
}
