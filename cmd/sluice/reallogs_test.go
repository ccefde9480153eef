package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/gateway/fake"
)

// truth is what is known of the real logs.
type truth struct {
	Secrets   map[string]string `json:"secrets"`
	Tolerated []string          `json:"tolerated"`
}

// realLogs is the folder of real logs and the truth of what is in them.
func realLogs(t *testing.T) ([]string, truth) {
	t.Helper()
	dir := os.Getenv("SLUICE_SHARED")
	if dir == "" {
		t.Skip("SLUICE_SHARED names no folder with real logs")
	}
	text, err := os.ReadFile(filepath.Join(dir, "logs", "truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var known truth
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "logs", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	return logs, known
}

var anyPlaceholder = regexp.MustCompile(`\[sluice:[a-z0-9-]+:[0-9a-f]{16}\]`)

// With the master key and an env file of the other secrets, redact leaves none
// of them in any encoding and no twelve bytes of one, and alters nothing else.
func TestRealLogsLoseEverySecretAndNothingElse(t *testing.T) {
	logs, known := realLogs(t)
	env := filepath.Join(t.TempDir(), "secrets.env")
	var lines strings.Builder
	for name, value := range known.Secrets {
		lines.WriteString(name + "=" + strconv.Quote(value) + "\n")
	}
	if err := os.WriteFile(env, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, log := range logs {
		t.Run(filepath.Base(log), func(t *testing.T) {
			raw, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			got := runApp(t, map[string]string{"LITELLM_MASTER_KEY": known.Secrets["LITELLM_MASTER_KEY"]}, "", "redact", log, "--secrets-file", env)
			if got.code != exitClean {
				t.Fatalf("exit %d: %s", got.code, got.stderr)
			}
			checkGone(t, got.stdout, known.Secrets)
			checkRest(t, string(raw), got.stdout, known)
		})
	}
}

// unpercent undoes percent-encoding wherever there is some.
func unpercent(s string) string {
	return regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllStringFunc(s, func(x string) string {
		b, err := hex.DecodeString(x[1:])
		if err != nil {
			return x
		}
		return string(b)
	})
}

// minPart is the shortest part of a secret that must be gone, in bytes behind
// its public prefix.
const minPart = 12

func checkGone(t *testing.T, clean string, secrets map[string]string) {
	t.Helper()
	texts := map[string]string{"as it is": clean, "percent-decoded": unpercent(clean)}
	for name, secret := range secrets {
		body := secret[strings.LastIndex(secret[:min(len(secret), 14)], "-")+1:]
		for where, text := range texts {
			for i := 0; i+minPart <= len(body); i++ {
				if strings.Contains(text, body[i:i+minPart]) {
					t.Errorf("%s: %d bytes of %s are left at byte %d of it", where, minPart, name, i)
					break
				}
			}
		}
		for form, s := range map[string]string{
			"hex": hex.EncodeToString([]byte(secret)), "base64": base64.StdEncoding.EncodeToString([]byte(secret))[:len(secret)],
		} {
			if strings.Contains(clean, s) {
				t.Errorf("%s is left in %s", name, form)
			}
		}
	}
}

// checkRest fails if anything but secrets was altered: between placeholders the
// clean text is the raw text, and what a placeholder stands for is a secret, a
// part of one, or tolerated.
func checkRest(t *testing.T, raw, clean string, known truth) {
	t.Helper()
	before, after := strings.SplitAfter(raw, "\n"), strings.SplitAfter(clean, "\n")
	if len(before) != len(after) {
		t.Fatalf("%d lines became %d", len(before), len(after))
	}
	var all []string
	for _, s := range known.Secrets {
		all = append(all, s)
	}
	all = append(all, known.Tolerated...)
	for i := range before {
		if before[i] == after[i] {
			continue
		}
		for _, gone := range removed(t, before[i], after[i]) {
			if !stems(unpercent(gone), all) {
				t.Errorf("line %d: %d bytes that are no secret were taken out", i+1, len(gone))
			}
		}
	}
}

// removed is what placeholders of a line stand for.
func removed(t *testing.T, before, after string) (out []string) {
	t.Helper()
	rest := before
	for i, piece := range anyPlaceholder.Split(after, -1) {
		at := strings.Index(rest, piece)
		if i == 0 && at != 0 || at < 0 {
			t.Errorf("a line was altered outside placeholders")
			return nil
		}
		if i > 0 {
			if piece == "" { // at the line's end, or two in a row
				at = len(rest)
			}
			out = append(out, rest[:at])
		}
		rest = rest[at+len(piece):]
	}
	return out
}

// stems says whether text is made of parts of the given values of eight bytes or
// more.
func stems(text string, values []string) bool {
	for _, v := range values {
		for i := 0; i+8 <= len(v); i++ {
			if strings.Contains(text, v[i:i+8]) {
				return true
			}
		}
	}
	return false
}

// The report that started this project prints a cut key. A gateway whose live
// key completes it names the owner, among 100,000 keys too.
func TestReportOfTheCutKeyNamesItsOwner(t *testing.T) {
	const shown = "sk-mxf5vupvaQ0sFsvRt"
	report := "Created key: " + shown + "...\n"
	if dir := os.Getenv("SLUICE_SHARED"); dir != "" {
		text, err := os.ReadFile(filepath.Join(dir, "gate7-report.txt"))
		if err != nil {
			t.Fatal(err)
		}
		report = string(text)
	}
	plain := runApp(t, nil, report, "scan", "-", "--format", "jsonl")
	if plain.code != exitFound || !strings.Contains(plain.stdout, `"rule":"litellm-virtual-key-partial"`) || strings.Contains(plain.stdout, shown) {
		t.Fatalf("without a gateway: exit %d, %s", plain.code, plain.stdout)
	}
	g, err := fake.Start(fake.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	g.Fill(100_000)
	const key = shown + "x7-kQ" // of the default form: 22 characters, the last one of AQgw
	g.AddKey(fake.Key{Token: fake.HashKey(key), Name: "sk-...7-kQ", Alias: "the-owner"})
	got := runApp(t, map[string]string{"SLUICE_GATEWAY": g.URL, "LITELLM_MASTER_KEY": g.MasterKey}, report, "scan", "-", "--format", "jsonl")
	if got.code != exitFound {
		t.Fatalf("exit %d: %s", got.code, got.stderr)
	}
	found := false
	for _, line := range bytes.Split([]byte(got.stdout), []byte("\n")) {
		if !bytes.Contains(line, []byte("virtual-key-partial")) {
			continue
		}
		found = true
		for _, want := range []string{`"alias":"the-owner"`, `"bits_left":6`, `"shown":17`, `"whole":false`} {
			if !bytes.Contains(line, []byte(want)) {
				t.Errorf("%s is not in %s", want, line)
			}
		}
	}
	if !found {
		t.Error("the cut key was not reported")
	}
}
