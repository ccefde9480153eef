package checks_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/gate"
	"sluice/internal/gate/checks"
	"sluice/internal/gateway/fake"
)

// byScan are the checks whose command by hand is a scan, which cmd/sluice tests.
var byScan = regexp.MustCompile(`^5.?$`)

// patience takes the limits of single requests out of a script, and the time
// that a model takes to answer slowly is made long enough for a dozen curls to
// start: this is the one test by the clock of the machine, however busy.
var patience = regexp.MustCompile(`--max-time \d+|-m \d+`)

const thinkTime = 6 * time.Second

// Each printed curl gives the verdict of its check, on a gateway that keeps its
// promises and on one that has LiteLLM's weaknesses; no key ever stands in a
// command line, and no command refers to a variable that nobody has set.
func TestCurlsGiveTheSameVerdict(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "curl", "sed", "awk"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	if testing.Short() {
		t.Skip("starts a thousand processes, and waits as the printed commands say")
	}
	// What a replica remembers it remembers for ever, beside what a shell takes.
	// Of a budget's reset it would depend on the balancer which replica does.
	weak := fake.Change{Options: func(o *fake.Options) {
		o.Version, o.SpendDelay = fake.V1_81, 20*time.Millisecond
		o.CacheFor = func(_ int, alias string) time.Duration {
			if strings.HasSuffix(alias, "-anew") {
				return 0
			}
			return time.Hour
		}
	}}
	// A budget that begins anew before a busy machine has seen it spent shows nothing.
	slow := fake.Change{Options: func(o *fake.Options) { o.ThinkTime, o.ResetEvery = thinkTime, 20*time.Second }}
	for name, changes := range map[string][]fake.Change{"sound": fake.Sound(), "weak": {weak}} {
		changes = append(changes, slow)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareByHand(t, changes)
		})
	}
}

// compareByHand runs the checks in a bubble and their commands on loopback, each
// against a gateway of the same making.
func compareByHand(t *testing.T, changes []fake.Change) {
	var report *gate.Report
	bubble(t, func(t *testing.T) {
		cfg := newProviderRig(t, changes...).config()
		cfg.Skip, cfg.MaxRevocation = []string{"5*"}, time.Second
		report = run(t, cfg)
	})
	r := &rig{}
	if err := r.withProvider(); err != nil {
		t.Fatal(err)
	}
	if err := r.start(fake.Options{}.With(changes...)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	plan := report.Plan
	plan.Gateway, plan.Replicas = r.URL, r.ReplicaURLs()
	said, argv := byHand(t, r, plan)
	for _, o := range report.Outcomes {
		if byScan.MatchString(o.ID) {
			continue
		}
		if got := said[o.ID]; got != string(o.Verdict) && !(o.Verdict == gate.Skipped && got == "inconclusive") {
			t.Errorf("%s: the check says %s (%s), the curl %q", o.ID, o.Verdict, o.Evidence, got)
		}
	}
	// All a is the malformed key of 1d.
	argv = strings.ReplaceAll(argv, strings.Repeat("a", 64), "")
	for _, k := range regexp.MustCompile(`sk-[A-Za-z0-9_-]{20,}`).FindAllString(argv, -1) {
		t.Errorf("a key stands in a command line: %.6s…", k)
	}
}

// impatient is a script that waits long for an answer, and not long for what
// the fake writes or resets at once.
func impatient(script string) string {
	script = patience.ReplaceAllString(script, "--max-time 300")
	return strings.NewReplacer("{1..60}", "{1..12}", "; sleep 5\ndone", "; sleep 1\ndone", "sleep 15 ", "sleep 3 ").Replace(script)
}

// byHand runs the printed commands of every check in a shell of its own and
// returns what each said, and every command line of curl.
func byHand(t *testing.T, r *rig, plan gate.Plan) (said map[string]string, argv string) {
	t.Helper()
	real, err := exec.LookPath("curl")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	log := filepath.Join(bin, "argv")
	wrapper := fmt.Sprintf("#!/bin/bash\nprintf '%%s\\n' \"$*\" >> %s\nexec %s \"$@\"\n", log, real)
	if err := os.WriteFile(filepath.Join(bin, "curl"), []byte(wrapper), 0o700); err != nil {
		t.Fatal(err)
	}
	said = map[string]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	places := make(chan struct{}, 24)
	for _, c := range checks.All(2) {
		if byScan.MatchString(c.ID) {
			continue
		}
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			cmd := exec.CommandContext(t.Context(), "bash", "-c", "set -u\n"+impatient(gate.Prelude(plan)+c.Curl(plan)))
			cmd.Env = append(os.Environ(), "LITELLM_MASTER_KEY="+r.MasterKey, "PATH="+bin+":"+os.Getenv("PATH"), "TMPDIR="+bin)
			var out, errs bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &errs
			err := cmd.Run()
			mu.Lock()
			defer mu.Unlock()
			said[c.ID] = shellVerdict(c.ID, out.String())
			if errs.Len() > 0 || said[c.ID] == "" {
				t.Errorf("%s: %v: %s%s", c.ID, err, out.String(), errs.String())
			}
		})
	}
	wg.Wait()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	return said, string(text)
}

// shellVerdict reads the lines "ID pass", "ID FAIL", "ID inconclusive".
func shellVerdict(id, out string) string {
	verdict := ""
	for line := range strings.Lines(out) {
		word, ok := strings.CutPrefix(line, id+" ")
		if !ok {
			continue
		}
		word = strings.ToLower(strings.Fields(word)[0])
		if verdict == "" || word == "fail" || word == "inconclusive" && verdict == "pass" {
			verdict = word
		}
	}
	return verdict
}

// What --dry-run announces is what is sent, and all of it.
func TestSendsAnnounceEverything(t *testing.T) {
	t.Parallel()
	for i, c := range checks.All(2) {
		if spared(i) {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T) { checkAnnounced(t, c) })
		})
	}
}

func checkAnnounced(t *testing.T, c gate.Check) {
	r := newProviderRig(t, fake.Sound()...)
	announced := map[string]bool{}
	for _, line := range c.Sends {
		announced[withoutQuery(line)] = true
	}
	around := gate.AroundChecks(checks.Blueprints())
	for _, line := range slices.Concat(around.First, around.Made, around.Last) {
		line, _, _ = strings.Cut(line, " (")
		announced[line] = true
	}
	if c.Last { // the probes of all families are sent together
		for _, other := range checks.All(2) {
			for _, line := range other.Sends {
				announced[withoutQuery(line)] = announced[withoutQuery(line)] || other.Last
			}
		}
	}
	cfg := r.config()
	var mu sync.Mutex
	cfg.Only, cfg.Sent = []string{c.ID}, func(req gate.Request) {
		mu.Lock()
		defer mu.Unlock()
		if line := withoutQuery(req.Line()); !announced[line] {
			t.Errorf("%s sent %s, which it does not announce", c.ID, line)
		}
	}
	run(t, cfg)
}

func withoutQuery(line string) string {
	return strings.SplitN(strings.TrimSuffix(line, " with 4 MiB"), "?", 2)[0]
}
