package fake

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// Change is one thing that a gateway does otherwise than LiteLLM: a weakness
// taken away, or a promise broken on purpose.
type Change struct {
	Options func(*Options)
	Before  func(*Exchange) (handled bool) // may change Request, or answer it
	After   func(*Exchange)                // may change the answer
}

// Exchange is a request at a replica, and its answer.
type Exchange struct {
	Gateway *Gateway
	Replica int // from 0
	Request *http.Request
	Body    []byte // of the request
	Status  int
	Header  http.Header // of the answer
	Answer  []byte
}

// With is the options with changes made; the first sees a request first and its
// answer last.
func (o Options) With(changes ...Change) Options {
	for _, c := range changes {
		if c.Options != nil {
			c.Options(&o)
		}
	}
	o.Wrap = func(g *Gateway, n int, next http.Handler) http.Handler {
		if n < 0 {
			return next // the balancer only passes on
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(io.LimitReader(r.Body, maxRequest)) // a body cut short is answered as it came
			e := &Exchange{Gateway: g, Replica: n, Request: r, Body: body, Header: http.Header{}}
			e.run(changes, next)
			for name, values := range e.Header {
				w.Header()[name] = values
			}
			w.WriteHeader(e.Status)
			_, _ = w.Write(e.Answer) // the client may be gone; its loss
		})
	}
	return o
}

func (e *Exchange) run(changes []Change, next http.Handler) {
	if len(changes) == 0 {
		e.Request.Body = io.NopCloser(bytes.NewReader(e.Body))
		next.ServeHTTP(&answerWriter{e}, e.Request)
		return
	}
	c := changes[0]
	if c.Before == nil || !c.Before(e) {
		e.run(changes[1:], next)
	}
	if c.After != nil {
		c.After(e)
	}
}

// answerWriter writes into an exchange.
type answerWriter struct{ e *Exchange }

func (w *answerWriter) Header() http.Header { return w.e.Header }

func (w *answerWriter) WriteHeader(status int) {
	if w.e.Status == 0 {
		w.e.Status = status
	}
}

func (w *answerWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.e.Answer = append(w.e.Answer, p...)
	return len(p), nil
}

// Reply answers with a status and a JSON value.
func (e *Exchange) Reply(status int, v any) {
	e.Status = status
	e.Header.Set("Content-Type", "application/json")
	e.Answer, _ = json.Marshal(v) // maps of plain values always marshal
}

// Refuse answers as LiteLLM refuses.
func (e *Exchange) Refuse(status int, message, kind string) {
	e.Reply(status, object{"error": object{"message": message, "type": kind, "param": none, "code": status}})
}

// Edit changes a JSON object answered.
func (e *Exchange) Edit(change func(map[string]any)) {
	var v map[string]any
	if json.Unmarshal(e.Answer, &v) == nil {
		change(v)
		e.Answer, _ = json.Marshal(v)
	}
}

// Given is the key that the request came with, "" if none.
func (e *Exchange) Given() string {
	key, _ := givenKey(e.Request)
	return key
}

// Caller is the row of the key that asks.
func (e *Exchange) Caller() (Key, bool) {
	given := e.Given()
	if !strings.HasPrefix(given, "sk-") {
		return Key{}, false
	}
	return e.Gateway.db.key(hashKey(given))
}

// Asks says whether a key asks whose alias ends so.
func (e *Exchange) Asks(suffix string) bool {
	k, ok := e.Caller()
	return ok && strings.HasSuffix(k.Alias, suffix)
}

// Is says whether the request is of that method and path.
func (e *Exchange) Is(method, path string) bool {
	return e.Request.Method == method && e.Request.URL.Path == path
}

// acting is who a request is taken for, whatever key it has.
type acting struct{}

// As takes the request for one with that key, which may be any row, or the
// master key's if it has none.
func (e *Exchange) As(k Key) {
	who := caller{key: k, given: "sk-none"}
	if k.Token == "" {
		who.master, who.role, who.user = true, RoleAdmin, "default_user_id"
	}
	e.Request = e.Request.WithContext(context.WithValue(e.Request.Context(), acting{}, who))
}

// Key finds a row by its hash.
func (e *Exchange) Key(hash string) (Key, bool) { return e.Gateway.db.key(hash) }

// Alter edits a row past the API.
func (e *Exchange) Alter(hash string, edit func(*Key)) { e.Gateway.db.change(hash, edit) }

// Charge books a cost on a key, in dollars, under tags.
func (e *Exchange) Charge(hash string, cost float64, tags ...string) {
	e.Gateway.db.charge(hash, cost, tags...)
}
