package webhook

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sluice/internal/report"
)

// letters is the file of findings that a receiver refused for good: JSON, a
// line each, for people to look at. It is beside the spool and bounded; who has
// dealt with it deletes it.
type letters struct {
	path  string
	limit int64
}

// letter is one line.
type letter struct {
	Time    string        `json:"time"`
	Message string        `json:"webhook_id"`
	Status  int           `json:"status"` // 0: no body could be made
	Reason  string        `json:"reason"`
	Count   int64         `json:"count"`
	Finding report.Object `json:"finding"`
}

func newLetters(dir string, limit int64) *letters {
	return &letters{path: filepath.Join(dir, "refused.jsonl"), limit: limit}
}

// add appends the leaks of a message and syncs.
func (l *letters) add(m *message, why *refusalError, leaks []leak, now time.Time) error {
	var text []byte
	for i := range leaks {
		var err error
		text, err = report.AppendJSON(text, letter{
			Time: stamp(now), Message: m.id, Status: why.code, Reason: why.reason(),
			Count: leaks[i].count, Finding: report.NewObject(leaks[i].finding),
		})
		if err != nil {
			return err
		}
		text = append(text, '\n')
	}
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open refused findings: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Size()+int64(len(text)) > l.limit {
		err = fmt.Errorf("%s is full: deal with what is in it, then delete it", l.path)
	}
	if err == nil {
		_, err = f.Write(text)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("keep refused findings: %w", err)
	}
	return nil
}
