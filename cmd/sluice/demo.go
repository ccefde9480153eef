package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"

	"sluice/internal/gateway"
	"sluice/internal/gateway/fake"
	"sluice/internal/lines"
	"sluice/internal/pipeline"
	"sluice/internal/record"
	"sluice/rules"
	"sluice/sinks"
	"sluice/sinks/clean"
)

// demoFolder is where the demo leaves its report and the redacted logs.
const demoFolder = "sluice-demo"

func newDemoCommand(a *app) *cobra.Command {
	var noColor bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show everything on an embedded gateway whose logs leak",
		Long: "Starts a gateway with two replicas in this process, sends it traffic, and scans what it logs.\n" +
			"It needs no set-up and no network beyond loopback, and leaves ./" + demoFolder + "/.",
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := sinkFlags{noColor: noColor}
			return demo(cmd.Context(), a, f.color(a))
		},
	}
	cmd.Flags().BoolVar(&noColor, "no-color", false, "no colour, even on a terminal")
	return cmd
}

// demo runs the gateway, then scans and redacts its logs in one pass.
func demo(ctx context.Context, a *app, color bool) error {
	logs := &capture{}
	g, err := fake.Start(fake.Options{Version: fake.V1_81, LogMode: fake.LogDebug, Logs: logs.replica, BalancerLog: logs.stream("litellm-balancer", "stdout")})
	if err != nil {
		return incompleteError(fmt.Errorf("start the embedded gateway: %w", err), "")
	}
	defer g.Close()
	fmt.Fprintf(a.stdout, "A gateway with %d replicas runs at %s. Teams, keys and requests are made;\nwhat it logs is scanned as `sluice scan docker://litellm-gateway-*` would.\n\n", len(g.Replicas()), g.URL)
	if err := demoTraffic(ctx, g); err != nil {
		return incompleteError(fmt.Errorf("send the embedded gateway traffic: %w", err), "")
	}
	keys, err := demoKeys(ctx, g)
	if err != nil {
		return incompleteError(fmt.Errorf("fetch the live keys: %w", err), "")
	}
	set, err := rules.Default()
	if err != nil {
		return err
	}
	detection, err := newDetection(detectionConfig{rules: set, master: record.NewSecret(g.MasterKey), keys: keys})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(demoFolder, 0o755); err != nil {
		return incompleteError(fmt.Errorf("make folder: %w", err), "the demo writes below the current folder")
	}
	sarif := filepath.Join(demoFolder, "findings.sarif")
	tree := clean.NewTree(demoFolder, ".")
	j := &job{detection: detection, stats: &pipeline.Stats{}, run: newRun(), sources: []pipeline.Source{demoSource{logs, tree}}}
	o := sinks.Options{Run: j.run, Rules: detection.rules, Color: color}
	text, err := sinks.Format("text", a.stdout, o)
	if err != nil {
		return err
	}
	report, err := sinks.Open("sarif:"+sarif, o)
	if err != nil {
		return incompleteError(err, "")
	}
	j.sink = sinks.Tee(text, report, tree)
	if err := j.do(ctx); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\nIn ./%s/: findings.sarif, and the logs with every secret taken out:\n", demoFolder)
	for _, l := range logs.list {
		fmt.Fprintf(a.stdout, "  %s\n", l.file())
	}
	return nil
}

// demoKeys asks the gateway for its keys as every command does.
func demoKeys(ctx context.Context, g *fake.Gateway) (*gateway.Snapshot, error) {
	master := record.NewSecret(g.MasterKey)
	client, err := gateway.New(gateway.Config{URL: g.URL, Credential: master, Version: version()})
	if err != nil {
		return nil, err
	}
	defer client.Close()
	live, err := client.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	return gateway.Merge(live.Taken(), gateway.Master(master), live), nil
}

// capture keeps what the gateway prints in memory: the demo leaves no raw log.
type capture struct {
	mu   sync.Mutex // guards list and all buffers
	list []*captured
}

// captured is one output stream of one container.
type captured struct {
	origin record.Origin
	mu     *sync.Mutex
	text   bytes.Buffer
}

func (c *captured) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *captured) file() string { return c.origin.Name + "." + c.origin.Stream + ".log" }

func (c *capture) stream(name, stream string) io.Writer {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := &captured{origin: record.Origin{Kind: "demo", Name: name, Stream: stream}, mu: &c.mu}
	c.list = append(c.list, w)
	return w
}

func (c *capture) replica(n int) (stdout, stderr io.Writer) {
	name := fmt.Sprintf("litellm-gateway-%d", n+1)
	return c.stream(name, "stdout"), c.stream(name, "stderr")
}

// demoSource reads what was captured, stream by stream.
type demoSource struct {
	logs *capture
	tree *clean.Tree
}

func (s demoSource) Run(ctx context.Context, emit func(record.Batch) error) error {
	for _, l := range s.logs.list {
		l.mu.Lock()
		text := bytes.Clone(l.text.Bytes())
		l.mu.Unlock()
		if err := s.tree.Enter(record.Entry{Origin: l.origin, Stream: l.file(), Path: l.file()}); err != nil {
			return err
		}
		r := lines.NewReader(bytes.NewReader(text), l.origin, record.Mark{Stream: l.file()})
		if err := r.Emit(ctx, emit); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}

func (s demoSource) Commit(context.Context, record.Mark) error { return nil }
