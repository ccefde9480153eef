package main

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/internal/recycle"
)

// The scripts of testdata/script run the real program, one promise each.
func TestMain(m *testing.M) {
	testscript.Main(spoiling{m}, map[string]func(){
		"sluice": func() {
			recycle.SpoilAll(true)
			main()
		},
	})
}

// spoiling runs the tests with memory spoilt that was given back, so that whoever
// still reads it fails them; benchmarks measure without.
type spoiling struct{ *testing.M }

func (s spoiling) Run() int {
	flag.Parse()
	recycle.SpoilAll(flag.Lookup("test.bench").Value.String() == "")
	return s.M.Run()
}

func TestScript(t *testing.T) {
	cmds := gatewayCommands()
	maps.Copy(cmds, gateCommands())
	maps.Copy(cmds, kafkaCommands())
	maps.Copy(cmds, dockerCommands())
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Cmds:                cmds,
		Setup: func(env *testscript.Env) error {
			// Nothing of the machine's own set-up reaches a script.
			for _, name := range []string{"SLUICE_CONFIG", "SLUICE_GATEWAY", "SLUICE_GATEWAY_KEY", "SLUICE_PRINT_KEY", "LITELLM_MASTER_KEY", "GITLEAKS_CONFIG", "GITLEAKS_CONFIG_TOML", "GITHUB_ACTIONS", "TF_BUILD"} {
				env.Setenv(name, "")
			}
			env.Setenv("SLUICE_SHARED", os.Getenv("SLUICE_SHARED"))
			newRunningFake(env)
			return nil
		},
	})
}
