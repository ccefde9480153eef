package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"sluice/internal/record"
)

// maxEnvFile bounds a file of secrets; a larger one is some other file.
const maxEnvFile = 4 << 20

// namedSecret is a secret and what it is called.
type namedSecret struct {
	name  string
	value record.Secret
	asked bool // named by the user himself, not one of a file's many
}

// readEnvFile reads NAME=value lines as shells, Docker and dotenv write them:
// "export" before a name, comments, values bare or in single or double quotes
// (where they may go on over lines). Errors name the line, never its text.
func readEnvFile(path string) ([]namedSecret, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read secrets: %w", err)
	}
	defer f.Close()
	var buf bytes.Buffer
	if n, err := buf.ReadFrom(&limited{f, maxEnvFile}); err != nil {
		return nil, fmt.Errorf("read secrets %s: %w", path, err)
	} else if n == 0 {
		return nil, nil
	}
	secrets, line, err := parseEnv(buf.String())
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", path, line, err)
	}
	return secrets, nil
}

// limited fails instead of ending at its limit, so that nothing is left out.
type limited struct {
	f    *os.File
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.f.Read(p)
	if l.left -= n; l.left < 0 {
		return 0, fmt.Errorf("larger than %d MiB, is this an env file?", maxEnvFile>>20)
	}
	return n, err
}

// parseEnv returns the line of an error.
func parseEnv(text string) (out []namedSecret, line int, err error) {
	text = strings.TrimPrefix(text, "\ufeff")
	for line = 1; text != ""; {
		var row string
		row, text, _ = strings.Cut(text, "\n")
		at := line
		line++
		row = strings.TrimLeft(strings.TrimSuffix(row, "\r"), " \t")
		if row == "" || row[0] == '#' {
			continue
		}
		row = strings.TrimPrefix(row, "export ")
		name, value, ok := strings.Cut(row, "=")
		name = strings.TrimSpace(name)
		if !ok || !isEnvName(name) {
			return nil, at, errors.New("want NAME=value")
		}
		value = strings.TrimLeft(value, " \t")
		if value != "" && (value[0] == '"' || value[0] == '\'') {
			quote := value[0]
			rest := value[1:]
			if text != "" || !strings.ContainsRune(rest, rune(quote)) {
				rest += "\n" + text
			}
			inner, left, ok := unquoteEnv(rest, quote)
			if !ok {
				return nil, at, fmt.Errorf("the value of %s has no closing %c", name, quote)
			}
			line += strings.Count(rest[:len(rest)-len(left)], "\n")
			_, text, _ = strings.Cut(left, "\n")
			value = inner
		} else {
			value, _, _ = strings.Cut(value, " #")
			value = strings.TrimRight(value, " \t")
		}
		if value != "" { // set but empty is absent
			out = append(out, namedSecret{name: name, value: record.NewSecret(value)})
		}
	}
	return out, 0, nil
}

// unquoteEnv reads up to the closing quote; double quotes know backslashes.
func unquoteEnv(s string, quote byte) (value, left string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == quote:
			return b.String(), s[i+1:], true
		case c == '\\' && quote == '"' && i+1 < len(s):
			i++
			switch s[i] {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case 'r':
				b.WriteByte('\r')
			case '"', '\\', '$', '`':
				b.WriteByte(s[i])
			case '\n':
			default:
				b.WriteByte('\\')
				b.WriteByte(s[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

func isEnvName(s string) bool {
	for i, c := range s {
		letter := c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '.' && c != '-') {
			return false
		}
	}
	return s != ""
}
