package docker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"github.com/moby/moby/client"
)

// connectionBuffer is what one read of a connection takes, in bytes.
const connectionBuffer = 32 << 10

// hostOptions says where the daemon is, as the docker command reads the
// environment: DOCKER_HOST (unix, tcp, http, https, npipe, ssh); TLS if
// DOCKER_TLS_VERIFY or DOCKER_TLS is not empty, with the server's certificate
// checked in the first case; certificates from DOCKER_CERT_PATH, else
// DOCKER_CONFIG, else ~/.docker. Contexts of the command are not read.
func hostOptions(env func(string) string) ([]client.Opt, error) {
	host := env("DOCKER_HOST")
	if host == "" {
		host = client.DefaultDockerHost
	}
	u, err := client.ParseHostURL(host)
	if err != nil {
		return nil, fmt.Errorf("DOCKER_HOST %q: want unix:///PATH, tcp://HOST:PORT or ssh://[USER@]HOST", host)
	}
	transport := &http.Transport{
		ReadBufferSize: connectionBuffer,
		// HTTP/1 only, as the docker command; a nil map would be filled in with
		// HTTP/2, and moby's client takes that for a wish for TLS.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	options := []client.Opt{client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect})}
	switch u.Scheme {
	case "ssh":
		remote, err := parseSSH(host)
		if err != nil {
			return nil, err
		}
		// A unix host makes no use of HTTP_PROXY; its dialer is replaced.
		return append(options, client.WithHost("unix:///ssh"), client.WithDialContext(remote.dial)), nil
	case "tcp", "http", "https":
		if transport.TLSClientConfig, err = tlsConfig(env); err != nil {
			return nil, err
		}
	case "unix", "npipe":
	default:
		return nil, fmt.Errorf("DOCKER_HOST %q: %s is no protocol of the docker command", host, u.Scheme)
	}
	return append(options, client.WithHost(host)), nil
}

// tlsConfig is nil if the environment does not ask for TLS.
func tlsConfig(env func(string) string) (*tls.Config, error) {
	verify := env("DOCKER_TLS_VERIFY") != ""
	if !verify && env("DOCKER_TLS") == "" {
		return nil, nil
	}
	folder := env("DOCKER_CERT_PATH")
	if folder == "" {
		folder = env("DOCKER_CONFIG")
	}
	if folder == "" {
		folder = filepath.Join(env("HOME"), ".docker")
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: !verify}
	ca, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	switch {
	case err == nil:
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("read %s: no certificate in it", filepath.Join(folder, "ca.pem"))
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read docker certificates: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem"))
	switch {
	case err == nil:
		cfg.Certificates = []tls.Certificate{pair}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("read docker certificates: %w", err)
	}
	return cfg, nil
}

// hostName is how a host may be shown: an ssh URL could hold a password.
func hostName(host string) string {
	u, err := url.Parse(host)
	if err != nil {
		return "DOCKER_HOST"
	}
	return u.Redacted()
}
