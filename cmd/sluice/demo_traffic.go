package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"sluice/internal/gateway/fake"
)

// demoTraffic makes teams and keys and sends the requests that leak: a key in a
// query string, a key in a prompt, another service's token in place of a key, keys that were
// blocked and deleted.
func demoTraffic(ctx context.Context, g *fake.Gateway) error {
	c := &demoClient{ctx: ctx, g: g}
	var keys []string
	for _, team := range []string{"research", "checkout"} {
		id := c.post(g.MasterKey, "/team/new", map[string]any{"team_alias": team})["team_id"]
		for _, use := range []string{"ci", "app"} {
			key, _ := c.post(g.MasterKey, "/key/generate", map[string]any{"key_alias": team + "-" + use, "team_id": id})["key"].(string)
			keys = append(keys, key)
		}
	}
	for i, replica := range g.ReplicaURLs() {
		for j, key := range keys {
			c.chat(replica, key, fmt.Sprintf("question %d of key %d", i, j))
		}
	}
	if c.err != nil {
		return c.err
	}
	c.get(keys[0], g.URL+"/v1/models?key="+url.QueryEscape(keys[0]))
	c.get(g.MasterKey, g.URL+"/key/info?key="+url.QueryEscape(keys[1]))
	c.get("", g.URL+"/v1/models?api_key="+url.QueryEscape(g.MasterKey))
	c.get("tok_"+strings.TrimPrefix(fake.NewKey(), "sk-"), g.URL+"/v1/models")
	c.chat(g.URL, keys[2], "my key is "+keys[2]+", why is it refused?")
	c.chat(g.URL, keys[2], "the log says Created key: "+keys[3][:20]+"... what does that mean?")
	c.post(g.MasterKey, "/key/block", map[string]any{"key": keys[1]})
	c.post(g.MasterKey, "/key/delete", map[string]any{"keys": []string{keys[0]}})
	c.get(keys[0], g.URL+"/v1/models?key="+url.QueryEscape(keys[0]))
	return c.err
}

// demoClient sends requests and keeps the first error; refusals are none.
type demoClient struct {
	ctx context.Context // of the one demo it sends for
	g   *fake.Gateway
	err error
}

func (c *demoClient) post(key, path string, body any) map[string]any {
	text, err := json.Marshal(body)
	if err != nil {
		c.err = errors.Join(c.err, err)
		return nil
	}
	return c.do(key, http.MethodPost, c.g.URL+path, text)
}

func (c *demoClient) chat(base, key, prompt string) {
	text, err := json.Marshal(map[string]any{
		"model": "gpt-mock", "messages": []any{map[string]any{"role": "user", "content": prompt}},
	})
	if err != nil {
		c.err = errors.Join(c.err, err)
		return
	}
	c.do(key, http.MethodPost, base+"/v1/chat/completions", text)
}

func (c *demoClient) get(key, target string) { c.do(key, http.MethodGet, target, nil) }

func (c *demoClient) do(key, method, target string, body []byte) map[string]any {
	if c.err != nil {
		return nil
	}
	req, err := http.NewRequestWithContext(c.ctx, method, target, bytes.NewReader(body))
	if err != nil {
		c.err = err
		return nil
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.err = err
		return nil
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil // some answers are a bare string
	}
	return answer
}
