package webhook

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sluice/internal/record"
)

// maxValue is the longest secret read from a file, bytes; a key is 100.
const maxValue = 64 << 10

// Value is a secret and where to read it: one of the fields is set. Files are
// read again for every request, so that a rotated one needs no restart.
type Value struct {
	Literal record.Secret
	File    string
	Env     string // name of a variable
}

// IsSet says that there is a place to read from.
func (v Value) IsSet() bool { return v.File != "" || v.Env != "" || !v.Literal.Empty() }

// errNoSecret says that a secret can't be read now. It may be there later: a
// message must not be given up for it.
var errNoSecret = errors.New("read secret")

// place names where the value comes from, for errors.
func (v Value) place() string {
	switch {
	case v.File != "":
		return "file " + record.Printable(v.File)
	case v.Env != "":
		return "variable " + record.Printable(v.Env)
	}
	return "configuration"
}

// read returns the value without white space around it; an empty one is an
// error, for what it protects would be sent without.
func (v Value) read(getenv func(string) string) (record.Secret, error) {
	text := v.Literal.Reveal()
	switch {
	case v.File != "":
		f, err := os.Open(v.File)
		if err != nil {
			return record.Secret{}, fmt.Errorf("%w: %w", errNoSecret, err)
		}
		b, err := io.ReadAll(io.LimitReader(f, maxValue+1))
		if err = errors.Join(err, f.Close()); err != nil {
			return record.Secret{}, fmt.Errorf("%w: %w", errNoSecret, err)
		}
		if len(b) > maxValue {
			return record.Secret{}, fmt.Errorf("%w: %s is longer than %d bytes", errNoSecret, v.place(), maxValue)
		}
		text = string(b)
	case v.Env != "":
		text = getenv(v.Env)
	}
	if text = strings.TrimSpace(text); text == "" {
		return record.Secret{}, fmt.Errorf("%w: %s is empty", errNoSecret, v.place())
	}
	return record.NewSecret(text), nil
}
