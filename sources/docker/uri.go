package docker

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
)

// Scheme begins a URI that names containers.
const Scheme = "docker://"

// Labels that docker compose gives its containers.
const (
	serviceLabel = "com.docker.compose.service"
	projectLabel = "com.docker.compose.project"
)

// Parse reads docker://NAME-GLOB[?label=KEY[=VALUE]&service=NAME&project=NAME&since=WHEN&tail=N&read=file&folder=PATH].
// A glob's ? is written %3F. Parameters may repeat where several make sense (label). WHEN is a duration
// back from now (90m), a time (RFC 3339), a date, or Unix seconds; N a number of
// messages, "all", or 0 for none. PATH is where the daemon's containers folder is
// mounted.
func Parse(uri string) (Config, error) {
	rest, ok := strings.CutPrefix(uri, Scheme)
	if !ok {
		return Config{}, fmt.Errorf("source %q: want %sNAME-GLOB", uri, Scheme)
	}
	glob, query, _ := strings.Cut(rest, "?")
	name, err := url.PathUnescape(glob)
	if err != nil {
		return Config{}, fmt.Errorf("source %q: %w", uri, err)
	}
	cfg := Config{Name: strings.Trim(name, "/")}
	if cfg.Name == "" {
		return cfg, fmt.Errorf("source %q names no container: %s* is all of them", uri, Scheme)
	}
	if _, err := path.Match(cfg.Name, ""); err != nil || strings.Contains(cfg.Name, "/") {
		return cfg, fmt.Errorf("source %q: %q is no glob of container names", uri, cfg.Name)
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return cfg, fmt.Errorf("source %q: %w", uri, err)
	}
	for key, list := range values {
		for _, value := range list {
			if err := cfg.set(key, value, len(list)); err != nil {
				return cfg, fmt.Errorf("source %q: %w", uri, err)
			}
		}
	}
	if cfg.Folder != "" && !cfg.File {
		return cfg, fmt.Errorf("source %q: folder= is for read=file", uri)
	}
	return cfg, nil
}

// set takes one parameter that was given times times.
func (c *Config) set(key, value string, times int) (err error) {
	if times > 1 && key != "label" {
		return fmt.Errorf("%s is given %d times", key, times)
	}
	if value == "" {
		return fmt.Errorf("%s has no value", key)
	}
	switch key {
	case "label":
		c.Labels = append(c.Labels, value)
	case "service":
		c.Labels = append(c.Labels, serviceLabel+"="+value)
	case "project":
		c.Labels = append(c.Labels, projectLabel+"="+value)
	case "since":
		c.Since, err = parseSince(value, time.Now())
	case "tail":
		c.Tail, err = parseTail(value)
	case "read":
		if c.File = value == "file"; !c.File && value != "api" {
			return fmt.Errorf("read %q: want api or file", value)
		}
	case "folder":
		c.Folder = value
	default:
		return fmt.Errorf("unknown parameter %q: want label, service, project, since, tail, read or folder", key)
	}
	return err
}

func parseSince(value string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(value); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, value, time.Local); err == nil && inRange(t) {
			return t, nil
		}
	}
	if s, err := strconv.ParseInt(value, 10, 64); err == nil && s > 0 && inRange(time.Unix(s, 0)) {
		return time.Unix(s, 0), nil
	}
	return time.Time{}, fmt.Errorf("since %q: want a duration (90m), a time (2026-01-21T09:00:00Z), a date or Unix seconds", value)
}

func parseTail(value string) (Tail, error) {
	if value == "all" {
		return All, nil
	}
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return All, errors.New("tail: want a number of lines, or all")
	}
	if n == 0 {
		return None, nil
	}
	return Tail(n), nil
}

// matches says whether a container is one of those named.
func (c *Config) matches(s summary) bool {
	if ok, err := path.Match(c.Name, s.name); err != nil || !ok {
		return false
	}
	for _, want := range c.Labels {
		key, value, valued := strings.Cut(want, "=")
		has, ok := s.labels[key]
		if !ok || valued && has != value {
			return false
		}
	}
	return true
}
