package kafkaclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	kafka "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"sluice/internal/record"
)

// Error is what went wrong, in one line for people, and whether trying again
// can help.
type Error struct {
	Text      string
	Permanent bool
	err       error
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.err }

// Permanent says whether err is one that no retry mends.
func Permanent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Permanent
}

// NotAuthorised says whether err is a refusal of the broker's authorizer.
func NotAuthorised(err error) bool {
	return errors.Is(err, kafka.TopicAuthorizationFailed) || errors.Is(err, kafka.GroupAuthorizationFailed) ||
		errors.Is(err, kafka.ClusterAuthorizationFailed)
}

// About is what a request was about; empty fields were no part of it.
type About struct {
	Topic string
	Group string
	Write bool
}

// causeTimeout bounds the look into a vague error.
const causeTimeout = 5 * time.Second

// Explain says what an error of a request means. The library answers many
// failures alike ("broker not available", "unexpected EOF", "topic not found"
// where the cluster could not be reached at all): those are looked into by
// connecting anew, so ctx should have time left.
func (c *Client) Explain(ctx context.Context, err error, about About) error {
	if err == nil {
		return nil
	}
	var done *Error
	if errors.As(err, &done) {
		return done
	}
	if vague(err) && ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(ctx, causeTimeout)
		defer cancel()
		if cause := c.Ping(ctx); cause != nil {
			err = cause
		}
	}
	text, permanent := c.explain(err, about)
	return &Error{Text: text, Permanent: permanent, err: err}
}

// vague errors stand for several causes.
func vague(err error) bool {
	return errors.Is(err, kafka.BrokerNotAvailable) || errors.Is(err, protocol.ErrNoTopic) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, kafka.SASLAuthenticationFailed)
}

func (c *Client) explain(err error, about About) (text string, permanent bool) {
	if text, permanent, ok := c.refused(err); ok {
		return text, permanent
	}
	var code kafka.Error
	if errors.As(err, &code) {
		return c.code(code, about)
	}
	switch {
	case errors.Is(err, protocol.ErrNoTopic), errors.Is(err, protocol.ErrNoPartition):
		// It is not in what the library knows, which is nothing after a lost connection.
		text, _ := c.code(kafka.UnknownTopicOrPartition, about)
		return text, false
	case errors.Is(err, protocol.ErrNoLeader):
		return c.code(kafka.LeaderNotAvailable, about)
	}
	return c.network(err)
}

// refused are the errors of TLS and SASL.
func (c *Client) refused(err error) (string, bool, bool) {
	addr := c.at(err)
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var header tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return addr + " has a certificate that is not trusted: give its authority with ca=FILE", true, true
	case errors.As(err, &name):
		return addr + " has a certificate for another name: give the name in it with server-name=NAME", true, true
	case errors.As(err, &invalid):
		return addr + " has a certificate that is not valid: " + invalid.Error(), true, true
	case errors.As(err, &header):
		return addr + " does not speak TLS on this port", true, true
	case tlsAlert(err) != "":
		return fmt.Sprintf("%s refused our TLS connection (%s): give our certificate with cert=FILE and key=FILE", addr, tlsAlert(err)), true, true
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		return fmt.Sprintf("%s does not offer SASL %s", addr, strings.ToUpper(c.opts.SASL)), true, true
	case errors.Is(err, kafka.SASLAuthenticationFailed), errors.Is(err, kafka.IllegalSASLState), scramRefused(err):
		return fmt.Sprintf("%s refused user %s: wrong name or password (SASL %s)", addr,
			record.Printable(c.opts.User), strings.ToUpper(c.opts.SASL)), true, true
	}
	return "", false, false
}

// tlsAlert is what the other side says when it ends a TLS connection; "": it did
// not. The standard library's type for it is not exported.
func tlsAlert(err error) string {
	const mark = "remote error: tls: "
	text := err.Error()
	if at := strings.LastIndex(text, mark); at >= 0 {
		return record.Printable(text[at+len(mark):])
	}
	return ""
}

// scramRefused knows the library's own words: a server's proof that does not
// fit, or its answer e=….
func scramRefused(err error) bool {
	return strings.Contains(err.Error(), "SASL authentication process has failed")
}

func (c *Client) code(code kafka.Error, about About) (string, bool) {
	topic, group := record.Printable(about.Topic), record.Printable(about.Group)
	switch code {
	case kafka.UnknownTopicOrPartition, kafka.UnknownTopicID:
		return "topic " + topic + " does not exist, or we may not know of it", true
	case kafka.InvalidTopic:
		return "topic " + topic + " is not a name that Kafka allows", true
	case kafka.TopicAuthorizationFailed:
		if about.Write {
			return "we are not authorised to write to topic " + topic, true
		}
		return "we are not authorised to read topic " + topic, true
	case kafka.GroupAuthorizationFailed:
		return "we are not authorised to use group " + group, true
	case kafka.ClusterAuthorizationFailed:
		return "we are not authorised to use this cluster", true
	case kafka.InconsistentGroupProtocol:
		return "group " + group + " is used by something else than consumers of Kafka's classic protocol, or not by Sluice", true
	case kafka.UnsupportedVersion:
		return "the broker is too old or too new for this client", true
	case kafka.InvalidSessionTimeout:
		return "the broker does not allow our session timeout", true
	case kafka.PolicyViolation, kafka.InvalidRecord:
		return "the broker's policy refuses records in topic " + topic + ": " + code.Title(), true
	case kafka.MessageSizeTooLarge, kafka.RecordListTooLarge:
		return "a record is larger than topic " + topic + " allows", true
	case kafka.NotEnoughReplicas, kafka.NotEnoughReplicasAfterAppend:
		return "topic " + topic + " has not enough replicas in sync to acknowledge a write", false
	case kafka.LeaderNotAvailable, kafka.NotLeaderForPartition:
		return "topic " + topic + " has no leader for a partition just now", false
	}
	return "the broker answers: " + code.Title(), false
}

// at is the broker an error came from, or all of them.
func (c *Client) at(err error) string {
	var d *dialError
	if errors.As(err, &d) {
		return "broker " + d.addr
	}
	if len(c.opts.Brokers) == 1 {
		return "broker " + c.opts.Brokers[0]
	}
	return "a broker of " + strings.Join(c.opts.Brokers, ", ")
}

func (c *Client) network(err error) (string, bool) {
	addr := c.at(err)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return addr + ": no such host", false
	case errors.Is(err, syscall.ECONNREFUSED):
		return addr + " does not answer: connection refused", false
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		if c.opts.TLS != nil {
			return addr + " does not answer in time, or not by TLS on this port", false
		}
		return addr + " does not answer in time", false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return addr + " closed the connection: " + c.closedWhy(), false
	case errors.Is(err, io.ErrClosedPipe), errors.Is(err, net.ErrClosed):
		return addr + ": connection closed", false
	}
	return addr + ": " + err.Error(), false
}

// closedWhy is why a broker may close a connection without a word.
func (c *Client) closedWhy() string {
	switch {
	case c.opts.SASL != "" && c.opts.TLS == nil:
		return "wrong name or password, or it wants TLS (tls=true), or SASL is not for this port"
	case c.opts.SASL != "":
		return "wrong name or password, or SASL or TLS is not for this port"
	case c.opts.TLS == nil:
		return "it may want TLS (tls=true) or a login (sasl=…)"
	}
	return "it may want a login (sasl=…) or our certificate (cert=FILE&key=FILE), or not speak TLS on this port"
}
