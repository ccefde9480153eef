// Package record holds the values that flow through Sluice: what a source
// reads, what a detector matches, what a sink is given.
//
// The promise: raw bytes of a log live in Batch and Match only. Finding and
// Delivery, which leave the program, have no field that can hold a secret;
// internal/redact is the one place that turns the former into the latter.
//
// The limits: no logic beyond printing and comparing, standard library only.
// This package is the leaf that every adapter imports.
package record

import "time"

// Mark is a position in a stream that can be stored and compared. For a file
// Epoch is the fingerprint of its head and Offset a byte; for Kafka the assignment
// that delivered it, as this process counts them, and the offset; for Docker the time stamp and the ordinal among equal
// stamps. A Mark names the first byte or message not yet delivered.
type Mark struct {
	Stream             string
	Epoch, Offset, Sub int64
}

// Origin says where a record comes from: Kind is the adapter ("file",
// "archive", "stdin", "docker", "kafka"), Name what the user would call the
// place, Stream "stdout" or "stderr" where the transport keeps them apart; for
// Kafka Name is the topic and Stream the partition's number.
//
// Name comes from outside (a file, a member of an archive, a container) and
// may hold control characters; whoever prints it to a terminal escapes it.
type Origin struct{ Kind, Name, Stream string }

// Span is half open, in bytes of Batch.Text.
type Span struct{ Start, End int }

// Len is the number of bytes the span covers.
func (s Span) Len() int { return s.End - s.Start }

// Part says which part of a Kafka message a record is.
type Part uint8

// The parts of a Kafka message; everything else is a Value.
const (
	PartValue Part = iota
	PartKey
	PartHeaderKey
	PartHeaderValue
)

// Record is one line with its line end, or one part of a Kafka message.
type Record struct {
	Span
	Line int64 // in the source, from 1; 0: unknown
	Base int64 // offset of Start in the source, bytes; Kafka: of the message; -1: unknown
	Next int64 // Mark.Offset behind this record
	Sub  int64 // Mark.Sub behind this record
	Time time.Time
	Part Part
	Msg  int32 // message of the batch; no match crosses messages
	Null bool  // Kafka: the part is null, which is not the same as empty
	More bool  // the line was cut here and goes on in the next record
	// Withhold says that the record can't be judged (an open PEM block at its
	// limit, say) and must be delivered as withheld.
	Withhold bool
}

// Batch is a run of consecutive records of one stream: the unit of queueing,
// delivery and acknowledgement. Who receives a batch owns its bytes.
type Batch struct {
	Origin  Origin
	Text    []byte   // as read: framing and line ends included
	Lead    int      // Text[:Lead] was delivered before and is context only; at most 4 KiB
	Records []Record // ascending, contiguous, covering Text[Lead:]
	Views   []View   // what the text means where it is framed or encoded
	End     Mark     // behind the last record
	Final   bool     // the stream ends with this batch, which may be empty
	// Messages says that the records are parts of messages (Kafka), of which
	// none goes on in the next batch and some may be empty: there is no lead and
	// nothing is held back for what follows.
	Messages bool
	// Unread says that bytes of the stream were not examined and why ("" if all
	// were): a limit of an archive, a read error in the middle. It makes the
	// report incomplete; it is text of ours and holds no byte of the input.
	Unread string
	// Free gives the memory of Text and Records back to who lent it; nil: it is the
	// batch's own. Who owns the batch last may call it once nobody reads them any
	// more, nor what aliases them; without it they are garbage like any other.
	Free func() `json:"-"`
}

// MarkAfter is the mark behind record i.
func (b *Batch) MarkAfter(i int) Mark {
	r := b.Records[i]
	return Mark{Stream: b.End.Stream, Epoch: b.End.Epoch, Offset: r.Next, Sub: r.Sub}
}

// Encoding says how a secret stood in the text.
type Encoding string

// The encodings that a finding can have; views name theirs with "+" between
// rounds ("json+percent").
const (
	Plain   Encoding = "plain"
	JSON    Encoding = "json"    // backslash escapes of JSON, Python and Go literals
	Percent Encoding = "percent" // %XX
	Base64  Encoding = "base64"  // standard and URL alphabet
	Hex     Encoding = "hex"
	ANSI    Encoding = "ansi"   // colour codes taken out
	Framed  Encoding = "framed" // 16 KiB pieces, CRI lines, json-file lines joined
	Split   Encoding = "split"  // a line break stands inside the secret
	UTF16   Encoding = "utf16"  // text of two-byte units, in either order
)

// View is what a stretch of a batch means when its framing or encoding is
// undone. Its bytes belong to the batch.
type View struct {
	Kind Encoding
	Text []byte
	Map  []Seg // ascending; in Raw within a line of the view
}

// Match is what a detector found. It holds the secret and so never leaves
// internal/redact.
type Match struct {
	Rule     string
	Name     string // what a told secret is called ("OPENAI_API_KEY"); never a value
	Spans    []Span // raw, ascending, not overlapping; several when frames stand between
	Secret   []byte // decoded value; may alias Batch.Text
	Encoding Encoding
	Whole    bool     // false: a part of a secret
	Withhold bool     // the records the spans touch were not examined whole
	Hash     [32]byte // SHA-256 of a gateway key, zero for others
	Severity Severity // 0: the rule's own
	Shown    int      // partial key: characters in the open behind the prefix
	BitsLeft int      // partial key: bits that are not shown
	Hint     string   // partial key: the last four characters, if shown
	Line     Span     // context the rule matched in, zero if the secret alone
}

// Position of a finding in its source as read.
type Position struct {
	Line   int64 // from 1; 0: unknown
	Column int64 // bytes from 1; 0: unknown
	Offset int64 // bytes from 0; -1: unknown
	Length int64 // bytes of the source, over all spans
	// Code points, for reports that count them (SARIF); 0: unknown.
	ColumnRunes, EndColumnRunes int64
	EndLine                     int64
}

// KeyState is what the gateway says of a key.
type KeyState string

// The states of a gateway key.
const (
	KeyLive    KeyState = "live"
	KeyBlocked KeyState = "blocked"
	KeyExpired KeyState = "expired"
	KeyDeleted KeyState = "deleted"
	KeyUnknown KeyState = "unknown"
)

// KeyInfo says whose a key is. It never holds the key.
type KeyInfo struct {
	Gateway   string // base URL as configured
	Alias     string
	Name      string // masked, "sk-...7-kQ"
	TeamID    string
	TeamAlias string
	UserID    string
	Master    bool
	State     KeyState // at the time of the snapshot
	Created   time.Time
	Expires   time.Time // zero: never
	Deleted   time.Time // zero: not deleted, or unknown when
}

// Finding is a secret found, without the secret.
type Finding struct {
	Origin      Origin
	Rule        string
	Name        string // as in Match
	Severity    Severity
	Encoding    Encoding
	Whole       bool
	Print       [8]byte
	Fingerprint [16]byte
	Pos         Position
	Time        time.Time // the line's own or the transport's stamp; zero: none
	Preview     string    // at most the public prefix
	Length      int       // bytes of the decoded secret
	Context     string    // redacted line around it, control characters escaped
	Key         *KeyInfo
	LiveAtTime  *bool // whether Key was alive at Time; nil: not known
	Shown       int
	BitsLeft    int
	Update      bool   // a second delivery: the owner became known later
	Known       bool   // in the baseline or ignored: shown, but no reason to fail
	KnownBy     string // why Known: "baseline", or the ignore entry ("ignore FILE:LINE")
	// BaselineID is what a baseline file stores of it, under the file's salt.
	BaselineID string
}

// Delivery is a batch after redaction: what sinks get. Clean and Records are
// the receiver's to read until Write returns; Findings may be kept.
type Delivery struct {
	Origin   Origin
	Clean    []byte   // nil where a run has sinks for findings only
	Records  []Record // into Clean
	Findings []Finding
	Withheld int // records withheld
	Bytes    int // raw bytes examined, without the lead
	End      Mark
	Final    bool
	Unread   string
	// Free gives the memory of Clean and Records back to who lent it; nil: it is the
	// batch's. The pipeline calls it when Write has returned.
	Free func() `json:"-"`
}
