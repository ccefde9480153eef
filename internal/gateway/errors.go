package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// Kind says what went wrong between us and a gateway.
type Kind uint8

// The kinds of failure.
const (
	KindUnreachable  Kind = iota + 1 // no connection, or it broke, or no answer in time
	KindTLS                          // certificate or handshake
	KindUnauthorized                 // the credential is unknown, blocked, expired or out of budget
	KindForbidden                    // the credential is known and may not read all keys
	KindNoDatabase                   // LiteLLM runs without a database and has no virtual keys
	KindNotGateway                   // something else answers there
	KindShape                        // an answer of a shape we do not know
	KindRedirect                     // the answer points to another address
	KindTooLarge                     // more bytes or pages than our bounds allow
	KindBusy                         // 429
	KindServer                       // 5xx
	KindRefused                      // any other 4xx
)

var kindTexts = map[Kind][2]string{
	KindUnreachable:  {"not reachable", "is the gateway running, and the address right?"},
	KindTLS:          {"TLS failure", "name the gateway's own certificate authority with --gateway-ca FILE"},
	KindUnauthorized: {"refuses the credential", "check SLUICE_GATEWAY_KEY, --gateway-key-file or the master key"},
	KindForbidden:    {"the credential may not read all keys", "use the key of a user with the role proxy_admin_viewer, or the master key"},
	KindNoDatabase:   {"has no database, so no virtual keys", "leave --gateway out and give the master key only"},
	KindNotGateway:   {"does not answer like LiteLLM", "is it the gateway's base URL, without /v1?"},
	KindShape:        {"answered in a shape that is not understood", "which version of LiteLLM is it? 1.81.0 and 1.106.2 are known to work"},
	KindRedirect:     {"redirects elsewhere, and the credential is not sent there", "name the final address with --gateway"},
	KindTooLarge:     {"answered more than the bounds allow", ""},
	KindBusy:         {"is limiting requests", "try again later"},
	KindServer:       {"failed", "the gateway's own log says why"},
	KindRefused:      {"refused the request", ""},
}

// String is the word for the kind used in messages.
func (k Kind) String() string { return kindTexts[k][0] }

// Error is a failed exchange with a gateway. It holds nothing of the
// credential, and of an answer only the status and a word of [a-z_].
type Error struct {
	Gateway string // base URL
	Op      string // "GET /key/list"; no query
	Kind    Kind
	Status  int    // HTTP status; 0: no answer
	Type    string // LiteLLM's error.type if it is a plain word, else ""
	Detail  string // words of ours, or of the operating system
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "gateway %s: %s: %s", e.Gateway, e.Op, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d", e.Status)
		if e.Type != "" {
			b.WriteString(" " + e.Type)
		}
		b.WriteByte(')')
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	return b.String()
}

// Hint says what the user can do; "" if nothing general.
func (e *Error) Hint() string { return kindTexts[e.Kind][1] }

// tooSlow is the detail of an answer that did not come within the time-out.
const tooSlow = "no answer in time"

// retryable says that the same request may succeed a moment later. Who let us
// wait for the whole time-out once would do it again.
func (e *Error) retryable() bool {
	return e.Kind == KindUnreachable && e.Detail != tooSlow || e.Kind == KindBusy || e.Kind == KindServer
}

// HintFor finds what to do about err, through wrapping.
func HintFor(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Hint()
	}
	if errors.Is(err, ErrNoCredential) {
		return "set SLUICE_GATEWAY_KEY or LITELLM_MASTER_KEY, or name a file with --gateway-key-file or --master-key-file"
	}
	return ""
}

// transportError classifies an error of net/http. Its text is not passed on as
// it is: it may repeat bytes of the answer.
func (c *Client) transportError(op string, err error) *Error {
	e := &Error{Gateway: c.base, Op: op, Kind: KindUnreachable}
	var (
		unknown  x509.UnknownAuthorityError
		host     x509.HostnameError
		invalid  x509.CertificateInvalidError
		verify   *tls.CertificateVerificationError
		notTLS   tls.RecordHeaderError
		alert    tls.AlertError
		dns      *net.DNSError
		errno    syscall.Errno
		netError net.Error
	)
	switch {
	case errors.As(err, &unknown):
		e.Kind, e.Detail = KindTLS, "certificate of an authority that is not trusted here"
	case errors.As(err, &host):
		e.Kind, e.Detail = KindTLS, "certificate for another name"
	case errors.As(err, &invalid), errors.As(err, &verify):
		e.Kind, e.Detail = KindTLS, "certificate not valid"
	case errors.As(err, &notTLS):
		e.Kind, e.Detail = KindTLS, "no TLS is spoken there"
	case errors.As(err, &alert):
		e.Kind, e.Detail = KindTLS, "handshake refused"
	case errors.As(err, &dns):
		e.Detail = "no such host"
	case errors.As(err, &errno):
		e.Detail = errno.Error()
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netError) && netError.Timeout():
		e.Detail = tooSlow
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		e.Kind, e.Detail = KindTLS, "no TLS is spoken there"
	default:
		e.Detail = "the connection broke"
	}
	return e
}
