package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"sort"
	"time"
	"unicode/utf8"

	"sluice/internal/record"
)

// version of the format. A reader takes only its own.
const version = 1

// headFormat is the first line of a file: version, CRC-32C and length of the
// JSON behind it. The sum covers the version and the length too.
const headFormat = "sluice checkpoint %d %08x %d\n"

// stored is Document as JSON.
type stored struct {
	Saved   time.Time               `json:"saved"`
	Sources map[string]storedSource `json:"sources,omitempty"`
	Output  *Output                 `json:"output,omitempty"`
}

type storedSource struct {
	Marks []storedMark    `json:"marks,omitempty"`
	State json.RawMessage `json:"state,omitempty"`
}

// storedMark keeps a stream's name byte by byte: file names need not be UTF-8,
// and JSON strings are.
type storedMark struct {
	Stream string `json:"stream,omitempty"`
	Bytes  []byte `json:"stream_bytes,omitempty"`
	Epoch  int64  `json:"epoch"`
	Offset int64  `json:"offset"`
	Sub    int64  `json:"sub,omitempty"`
}

func encode(doc Document) ([]byte, error) {
	out := stored{Saved: doc.Saved, Output: doc.Output, Sources: map[string]storedSource{}}
	for name, src := range doc.Sources {
		s := storedSource{State: src.State, Marks: make([]storedMark, 0, len(src.Marks))}
		for stream, m := range src.Marks {
			sm := storedMark{Epoch: m.Epoch, Offset: m.Offset, Sub: m.Sub}
			if utf8.ValidString(stream) {
				sm.Stream = stream
			} else {
				sm.Bytes = []byte(stream)
			}
			s.Marks = append(s.Marks, sm)
		}
		sort.Slice(s.Marks, func(i, j int) bool { return s.Marks[i].name() < s.Marks[j].name() })
		out.Sources[name] = s
	}
	body, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	head := fmt.Sprintf(headFormat, version, sum(version, body), len(body))
	return append([]byte(head), body...), nil
}

func (m storedMark) name() string {
	if m.Bytes != nil {
		return string(m.Bytes)
	}
	return m.Stream
}

func sum(version int, body []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(fmt.Appendf(nil, "%d %d ", version, len(body)), table), table, body)
}

// decode is the inverse of encode. Its errors say what is wrong in words that
// stand behind "is not used: ".
func decode(text []byte) (Document, error) {
	head, body, _ := bytes.Cut(text, []byte{'\n'})
	var v, length int
	var crc uint32
	_, err := fmt.Sscanf(string(head)+"\n", headFormat, &v, &crc, &length)
	// Written back it must be the same: what scans is more than what we write.
	if err != nil || fmt.Sprintf(headFormat, v, crc, length) != string(head)+"\n" {
		return Document{}, errors.New("it is no checkpoint of Sluice")
	}
	switch {
	case len(body) < length:
		return Document{}, fmt.Errorf("it is cut short, %d bytes of %d are there", len(body), length)
	case len(body) != length || sum(v, body) != crc:
		return Document{}, errors.New("it is damaged, its checksum is another")
	case v != version:
		return Document{}, fmt.Errorf("it has format %d, this version of Sluice reads format %d", v, version)
	}
	var in stored
	if err := json.Unmarshal(body, &in); err != nil {
		return Document{}, fmt.Errorf("it is damaged: %w", err)
	}
	doc := Document{Saved: in.Saved, Output: in.Output, Sources: map[string]Source{}}
	for name, s := range in.Sources {
		src := Source{State: s.State, Marks: map[string]record.Mark{}}
		for _, m := range s.Marks {
			src.Marks[m.name()] = record.Mark{Stream: m.name(), Epoch: m.Epoch, Offset: m.Offset, Sub: m.Sub}
		}
		doc.Sources[name] = src
	}
	return doc, nil
}
