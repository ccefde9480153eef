package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sluice/internal/record"
)

const (
	// envAnnotation names the environment variable that stands for a flag.
	envAnnotation = "sluice/env"
	// filledAnnotation says where the value of a flag comes from that is not on
	// the command line.
	filledAnnotation = "sluice/filled"
)

// fromEnv lets a variable stand for a flag that is not given. Set but empty is
// absent.
func fromEnv(flags *pflag.FlagSet, flag, variable string) {
	f := flags.Lookup(flag)
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[envAnnotation] = []string{variable}
	f.Usage += " (" + variable + ")"
}

// settings are the values of a configuration file, by the name of their flag
// with "_" for "-". A file serves all commands; each takes what is its own.
type settings struct {
	path   string
	values map[string]setting
}

type setting struct {
	values []string
	at     string // file:line:column
}

// fill gives flags that the command line did not set their values from the
// environment, then from the configuration file.
func fill(cmd *cobra.Command, a *app) error {
	path, _ := cmd.Flags().GetString("config")
	if path == "" {
		path = a.env("SLUICE_CONFIG")
	}
	var s settings
	if path != "" {
		var err error
		if s, err = readSettings(path, cmd.Root()); err != nil {
			return usageError(err, "")
		}
	}
	var errs []error
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed {
			return
		}
		if names := f.Annotations[envAnnotation]; len(names) > 0 {
			if v := a.env(names[0]); v != "" {
				errs = append(errs, set(cmd.Flags(), f, []string{v}, "environment variable "+names[0]))
				return
			}
		}
		if v, ok := s.values[settingName(f.Name)]; ok {
			errs = append(errs, set(cmd.Flags(), f, v.values, v.at))
		}
	})
	if err := errors.Join(errs...); err != nil {
		return usageError(err, "")
	}
	return nil
}

// typed says that a flag stands on the command line.
func typed(flags *pflag.FlagSet, name string) bool {
	f := flags.Lookup(name)
	return f.Changed && f.Annotations[filledAnnotation] == nil
}

func set(flags *pflag.FlagSet, f *pflag.Flag, values []string, at string) error {
	if err := flags.SetAnnotation(f.Name, filledAnnotation, []string{at}); err != nil {
		return err
	}
	for _, v := range values {
		err := flags.Set(f.Name, v)
		if err == nil {
			err = checkValue(f.Name, v)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", at, plainFlagError(err))
		}
	}
	return nil
}

// checkValue judges what a flag takes as any text and its command would refuse
// later, when nobody knows any more where it stood.
func checkValue(flag, value string) (err error) {
	switch flag {
	case "fail-on":
		_, err = record.ParseSeverity(value)
	case "since", "until":
		if value != "end" {
			_, err = parseTime(value, time.Now())
		}
	case "log-level":
		err = (&logFlags{level: value, format: "text"}).open(&app{})
		return err // names its flag
	case "log-format":
		err = (&logFlags{level: "info", format: value}).open(&app{})
		return err
	}
	if err != nil {
		err = fmt.Errorf("--%s: %w", flag, err)
	}
	return err
}

func settingName(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

// readSettings reads a YAML file of flag names and values; lists are sequences.
// A field that no command has is an error with its place.
func readSettings(path string, root *cobra.Command) (settings, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return settings{}, fmt.Errorf("configuration %s: no such file", path)
	}
	if err != nil {
		return settings{}, fmt.Errorf("read configuration: %w", err)
	}
	file, err := parseYAML(path, text)
	if err != nil {
		return settings{}, err
	}
	s := settings{path: path, values: map[string]setting{}}
	known := flagNames(root)
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		fields, err := mapping(path, doc.Body)
		if err != nil {
			return s, err
		}
		for _, field := range fields {
			if err := s.add("", field, known); err != nil {
				return s, err
			}
		}
	}
	return s, nil
}

// parseYAML tells where an error is. The parser's own text would show the lines
// around it, and with them what somebody may have put there by mistake.
func parseYAML(path string, text []byte) (*ast.File, error) {
	file, err := parser.ParseBytes(text, 0)
	var at yaml.Error
	if errors.As(err, &at) && at.GetToken() != nil {
		p := at.GetToken().Position
		return nil, fmt.Errorf("%s:%d:%d: %s", path, p.Line, p.Column, at.GetMessage())
	}
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	return file, nil
}

// sections are the fields that have fields of their own, and the flags that
// these stand for.
var sections = map[string]map[string]string{"virtual_keys": {"prefixes": "virtual_key_prefix"}}

func (s *settings) add(section string, field *ast.MappingValueNode, known map[string]bool) error {
	name := field.Key.String()
	at := place(s.path, field.Key)
	if _, ok := sections[name]; ok && section == "" {
		fields, err := mapping(s.path, field.Value)
		for i := 0; err == nil && i < len(fields); i++ {
			err = s.add(name, fields[i], known)
		}
		return err
	}
	if section != "" {
		flag, ok := sections[section][name]
		if !ok {
			return fmt.Errorf("%s: unknown field %q in %s", at, name, section)
		}
		name = flag
	}
	if name == waiversField {
		return nil // no flag: the gate reads and checks it
	}
	if !known[name] {
		return fmt.Errorf("%s: unknown field %q", at, name)
	}
	if _, twice := s.values[name]; twice {
		return fmt.Errorf("%s: field %q stands here for the second time", at, name)
	}
	v := setting{at: at}
	nodes := []ast.Node{field.Value}
	if list, ok := field.Value.(*ast.SequenceNode); ok {
		nodes = list.Values
	}
	for _, n := range nodes {
		text, ok := scalar(n)
		if !ok {
			return fmt.Errorf("%s: %s: want a value or a list of values, without anchors and tags", place(s.path, n), name)
		}
		v.values = append(v.values, text)
	}
	s.values[name] = v
	return nil
}

func mapping(path string, n ast.Node) ([]*ast.MappingValueNode, error) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, nil
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, nil
	}
	return nil, fmt.Errorf("%s: want fields with values", place(path, n))
}

func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.NullNode, *ast.AnchorNode, *ast.AliasNode, *ast.TagNode:
		return "", false // scalars to the parser, whose text is not their value
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case ast.ScalarNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func place(path string, n ast.Node) string {
	p := n.GetToken().Position
	return fmt.Sprintf("%s:%d:%d", path, p.Line, p.Column)
}

// flagNames is what a configuration file may set: the flags of all commands.
func flagNames(cmd *cobra.Command) map[string]bool {
	names := map[string]bool{}
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) { names[settingName(f.Name)] = true })
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(cmd)
	delete(names, "config")
	delete(names, "help")
	return names
}
