package main

import (
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"sluice/internal/gateway/fake"
)

// Commands of the scripts that need a gateway:
//
//	fakegateway [VERSION]      starts one; sets GATEWAY, MASTER_KEY, VIEWER_KEY, USER_KEY
//	fakekey NAME [FIELD=VALUE] makes a key; sets NAME. Fields: alias, team, user,
//	                           state (live, blocked, expired, deleted)
//	fakefault FAULT            down, html, 401, none
//	exits CODE COMMAND...      runs a command and wants this exit code
func gatewayCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"fakegateway": startFakeGateway,
		"fakekey":     makeFakeKey,
		"fakefault":   setFakeFault,
		"exits":       wantExit,
	}
}

// runningFake is what the fake of a script is kept under.
type runningFake struct{ *fake.Gateway }

func newRunningFake(env *testscript.Env) { env.Values[runningFake{}] = &runningFake{} }

func fakeOf(ts *testscript.TestScript) *runningFake {
	g, ok := ts.Value(runningFake{}).(*runningFake)
	if !ok {
		ts.Fatalf("the script was set up without newRunningFake")
	}
	return g
}

func startFakeGateway(ts *testscript.TestScript, _ bool, args []string) {
	opts := fake.Options{}
	if len(args) > 0 {
		opts.Version = fake.Version(args[0])
	}
	g, err := fake.Start(opts)
	ts.Check(err)
	ts.Defer(func() { _ = g.Close() })
	fakeOf(ts).Gateway = g
	ts.Setenv("GATEWAY", g.URL)
	ts.Setenv("MASTER_KEY", g.MasterKey)
	ts.Setenv("VIEWER_KEY", g.AddUser(fake.RoleViewer))
	ts.Setenv("USER_KEY", g.AddUser(fake.RoleUser))
}

func makeFakeKey(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: fakekey NAME [FIELD=VALUE]")
	}
	g := fakeOf(ts)
	var k fake.Key
	deleted, blocked := false, true
	for _, arg := range args[1:] {
		field, value, _ := strings.Cut(arg, "=")
		switch field + "=" + map[bool]string{true: value}[field == "state"] {
		case "alias=":
			k.Alias = value
		case "team=":
			k.TeamID = g.AddTeam(fake.Team{Alias: value})
		case "user=":
			k.UserID = value
		case "state=live":
		case "state=blocked":
			k.Blocked = &blocked
		case "state=expired":
			k.Expires = time.Now().Add(-time.Hour)
		case "state=deleted":
			deleted = true
		default:
			ts.Fatalf("fakekey: %s is not understood", arg)
		}
	}
	key := g.AddKey(k)
	if deleted {
		g.DeleteKey(fake.HashKey(key))
	}
	ts.Setenv(args[0], key)
}

func setFakeFault(ts *testscript.TestScript, _ bool, args []string) {
	faults := map[string]fake.Fault{"down": {Down: true}, "html": {HTML: true}, "401": {Status: 401}, "none": {}}
	f, ok := faults[strings.Join(args, " ")]
	if !ok {
		ts.Fatalf("fakefault: want down, html, 401 or none")
	}
	fakeOf(ts).SetFault(f)
}

func wantExit(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
