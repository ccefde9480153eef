package fake

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Replica is one LiteLLM process.
type Replica struct {
	URL   string
	n     int
	g     *Gateway
	db    *store
	log   *logger
	fault atomic.Pointer[Fault]
	hits  atomic.Int64

	mu      sync.Mutex // guards the maps
	cache   map[string]cached
	windows map[string]window  // rate limit by token
	running map[string]int     // parallel requests by token
	unspent map[string]float64 // cost by token that this replica knows of before the database does
}

// cached is what a replica remembers of a key after looking it up.
type cached struct {
	key     Key
	team    Team
	hasTeam bool
	at      time.Time
}

func newReplica(g *Gateway, n int) *Replica {
	r := &Replica{
		g: g, n: n, db: g.db, log: newLogger(g, n),
		cache: make(map[string]cached), windows: make(map[string]window), running: make(map[string]int), unspent: make(map[string]float64),
	}
	r.fault.Store(&Fault{})
	return r
}

// Requests counts the requests this replica has answered.
func (r *Replica) Requests() int64 { return r.hits.Load() }

// call is one request on its way through a handler.
type call struct {
	*Replica
	r    *http.Request
	who  caller
	body []byte
	now  time.Time
	v    Version
}

// handler answers a call with a value to encode, or refuses it.
type handler func(*call) (any, *refusal)

// maxRequest bounds a request's body.
const maxRequest = 8 << 20

// ServeHTTP is the replica's whole way of answering.
func (r *Replica) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	counted := &statusWriter{ResponseWriter: w}
	if f := r.g.hook.Load(); f != nil {
		(*f)(req)
	}
	if !r.fault.Load().before(counted, req) {
		return
	}
	r.hits.Add(1)
	defer func() { r.log.access(req, counted.status) }()
	answer, no := r.answer(req)
	if no != nil {
		no.write(counted)
		return
	}
	counted.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(counted).Encode(answer) // the client may be gone; its loss
}

func (r *Replica) answer(req *http.Request) (any, *refusal) {
	now := r.g.opts.Now()
	r.db.flush(now)
	route, no := findRoute(req)
	if no != nil {
		return nil, no
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequest))
	if err != nil {
		return nil, detail(http.StatusBadRequest, "There was an error parsing the body")
	}
	c := &call{Replica: r, r: req, body: body, now: now, v: r.g.Version}
	if route.access != public {
		if no := c.authenticate(); no != nil {
			r.log.refused(req, no, c.who)
			return nil, no
		}
		if no := c.allowed(route); no != nil {
			r.log.refused(req, no, c.who)
			return nil, no
		}
	}
	r.log.request(req, body)
	answer, no := route.handle(c)
	if no != nil {
		r.log.failed(req, no)
	}
	return answer, no
}

// decode reads the request's body. What a route says to bad JSON differs:
// FastAPI's own models say 422, the chat routes 400.
func (c *call) decode(into any) *refusal {
	if json.Unmarshal(c.body, into) == nil {
		return nil
	}
	if strings.HasSuffix(c.r.URL.Path, "/completions") {
		return &refusal{status: 400, message: "Invalid JSON payload: unexpected end of data", kind: "invalid_request_error", param: "request_body"}
	}
	return detail(http.StatusUnprocessableEntity, []any{object{"type": "json_invalid", "loc": []any{"body", len(c.body)}, "msg": "JSON decode error"}})
}

// object is a JSON object in the making.
type object map[string]any

// forget drops a key that this replica changed from its cache, so that it acts
// on the change at once while the others do not.
func (r *Replica) forget(token string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.cache, token)
}

// forgetTeam drops every cached key of a team.
func (r *Replica) forgetTeam(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for token, c := range r.cache {
		if c.key.TeamID == id {
			delete(r.cache, token)
		}
	}
}

// lookup finds a key as this replica sees it: as it was up to CacheTTL ago.
func (r *Replica) lookup(token string, now time.Time) (cached, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c, ok := r.cache[token]; ok && now.Sub(c.at) < r.cacheLife(c.key.Alias) {
		return c, true
	}
	delete(r.cache, token)
	delete(r.unspent, token) // the row that is read now has it, or will soon
	k, ok := r.db.key(token)
	if !ok {
		return cached{}, false
	}
	c := cached{key: k, at: now}
	if k.TeamID != "" {
		c.team, c.hasTeam = r.db.team(k.TeamID)
	}
	r.cache[token] = c
	return c, true
}
