package webhook

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/internal/record"
	"sluice/internal/redact"
)

// The secrets of a sink's configuration and of the log that is read.
const (
	pathSecret  = "TXq7Lw2Mz/BYk4Rv9Pd/Hs5Jf0Gt6Uk3Wn8Xc"
	tokenSecret = "Kd7Xq2Vw9Lm4Rt8Zp3Nb6Yc1"
	logSecret   = "sk-live-Zq8rT41mXw02LkPd77vN"
)

// No byte of a secret reaches the spool, what is put aside, the log of the
// sink, its errors, or a message: neither those of the log that is read nor
// those of the sink.
func TestNoSecretInSpool(t *testing.T) {
	text := []byte("Authorization: Bearer " + logSecret + "\n")
	b := record.Batch{Origin: record.Origin{Kind: "file", Name: "a.log"}, Text: text,
		Records: []record.Record{{Span: record.Span{End: len(text)}, Line: 1, Base: 0, Next: int64(len(text))}}}
	at := bytes.Index(text, []byte(logSecret))
	d := redact.New(redact.Config{PrintKey: []byte("0123456789abcdef"), Rules: func(string) (redact.Rule, bool) { return redact.Rule{Severity: record.SeverityHigh}, true }}).
		Apply(&b, []record.Match{{Rule: "some-key", Spans: []record.Span{{Start: at, End: at + len(logSecret)}}, Secret: []byte(logSecret), Whole: true}})
	if len(d.Findings) != 1 {
		t.Fatalf("%d findings", len(d.Findings))
	}
	inBubble(t, func(t *testing.T, r *receiver) {
		dir := t.TempDir()
		var log bytes.Buffer
		r.answer = refuseWord("some-key", 400)
		s := r.open(func(c *Config) {
			c.URL, c.Token, c.Spool = literal("http://receiver.test/"+pathSecret), literal(tokenSecret), dir
			c.SigningKeys, c.Log = []Value{literal(signingKey("key "))}, slog.New(slog.NewTextHandler(&log, nil))
		})
		r.setDown(true)
		if err := s.Write(t.Context(), []record.Delivery{d}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		image := copyFolder(t, dir) // as a crash leaves it: the finding waits
		r.setDown(false)
		pass(time.Minute)
		closeSink(t, s)
		if st := s.Stats(); st.Refused != 1 {
			t.Errorf("%+v", st)
		}
		all := log.Bytes()
		for _, path := range []string{filepath.Join(image, "findings.spool"), filepath.Join(dir, "findings.spool"), filepath.Join(dir, "refused.jsonl")} {
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, file...)
		}
		if !bytes.Contains(all, []byte("some-key")) || !bytes.Contains(all, []byte("is down")) {
			t.Fatalf("the finding or the log is not there: %s", all)
		}
		for _, secret := range []string{logSecret, pathSecret, tokenSecret, signingKey("key ")} {
			checkAbsent(t, all, secret)
		}
	})
}

// checkAbsent fails if any eight bytes of a secret are in text, plain or base64.
func checkAbsent(t *testing.T, text []byte, secret string) {
	t.Helper()
	for i := range len(secret) - 8 {
		if bytes.Contains(text, []byte(secret[i:i+8])) {
			t.Fatalf("%d bytes from byte %d of a secret are on disk or in the log", 8, i)
		}
	}
	if bytes.Contains(text, []byte(base64.StdEncoding.EncodeToString([]byte(secret))[:8])) {
		t.Error("a secret is there in base64")
	}
}
