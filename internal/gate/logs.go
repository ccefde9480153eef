package gate

import "context"

// LogProbe reads the logs of the gateway, with the same sources and detectors
// as `sluice scan`. cmd implements it.
type LogProbe interface {
	// Begin notes where every source ends now: what is logged later belongs to
	// the run. It is called before the first request.
	Begin(ctx context.Context) error
	// Examine puts a text through the detectors, as if a source had read it: an
	// answer of the gateway, or a line with a canary to see that they work.
	Examine(ctx context.Context, text string, secrets map[string]string) ([]Leak, error)
	// Collect reads everything logged since Begin, up to now. markers are
	// texts to look for; secrets are values, by name, that the detectors are
	// told. It may be called several times and then reads from Begin again.
	Collect(ctx context.Context, markers []string, secrets map[string]string) (LogReading, error)
}

// LogReading is what the logs held.
type LogReading struct {
	Streams []LogStream
	Leaks   []Leak
	// Unread says what could not be examined, "" if all was.
	Unread string
}

// LogStream is one log of one source.
type LogStream struct {
	Name  string // as sluice scan names it: a file, a container and its stream
	Group string // what belongs to one process: the container, or the file
	Lines int64
	Bytes int64
	Seen  map[string]bool // markers
}

// Leak is a secret that stood in a log. It holds none of its bytes.
type Leak struct {
	Rule     string
	Name     string // what the secret was called when it was told; "" if it was not
	Severity string
	Stream   string
	Line     int64
	Encoding string // "plain", "base64", …: the form it stood in
	Whole    bool
	Context  string // redacted line
}

// ProviderProbe is the built-in provider (package provider).
type ProviderProbe interface {
	// Model is the name of the gateway's model that it serves.
	Model() string
	// Received says how many requests came whose path, headers or body hold text.
	Received(text string) (count int, where []string)
}

// GatewayInfo is what the gateway says of itself.
type GatewayInfo struct {
	Version  string   // "" if it does not tell
	Versions []string // of each replica, in order
	Database string   // as /health/readiness puts it
	Models   []string
	Notes    []string // what a reader of the report should know
	Problem  string   // why it cannot be tested at all, "" if it can
	// MasterRefused says that the gateway does not know the master key given.
	MasterRefused bool
}
