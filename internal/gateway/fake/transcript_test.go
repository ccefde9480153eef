package fake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// start runs a gateway on a clock of its own.
func start(t *testing.T, opts Options) (*Gateway, *clock) {
	t.Helper()
	c := &clock{now: time.Date(2026, 11, 23, 5, 30, 0, 0, time.UTC)}
	opts.Now = c.Now
	g, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g, c
}

// exchange is one request of a transcript and what the real gateway answered.
type exchange struct {
	title, method, url, body string
	header                   http.Header
	status                   int
	answer                   string
}

var (
	curlURL    = regexp.MustCompile(`curl -s '([^']*)'`)
	curlHeader = regexp.MustCompile(`-H '([^:']+): ([^']*)'`)
	curlBody   = regexp.MustCompile(`-d '(.*)'$`)
	httpStatus = regexp.MustCompile(`^HTTP (\d{3})`)
)

func readTranscript(t *testing.T, path string) []exchange {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []exchange
	for _, section := range strings.Split(string(text), "\n### ")[1:] {
		e := exchange{method: "GET", header: http.Header{}}
		e.title, _, _ = strings.Cut(section, "\n")
		for line := range strings.Lines(section) {
			line = strings.TrimSpace(line)
			if m := curlURL.FindStringSubmatch(line); m != nil {
				e.url = m[1]
				for _, h := range curlHeader.FindAllStringSubmatch(line, -1) {
					e.header.Set(h[1], h[2])
				}
				if b := curlBody.FindStringSubmatch(line); b != nil {
					e.method, e.body = "POST", b[1]
				}
			} else if m := httpStatus.FindStringSubmatch(line); m != nil {
				e.status, _ = strconv.Atoi(m[1])
			} else if e.status != 0 && e.answer == "" && line != "" && !strings.HasPrefix(line, "```") {
				e.answer = line
			}
		}
		all = append(all, e)
	}
	return all
}

// The transcripts were written against the real versions. The fake answers each
// request with the same status, the same error type and param, and no field
// that the real one does not have.
func TestTranscripts(t *testing.T) {
	shared := os.Getenv("SLUICE_SHARED")
	if shared == "" {
		t.Skip("SLUICE_SHARED is not set: no transcripts of a real gateway")
	}
	for _, v := range []Version{V1_81, V1_106} {
		t.Run(string(v), func(t *testing.T) {
			g, c := start(t, Options{Version: v})
			p := player{t: t, g: g, clock: c, names: map[string]string{"${LITELLM_MASTER_KEY}": g.MasterKey}}
			for _, e := range readTranscript(t, filepath.Join(shared, "facts", "litellm-"+string(v)+"-transcript.md")) {
				p.play(e)
			}
			if p.played < 70 {
				t.Errorf("only %d exchanges were in the transcript", p.played)
			}
		})
	}
}

type player struct {
	t       *testing.T
	g       *Gateway
	clock   *clock
	names   map[string]string // a key or id of the transcript: ours
	unnamed []string          // keys made here whose names there are not known yet
	played  int
}

// byChance are exchanges whose outcome hangs on which replica nginx chose for a
// request before, or on how far the writing of spend was. (The model of the
// 1.106.2 run had no price.)
var byChance = regexp.MustCompile(`^(2i' |2j header|3b |3c /health, virtual|4h' |key/list with a virtual key)`)

func (p *player) play(e exchange) {
	switch {
	case strings.HasPrefix(e.title, "6f deleted key"):
		p.clock.Advance(61 * time.Second)
	case strings.HasPrefix(e.title, "2h' "), strings.HasPrefix(e.title, "3b after"):
		p.clock.Advance(3 * time.Second)
	case strings.HasPrefix(e.title, "3d limit"), strings.HasPrefix(e.title, "4a"):
		p.clock.Advance(time.Second)
	}
	if e.url == "" {
		return
	}
	p.played++
	status, answer := p.send(e)
	if byChance.MatchString(e.title) {
		return
	}
	if status != e.status {
		p.t.Errorf("%s: status %d, the real one %d", e.title, status, e.status)
		return
	}
	p.learn(e, string(answer))
	var ours, real any
	if json.Unmarshal(answer, &ours) != nil {
		p.t.Errorf("%s: no JSON", e.title)
		return
	}
	if json.Unmarshal([]byte(e.answer), &real) != nil {
		return // the transcript was cut
	}
	if diff := differences("", real, ours); len(diff) > 0 {
		p.t.Errorf("%s: %s", e.title, strings.Join(diff, ", "))
	}
}

func (p *player) send(e exchange) (int, []byte) {
	p.t.Helper()
	p.meet(e.header.Get("Authorization"))
	ours := func(s string) string {
		for theirs, name := range p.names {
			s = strings.ReplaceAll(s, theirs, name)
		}
		return s
	}
	urls := p.g.ReplicaURLs()
	target := strings.NewReplacer(
		"http://127.0.0.1:8080", p.g.URL, "http://127.0.0.1:8081", p.g.URL,
		"http://127.0.0.1:4000", urls[0], "http://127.0.0.1:4001", urls[1],
		"http://127.0.0.1:4100", urls[0], "http://127.0.0.1:4101", urls[1],
	).Replace(e.url)
	req, err := http.NewRequestWithContext(p.t.Context(), e.method, ours(target), strings.NewReader(ours(e.body)))
	if err != nil {
		p.t.Fatal(err)
	}
	for name, values := range e.header {
		req.Header.Set(name, ours(values[0]))
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, bytes.TrimSpace(body)
}

var (
	keyField    = regexp.MustCompile(`"key":"([^"]+)"`)
	tokenField  = regexp.MustCompile(`"token":"([^"]+)"`)
	teamField   = regexp.MustCompile(`"team_id":"([^"]+)"`)
	defaultForm = regexp.MustCompile(`sk-[A-Za-z0-9_-]{21}[AQgw]`)
)

// learn remembers what the transcript's new keys and teams are called here.
// Long answers are cut there, some before the key: such a key is met for the
// first time in a later request.
func (p *player) learn(e exchange, ours string) {
	if strings.HasSuffix(e.url, "/key/generate") && e.status == 200 && keyField.FindString(e.answer) == "" {
		p.unnamed = append(p.unnamed, keyField.FindStringSubmatch(ours)[1])
		return
	}
	if !regexp.MustCompile(`/(key/generate|key/update|team/new)$`).MatchString(e.url) {
		return
	}
	for _, field := range []*regexp.Regexp{keyField, tokenField, teamField} {
		theirs, mine := field.FindStringSubmatch(e.answer), field.FindStringSubmatch(ours)
		if theirs != nil && mine != nil {
			p.names[theirs[1]] = mine[1]
		}
	}
}

// meet names keys that stand in a request for the first time.
func (p *player) meet(request string) {
	for _, key := range defaultForm.FindAllString(request, -1) {
		if p.names[key] == "" && len(p.unnamed) > 0 {
			p.names[key], p.unnamed = p.unnamed[0], p.unnamed[1:]
		}
	}
}

// differences names what ours has and real has not: fields, and the type and
// param of an error.
func differences(path string, real, ours any) []string {
	var diff []string
	switch real := real.(type) {
	case map[string]any:
		ours, ok := ours.(map[string]any)
		if !ok {
			return []string{path + ": no object"}
		}
		for name, value := range ours {
			theirs, ok := real[name]
			switch {
			case !ok:
				diff = append(diff, path+"."+name+" is not in the real one")
			case path == ".error" && (name == "type" || name == "param" && !strings.HasPrefix(fmt.Sprint(value), "sk-...")) && value != theirs:
				diff = append(diff, fmt.Sprintf("%s.%s is %v, the real one %v", path, name, value, theirs))
			case name != "metadata":
				diff = append(diff, differences(path+"."+name, theirs, value)...)
			}
		}
		if path == "" || path == ".error" {
			for name := range real {
				if _, ok := ours[name]; !ok && len(real) < 10 {
					diff = append(diff, path+"."+name+" is missing")
				}
			}
		}
	case []any:
		ours, ok := ours.([]any)
		if !ok {
			return []string{path + ": no array"}
		}
		if len(real) > 0 && len(ours) > 0 {
			diff = append(diff, differences(path+"[]", real[0], ours[0])...)
		}
	default:
		if real != nil && ours != nil && fmt.Sprintf("%T", real) != fmt.Sprintf("%T", ours) {
			diff = append(diff, fmt.Sprintf("%s is a %T, the real one a %T", path, ours, real))
		}
	}
	slices.Sort(diff)
	return diff
}
