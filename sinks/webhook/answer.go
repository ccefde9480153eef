package webhook

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Codes is a set of status codes of HTTP; comparable.
type Codes struct{ bits [10]uint64 }

// defaultRetry is everything but what says that this very message is wrong: an
// address or a credential that is refused is put right one day, and until then
// nothing may be lost.
const defaultRetry = "3xx,401,402,403,404,407,408,409,410,421,423,424,425,429,451,5xx"

// DefaultRetry is the set of codes after which a message is sent again.
func DefaultRetry() Codes {
	c, _ := ParseCodes(defaultRetry) // a constant; its test parses it
	return c
}

// ParseCodes reads a list like "429,500-504,5xx". Success (2xx) can't be in it.
func ParseCodes(list string) (c Codes, err error) {
	for item := range strings.SplitSeq(list, ",") {
		from, to, ok := codeRange(strings.TrimSpace(item))
		if !ok {
			return Codes{}, fmt.Errorf("status code %q: want a code, a range or a class like 429, 500-504 or 5xx, from 300 to 599", item)
		}
		for code := from; code <= to; code++ {
			c.bits[code/64] |= 1 << (code % 64)
		}
	}
	return c, nil
}

func codeRange(item string) (from, to int, ok bool) {
	if class, ok := strings.CutSuffix(strings.ToLower(item), "xx"); ok {
		n, err := strconv.Atoi(class)
		return n * 100, n*100 + 99, err == nil && n >= 3 && n <= 5
	}
	low, high, found := strings.Cut(item, "-")
	if !found {
		high = low
	}
	from, err1 := strconv.Atoi(low)
	to, err2 := strconv.Atoi(high)
	return from, to, err1 == nil && err2 == nil && from >= 300 && to <= 599 && from <= to
}

// Has says whether the set has a code.
func (c Codes) Has(code int) bool {
	return code >= 0 && code < 64*len(c.bits) && c.bits[code/64]&(1<<(code%64)) != 0
}

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
	return time.Duration(math.Round(min(n, maxRetryAfter.Seconds()) * float64(time.Second)))
}
