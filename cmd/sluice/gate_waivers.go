package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/spf13/cobra"

	"sluice/internal/gate"
)

// waiversField is the one field of the configuration that is no flag: a list
// of check, reason, owner and until.
const waiversField = "waivers"

// readWaivers reads them from the configuration file, if there is one.
func readWaivers(cmd *cobra.Command, a *app, known []gate.Check) ([]gate.Waiver, error) {
	path, _ := cmd.Flags().GetString("config")
	if path == "" {
		path = a.env("SLUICE_CONFIG")
	}
	if path == "" {
		return nil, nil
	}
	waivers, err := waiversIn(path, known)
	if err != nil {
		return nil, usageError(err, "")
	}
	return waivers, nil
}

func waiversIn(path string, known []gate.Check) ([]gate.Waiver, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return parseWaivers(path, text, known)
}

func parseWaivers(path string, text []byte, known []gate.Check) ([]gate.Waiver, error) {
	file, err := parseYAML(path, text)
	if err != nil {
		return nil, err
	}
	var all []gate.Waiver
	var errs []error
	for _, doc := range file.Docs {
		fields, _ := mapping(path, doc.Body)
		for _, field := range fields {
			if field.Key.String() != waiversField {
				continue
			}
			list, ok := field.Value.(*ast.SequenceNode)
			if !ok {
				return nil, fmt.Errorf("%s: want a list of waivers", place(path, field.Value))
			}
			for _, n := range list.Values {
				w, err := parseWaiver(n, known)
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", place(path, n), err))
				}
				all = append(all, w)
			}
		}
	}
	return all, errors.Join(errs...)
}

func parseWaiver(n ast.Node, known []gate.Check) (gate.Waiver, error) {
	var w gate.Waiver
	if err := yaml.NodeToValue(n, &w, yaml.Strict()); err != nil {
		return w, errors.New("waiver: want check, reason, owner and until, and nothing else")
	}
	return w, w.Validate(func(id string) bool {
		return slices.ContainsFunc(known, func(c gate.Check) bool { return c.ID == id })
	})
}
