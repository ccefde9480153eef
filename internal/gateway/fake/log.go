package fake

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// lineWriter writes whole records.
type lineWriter struct {
	mu *sync.Mutex // of the whole gateway: several streams may be one file
	w  io.Writer
}

func newLineWriter(mu *sync.Mutex, w io.Writer) *lineWriter {
	if w == nil {
		w = io.Discard
	}
	return &lineWriter{mu, w}
}

func (l *lineWriter) write(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.w, text) // a log that cannot be written stops no gateway
}

// nginx writes an access line of the balancer, with whatever key the URL has.
func (l *lineWriter) nginx(now time.Time, r *http.Request, w *statusWriter) {
	l.write(fmt.Sprintf("127.0.0.1 - - [%s] \"%s %s HTTP/1.1\" %d %d \"-\" \"%s\"\n",
		now.UTC().Format("02/Jan/2006:15:04:05 +0000"), r.Method, r.RequestURI, w.status, w.bytes, r.UserAgent()))
}

// logger prints what one replica prints.
type logger struct {
	version        Version
	mode           LogMode
	opts           *Options
	process        int
	stdout, stderr *lineWriter
}

func newLogger(g *Gateway, n int) *logger {
	stdout, stderr := g.opts.Logs(n)
	return &logger{
		version: g.Version, mode: g.opts.LogMode, opts: &g.opts, process: 20 + n,
		stdout: newLineWriter(&g.logging, stdout), stderr: newLineWriter(&g.logging, stderr),
	}
}

// Regular expressions of 1.106.2's filter that matter to what is printed here.
// The filter knows prefixes and names, and so misses keys that have neither.
var (
	filtered = regexp.MustCompile(`(?i)(AKIA|ASIA)[0-9A-Z]{16}|Bearer\s+[A-Za-z0-9\-._~+/]{10,}=*|Basic\s+[A-Za-z0-9+/=]{10,}` +
		`|sk-[A-Za-z0-9\-_]{13,}|AIza[0-9A-Za-z\-_]{35}` +
		`|(api[_-]?key)['"]?\s*[:=]\s*['"]?[^\s,'"})\]{}>]{8,}` +
		`|(master_key|database_url)['"]?\s*[:=]\s*['"]?[^\s,'"})\]{}>]+`)
	filteredUser  = regexp.MustCompile(`://[^\s/:@]+:[^\s/@]+@`)
	filteredQuery = regexp.MustCompile(`(?i)([?&])(key|api[_-]?key|\w*token)=[^\s&'"]{8,}`)
)

// filter is 1.106.2's filter on text.
func filter(s string) string {
	s = filteredUser.ReplaceAllString(s, "://REDACTED@")
	s = filteredQuery.ReplaceAllString(s, "${1}REDACTED")
	return filtered.ReplaceAllString(s, "REDACTED")
}

// access prints uvicorn's access line.
func (l *logger) access(r *http.Request, status int) {
	line := fmt.Sprintf(`%s - "%s %s HTTP/1.1" %d`, r.RemoteAddr, r.Method, r.RequestURI, status)
	if l.version == V1_106 {
		line = filter(line)
	}
	switch {
	case l.mode != LogJSON:
		l.stdout.write("INFO:     " + line + " " + http.StatusText(status) + "\n")
	case l.version == V1_106:
		l.json(l.stdout, "INFO", "uvicorn.access", "h11_impl.py:477", line, "")
	} // in 1.81.0 the JSON mode has no access lines
}

// say prints a record of the application. trace may be "".
func (l *logger) say(level, place, message, trace string) {
	to := l.stderr
	if l.version == V1_106 {
		message, trace = filter(message), filter(trace)
		if level == "DEBUG" || level == "INFO" {
			to = l.stdout
		}
	}
	if l.mode == LogJSON {
		l.json(to, level, "LiteLLM Proxy", place, message, trace)
		return
	}
	head := "LiteLLM Proxy:" + level
	clock := l.opts.Now().UTC().Format("15:04:05")
	if l.version == V1_81 {
		clock, head = "\x1b[92m"+clock, head+"\x1b[0m"
	}
	if trace != "" {
		trace = strings.TrimSuffix(trace, "\n") + "\n"
	}
	to.write(clock + " - " + head + ": " + place + " - " + message + "\n" + trace)
}

func (l *logger) json(to *lineWriter, level, component, place, message, trace string) {
	type field struct{ name, value string }
	record := []field{
		{"message", message}, {"level", level}, {"timestamp", l.opts.Now().UTC().Format("2006-01-02T15:04:05.000000")},
	}
	if l.version == V1_106 {
		record = append(record, field{"component", component}, field{"logger", place})
	}
	if trace != "" {
		record = append(record, field{"stacktrace", strings.TrimSuffix(trace, "\n")})
	}
	var line strings.Builder
	for i, f := range record {
		line.WriteString([]string{"{", ", "}[min(i, 1)])
		line.WriteString(quoteJSON(f.name) + ": " + quoteJSON(f.value))
	}
	to.write(line.String() + "}\n")
}

// quoteJSON is a JSON string with < and & as they are, as Python writes it.
func quoteJSON(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

func (l *logger) debug(place, message string) {
	if l.mode == LogDebug {
		l.say("DEBUG", place, message, "")
	}
}
