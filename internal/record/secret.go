package record

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden is what every secret-bearing value prints as.
const hidden = "[secret]"

// Secret is a value that must not be printed: every verb, logger and encoder
// shows it as [secret]. Read it with Reveal, and keep what it returns short-lived.
//
// The value stands behind a pointer: in an unexported field of another struct
// fmt calls no method of ours, and prints what it finds; a pointer it prints as
// an address. Two secrets are not to be compared with ==.
type Secret struct{ value *string }

// NewSecret wraps a value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the value itself.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty says that no value was given.
func (s Secret) Empty() bool { return s.Reveal() == "" }

func (s Secret) String() string               { return hidden }
func (s Secret) GoString() string             { return hidden }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format hides the value from verbs that String does not reach (%x, %q, %d).
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// Format hides a match's secret and spans from every verb.
func (m Match) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.Rule+hidden) }

// LogValue hides a match's secret from loggers.
func (m Match) LogValue() slog.Value { return slog.StringValue(m.Rule + hidden) }

// MarshalText hides a match's secret from encoders.
func (m Match) MarshalText() ([]byte, error) { return []byte(m.Rule + hidden), nil }
