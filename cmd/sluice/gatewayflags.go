package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"sluice/internal/gateway"
	"sluice/internal/record"
)

// maxKeyFile bounds a file that holds one key.
const maxKeyFile = 64 << 10

// masterVariable is what the master key is called, here and in the gateway's own
// environment.
const masterVariable = "LITELLM_MASTER_KEY"

// gatewayKeyVariable is what Sluice's own key at the gateway is called.
const gatewayKeyVariable = "SLUICE_GATEWAY_KEY"

// defaultMaxStale is how old the keys may be before /readyz turns red.
const defaultMaxStale = 10 * time.Minute

// gatewayFlags say where live keys are known from. Keys come through the
// environment or files: a command line is visible to every user of the machine.
type gatewayFlags struct {
	urls       []string
	keyFile    string
	masterFile string
	masterHash string
	keysFile   string
	require    bool
	maxStale   time.Duration
	ca         string
}

func (f *gatewayFlags) register(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.urls, "gateway", nil, "base `URL` of a gateway whose keys to look for; repeatable; its key comes from SLUICE_GATEWAY_KEY")
	flags.StringVar(&f.keyFile, "gateway-key-file", "", "`FILE` with the gateway's key, best that of a proxy_admin_viewer; else the master key is used")
	flags.StringVar(&f.masterFile, "master-key-file", "", "`FILE` with the master key (or LITELLM_MASTER_KEY)")
	flags.StringVar(&f.masterHash, "master-key-sha256", "", "`HASH` of the master key, where the key itself must not be: 64 hex digits")
	flags.StringVar(&f.keysFile, "keys", "", "`FILE` from sluice keys export, for use without the gateway")
	flags.BoolVar(&f.require, "require-keys", false, "end with 3 if live keys are not known at all")
	flags.DurationVar(&f.maxStale, "max-stale", defaultMaxStale, "when following: how old the keys may be before /readyz turns red")
	flags.StringVar(&f.ca, "gateway-ca", "", "`FILE` with certificates to trust for the gateway besides the system's")
	fromEnv(flags, "gateway", "SLUICE_GATEWAY")
}

// gatewayAccess is what the flags come to.
type gatewayAccess struct {
	clients    []*gateway.Client
	fixed      []*gateway.Snapshot // the master key, the file of --keys
	master     record.Secret       // empty if none was given, or its hash only
	credential record.Secret       // what the clients use; may be the master key
}

// named says that the user asked for live keys at all.
func (f *gatewayFlags) named() bool { return len(f.urls) > 0 || f.keysFile != "" }

// open reads files and environment and makes the clients; it connects to
// nothing. Errors carry their exit code: 2 for wrong use, 3 for keys that cannot
// be had (no credential, no snapshot file). With 3 the access holds the rest.
func (f *gatewayFlags) open(a *app) (*gatewayAccess, error) {
	out := &gatewayAccess{}
	if err := f.readKeys(a, out); err != nil {
		return out, err
	}
	missing := f.openGateways(out)
	if usage := wrongUse(missing); usage != nil {
		return out, usage
	}
	if f.keysFile != "" {
		s, err := gateway.Load(f.keysFile, time.Now())
		if err != nil {
			missing = append(missing, incompleteError(err, "write one with: sluice keys export -o FILE"))
		} else {
			out.fixed = append(out.fixed, s)
		}
	}
	if f.require && !f.named() {
		missing = append(missing, incompleteError(errors.New("--require-keys: no live keys are known"), "name a gateway with --gateway, or a snapshot with --keys"))
	}
	return out, joinMissing(missing)
}

// readKeys finds the master key and the gateway's key.
func (f *gatewayFlags) readKeys(a *app, out *gatewayAccess) error {
	var err error
	if out.master, err = oneKey(a, masterVariable, "--master-key-file", f.masterFile); err != nil {
		return err
	}
	if out.credential, err = oneKey(a, gatewayKeyVariable, "--gateway-key-file", f.keyFile); err != nil {
		return err
	}
	if out.credential.Empty() {
		out.credential = out.master
	}
	if !out.master.Empty() {
		out.fixed = append(out.fixed, gateway.Master(out.master))
	}
	if f.masterHash != "" {
		hash, ok := gateway.ParseHash(f.masterHash)
		if !ok {
			return usageError(errors.New("--master-key-sha256: want 64 hex digits"), `make it with: printf %s "$LITELLM_MASTER_KEY" | sha256sum`)
		}
		out.fixed = append(out.fixed, gateway.MasterHash(hash))
	}
	return nil
}

// oneKey reads a key from a file, if one is named, else from the environment.
// Set but empty is absent; an empty file that was named is not.
func oneKey(a *app, variable, flag, path string) (record.Secret, error) {
	if path == "" {
		return record.NewSecret(a.env(variable)), nil
	}
	text, err := readSmall(path, maxKeyFile)
	key := strings.TrimRight(string(text), "\r\n")
	switch {
	case err != nil:
		return record.Secret{}, usageError(fmt.Errorf("%s: %w", flag, err), "")
	case key == "":
		return record.Secret{}, usageError(fmt.Errorf("%s: %s is empty", flag, path), "")
	case strings.ContainsAny(key, "\r\n"):
		return record.Secret{}, usageError(fmt.Errorf("%s: %s holds more than one line", flag, path), "put the key there and nothing else")
	}
	return record.NewSecret(key), nil
}

// readSmall reads a file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("read %s: over %d bytes", path, limit)
	}
	return text, err
}

// openGateways makes a client for each URL; what fails is returned.
func (f *gatewayFlags) openGateways(out *gatewayAccess) (missing []error) {
	for _, url := range f.urls {
		if url == "" {
			continue
		}
		c, err := gateway.New(gateway.Config{URL: url, Credential: out.credential, CAFile: f.ca, Version: version()})
		switch {
		case errors.Is(err, gateway.ErrNoCredential):
			missing = append(missing, incompleteError(err, gateway.HintFor(err)))
		case err != nil:
			missing = append(missing, usageError(err, ""))
		default:
			out.clients = append(out.clients, c)
		}
	}
	return missing
}

// load reads all keys once, for a one-pass job. keys is never nil: it holds what
// could be had. An err for which keysMissing is true says that something asked
// for could not be; whoever can goes on and ends with 3. Any other ends the job.
func (f *gatewayFlags) load(ctx context.Context, a *app) (keys *gateway.Snapshot, master record.Secret, err error) {
	access, err := f.open(a)
	if err != nil && !keysMissing(err) {
		return gateway.Merge(time.Now()), record.Secret{}, err
	}
	keys, fetched := access.fetch(ctx)
	return keys, access.master, joinMissing([]error{err, fetched})
}

// fetch reads all gateways once.
func (g *gatewayAccess) fetch(ctx context.Context) (*gateway.Snapshot, error) {
	store := g.store(nil)
	err := store.Refresh(ctx)
	switch {
	case err == nil:
		return store.Snapshot(), nil
	case interrupted(ctx):
		return store.Snapshot(), &exitError{code: exitInterrupt, err: context.Cause(ctx)}
	}
	return store.Snapshot(), incompleteError(err, gateway.HintFor(err))
}

// store is for who follows: run it, and take its Snapshot. onSwap may be nil.
func (g *gatewayAccess) store(onSwap func(*gateway.Snapshot)) *gateway.Store {
	cfg := gateway.StoreConfig{Fixed: g.fixed, OnSwap: onSwap}
	for _, c := range g.clients {
		cfg.Gateways = append(cfg.Gateways, c)
	}
	return gateway.NewStore(cfg)
}

// resolver asks the gateways for single hashes; nil without a gateway.
func (g *gatewayAccess) resolver(onAnswer func([32]byte, *record.KeyInfo)) *gateway.Resolver {
	if len(g.clients) == 0 {
		return nil
	}
	cfg := gateway.ResolverConfig{OnAnswer: onAnswer}
	for _, c := range g.clients {
		cfg.Gateways = append(cfg.Gateways, c)
	}
	return gateway.NewResolver(cfg)
}

// keysMissing says that err is about keys that could not be had, not about
// wrong use.
func keysMissing(err error) bool {
	var e *exitError
	return errors.As(err, &e) && e.code == exitIncomplete
}

// wrongUse finds the first usage error.
func wrongUse(errs []error) error {
	for _, err := range errs {
		if err != nil && !keysMissing(err) {
			return err
		}
	}
	return nil
}

// joinMissing makes one error of several, with the first one's hint. One that is
// not about missing keys comes before all.
func joinMissing(errs []error) error {
	if err := wrongUse(errs); err != nil {
		return err
	}
	joined := &exitError{code: exitIncomplete}
	var texts []error
	for _, err := range errs {
		var e *exitError
		if errors.As(err, &e) {
			texts = append(texts, e.err)
			if joined.hint == "" {
				joined.hint = e.hint
			}
		}
	}
	if len(texts) == 0 {
		return nil
	}
	joined.err = errors.Join(texts...)
	return joined
}
