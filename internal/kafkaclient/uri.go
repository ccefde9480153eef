package kafkaclient

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Target is what kafka://HOST:PORT[,HOST:PORT…]/TOPIC[?NAME=VALUE&…] names.
type Target struct {
	Brokers []string
	Topic   string
	params  url.Values
	taken   map[string]bool
}

// defaultPort is Kafka's own.
const defaultPort = "9092"

// Parse reads a URI. Errors do not quote it: somebody may have put a password
// in.
func Parse(uri string) (*Target, error) {
	rest, ok := strings.CutPrefix(uri, Kind+"://")
	if !ok {
		return nil, errors.New("want kafka://HOST:PORT[,HOST:PORT…]/TOPIC")
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, topic, _ := strings.Cut(rest, "/")
	if strings.Contains(hosts, "@") {
		return nil, errors.New("kafka:// takes no user or password, which would be in the process list: " +
			"give sasl=…, user=NAME and password-env=VARIABLE or password-file=FILE")
	}
	t := &Target{taken: map[string]bool{}}
	for host := range strings.SplitSeq(hosts, ",") {
		addr, err := address(host)
		if err != nil {
			return nil, err
		}
		t.Brokers = append(t.Brokers, addr)
	}
	var err error
	if t.Topic, err = url.PathUnescape(topic); err != nil || t.Topic == "" {
		return nil, errors.New("kafka:// names no topic: want kafka://HOST:PORT/TOPIC")
	}
	if t.params, err = url.ParseQuery(query); err != nil {
		return nil, errors.New("kafka://: the part behind ? is not NAME=VALUE&NAME=VALUE")
	}
	return t, nil
}

func address(host string) (string, error) {
	if host == "" {
		return "", errors.New("kafka:// names no broker: want kafka://HOST:PORT/TOPIC")
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), defaultPort
	}
	if name == "" || port == "" || strings.ContainsAny(name, " \t") {
		return "", fmt.Errorf("broker %q: want HOST:PORT", host)
	}
	return net.JoinHostPort(name, port), nil
}

// Take returns a parameter, "" if it was not given. Each is taken by whoever
// knows what it means; Rest finds those that nobody does.
func (t *Target) Take(name string) string {
	t.taken[name] = true
	return t.params.Get(name)
}

// Rest is an error if a parameter was given that nobody took, or one twice.
func (t *Target) Rest() error {
	for name, values := range t.params {
		if !t.taken[name] {
			return fmt.Errorf("kafka://: unknown parameter %q", name)
		}
		if len(values) > 1 {
			return fmt.Errorf("kafka://: %s is given %d times", name, len(values))
		}
	}
	return nil
}

// maxTopic is the longest name of a topic that Kafka allows.
const maxTopic = 249

// IsTopic says whether a name can be a topic's. What cannot is meant as a
// regular expression.
func IsTopic(name string) bool {
	if name == "" || name == "." || name == ".." || len(name) > maxTopic {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
