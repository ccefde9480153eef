package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/gateway/fake"
)

// ranApp is what one run of the program left behind.
type ranApp struct {
	code           int
	stdout, stderr string
}

// githubToken has the form of a token and opens nothing.
const githubToken = "ghp_HsecEg6NxSNLcr17jdfBQ3pTcKjTw0T9dlc4"

// runApp runs the program in this process, with env for its environment.
func runApp(t *testing.T, env map[string]string, stdin string, args ...string) ranApp {
	t.Helper()
	var stdout, stderr bytes.Buffer
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	a := &app{
		stdin: strings.NewReader(stdin), stdout: &stdout, stderr: &stderr,
		env: func(name string) string { return env[name] }, lookupEnv: lookup,
		log: slog.New(slog.NewTextHandler(&stderr, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	code := run(args, a)
	return ranApp{code, stdout.String(), stderr.String()}
}

// forms are the ways in which a secret could still be read in an output.
func forms(secret string) map[string]string {
	return map[string]string{
		"raw": secret, "hex": hex.EncodeToString([]byte(secret)), "percent": url.QueryEscape(secret),
		"base64": base64.RawStdEncoding.EncodeToString([]byte(secret))[:len(secret)],
		"half":   secret[len(secret)/3:], "head": secret[:len(secret)-4],
	}
}

// checkSecrecy fails if a form of a secret is in text.
func checkSecrecy(t *testing.T, where, text string, secrets map[string]string) {
	t.Helper()
	for name, secret := range secrets {
		for form, s := range forms(secret) {
			if strings.Contains(text, s) {
				t.Errorf("%s holds %s (%s)", where, name, form)
			}
		}
	}
}

// canaries are secrets of each kind, made for this run.
func canaries() (master string, all map[string]string) {
	master = fake.NewKey()
	return master, map[string]string{
		"the master key":  master,
		"a virtual key":   fake.NewKey(),
		"a GitHub token":  "ghp_" + strings.NewReplacer("-", "x", "_", "y").Replace(fake.NewKey()[3:] + fake.NewKey()[3:])[:36],
		"a told password": "pw" + fake.NewKey()[3:],
	}
}

// canaryLog has each secret in each context and encoding that finds it.
func canaryLog(secrets map[string]string) string {
	var b strings.Builder
	for _, s := range secrets {
		fmt.Fprintf(&b, "INFO:     127.0.0.1 - \"GET /v1/models?key=%s HTTP/1.1\" 401\n", s)
		fmt.Fprintf(&b, "{\"message\": \"headers {'authorization': 'Bearer %s'}\\n\"}\n", s)
		fmt.Fprintf(&b, "\x1b[92m09:14:03 - LiteLLM\x1b[0m: Received=%s, expected\r\n", s)
	}
	return b.String()
}

// Every output of scan and redact, at the finest log level, in a folder that is
// read whole afterwards.
func TestNoOutputHoldsASecret(t *testing.T) {
	master, secrets := canaries()
	dir := t.TempDir()
	t.Chdir(dir)
	log := canaryLog(secrets)
	if err := os.WriteFile("secrets.env", []byte("TOLD="+secrets["a told password"]+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"LITELLM_MASTER_KEY": master}
	for name, args := range map[string][]string{
		"text":   {"scan", "-", "--secrets-file", "secrets.env"},
		"jsonl":  {"scan", "-", "--secrets-file", "secrets.env", "--format", "jsonl"},
		"leaks":  {"scan", "-", "--secrets-file", "secrets.env", "--format", "gitleaks-json"},
		"redact": {"redact", "-", "--secrets-file", "secrets.env", "--sink", "jsonl:redact.jsonl"},
		"files": {"scan", "-", "--secrets-file", "secrets.env", "--sarif", "out.sarif", "--sink", "junit:out.xml",
			"--sink", "gitlab:out.gl.json", "--sink", "jsonl:out.jsonl", "--sink", "html:out.html", "--write-baseline", "base.json", "-o", "out.txt"},
	} {
		got := runApp(t, env, log, args...)
		if want := map[bool]int{true: exitClean, false: exitFound}[name == "redact"]; got.code != want {
			t.Errorf("%s: exit %d, want %d: %s", name, got.code, want, got.stderr)
		}
		checkSecrecy(t, name+" stdout", got.stdout, secrets)
		checkSecrecy(t, name+" stderr", got.stderr, secrets)
	}
	if err := os.Remove("secrets.env"); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		seen++
		checkSecrecy(t, d.Name(), string(text), secrets)
		return err
	})
	if err != nil || seen < 8 {
		t.Fatalf("%d files, %v", seen, err)
	}
}
