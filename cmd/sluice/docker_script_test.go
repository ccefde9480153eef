package main

import (
	"encoding/binary"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The command of the scripts that need a Docker daemon:
//
//	fakedocker NAME=LOG[,ENV]...   starts one on a socket and sets DOCKER_HOST; LOG is what the container NAME has
//	                               printed, or "unreadable" for a driver that keeps nothing; ENV its environment
func dockerCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){"fakedocker": startFakeDocker}
}

// fakeContainer has stopped.
type fakeContainer struct {
	name, log  string
	env        []string
	unreadable bool
}

type fakeDocker []fakeContainer

func startFakeDocker(ts *testscript.TestScript, _ bool, args []string) {
	var d fakeDocker
	for _, arg := range args {
		name, files, _ := strings.Cut(arg, "=")
		log, env, _ := strings.Cut(files, ",")
		c := fakeContainer{name: name, unreadable: log == "unreadable"}
		if !c.unreadable {
			c.log = ts.ReadFile(log)
		}
		if env != "" {
			c.env = strings.Split(strings.TrimSpace(ts.ReadFile(env)), "\n")
		}
		d = append(d, c)
	}
	folder, err := os.MkdirTemp("", "d") // $WORK may be longer than a socket's path
	ts.Check(err)
	path := filepath.Join(folder, "s")
	l, err := net.Listen("unix", path)
	ts.Check(err)
	server := &http.Server{Handler: d, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = server.Serve(l) }()
	ts.Defer(func() {
		_ = server.Close()
		<-ended
		_ = os.RemoveAll(folder)
	})
	ts.Setenv("DOCKER_HOST", "unix://"+path)
}

// ServeHTTP is what one pass asks for. A container's id is its name.
func (d fakeDocker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.41")
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if strings.HasPrefix(path[0], "v1.") {
		path = path[1:]
	}
	if path[0] == "_ping" {
		return
	}
	if path[0] != "containers" || r.Method != http.MethodGet {
		http.Error(w, `{"message":"not allowed"}`, http.StatusForbidden)
		return
	}
	if len(path) == 2 {
		list := []map[string]any{}
		for _, c := range d {
			list = append(list, map[string]any{"Id": c.name, "Names": []string{"/" + c.name}})
		}
		_ = json.NewEncoder(w).Encode(list)
		return
	}
	i := slices.IndexFunc(d, func(c fakeContainer) bool { return c.name == path[1] })
	switch {
	case i < 0:
		http.Error(w, `{"message":"No such container"}`, http.StatusNotFound)
	case path[2] == "json":
		_ = json.NewEncoder(w).Encode(map[string]any{
			"Id": d[i].name, "Name": "/" + d[i].name, "State": map[string]any{"Running": false},
			"Config": map[string]any{"Env": d[i].env}, "HostConfig": map[string]any{},
		})
	case d[i].unreadable:
		http.Error(w, `{"message":"configured logging driver does not support reading"}`, http.StatusNotImplemented)
	default:
		d[i].frames(w)
	}
}

// frames writes the log a line a second, every other to standard error.
func (c fakeContainer) frames(w http.ResponseWriter) {
	at, side := time.Date(2026, 1, 21, 9, 14, 0, 0, time.UTC), byte(1)
	for line := range strings.Lines(c.log) {
		text := at.Format("2006-01-02T15:04:05.000000000Z ") + line
		head := []byte{side, 0, 0, 0, 0, 0, 0, 0}
		binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
		_, _ = w.Write(append(head, text...))
		at, side = at.Add(time.Second), 3-side
	}
}
