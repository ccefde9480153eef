package gateway

import (
	"bufio"
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
// from outside: names are cleaned as those of a gateway are.
func Decode(r io.Reader, now time.Time) (*Snapshot, error) {
	var file snapshotFile
	limited := &io.LimitedReader{R: r, N: maxFile}
	if err := json.NewDecoder(limited).Decode(&file); err != nil {
		if limited.N <= 0 {
			return nil, fmt.Errorf("%w: over 1 GiB", ErrSnapshotFile)
		}
		return nil, fmt.Errorf("%w: no JSON of its shape", ErrSnapshotFile) // the decoder's text may quote values
	}
	if file.Version != fileVersion {
		return nil, fmt.Errorf("%w: version %d, want %d", ErrSnapshotFile, file.Version, fileVersion)
	}
	b := newBuilder(timeOf(file.Taken))
	b.skipped = file.Skipped
	for _, base := range file.Gateways {
		b.gateway(cleanText(base))
	}
	for i := range file.Keys {
		hash, ok := ParseHash(file.Keys[i].Hash)
		if !ok {
			return nil, fmt.Errorf("%w: key %d has no SHA-256", ErrSnapshotFile, i+1)
		}
		tail, info := file.Keys[i].info()
		info.State = StateAt(&info, now)
		b.add(hash, tail, info)
	}
	return b.snapshot(), nil
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
