package provider

import (
	"net/http"
	"time"
)

// store keeps an object and answers with it.
func (p *Provider) store(w http.ResponseWriter, id string, v map[string]any) {
	p.mu.Lock()
	full := len(p.objects) >= maxObjects
	if !full {
		p.objects[id] = v
	}
	p.mu.Unlock()
	if full {
		refuse(w, http.StatusTooManyRequests, "The provider holds as many objects as it may.", "rate_limit_exceeded")
		return
	}
	write(w, 200, v)
}

// object is the one that a path names; the request is refused if there is none.
func (p *Provider) object(w http.ResponseWriter, r *http.Request) (map[string]any, bool) {
	p.keep(r)
	p.mu.Lock()
	v, ok := p.objects[r.PathValue("id")]
	p.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "No such object.", "invalid_request_error")
	}
	return v, ok
}

func (p *Provider) read(w http.ResponseWriter, r *http.Request) {
	if v, ok := p.object(w, r); ok {
		write(w, 200, v)
	}
}

func (p *Provider) remove(w http.ResponseWriter, r *http.Request) {
	p.keep(r)
	p.mu.Lock()
	delete(p.objects, r.PathValue("id"))
	p.mu.Unlock()
	write(w, 200, map[string]any{"id": r.PathValue("id"), "deleted": true})
}

// list is every object of a kind.
func (p *Provider) list(kind string) http.HandlerFunc {
	object := map[string]string{"responses": "response", "files": "file", "batches": "batch", "vector_stores": "vector_store"}[kind]
	return func(w http.ResponseWriter, r *http.Request) {
		p.keep(r)
		data := []any{}
		p.mu.Lock()
		for _, v := range p.objects {
			if v["object"] == object {
				data = append(data, v)
			}
		}
		p.mu.Unlock()
		write(w, 200, map[string]any{"object": "list", "data": data, "has_more": false})
	}
}

func (p *Provider) vectorStore(w http.ResponseWriter, q asked) {
	id := p.id("vs")
	p.store(w, id, map[string]any{"id": id, "object": "vector_store", "created_at": time.Now().Unix(), "name": q.Name, "status": "completed", "usage_bytes": 0,
		"file_counts":   map[string]any{"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
		"expires_after": nil, "expires_at": nil, "last_active_at": time.Now().Unix(), "metadata": map[string]any{}})
}

// search finds one piece of text in any store that there is.
func (p *Provider) search(w http.ResponseWriter, r *http.Request) {
	if _, ok := p.object(w, r); !ok {
		return
	}
	write(w, 200, map[string]any{"object": "vector_store.search_results.page", "search_query": "Hello", "has_more": false, "next_page": nil,
		"data": []any{map[string]any{"file_id": "file_none", "filename": "sluice-gate.txt", "score": 0.9, "attributes": map[string]any{},
			"content": []any{map[string]any{"type": "text", "text": said}}}}})
}
