package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// sshHost is a daemon behind ssh. Each connection is an ssh of its own, which
// runs `docker system dial-stdio` there, as the docker command does it: keys and
// hosts are what ssh's configuration says (ControlMaster makes them cheap).
type sshHost struct{ args []string }

// parseSSH reads ssh://[USER@]HOST[:PORT][/SOCKET].
func parseSSH(host string) (*sshHost, error) {
	u, err := url.Parse(host)
	if err != nil || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("DOCKER_HOST %q: want ssh://[USER@]HOST[:PORT][/SOCKET]", hostName(host))
	}
	if _, ok := u.User.Password(); ok {
		return nil, errors.New("DOCKER_HOST: ssh takes no password in a URL; use a key")
	}
	args := []string{"-o", "ConnectTimeout=30", "-T"}
	if u.User.Username() != "" {
		args = append(args, "-l", u.User.Username())
	}
	if u.Port() != "" {
		args = append(args, "-p", u.Port())
	}
	args = append(args, "--", u.Hostname(), "docker")
	if p := strings.TrimSuffix(u.Path, "/"); p != "" {
		args = append(args, "--host", shellQuote("unix://"+p))
	}
	return &sshHost{append(args, "system", "dial-stdio")}, nil
}

// shellQuote protects an argument from the shell on the other side.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// dial starts an ssh. It lives until the connection is closed, not until ctx
// ends, which is over when the request is.
func (h *sshHost) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cmd := exec.Command("ssh", h.args...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start ssh: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start ssh: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start ssh: %w", err)
	}
	return &sshConn{Reader: out, in: in, end: sync.OnceValue(func() error {
		_ = in.Close()
		_ = out.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed: its status says nothing
		return nil
	})}, nil
}

// sshConn is the standard input and output of an ssh. http.Transport, which is
// all that uses it, closes what it no longer wants and sets no deadlines.
type sshConn struct {
	io.Reader
	in  io.WriteCloser
	end func() error
}

func (c *sshConn) Write(p []byte) (int, error) { return c.in.Write(p) }
func (c *sshConn) Close() error                { return c.end() }

type sshAddr struct{}

func (sshAddr) Network() string { return "ssh" }
func (sshAddr) String() string  { return "ssh" }

func (*sshConn) LocalAddr() net.Addr              { return sshAddr{} }
func (*sshConn) RemoteAddr() net.Addr             { return sshAddr{} }
func (*sshConn) SetDeadline(time.Time) error      { return nil }
func (*sshConn) SetReadDeadline(time.Time) error  { return nil }
func (*sshConn) SetWriteDeadline(time.Time) error { return nil }
