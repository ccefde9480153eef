package provider

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// said is what the provider answers, whatever it is asked.
const said = "Hello from the built-in provider."

func (p *Provider) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) {
		write(w, 200, map[string]any{"object": "list", "data": []any{map[string]any{"id": ModelName, "object": "model"}}})
	})
	mux.HandleFunc("POST /v1/chat/completions", p.answering(p.chat))
	mux.HandleFunc("POST /v1/messages", p.answering(p.message))
	mux.HandleFunc("POST /v1/responses", p.answering(p.response))
	mux.HandleFunc("POST /v1/files", p.answering(p.file))
	mux.HandleFunc("POST /v1/batches", p.answering(p.batch))
	mux.HandleFunc("POST /v1/vector_stores", p.answering(p.vectorStore))
	mux.HandleFunc("POST /v1/vector_stores/{id}", p.read) // a change that changes nothing
	mux.HandleFunc("POST /v1/vector_stores/{id}/search", p.search)
	for _, kind := range []string{"responses", "files", "batches", "vector_stores"} {
		mux.HandleFunc("GET /v1/"+kind, p.list(kind))
		mux.HandleFunc("GET /v1/"+kind+"/{id}", p.read)
		mux.HandleFunc("DELETE /v1/"+kind+"/{id}", p.remove)
	}
	mux.HandleFunc("GET /v1/files/{id}/content", func(w http.ResponseWriter, r *http.Request) {
		p.keep(r)
		_, _ = w.Write([]byte("{}\n")) // the client may be gone; its loss
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		p.keep(r)
		refuse(w, http.StatusNotFound, "Unknown request URL: "+r.Method+" "+r.URL.Path, "invalid_request_error")
	})
	return mux
}

// asked is what the answers look at in a body.
type asked struct {
	Model  string `json:"model"`
	Stream bool   `json:"stream"`
	File   string `json:"input_file_id"`
	Name   string `json:"name"`
	text   string
	key    string
	mirror string // what a mirror says of the request
}

// answering remembers the request, does what its text asks for, and answers.
func (p *Provider) answering(answer func(w http.ResponseWriter, q asked)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body := p.keep(r)
		q := asked{text: string(body), key: credential(r)}
		_ = json.Unmarshal(body, &q) // a form upload is no JSON
		switch {
		case strings.Contains(q.text, "sluice-gate-refuse"):
			refuse(w, http.StatusUnauthorized, "Incorrect API key provided: "+q.key+". Your message was: "+q.text, "invalid_api_key")
			return
		case strings.Contains(q.text, "sluice-gate-cut"):
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(`{"id":"cut`)) // the connection ends here
			return
		case strings.Contains(q.text, "sluice-gate-hangup"):
			hangUp(w)
			return
		case strings.Contains(q.text, "sluice-gate-away"):
			_ = p.goAway() // ends this connection with the others
			return
		case strings.Contains(q.text, "sluice-gate-slow"):
			pause(r.Context(), SlowTime)
		case strings.Contains(q.text, "sluice-gate-mirror"):
			q.mirror = mirror(r, q.text)
		}
		answer(w, q)
	}
}

func credential(r *http.Request) string {
	if k := r.Header.Get("x-api-key"); k != "" {
		return k
	}
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
}

// hangUp ends the connection without an answer.
func hangUp(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// keyForm is what a key of a gateway may look like.
var keyForm = regexp.MustCompile(`sk-[A-Za-z0-9_-]{8,}`)

// mirror says which keys a request held, by their SHA-256: filters let a hash
// through, and it is no secret.
func mirror(r *http.Request, body string) string {
	seen := ""
	for _, part := range []struct{ where, text string }{
		{"path", r.URL.String()}, {"header", fmt.Sprint(r.Header)}, {"body", body},
	} {
		for _, key := range keyForm.FindAllString(part.text, -1) {
			seen += fmt.Sprintf(" %s %x", part.where, sha256.Sum256([]byte(key)))
		}
	}
	return " Keys that came with the request:" + cmp.Or(seen, " none") + "."
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone; its loss
}

func refuse(w http.ResponseWriter, status int, message, kind string) {
	write(w, status, map[string]any{"error": map[string]any{"message": message, "type": kind, "param": nil, "code": kind}})
}

// id is a new identifier.
func (p *Provider) id(prefix string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	return fmt.Sprintf("%s_sluice%08d", prefix, p.next)
}

func (p *Provider) chat(w http.ResponseWriter, q asked) {
	id := p.id("chatcmpl")
	usage := map[string]any{"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
	if !q.Stream {
		write(w, 200, map[string]any{"id": id, "object": "chat.completion", "created": time.Now().Unix(), "model": q.Model, "usage": usage,
			"choices": []any{map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": said + q.mirror}}}})
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	for i, part := range append(strings.SplitAfter(said, " "), "") {
		choice := map[string]any{"index": 0, "finish_reason": nil, "delta": map[string]any{"role": "assistant", "content": part}}
		event := map[string]any{"id": id, "object": "chat.completion.chunk", "created": time.Now().Unix(), "model": q.Model, "choices": []any{choice}}
		if part == "" && i > 0 {
			choice["finish_reason"], choice["delta"] = "stop", map[string]any{}
			event["usage"] = usage
		}
		line, _ := json.Marshal(event) // maps of plain values always marshal
		fmt.Fprintf(w, "data: %s\n\n", line)
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

func (p *Provider) message(w http.ResponseWriter, q asked) {
	write(w, 200, map[string]any{"id": p.id("msg"), "type": "message", "role": "assistant", "model": q.Model, "stop_reason": "end_turn", "stop_sequence": nil,
		"content": []any{map[string]any{"type": "text", "text": said}}, "usage": map[string]any{"input_tokens": 10, "output_tokens": 20}})
}

func (p *Provider) response(w http.ResponseWriter, q asked) {
	id := p.id("resp")
	p.store(w, id, map[string]any{"id": id, "object": "response", "created_at": time.Now().Unix(), "status": "completed", "model": q.Model,
		"error": nil, "incomplete_details": nil, "instructions": nil, "metadata": map[string]any{}, "parallel_tool_calls": true, "temperature": 1.0,
		"tool_choice": "auto", "tools": []any{}, "top_p": 1.0,
		"output": []any{map[string]any{"type": "message", "id": id + "m", "status": "completed", "role": "assistant",
			"content": []any{map[string]any{"type": "output_text", "text": said, "annotations": []any{}}}}},
		"usage": map[string]any{"input_tokens": 10, "output_tokens": 20, "total_tokens": 30,
			"input_tokens_details": map[string]any{"cached_tokens": 0}, "output_tokens_details": map[string]any{"reasoning_tokens": 0}}})
}

func (p *Provider) file(w http.ResponseWriter, _ asked) {
	id := p.id("file")
	p.store(w, id, map[string]any{"id": id, "object": "file", "bytes": 3, "created_at": time.Now().Unix(), "filename": "sluice-gate.jsonl",
		"purpose": "batch", "status": "processed"})
}

func (p *Provider) batch(w http.ResponseWriter, q asked) {
	id := p.id("batch")
	p.store(w, id, map[string]any{"id": id, "object": "batch", "endpoint": "/v1/chat/completions", "status": "completed", "created_at": time.Now().Unix(),
		"completion_window": "24h", "input_file_id": cmp.Or(q.File, "file_none")})
}
