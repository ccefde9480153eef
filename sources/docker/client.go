package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"
)

// api is the engine behind moby's client.
type api struct{ c *client.Client }

// dial makes a client; it connects with the first request.
func dial(env func(string) string) (engine, error) {
	options, err := hostOptions(env)
	if err != nil {
		return nil, err
	}
	return newAPI(append(options, client.WithAPIVersion(env(client.EnvOverrideAPIVersion)))...)
}

func newAPI(options ...client.Opt) (*api, error) {
	c, err := client.New(append(options,
		client.WithUserAgent("sluice"),
		client.WithHTTPRequestHook(askForJSON),
		client.WithHTTPResponseHook(keepHeader),
	)...)
	if err != nil {
		return nil, fmt.Errorf("connect to docker: %w", err)
	}
	return &api{c}, nil
}

func (a *api) Close() { _ = a.c.Close() }

func (a *api) Ping(ctx context.Context) error {
	_, err := a.c.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	return explain(a.c.DaemonHost(), err)
}

func (a *api) List(ctx context.Context) ([]summary, error) {
	list, err := a.c.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", explain(a.c.DaemonHost(), err))
	}
	out := make([]summary, 0, len(list.Items))
	for _, c := range list.Items {
		out = append(out, summary{id: c.ID, name: ownName(c.Names), labels: c.Labels})
	}
	return out, nil
}

// ownName is a container's name among those that links gave it.
func ownName(names []string) string {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "/"); !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}

func (a *api) Inspect(ctx context.Context, id string) (details, error) {
	r, err := a.c.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return details{}, classify(err)
	}
	c := r.Container
	d := details{summary: summary{id: c.ID, name: strings.TrimPrefix(c.Name, "/")}}
	if c.Config != nil {
		d.labels, d.tty, d.env = c.Config.Labels, c.Config.Tty, c.Config.Env
	}
	if c.State != nil {
		d.running = c.State.Running
	}
	d.logPath = c.LogPath
	if c.HostConfig != nil {
		d.driver, d.options = c.HostConfig.LogConfig.Type, c.HostConfig.LogConfig.Config
	}
	return d, nil
}

func (a *api) Events(ctx context.Context, since time.Time, ready func(), changed func(event)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	options := client.EventsListOptions{Filters: make(client.Filters).Add("type", "container").
		Add("event", "create", "start", "die", "destroy", "rename", "unpause")}
	if !since.IsZero() {
		options.Since = sinceText(since)
	}
	r := a.c.Events(ctx, options)
	ready()
	for {
		select {
		case m := <-r.Messages:
			changed(event{id: m.Actor.ID, at: time.Unix(0, m.TimeNano)})
		case err := <-r.Err:
			return fmt.Errorf("read docker events: %w", err)
		}
	}
}

// Root is where the daemon keeps its files; "": it does not say, or a proxy
// does not let it.
func (a *api) Root(ctx context.Context) string {
	r, err := a.c.Info(ctx, client.InfoOptions{})
	if err != nil {
		return ""
	}
	return r.Info.DockerRootDir
}

// sinceText is the form that keeps nanoseconds.
func sinceText(t time.Time) string { return fmt.Sprintf("%d.%09d", t.Unix(), t.Nanosecond()) }

func (a *api) Logs(ctx context.Context, r request) (*response, error) {
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: r.follow}
	if !r.since.IsZero() {
		options.Since = sinceText(r.since)
	}
	if r.tail >= 0 {
		options.Tail = fmt.Sprint(r.tail)
	}
	var h header
	body, err := a.c.ContainerLogs(context.WithValue(ctx, headerKey{}, &h), r.id, options)
	if err != nil {
		return nil, classify(err) // its reader says whose log
	}
	known := func(stamp int64) (bool, error) { return a.known(ctx, r.id, stamp) }
	return &response{decoder: newDecoder(body, h.contentType, r.tty, known), Closer: body, date: h.date}, nil
}

// known says whether a container with a terminal has a message with a stamp.
func (a *api) known(ctx context.Context, id string, stamp int64) (bool, error) {
	at := sinceText(time.Unix(0, stamp))
	body, err := a.c.ContainerLogs(ctx, id, client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Since: at, Until: at})
	if err != nil {
		return false, classify(err)
	}
	defer body.Close()
	head := make([]byte, stampLength)
	switch _, err := io.ReadFull(body, head); {
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return false, nil
	case err != nil:
		return false, err
	}
	m, err := stamped(stdout, head)
	return err == nil && m.stamp == stamp, nil
}

// classify finds the errors that decide. A container that is being removed is
// as good as gone.
func classify(err error) error {
	switch {
	case errdefs.IsNotFound(err), errdefs.IsConflict(err):
		return errGone
	case errdefs.IsNotImplemented(err):
		return errUnsupported
	}
	return err
}

// header is what a response to Logs says of itself. moby's client does not hand
// it out, so the request's context carries it from the hook.
type header struct {
	contentType string
	date        time.Time
}

type headerKey struct{}

func keepHeader(r *http.Response) {
	if r.Request == nil {
		return
	}
	if h, ok := r.Request.Context().Value(headerKey{}).(*header); ok {
		h.contentType = r.Header.Get("Content-Type")
		h.date, _ = http.ParseTime(r.Header.Get("Date"))
	}
}

// askForJSON asks for NDJSON, which tells pieces of lines apart. Daemons before
// API 1.54 pass over it.
func askForJSON(r *http.Request) error {
	if r.Context().Value(headerKey{}) != nil {
		r.Header.Set("Accept", "application/x-ndjson")
	}
	return nil
}

// explain says what to do about a refused socket.
func explain(host string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if path, ok := strings.CutPrefix(host, "unix://"); ok {
		if refused := socketRefuses(path); refused != nil {
			return refused
		}
	}
	return err
}

// errPermission is an error that no retry mends.
var errPermission = errors.New("no permission on the docker socket")
