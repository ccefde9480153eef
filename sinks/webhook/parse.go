package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"sluice/internal/record"
	"sluice/internal/report"
)

// Parse reads what --sink names a receiver with, after "webhook:" or with it:
//
//	webhook:https://HOST/PATH?format=slack&window=1h
//	webhook:file:/run/secrets/hook?format=discord
//	webhook:env:HOOK_URL?format=teams
//
// Everything behind the ? is an option of the sink; a URL that has a query of
// its own, or that is a credential as those of chats are, comes from a file or
// the environment. So do all secrets: their options end in -file or -env.
// Errors show neither the URL nor a value.
func Parse(uri string) (Config, error) {
	rest := strings.TrimPrefix(uri, "webhook:")
	place, query, _ := strings.Cut(rest, "?")
	c := Config{}
	switch {
	case strings.HasPrefix(place, "file:"):
		c.URL.File = strings.TrimPrefix(place, "file:")
	case strings.HasPrefix(place, "env:"):
		c.URL.Env = strings.TrimPrefix(place, "env:")
	default:
		c.URL.Literal = record.NewSecret(place)
		if err := checkLiteral(place); err != nil {
			return Config{}, err
		}
	}
	if !c.URL.IsSet() {
		return Config{}, errors.New("webhook: names no URL; want https://HOST/PATH, file:PATH or env:NAME")
	}
	options, err := url.ParseQuery(query)
	if err != nil {
		return Config{}, errors.New("webhook: what stands behind the ? is no list of NAME=VALUE; escape special characters as %XX")
	}
	for name, values := range options {
		set, ok := optionTable[name]
		if !ok {
			return Config{}, fmt.Errorf("webhook: unknown option %s; options are %s. A URL with a query of its own goes into a file: webhook:file:PATH",
				record.Printable(name), optionNames())
		}
		for i, v := range values {
			if i > 0 && !strings.HasPrefix(name, "key-") {
				return Config{}, fmt.Errorf("webhook: option %s is given twice", name)
			}
			if err := set(&c, v); err != nil {
				return Config{}, fmt.Errorf("webhook: option %s: %w", name, err)
			}
		}
	}
	return c, nil
}

// Env is what Open knows from elsewhere than the URI.
type Env struct {
	State   string // folder under which the spool goes that the URI does not name; "": none
	Follow  bool   // the run has no end: Write waits for as long as it takes
	Version string
	Rules   []report.Rule
	Log     *slog.Logger
}

// onePass is how long a run that has an end waits for a receiver that is away,
// before it ends as one whose findings were not delivered.
const onePass = 2 * time.Minute

// Open makes the sink that a URI names.
func Open(uri string, e Env) (*Sink, error) {
	c, err := Parse(uri)
	if err != nil {
		return nil, err
	}
	if c.Spool == "" && e.State != "" {
		c.Spool = filepath.Join(e.State, c.SpoolName())
	}
	if !e.Follow {
		c.Patience = onePass
	}
	c.Version, c.Rules, c.Log = e.Version, e.Rules, e.Log
	return New(c)
}

// credentialHosts issue URLs that are secrets: who has one can post.
var credentialHosts = []string{"hooks.slack.com", "discord.com", "discordapp.com", "webhook.office.com", "logic.azure.com", "api.powerplatform.com"}

func checkLiteral(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return errors.New("webhook: want https://HOST/PATH, file:PATH or env:NAME")
	}
	if u.User != nil {
		return errors.New("webhook: takes no user or password in a URL; use token-file or token-env")
	}
	for _, host := range credentialHosts {
		if h := strings.ToLower(u.Hostname()); h == host || strings.HasSuffix(h, "."+host) {
			return fmt.Errorf("webhook: a URL of %s is a credential, and a command line is visible to every user; put it into a file and name that, webhook:file:PATH", host)
		}
	}
	return nil
}

// optionTable is what may stand behind the ?.
var optionTable = map[string]func(c *Config, v string) error{
	"format":           func(c *Config, v string) error { return set(&c.Format, v, ParseFormat) },
	"template":         setTemplate,
	"content-type":     func(c *Config, v string) error { c.ContentType = v; return nil },
	"spool":            func(c *Config, v string) error { c.Spool = v; return nil },
	"spool-size":       func(c *Config, v string) error { return set(&c.SpoolBytes, v, parseSize) },
	"full":             func(c *Config, v string) error { c.Full = Full(v); return nil },
	"window":           func(c *Config, v string) error { return set(&c.Window, v, parseDuration) },
	"linger":           func(c *Config, v string) error { return set(&c.Linger, v, parseDuration) },
	"timeout":          func(c *Config, v string) error { return set(&c.Timeout, v, parseDuration) },
	"batch":            func(c *Config, v string) error { return set(&c.Batch, v, strconv.Atoi) },
	"min-severity":     func(c *Config, v string) error { return set(&c.MinSeverity, v, record.ParseSeverity) },
	"known":            func(c *Config, v string) error { return set(&c.Known, v, strconv.ParseBool) },
	"gzip":             func(c *Config, v string) error { return set(&c.Gzip, v, strconv.ParseBool) },
	"retry":            func(c *Config, v string) error { return set(&c.Retry, v, ParseCodes) },
	"key-file":         func(c *Config, v string) error { c.SigningKeys = append(c.SigningKeys, Value{File: v}); return nil },
	"key-env":          func(c *Config, v string) error { c.SigningKeys = append(c.SigningKeys, Value{Env: v}); return nil },
	"token-file":       func(c *Config, v string) error { c.Token.File = v; return nil },
	"token-env":        func(c *Config, v string) error { c.Token.Env = v; return nil },
	"routing-key-file": func(c *Config, v string) error { c.RoutingKey.File = v; return nil },
	"routing-key-env":  func(c *Config, v string) error { c.RoutingKey.Env = v; return nil },
	"proxy":            setProxy,
	"proxy-file":       func(c *Config, v string) error { c.Proxy.File = v; return nil },
	"proxy-env":        func(c *Config, v string) error { c.Proxy.Env = v; return nil },
	"ca":               func(c *Config, v string) error { c.CA = v; return nil },
	"cert":             func(c *Config, v string) error { c.Cert = v; return nil },
	"cert-key":         func(c *Config, v string) error { c.Key = v; return nil },
}

func optionNames() string {
	names := make([]string, 0, len(optionTable))
	for name := range optionTable {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}

func set[T any](to *T, text string, parse func(string) (T, error)) error {
	v, err := parse(text)
	if err == nil {
		*to = v
	}
	return err
}

// maxTemplate is the longest template file, bytes.
const maxTemplate = 1 << 20

func setTemplate(c *Config, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > maxTemplate {
		return fmt.Errorf("%s: want a file of at most %d bytes", record.Printable(path), maxTemplate)
	}
	text, err := os.ReadFile(path)
	c.Template, c.Format = string(text), FormatTemplate
	return err
}

func setProxy(c *Config, v string) error {
	if u, err := url.Parse(v); err == nil && u.User != nil {
		return errors.New("takes no user or password; use proxy-file or proxy-env")
	}
	c.Proxy.Literal = record.NewSecret(v)
	return nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("want a duration above zero, like 30s or 1h")
	}
	return d, err
}

// parseSize reads "64MiB", "1GiB", "500KiB" or a number of bytes.
func parseSize(text string) (int64, error) {
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			n, err := strconv.ParseInt(number, 10, 32)
			if err != nil || n < 0 {
				return 0, fmt.Errorf("size %q: want a number and KiB, MiB or GiB", text)
			}
			return n << (10 * (i + 1)), nil
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("size %q: want a number and KiB, MiB or GiB", text)
	}
	return n, nil
}

// SpoolName is a name for the spool of c below a folder that several sinks
// share. It rests on where the URL is read from, not on what a file says today.
func (c *Config) SpoolName() string {
	sum := sha256.Sum256([]byte(c.URL.File + "\x00" + c.URL.Env + "\x00" + c.URL.Literal.Reveal() + "\x00" + string(c.Format)))
	return "webhook-" + hex.EncodeToString(sum[:8])
}
