package gateway

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// CanaryParameter is the query parameter of Canary.
const CanaryParameter = "sluice_canary"

// Canary sends a request without a key that carries value in its query: the
// gateway refuses it, and its access line shows the query as it came. Whatever
// is answered, the request was taken: an error says only that nobody answered.
func (c *Client) Canary(ctx context.Context, value string) error {
	const op = "GET /v1/models"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/v1/models?"+url.Values{CanaryParameter: {value}}.Encode(), nil)
	if err != nil {
		return &Error{Gateway: c.base, Op: op, Kind: KindUnreachable, Detail: "not a usable address"}
	}
	req.Header.Set("User-Agent", c.agent)
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return c.transportError(op, err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxErrorBody)) // so that the connection can be used again
	return res.Body.Close()
}
