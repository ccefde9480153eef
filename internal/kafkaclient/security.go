package kafkaclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"sluice/internal/record"
)

// Env is where secrets and certificates come from; without Lookup there are no
// variables, without ReadFile no files.
type Env struct {
	Lookup   func(name string) (string, bool)
	ReadFile func(path string) ([]byte, error)
}

func (e Env) read(path string) ([]byte, error) {
	if e.ReadFile == nil {
		return nil, fs.ErrNotExist
	}
	return e.ReadFile(path)
}

// The variables that are read if sasl=… is given without its own.
const (
	UserVariable     = "SLUICE_KAFKA_USER"
	PasswordVariable = "SLUICE_KAFKA_PASSWORD"
)

// Options takes the parameters that say how to reach the brokers:
//
//	tls=true                 TLS; ca, cert or server-name ask for it too
//	ca=FILE                  authorities to trust instead of the system's
//	cert=FILE&key=FILE       our own certificate (mutual TLS)
//	server-name=NAME         the name in the brokers' certificates
//	sasl=plain | scram-sha-256 | scram-sha-512
//	user=NAME                or user-env=VARIABLE (SLUICE_KAFKA_USER)
//	password-env=VARIABLE    (SLUICE_KAFKA_PASSWORD), or password-file=FILE
func (t *Target) Options(env Env) (Options, error) {
	o := Options{Brokers: t.Brokers}
	var err error
	if o.TLS, err = t.tls(env); err != nil {
		return o, err
	}
	o.SASL = strings.ToLower(t.Take("sasl"))
	user, userEnv := t.Take("user"), t.Take("user-env")
	passEnv, passFile := t.Take("password-env"), t.Take("password-file")
	if t.Take("password") != "" {
		return o, errors.New("a password in a URI is visible to every user of the machine: give password-env=VARIABLE or password-file=FILE")
	}
	if o.SASL == "" {
		if user+userEnv+passEnv+passFile != "" {
			return o, fmt.Errorf("a user or password without sasl=%s|%s|%s", Plain, ScramSHA256, ScramSHA512)
		}
		return o, nil
	}
	if o.User = user; user == "" {
		if o.User, err = variable(env, userEnv, UserVariable); err != nil {
			return o, err
		}
	}
	o.Password, err = password(env, passEnv, passFile)
	if err == nil {
		_, err = o.mechanism()
	}
	return o, err
}

func password(env Env, name, file string) (record.Secret, error) {
	if file == "" {
		value, err := variable(env, name, PasswordVariable)
		return record.NewSecret(value), err
	}
	text, err := env.read(file)
	if err != nil {
		return record.Secret{}, fmt.Errorf("read the password: %w", err)
	}
	value := strings.TrimRight(string(text), "\r\n")
	if value == "" {
		return record.Secret{}, fmt.Errorf("the password file %s is empty", record.Printable(file))
	}
	return record.NewSecret(value), nil
}

func variable(env Env, name, fallback string) (string, error) {
	if name == "" {
		name = fallback
	}
	value := ""
	if env.Lookup != nil {
		value, _ = env.Lookup(name)
	}
	if value == "" {
		return "", fmt.Errorf("sasl is asked for, but the variable %s is not set", record.Printable(name))
	}
	return value, nil
}

func (t *Target) tls(env Env) (*tls.Config, error) {
	want, ca, cert, key := t.Take("tls"), t.Take("ca"), t.Take("cert"), t.Take("key")
	name := t.Take("server-name")
	switch want {
	case "true", "1":
	case "", "false", "0":
		if ca+cert+key+name == "" {
			return nil, nil
		}
		if want != "" {
			return nil, errors.New("tls=false, and yet a certificate is named")
		}
	default:
		return nil, errors.New("tls: want true or false")
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name}
	if ca != "" {
		pem, err := env.read(ca)
		if err != nil {
			return nil, fmt.Errorf("read the authorities to trust: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate in PEM form", record.Printable(ca))
		}
	}
	if (cert == "") != (key == "") {
		return nil, errors.New("mutual TLS needs cert=FILE and key=FILE")
	}
	if cert == "" {
		return cfg, nil
	}
	pair, err := keyPair(env, cert, key)
	if err != nil {
		return nil, err
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg, nil
}

func keyPair(env Env, cert, key string) (tls.Certificate, error) {
	certPEM, err := env.read(cert)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read our certificate: %w", err)
	}
	keyPEM, err := env.read(key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read our key: %w", err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("%s and %s are no certificate with its key: %w", record.Printable(cert), record.Printable(key), err)
	}
	return pair, nil
}
