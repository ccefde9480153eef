package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// maxBody bounds one answer. 100 key rows took 140 KB here; a row's metadata
	// is the gateway's users' own and may be large.
	maxBody = 32 << 20
	// maxErrorBody bounds what is read of a refusal: enough for its type.
	maxErrorBody = 64 << 10
	// tries and firstPause ride out one restart of a replica behind a balancer
	// in the middle of a thousand pages, and no more.
	tries      = 3
	firstPause = 200 * time.Millisecond
)

// get asks for path with query and decodes the answer into into.
func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval = firstPause
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := c.getOnce(ctx, path, query, into)
		var e *Error
		if err != nil && !(errors.As(err, &e) && e.retryable()) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(tries))
	return err
}

func (c *Client) getOnce(ctx context.Context, path string, query url.Values, into any) error {
	op := "GET " + path
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return &Error{Gateway: c.base, Op: op, Kind: KindUnreachable, Detail: "not a usable address"}
	}
	c.authorize(req)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.agent)
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return c.transportError(op, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return c.refusal(op, res)
	}
	return c.decode(ctx, op, res, into)
}

func (c *Client) decode(ctx context.Context, op string, res *http.Response, into any) error {
	fail := func(kind Kind, detail string) error {
		return &Error{Gateway: c.base, Op: op, Kind: kind, Status: res.StatusCode, Detail: detail}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return c.transportError(op, err)
	case len(body) > maxBody:
		return fail(KindTooLarge, "one page is over 32 MiB")
	case isHTML(res, body):
		return fail(KindNotGateway, "a web page")
	case !json.Valid(body):
		return fail(KindNotGateway, "no JSON")
	}
	// The decoder's own text may quote a value, so it is not passed on.
	if json.Unmarshal(body, into) != nil {
		return fail(KindShape, "")
	}
	return nil
}

// refusal turns an answer that is not 200 into an error, by the table in
// section 5 of the measured facts: LiteLLM's kinds are told by error.type, and
// one status means different things in different versions.
func (c *Client) refusal(op string, res *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBody)) // what can be had of it is enough
	answer := parseRefusal(body)
	e := &Error{Gateway: c.base, Op: op, Status: res.StatusCode, Type: answer.Type}
	switch status := res.StatusCode; {
	case status >= 300 && status < 400:
		e.Kind = KindRedirect
	case answer.Type == "no_db_connection" || answer.noDatabase:
		e.Kind = KindNoDatabase
	case answer.Type == "expired_key" || answer.Type == "budget_exceeded" || status == http.StatusUnauthorized && answer.known:
		e.Kind = KindUnauthorized
	case status == http.StatusForbidden && answer.known:
		e.Kind = KindForbidden
	case answer.Type == "not_found_error":
		e.Kind = KindRefused
	case status == http.StatusTooManyRequests:
		e.Kind = KindBusy
	case status >= 500:
		e.Kind = KindServer
	case isHTML(res, body) || status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
		e.Kind = KindNotGateway
	case status == http.StatusUnauthorized:
		e.Kind = KindUnauthorized
	case status == http.StatusForbidden:
		e.Kind = KindForbidden
	default:
		e.Kind = KindRefused
	}
	return e
}

// refusalBody is what is understood of a refusal.
type refusalBody struct {
	Type       string // a plain word, or ""
	known      bool   // the body has LiteLLM's shape
	noDatabase bool
}

func parseRefusal(body []byte) refusalBody {
	var raw struct {
		Error *struct {
			Type, Message any
		}
		Detail any
	}
	if json.Unmarshal(body, &raw) != nil || raw.Error == nil && raw.Detail == nil {
		return refusalBody{}
	}
	answer := refusalBody{known: true}
	text, _ := raw.Detail.(string)
	if raw.Error != nil {
		name, _ := raw.Error.Type.(string)
		answer.Type = plainWord(name)
		text, _ = raw.Error.Message.(string)
	}
	// /key/list and /team/list say it in prose; the prose itself is not kept.
	answer.noDatabase = strings.Contains(text, "Database not connected") || text == "No connected db."
	return answer
}

// plainWord returns s if it is a short word of [a-z_], which no key is, else "".
func plainWord(s string) string {
	const longest = 40
	if len(s) > longest || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") != "" {
		return ""
	}
	return s
}

func isHTML(res *http.Response, body []byte) bool {
	return strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") ||
		strings.HasPrefix(strings.TrimSpace(string(body[:min(len(body), 64)])), "<")
}
