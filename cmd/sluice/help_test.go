package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// Each command's help has its exit codes and an example, and what the example
// writes is a command with flags that exist.
func TestHelpOfEveryCommand(t *testing.T) {
	root := newRootCommand(&app{stdout: io.Discard, stderr: io.Discard, env: func(string) string { return "" }})
	told := 0
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			if sub.Name() != "completion" && sub.Name() != "help" {
				walk(sub)
			}
		}
		if cmd.HasSubCommands() && cmd.HasParent() && cmd.Name() != "gate" {
			return // it only holds others
		}
		told++
		if !strings.Contains(cmd.Long, "Exit codes") {
			t.Errorf("%s: no exit codes", cmd.CommandPath())
		}
		if cmd.Example == "" {
			t.Errorf("%s: no example", cmd.CommandPath())
		}
		for line := range strings.Lines(cmd.Example) {
			checkExample(t, line)
		}
	}
	walk(root)
	if told != len(helpTexts()) {
		t.Errorf("%d commands, %d texts", told, len(helpTexts()))
	}
}

func checkExample(t *testing.T, line string) {
	t.Helper()
	_, line, ok := strings.Cut(line, "sluice ")
	if !ok {
		t.Errorf("%q calls something else", line)
		return
	}
	line, _, _ = strings.Cut(line, " > ")
	line, _, _ = strings.Cut(line, " < ")
	line, _, _ = strings.Cut(line, " -- ")
	root := newRootCommand(&app{stdout: io.Discard, stderr: io.Discard, env: func(string) string { return "" }})
	cmd, rest, err := root.Find(strings.Fields(strings.ReplaceAll(line, "'", "")))
	if err != nil {
		t.Errorf("%q: %v", line, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%q: %v", line, err)
	}
}
