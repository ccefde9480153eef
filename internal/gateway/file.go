package gateway

import (
	"bufio"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"sluice/internal/record"
)

const (
	// fileVersion changes when an older program could not read the file.
	fileVersion = 1
	// mostVersion is the greatest that an error repeats; a longer number may be a secret.
	mostVersion = 999
	// maxFile bounds a snapshot file: 2,000,000 keys of some 400 bytes.
	maxFile = 1 << 30
)

// snapshotFile is the form of a snapshot on disk: hashes and names, no keys.
// The hash of a master key that a person made up can be guessed at, so the file
// is for its owner only.
type snapshotFile struct {
	Version  int        `json:"version"`
	Taken    *time.Time `json:"taken,omitempty"`
	Gateways []string   `json:"gateways"`
	Skipped  int        `json:"skipped,omitempty"` // rows of the gateway that could not be read
	Keys     []keyFile  `json:"keys"`
}

type keyFile struct {
	Hash      string     `json:"hash"` // SHA-256, hex
	Gateway   string     `json:"gateway,omitempty"`
	Alias     string     `json:"alias,omitempty"`
	Name      string     `json:"name,omitempty"` // masked
	Tail      string     `json:"tail,omitempty"` // hex of the last four bytes, if the name does not show them
	TeamID    string     `json:"team_id,omitempty"`
	TeamAlias string     `json:"team_alias,omitempty"`
	UserID    string     `json:"user_id,omitempty"`
	Master    bool       `json:"master,omitempty"`
	State     string     `json:"state"`
	Created   *time.Time `json:"created,omitempty"`
	Expires   *time.Time `json:"expires,omitempty"`
	Deleted   *time.Time `json:"deleted,omitempty"`
}

// ErrSnapshotFile says that a file is no snapshot that this program can read.
var ErrSnapshotFile = errors.New("not a snapshot of keys")

// Encode writes the snapshot as JSON.
func (s *Snapshot) Encode(w io.Writer) error {
	file := snapshotFile{
		Version: fileVersion, Taken: timeOrNil(s.Taken()), Gateways: s.Gateways(),
		Skipped: s.Skipped(), Keys: make([]keyFile, 0, s.Len()),
	}
	if file.Gateways == nil {
		file.Gateways = []string{}
	}
	i := 0
	for hash, k := range s.All() {
		row := keyFile{
			Hash: hex.EncodeToString(hash[:]), Gateway: k.Gateway, Alias: k.Alias, Name: k.Name,
			TeamID: k.TeamID, TeamAlias: k.TeamAlias, UserID: k.UserID, Master: k.Master, State: string(k.State),
			Created: timeOrNil(k.Created), Expires: timeOrNil(k.Expires), Deleted: timeOrNil(k.Deleted),
		}
		if tail := s.entries[i].tail; tail != ([4]byte{}) && k.Name != namePrefix+string(tail[:]) {
			row.Tail = hex.EncodeToString(tail[:])
		}
		file.Keys = append(file.Keys, row)
		i++
	}
	out := bufio.NewWriter(w)
	enc := json.NewEncoder(out)
	enc.SetIndent("", " ")
	if err := enc.Encode(file); err != nil {
		return err
	}
	return out.Flush()
}

// Decode reads what Encode wrote, with the states as of now. The text comes
// from outside: names are cleaned as those of a gateway are. Keys are read one by
// one: the text of 100,000 of them takes several times what the snapshot does.
func Decode(r io.Reader, now time.Time) (*Snapshot, error) {
	limited := &io.LimitedReader{R: r, N: maxFile}
	b := newBuilder(time.Time{})
	d := fileDecoder{json: json.NewDecoder(limited), b: b, now: now}
	switch err := d.file(); {
	case err == nil:
		return b.snapshot(), nil
	case errors.Is(err, ErrSnapshotFile):
		return nil, err
	case limited.N <= 0:
		return nil, fmt.Errorf("%w: over 1 GiB", ErrSnapshotFile)
	}
	return nil, fmt.Errorf("%w: no JSON of its shape", ErrSnapshotFile) // the decoder's text may quote values
}

// fileDecoder reads the fields of a snapshotFile in any order.
type fileDecoder struct {
	json *json.Decoder
	b    *builder
	now  time.Time
}

// errShape is any text that is not the JSON of a snapshot.
var errShape = errors.New("another shape")

func (d *fileDecoder) file() error {
	if t, err := d.json.Token(); err != nil || t != json.Delim('{') {
		return cmp.Or(err, errShape)
	}
	version := 0
	for d.json.More() {
		name, err := d.json.Token()
		if err != nil {
			return err
		}
		switch name {
		case "version":
			if err = d.json.Decode(&version); err == nil && version != fileVersion {
				err = wrongVersion(version)
			}
		case "taken":
			var taken *time.Time
			err = d.json.Decode(&taken)
			d.b.snap.taken = timeOf(taken)
		case "gateways":
			var list []string
			err = d.json.Decode(&list)
			for _, base := range list {
				d.b.gateway(cleanText(base))
			}
		case "skipped":
			err = d.json.Decode(&d.b.skipped)
		case "keys":
			err = d.keys()
		default:
			err = d.json.Decode(&json.RawMessage{})
		}
		if err != nil {
			return err
		}
	}
	if _, err := d.json.Token(); err != nil {
		return err
	}
	if version != fileVersion {
		return wrongVersion(version)
	}
	return nil
}

func wrongVersion(version int) error {
	if version < 0 || version > mostVersion {
		return fmt.Errorf("%w: its version is no number that there was, want %d", ErrSnapshotFile, fileVersion)
	}
	return fmt.Errorf("%w: version %d, want %d", ErrSnapshotFile, version, fileVersion)
}

func (d *fileDecoder) keys() error {
	switch t, err := d.json.Token(); {
	case err != nil:
		return err
	case t == nil:
		return nil
	case t != json.Delim('['):
		return errShape
	}
	for n := 1; d.json.More(); n++ {
		var row keyFile
		if err := d.json.Decode(&row); err != nil {
			return err
		}
		hash, ok := ParseHash(row.Hash)
		if !ok {
			return fmt.Errorf("%w: key %d has no SHA-256", ErrSnapshotFile, n)
		}
		tail, info := row.info()
		info.State = StateAt(&info, d.now)
		d.b.add(hash, tail, info)
	}
	_, err := d.json.Token()
	return err
}

func (f *keyFile) info() (tail [4]byte, k record.KeyInfo) {
	tail, name := maskedName(f.Name)
	if raw, err := hex.DecodeString(f.Tail); err == nil && len(raw) == len(tail) {
		tail = [4]byte(raw)
	}
	return tail, record.KeyInfo{
		Gateway: cleanText(f.Gateway), Alias: cleanText(f.Alias), Name: name,
		TeamID: cleanText(f.TeamID), TeamAlias: cleanText(f.TeamAlias), UserID: cleanText(f.UserID),
		Master: f.Master, State: keyStates[packState(record.KeyState(f.State))],
		Created: timeOf(f.Created), Expires: timeOf(f.Expires), Deleted: timeOf(f.Deleted),
	}
}

// Save writes the snapshot to path in one rename, readable by its owner only.
func (s *Snapshot) Save(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return fmt.Errorf("write the snapshot of keys: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write the snapshot of keys: %w", err)
		}
	}()
	if err = s.Encode(f); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Load reads a file that Save wrote, with the states as of now.
func Load(path string, now time.Time) (*Snapshot, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the snapshot of keys: %w", err)
	}
	defer f.Close()
	s, err := Decode(bufio.NewReader(f), now)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return s, nil
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
