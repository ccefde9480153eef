package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/internal/gate"
	"sluice/internal/gate/checks"
	"sluice/internal/gate/matrix"
	"sluice/internal/gate/provider"
	"sluice/internal/gateway"
	"sluice/internal/record"
)

// maxCAFile bounds a file of certificates.
const maxCAFile = 1 << 20

// gateFlags say which gateway is tested, and how hard.
type gateFlags struct {
	gateways      []string
	ca            string
	noProgress    bool
	replicas      []string
	logs          []string
	model         string
	only, skip    []string
	safe          bool
	thorough      bool
	dryRun        bool
	maxRevocation time.Duration
	timeout       time.Duration
	jobs          int
	rate          float64
	maxRequests   int
	baseline      string
	masterFile    string
	keyFile       string
	provider      string
	out           gateOutput
}

func newGateCommand(a *app) *cobra.Command {
	var f gateFlags
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Test whether the gateway keeps its promises",
		Long: "Tests a LiteLLM gateway through its API and its logs and reports what it found, with a verdict and evidence for each check.\n" +
			"What a run makes at the gateway is named sluice-gate-<run>, lives an hour at most and is removed at its end.\n\n" +
			"--provider-mock starts a model provider for it; the gateway's configuration needs\n\n" + provider.Config(provider.DefaultAddress),
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, a) },
	}
	flags := cmd.Flags()
	f.registerGateway(cmd)
	flags.StringArrayVar(&f.replicas, "replica", nil, "`URL` of a replica behind the gateway; repeatable, in order")
	flags.StringArrayVar(&f.logs, "logs", nil, "`SOURCE` with the log of a replica or the load balancer; repeatable")
	flags.StringVar(&f.model, "model", "", "model `NAME` to send chats to; default: the first of /v1/models")
	flags.StringSliceVar(&f.only, "only", nil, "run these checks alone: ids, systems, globs of ids")
	flags.StringSliceVar(&f.skip, "skip", nil, "leave these checks out")
	flags.BoolVar(&f.safe, "safe", false, "only checks that create, change and cost nothing")
	flags.BoolVar(&f.thorough, "thorough", false, "also what takes many requests or much time")
	flags.BoolVar(&f.dryRun, "dry-run", false, "list what would be sent, and send nothing")
	flags.DurationVar(&f.maxRevocation, "max-revocation", gate.DefaultMaxRevocation, "how long a revoked key may go on working on any replica")
	flags.DurationVar(&f.timeout, "timeout", gate.DefaultTimeout, "limit of the whole run, clean-up included")
	flags.IntVar(&f.jobs, "jobs", gate.DefaultJobs, "checks at a time")
	flags.Float64Var(&f.rate, "rate", gate.DefaultRate, "requests a second")
	flags.IntVar(&f.maxRequests, "max-requests", gate.DefaultMaxRequests, "requests in all")
	flags.StringVar(&f.provider, "provider-mock", "", "start the built-in provider on loopback `ADDR` for a gateway whose model "+provider.ModelName+" points at it")
	flags.Lookup("provider-mock").NoOptDefVal = provider.DefaultAddress
	flags.BoolVar(&f.noProgress, "no-progress", false, "do not name each check on a terminal as it ends")
	flags.StringVar(&f.baseline, "baseline", "", "json report of an earlier run to compare with")
	f.out.register(flags)
	cmd.AddCommand(newGateCleanCommand(a), newGateProviderCommand(a))
	return cmd
}

func (f *gateFlags) registerGateway(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.gateways, "gateway", nil, "`URL` of the gateway as its users reach it")
	flags.StringVar(&f.ca, "gateway-ca", "", "`FILE` with certificates to trust for the gateway besides the system's")
	fromEnv(flags, "gateway", "SLUICE_GATEWAY")
	flags.StringVar(&f.masterFile, "master-key-file", "", "`FILE` with the master key (or LITELLM_MASTER_KEY)")
	flags.StringVar(&f.keyFile, "gateway-key-file", "", "`FILE` with another admin key (or SLUICE_GATEWAY_KEY)")
}

// config is the run that the flags describe.
func (f *gateFlags) config(cmd *cobra.Command, a *app) (gate.Config, error) {
	cfg := gate.Config{
		Model: f.model, Only: f.only, Skip: f.skip, Safe: f.safe, Thorough: f.thorough, MaxRevocation: f.maxRevocation,
		Timeout: f.timeout, Jobs: f.jobs, Rate: f.rate, MaxRequests: f.maxRequests, LogSources: f.logs,
		Scrub: &gate.Scrubber{}, Version: version(), RunID: gate.NewRunID(),
		Checks: checks.All(len(f.replicas)), Blueprints: checks.Blueprints(),
	}
	var err error
	if cfg.Gateway, cfg.TLS, err = f.target(); err != nil {
		return cfg, err
	}
	for _, r := range f.replicas {
		if r, err = gateway.ParseURL(r); err != nil {
			return cfg, usageError(fmt.Errorf("--replica: %w", err), "")
		}
		cfg.Replicas = append(cfg.Replicas, r)
	}
	if strings.ContainsAny(f.model, gate.BadInModel) {
		return cfg, usageError(fmt.Errorf("--model %q: not a model's name", f.model), "")
	}
	if cfg.Master, err = f.master(a); err != nil {
		return cfg, err
	}
	if cfg.Waivers, err = readWaivers(cmd, a, cfg.Checks); err != nil {
		return cfg, err
	}
	return cfg, nil
}

// target is the gateway that the flags name, and whom to trust for it.
func (f *gateFlags) target() (base string, trust *tls.Config, err error) {
	switch len(f.gateways) {
	case 0:
		return "", nil, usageError(errors.New("no gateway named"), "name it with --gateway URL, or SLUICE_GATEWAY")
	case 1:
	default:
		return "", nil, usageError(errors.New("more than one gateway named"), "the gate tests one at a time")
	}
	if base, err = gateway.ParseURL(f.gateways[0]); err != nil {
		return "", nil, usageError(err, "")
	}
	if f.ca == "" {
		return base, nil, nil
	}
	text, err := readSmall(f.ca, maxCAFile)
	if err != nil {
		return "", nil, usageError(fmt.Errorf("--gateway-ca: %w", err), "")
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return "", nil, incompleteError(fmt.Errorf("read the system's certificates: %w", err), "")
	}
	if !roots.AppendCertsFromPEM(text) {
		return "", nil, usageError(fmt.Errorf("--gateway-ca: %s holds no certificate", f.ca), "")
	}
	return base, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, nil
}

// master is the key that the gate administers with; empty if none was given.
func (f *gateFlags) master(a *app) (record.Secret, error) {
	key, err := oneKey(a, "LITELLM_MASTER_KEY", "--master-key-file", f.masterFile)
	if err != nil || !key.Empty() {
		return key, err
	}
	return oneKey(a, "SLUICE_GATEWAY_KEY", "--gateway-key-file", f.keyFile)
}

func (f *gateFlags) run(cmd *cobra.Command, a *app) error {
	cfg, err := f.config(cmd, a)
	if err != nil {
		return err
	}
	threshold, err := f.out.check()
	if err != nil {
		return err
	}
	selected, skipped, err := cfg.Select()
	if err != nil {
		return usageError(err, "sluice gate --dry-run lists the checks")
	}
	if f.dryRun {
		return dryRun(a.stdout, &cfg, selected, skipped)
	}
	before, err := f.earlier()
	if err != nil {
		return err
	}
	if len(f.logs) > 0 {
		if cfg.Logs, err = newLogProbe(a, f.logs); err != nil {
			return err
		}
	}
	if f.provider != "" {
		mock, err := provider.Start(f.provider)
		if err != nil {
			return incompleteError(err, "name a free one: --provider-mock=127.0.0.1:PORT")
		}
		defer mock.Close()
		cfg.Provider, cfg.ProviderAddress = mock, f.provider
	}
	if a.stderrTerminal && !f.noProgress {
		cfg.Progress = func(o gate.Outcome) { fmt.Fprintf(a.stderr, "%-12s %s. %s\n", o.Verdict, o.ID, o.Title) }
	}
	report, err := gate.Run(cmd.Context(), cfg)
	if err != nil {
		return usageError(err, "")
	}
	if before != nil {
		report.Compare(before.run, before.verdicts)
	}
	if err := f.out.write(a.stdout, report, cfg.Scrub); err != nil {
		return incompleteError(err, "")
	}
	return f.verdict(cmd.Context(), report, threshold)
}

// verdict turns a report into an exit code.
func (f *gateFlags) verdict(ctx context.Context, r *gate.Report, threshold record.Severity) error {
	switch {
	case interrupted(ctx):
		return &exitError{code: exitInterrupt, err: fmt.Errorf("%w, the report is partial", context.Cause(ctx))}
	case len(r.Leftovers) > 0:
		return incompleteError(fmt.Errorf("%d objects could not be removed from the gateway", len(r.Leftovers)), "sluice gate clean --gateway "+r.Gateway)
	case r.Info.Problem != "":
		return incompleteError(errors.New(r.Info.Problem), "")
	case !r.Complete():
		return &exitError{code: exitIncomplete, err: fmt.Errorf("%d checks came to no verdict", r.Count(gate.Inconclusive))}
	case threshold > record.SeverityNone && r.FailedAt(threshold):
		return &exitError{code: exitFound}
	}
	return nil
}

// earlierRun is a run to compare with.
type earlierRun struct {
	run      string
	verdicts map[string]gate.Verdict
}

func (f *gateFlags) earlier() (*earlierRun, error) {
	if f.baseline == "" {
		return nil, nil
	}
	file, err := os.Open(f.baseline)
	if err != nil {
		return nil, usageError(fmt.Errorf("--baseline: %w", err), "")
	}
	defer file.Close()
	run, verdicts, err := matrix.ReadVerdicts(file)
	if err != nil {
		return nil, usageError(fmt.Errorf("--baseline %s: %w", f.baseline, err), "sluice gate --sink json:FILE writes one")
	}
	return &earlierRun{run, verdicts}, nil
}

// dryRun lists what each check would send.
func dryRun(w io.Writer, cfg *gate.Config, selected []gate.Check, skipped map[string]string) error {
	fmt.Fprintf(w, "Against %s, nothing sent. What a run makes is named sluice-gate-<run> and removed at its end.\n", cfg.Gateway)
	for _, c := range selected {
		if why := skipped[c.ID]; why != "" {
			fmt.Fprintf(w, "\n%s. %s: %s\n", c.ID, c.Title, why)
			continue
		}
		fmt.Fprintf(w, "\n%s. %s (%s, %s)\n", c.ID, c.Title, c.System, c.Severity)
		writeSends(w, c.Sends)
	}
	around := gate.AroundChecks(cfg.Blueprints)
	fmt.Fprintln(w, "\nFirst, to know what it talks to")
	writeSends(w, around.First)
	if !cfg.Safe {
		fmt.Fprintln(w, "\nObjects that checks share, each when it is first needed")
		writeSends(w, around.Made)
		fmt.Fprintln(w, "\nAt the end, to remove what was made")
		writeSends(w, around.Last)
	}
	return nil
}

// writeSends writes requests, equal ones that follow each other as one.
func writeSends(w io.Writer, lines []string) {
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[n] == lines[0] {
			n++
		}
		times := ""
		if n > 1 {
			times = fmt.Sprintf(", %d times", n)
		}
		fmt.Fprintf(w, "    %s%s\n", lines[0], times)
		lines = lines[n:]
	}
}
