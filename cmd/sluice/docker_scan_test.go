//go:build unix

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// One pass over what containers have printed: clean, leaking and not there,
// asked of the daemon and read from its files.
func TestScanRealDocker(t *testing.T) {
	e := dockerEngine(t)
	const shaped = "ghp_HsecEg6NxSNLcr17jdfBQ3pTcKjTw0T9dlc4"
	for kind, say := range map[string]string{"clean": "", "leaks": "key " + shaped} {
		t.Run(kind, func(t *testing.T) {
			id, name := e.create(t, "json-file", "10m", 3, "-lines=1000", "-wide=40000", "-say", say)
			e.start(t, id)
			e.await(t, id)
			scan := func(source string, want, found int) {
				cmd := ownProcess(t, "scan", source, "--format", "jsonl")
				cmd.Env = append(cmd.Env, "DOCKER_HOST="+os.Getenv("DOCKER_HOST"))
				var out, said bytes.Buffer
				cmd.Stdout, cmd.Stderr = &out, &said
				_ = cmd.Run()
				if code := cmd.ProcessState.ExitCode(); code != want || strings.Count(out.String(), `"rule":"github-pat"`) != found {
					t.Errorf("%s: exit code %d, want %d: %s%s", source, code, want, out.String(), said.String())
				}
				if strings.Contains(out.String()+said.String(), shaped[:12]) {
					t.Error("the secret is shown")
				}
			}
			code, found := 0, 0
			if kind == "leaks" {
				code, found = 1, 1
			}
			scan("docker://"+name, code, found)
			scan("docker://"+name[:len(name)-1]+"%3F", code, found)
			scan("docker://"+name+"-not", 3, 0)
			scan("docker://"+name+"?read=file", code, found)
		})
	}
}
