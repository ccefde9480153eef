package report

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"sluice/internal/record"
)

// Object is a finding as JSON: the keys, in this order, are a contract. They
// may be added to, not changed. Optional ones are left out when the finding
// has no value for them.
type Object struct {
	Rule        string          `json:"rule"`
	Severity    record.Severity `json:"severity"`
	Source      Source          `json:"source"`
	Position    Position        `json:"position"`
	LogTime     string          `json:"log_time,omitempty"` // UTC, milliseconds
	Secret      Secret          `json:"secret"`
	Key         *Key            `json:"key,omitempty"`
	Context     string          `json:"context"`
	Fingerprint string          `json:"fingerprint"` // 32 hex digits
	Update      bool            `json:"update,omitempty"`
	Known       bool            `json:"known,omitempty"` // in the baseline, or ignored
	KnownBy     string          `json:"known_by,omitempty"`
}

// Source is where a finding comes from; Stream is absent where the transport
// has none.
type Source struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Stream string `json:"stream,omitempty"`
}

// Position counts lines and columns from 1 (0: unknown), columns in bytes;
// offset in bytes from 0 (-1: unknown); length in bytes of the source as read.
type Position struct {
	Line   int64 `json:"line"`
	Column int64 `json:"column"`
	Offset int64 `json:"offset"`
	Length int64 `json:"length"`
}

// Secret describes a secret without being one.
type Secret struct {
	Print    string          `json:"print"` // 16 hex digits
	Preview  string          `json:"preview"`
	Length   int             `json:"length"` // bytes, decoded
	Encoding record.Encoding `json:"encoding"`
	Whole    bool            `json:"whole"`
	Name     string          `json:"name,omitempty"`      // what a told secret is called
	Shown    *int            `json:"shown,omitempty"`     // of a part: characters in the open
	BitsLeft *int            `json:"bits_left,omitempty"` // of a part: what a guess has to find
}

// Key says whose a gateway key is.
type Key struct {
	Alias         string          `json:"alias,omitempty"`
	Name          string          `json:"name,omitempty"` // masked
	TeamID        string          `json:"team_id,omitempty"`
	TeamAlias     string          `json:"team_alias,omitempty"`
	UserID        string          `json:"user_id,omitempty"`
	State         record.KeyState `json:"state"`
	Expires       string          `json:"expires,omitempty"`
	LiveAtLogTime *bool           `json:"live_at_log_time,omitempty"`
	Master        bool            `json:"master,omitempty"`
	Gateway       string          `json:"gateway,omitempty"`
	Created       string          `json:"created,omitempty"`
	Deleted       string          `json:"deleted,omitempty"`
}

// NewObject is the object of f, whose strings it shares.
func NewObject(f *record.Finding) Object {
	o := Object{
		Rule:     f.Rule,
		Severity: f.Severity,
		Source:   Source{f.Origin.Kind, f.Origin.Name, f.Origin.Stream},
		Position: Position{f.Pos.Line, f.Pos.Column, f.Pos.Offset, f.Pos.Length},
		LogTime:  stamp(f.Time),
		Secret: Secret{
			Print: Print(f), Preview: f.Preview, Length: f.Length,
			Encoding: f.Encoding, Whole: f.Whole, Name: f.Name,
		},
		Key:         newKey(f),
		Context:     f.Context,
		Fingerprint: Fingerprint(f),
		Update:      f.Update,
		Known:       f.Known,
		KnownBy:     f.KnownBy,
	}
	if hasShown(f) {
		o.Secret.Shown, o.Secret.BitsLeft = &f.Shown, &f.BitsLeft
	}
	return o
}

// hasShown says that f is a part with a head to show: of one without there is no
// number worth reading.
func hasShown(f *record.Finding) bool { return !f.Whole && (f.Shown != 0 || f.BitsLeft != 0) }

func newKey(f *record.Finding) *Key {
	k := f.Key
	if k == nil {
		return nil
	}
	return &Key{
		Alias: k.Alias, Name: k.Name, TeamID: k.TeamID, TeamAlias: k.TeamAlias, UserID: k.UserID,
		State: k.State, Expires: stamp(k.Expires), LiveAtLogTime: f.LiveAtTime,
		Master: k.Master, Gateway: k.Gateway, Created: stamp(k.Created), Deleted: stamp(k.Deleted),
	}
}

// Print is the keyed print of the secret, 16 hex digits.
func Print(f *record.Finding) string { return hex.EncodeToString(f.Print[:]) }

// Fingerprint identifies the finding across runs, 32 hex digits.
func Fingerprint(f *record.Finding) string { return hex.EncodeToString(f.Fingerprint[:]) }

const stampLayout = "2006-01-02T15:04:05.000Z"

// stamp prints a time in UTC with milliseconds; nothing for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(stampLayout)
}

// AppendJSON appends v on one line without a line end. Characters that a
// terminal would act on or hide, and what a build agent takes for a command (see
// Visible), stand as \u escapes, which mean the same to a reader of JSON: the
// output can be looked at as it is. Bytes that are not
// UTF-8 become U+FFFD, as JSON has no form for them.
func AppendJSON(dst []byte, v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, fmt.Errorf("encode finding: %w", err)
	}
	return AppendVisible(dst, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))), nil
}

// AppendVisible appends JSON text with escapes for what must not reach a
// terminal or a build agent as it is. Outside strings JSON is printable ASCII
// and blanks, so whatever needs an escape stands in a string.
func AppendVisible(dst, text []byte) []byte {
	for i := 0; i < len(text); {
		from := i
		for i < len(text) && text[i] < 0x7f && (text[i] != '#' || i == 0 || text[i-1] != '#') {
			i++
		}
		if dst = append(dst, text[from:i]...); i == len(text) {
			break
		}
		if text[i] == '#' {
			dst = append(dst, `\u0023`...)
			i++
			continue
		}
		r, n := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError || unicode.IsPrint(r):
			dst = utf8.AppendRune(dst, r)
		default:
			dst = appendUnicode(dst, r)
		}
		i += n
	}
	return dst
}

// appendUnicode appends the \u escape of a character, which is two beyond the
// first plane.
func appendUnicode(dst []byte, r rune) []byte {
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return fmt.Appendf(dst, `\u%04x\u%04x`, high, low)
	}
	return fmt.Appendf(dst, `\u%04x`, r)
}
