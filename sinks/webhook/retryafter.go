package webhook

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds what a receiver may ask for: one that says "next year"
// must not silence alerts.
const maxRetryAfter = time.Hour

// retryAfter is how long an answer asks to wait; 0: it does not say. body is
// the beginning of its text.
//
// The header has seconds or a date, which is taken against the answer's own
// Date: a receiver's clock may be wrong. Discord has three forms: the header
// X-RateLimit-Reset-After in seconds with a fraction, a number in the body, and
// Retry-After, the last two in milliseconds for URLs without a version (as its
// own settings page gives them out) and in seconds for /api/v8 and later.
func retryAfter(format Format, target *url.URL, h http.Header, body []byte, now time.Time) time.Duration {
	if format == FormatDiscord {
		if d := discordRetryAfter(target, h, body); d > 0 {
			return d
		}
	}
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return seconds(n)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if sent, err := http.ParseTime(h.Get("Date")); err == nil {
		now = sent
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// discordVersion is a URL whose numbers are seconds.
var discordVersion = regexp.MustCompile(`^/api/v([89]|[1-9][0-9]+)/`)

func discordRetryAfter(target *url.URL, h http.Header, body []byte) time.Duration {
	if n, err := strconv.ParseFloat(h.Get("X-RateLimit-Reset-After"), 64); err == nil && n > 0 {
		return seconds(n)
	}
	var said struct {
		RetryAfter json.Number `json:"retry_after"`
	}
	text := ""
	if json.Unmarshal(body, &said) == nil {
		text = said.RetryAfter.String()
	}
	if text == "" {
		text = strings.TrimSpace(h.Get("Retry-After"))
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	// Milliseconds are whole; only seconds come with a fraction.
	if !discordVersion.MatchString(target.Path) && !strings.Contains(text, ".") {
		n /= 1000
	}
	return seconds(n)
}

// seconds is a number from outside as a duration within bounds.
func seconds(n float64) time.Duration {
	if math.IsNaN(n) || n <= 0 {
		return 0
	}
	return time.Duration(min(n, maxRetryAfter.Seconds()) * float64(time.Second))
}
