package webhook

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"time"

	"sluice/internal/record"
	"sluice/internal/report"
)

// What holds where Config says nothing.
const (
	DefaultSpoolBytes = 64 << 20
	DefaultWindow     = time.Hour
	DefaultLinger     = time.Second
	DefaultTimeout    = 30 * time.Second
	DefaultGrace      = 10 * time.Second
)

// minSpoolBytes holds a few of the longest records.
const minSpoolBytes = 1 << 20

// Full says what becomes of findings when the spool has no room.
type Full string

// The ways of a full spool: Write waits for room, and the log with it, or
// findings are dropped and counted.
const (
	FullBlock Full = "block"
	FullDrop  Full = "drop"
)

// Config says where findings go and how. URL is required.
type Config struct {
	URL         Value // of chats the URL is the credential: from a file or the environment
	Format      Format
	Template    string // text of FormatTemplate
	ContentType string // of FormatTemplate; "": application/json
	Version     string // of Sluice, for the User-Agent
	Rules       []report.Rule

	MinSeverity record.Severity // lowest that is sent; none: low
	Known       bool            // send what is in the baseline or ignored, too
	Window      time.Duration   // in which equal leaks are one message
	Linger      time.Duration   // how long a first finding waits for others; spool only
	Batch       int             // findings a message; 0, or more than the format holds: what it holds

	Spool      string // folder; "": Write returns once the receiver has the finding
	SpoolBytes int64
	Full       Full

	Gzip        bool
	SigningKeys []Value // Standard Webhooks; all sign, so that a receiver can change its key at its own time
	Token       Value   // Authorization: Bearer
	RoutingKey  Value   // PagerDuty
	Proxy       Value   // URL, or "none"; unset: HTTPS_PROXY and its kin
	CA          string  // PEM file that is trusted instead of the system's
	Cert, Key   string  // PEM files of this client; read again for each connection
	Retry       Codes   // zero: DefaultRetry
	Timeout     time.Duration
	Grace       time.Duration // how long Close goes on delivering
	Patience    time.Duration // how long Write waits at most; 0: as long as its context allows

	Log    *slog.Logger             // nil: none
	Now    func() time.Time         // nil: time.Now
	Getenv func(name string) string // nil: os.Getenv

	dial dialer // tests
}

// defaults fills what is not set.
func (c *Config) defaults() {
	fill := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	fill(&c.Window, DefaultWindow)
	fill(&c.Linger, DefaultLinger)
	fill(&c.Timeout, DefaultTimeout)
	fill(&c.Grace, DefaultGrace)
	if c.Spool == "" {
		c.Linger = 0 // somebody waits for the message
	}
	if c.SpoolBytes == 0 {
		c.SpoolBytes = DefaultSpoolBytes
	}
	if c.Format == "" {
		c.Format = FormatJSON
	}
	if c.Full == "" {
		c.Full = FullBlock
	}
	if c.MinSeverity == record.SeverityNone {
		c.MinSeverity = record.SeverityLow
	}
	if c.Retry == (Codes{}) {
		c.Retry = DefaultRetry()
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Getenv == nil {
		c.Getenv = os.Getenv
	}
}

// check reads everything that can be wrong before the first finding.
func (c *Config) check() error {
	if c.Full != FullBlock && c.Full != FullDrop {
		return fmt.Errorf("full %q: want block or drop", string(c.Full))
	}
	if c.Spool != "" && c.SpoolBytes < minSpoolBytes {
		return fmt.Errorf("a spool of %s is too small: give it %s or more", report.Size(c.SpoolBytes), report.Size(minSpoolBytes))
	}
	if (c.Cert == "") != (c.Key == "") {
		return errors.New("a client certificate needs both its file and the file of its key")
	}
	if c.Format == FormatPagerDuty && !c.RoutingKey.IsSet() {
		return errors.New("format pagerduty needs the routing key of its integration, from a file or the environment")
	}
	if c.RoutingKey.IsSet() {
		if _, err := c.RoutingKey.read(c.Getenv); err != nil {
			return fmt.Errorf("routing key: %w", err)
		}
	}
	if c.Token.IsSet() {
		if _, err := c.Token.read(c.Getenv); err != nil {
			return fmt.Errorf("token: %w", err)
		}
	}
	u, err := c.target()
	if err == nil && c.Token.IsSet() && u.Scheme == "http" {
		c.Log.Warn("the webhook's token goes over the network in clear: its URL is http", "receiver", shown(u))
	}
	return err
}

// target reads the URL. Its errors show no part of it.
func (c *Config) target() (*url.URL, error) {
	text, err := c.URL.read(c.Getenv)
	if err != nil {
		return nil, fmt.Errorf("webhook URL: %w", err)
	}
	u, err := url.Parse(text.Reveal())
	switch {
	case err != nil:
		return nil, fmt.Errorf("webhook URL from %s: is no URL", c.URL.place())
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		return nil, fmt.Errorf("webhook URL from %s: want https://HOST/PATH", c.URL.place())
	case u.User != nil:
		return nil, fmt.Errorf("webhook URL from %s: takes no user or password; give a token by file or variable", c.URL.place())
	}
	u.Fragment = ""
	return u, nil
}

// shown is what errors and logs call a URL: the path and query of a chat's are
// its credential.
func shown(u *url.URL) string { return u.Scheme + "://" + record.Printable(u.Host) }

// maxValue is the longest secret read from a file, bytes; a key is 100.
const maxValue = 64 << 10

// Value is a secret and where to read it: one of the fields is set. Files are
// read again for every request, so that a rotated one needs no restart.
type Value struct {
	Literal record.Secret
	File    string
	Env     string // name of a variable
}

// IsSet says that there is a place to read from.
func (v Value) IsSet() bool { return v.File != "" || v.Env != "" || !v.Literal.Empty() }

// errNoSecret says that a secret can't be read now. It may be there later: a
// message must not be given up for it.
var errNoSecret = errors.New("read secret")

// place names where the value comes from, for errors.
func (v Value) place() string {
	switch {
	case v.File != "":
		return "file " + record.Printable(v.File)
	case v.Env != "":
		return "variable " + record.Printable(v.Env)
	}
	return "configuration"
}

// read returns the value without white space around it; an empty one is an
// error, for what it protects would be sent without.
func (v Value) read(getenv func(string) string) (record.Secret, error) {
	text := v.Literal.Reveal()
	switch {
	case v.File != "":
		f, err := os.Open(v.File)
		if err != nil {
			return record.Secret{}, fmt.Errorf("%w: %w", errNoSecret, err)
		}
		b, err := io.ReadAll(io.LimitReader(f, maxValue+1))
		if err = errors.Join(err, f.Close()); err != nil {
			return record.Secret{}, fmt.Errorf("%w: %w", errNoSecret, err)
		}
		if len(b) > maxValue {
			return record.Secret{}, fmt.Errorf("%w: %s is longer than %d bytes", errNoSecret, v.place(), maxValue)
		}
		text = string(b)
	case v.Env != "":
		text = getenv(v.Env)
	}
	if text = strings.TrimSpace(text); text == "" {
		return record.Secret{}, fmt.Errorf("%w: %s is empty", errNoSecret, v.place())
	}
	return record.NewSecret(text), nil
}
