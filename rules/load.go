package rules

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zricethezav/gitleaks/v8/config"
)

//go:embed gateway.toml
var gatewayRules string

// The origins of rules that come with the program.
const (
	originGitleaks = "gitleaks"
	originGateway  = "gateway"
)

// maxFile bounds a rule file: gitleaks' own has 87 KB, and what is larger than
// this is a log given by mistake.
const maxFile = 16 << 20

// File is one rule file: Text if Path is not read from disk (the environment
// variable GITLEAKS_CONFIG_TOML), with Name for messages.
type File struct {
	Name string
	Text string // "": read Name
}

// Options say what lies under the files.
type Options struct {
	// NoDefaults leaves out gitleaks' rules and ours, unless a file extends
	// gitleaks' itself.
	NoDefaults bool
	// Gitleaks is the configuration that gitleaks would use here (see Find). It
	// stands in place of gitleaks' default rules, and extends them if it says so.
	Gitleaks *File
}

// Default is gitleaks' rules with ours over them: what runs when nobody says
// otherwise.
func Default() (*Set, error) { return Load(nil, Options{}) }

// Gitleaks is gitleaks' default rules, unchanged.
func Gitleaks() (*Set, error) {
	base, err := gitleaksLayer()
	if err != nil {
		return nil, err
	}
	return finish(base)
}

func gitleaksLayer() (*layer, error) {
	l, err := parse(originGitleaks, config.DefaultConfig)
	if err != nil {
		return nil, err
	}
	l.gitleaks = true
	return l, nil
}

// Load reads rule files. Each is laid over the defaults and over the files
// before it, as if it extended them: a rule with a new id is added, one with an
// id that is there changes that rule, extend.disabledRules takes rules out.
func Load(files []string, o Options) (*Set, error) {
	sum, err := o.bottom()
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		if sum, err = resolve(File{Name: name}, sum, 0); err != nil {
			return nil, err
		}
	}
	return finish(sum)
}

// bottom is what lies under the files that Load was given.
func (o Options) bottom() (*layer, error) {
	ours := &layer{}
	if !o.NoDefaults {
		var err error
		if ours, err = parse(originGateway, gatewayRules); err != nil {
			return nil, err
		}
	}
	switch {
	case o.Gitleaks != nil:
		return resolve(*o.Gitleaks, ours, 0)
	case o.NoDefaults:
		return ours, nil
	}
	base, err := gitleaksLayer()
	if err != nil {
		return nil, err
	}
	base.allow = everyPath(base.allow)
	return cover(ours, base), nil
}

// withGitleaks puts gitleaks' default rules under l, if they are not there.
func withGitleaks(l *layer) (*layer, error) {
	if l.gitleaks {
		return l, nil
	}
	base, err := gitleaksLayer()
	if err != nil {
		return nil, err
	}
	return cover(l, base), nil
}

// everyPath takes the paths out of gitleaks' own global allowlist. In a
// repository "x.bin", "go.sum" or "vendor/" hold no secrets; a log has whatever
// name its owner gave it, and what is in it decides. A user's file that extends
// gitleaks' defaults gets them whole.
func everyPath(lists []Allowlist) []Allowlist {
	var out []Allowlist
	for _, a := range lists {
		a.Paths = nil
		if len(a.Regexes) > 0 || len(a.StopWords) > 0 || len(a.Commits) > 0 {
			out = append(out, a)
		}
	}
	return out
}

// Find is the configuration that gitleaks would use: the file that
// GITLEAKS_CONFIG names, else the text of GITLEAKS_CONFIG_TOML, else
// .gitleaks.toml in dir, if dir is a folder. No file: nil. It reads neither
// file nor environment by itself, except to see whether the file is there.
func Find(dir string, env func(string) string) (*File, error) {
	if name := env("GITLEAKS_CONFIG"); name != "" {
		return &File{Name: name}, nil
	}
	if text := env("GITLEAKS_CONFIG_TOML"); text != "" {
		return &File{Name: "GITLEAKS_CONFIG_TOML", Text: text}, nil
	}
	if dir == "" {
		return nil, nil
	}
	name := filepath.Join(dir, ".gitleaks.toml")
	switch _, err := os.Stat(name); {
	case err == nil:
		return &File{Name: name}, nil
	case errors.Is(err, fs.ErrNotExist), isNotDir(dir):
		return nil, nil
	default:
		return nil, fmt.Errorf("look for gitleaks' configuration: %w", err)
	}
}

func isNotDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && !info.IsDir()
}

// text is the file's content.
func (f File) text() (string, error) {
	if f.Text != "" {
		return f.Text, nil
	}
	info, err := os.Stat(f.Name)
	if err != nil {
		return "", fmt.Errorf("read rules: %w", err)
	}
	if info.Size() > maxFile {
		return "", fmt.Errorf("read rules %s: larger than %d MiB", f.Name, maxFile>>20)
	}
	content, err := os.ReadFile(f.Name)
	if err != nil {
		return "", fmt.Errorf("read rules: %w", err)
	}
	return string(content), nil
}
