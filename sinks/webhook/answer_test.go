package webhook

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	theirs := now.AddDate(-1, 0, 0)
	date := func(at time.Time) string { return at.Format(http.TimeFormat) }
	const plain, v10 = "https://discord.com/api/webhooks/1/x", "https://discord.com/api/v10/webhooks/1/x"
	for _, c := range []struct {
		name   string
		format Format
		url    string
		header []string
		body   string
		want   time.Duration
	}{
		{"none", FormatJSON, plain, nil, "", 0},
		{"seconds", FormatJSON, plain, []string{"Retry-After", "120"}, "", 2 * time.Minute},
		{"a fraction", FormatJSON, plain, []string{"Retry-After", " 0.35 "}, "", 350 * time.Millisecond},
		{"below zero", FormatJSON, plain, []string{"Retry-After", "-3"}, "", 0},
		{"no number", FormatJSON, plain, []string{"Retry-After", "NaN"}, "", 0},
		{"without end", FormatJSON, plain, []string{"Retry-After", "+Inf"}, "", maxRetryAfter},
		{"a year", FormatJSON, plain, []string{"Retry-After", "31536000"}, "", maxRetryAfter},
		{"words", FormatJSON, plain, []string{"Retry-After", "later"}, "", 0},
		{"a date", FormatJSON, plain, []string{"Retry-After", date(now.Add(time.Minute))}, "", time.Minute},
		{"a date that is over", FormatJSON, plain, []string{"Retry-After", date(now.Add(-time.Minute))}, "", 0},
		{"a date by another clock", FormatJSON, plain, []string{"Retry-After", date(theirs.Add(time.Minute)), "Date", date(theirs)}, "", time.Minute},
		{"a date in a year", FormatJSON, plain, []string{"Retry-After", date(now.AddDate(1, 0, 0))}, "", maxRetryAfter},
		{"a date of RFC 850", FormatJSON, plain, []string{"Retry-After", now.Add(time.Minute).Format("Monday, 02-Jan-06 15:04:05 GMT")}, "", time.Minute},
		{"Discord, milliseconds in the header", FormatDiscord, plain, []string{"Retry-After", "64570"}, "", 64570 * time.Millisecond},
		{"Discord, milliseconds in the body", FormatDiscord, plain, []string{"Retry-After", "65"}, `{"message":"x","retry_after":64570,"global":false}`, 64570 * time.Millisecond},
		{"Discord, seconds with a version", FormatDiscord, v10, []string{"Retry-After", "65"}, "", 65 * time.Second},
		{"Discord, seconds in the body", FormatDiscord, v10, []string{"Retry-After", "65"}, `{"retry_after":64.57}`, 64570 * time.Millisecond},
		{"Discord, a fraction is seconds", FormatDiscord, plain, nil, `{"retry_after":1.337}`, 1337 * time.Millisecond},
		{"Discord, its own header wins", FormatDiscord, plain, []string{"Retry-After", "64570", "X-RateLimit-Reset-After", "1.5"}, "", 1500 * time.Millisecond},
		{"Discord, a date", FormatDiscord, plain, []string{"Retry-After", date(now.Add(time.Minute))}, "<html>", time.Minute},
		{"milliseconds are Discord's alone", FormatJSON, plain, []string{"Retry-After", "1000"}, `{"retry_after":5}`, 1000 * time.Second},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		for i := 0; i < len(c.header); i += 2 {
			h.Set(c.header[i], c.header[i+1])
		}
		if got := retryAfter(c.format, u, h, []byte(c.body), now); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("3", "", "1", `{"retry_after":1e300}`)
	f.Add("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 9999 07:28:00 GMT", "NaN", "")
	f.Fuzz(func(t *testing.T, after, date, reset, body string) {
		h := http.Header{"Retry-After": {after}, "Date": {date}, "X-Ratelimit-Reset-After": {reset}}
		for _, format := range []Format{FormatJSON, FormatDiscord} {
			if d := retryAfter(format, &url.URL{Path: "/api/webhooks/1/x"}, h, []byte(body), time.Now()); d < 0 || d > maxRetryAfter {
				t.Errorf("waits %s", d)
			}
		}
	})
}

// What a receiver asks to wait is waited, whatever form and status it has, and
// not much more.
func TestRetryAfterIsKept(t *testing.T) {
	for _, wait := range []time.Duration{3 * time.Second, 90 * time.Second, 40 * time.Minute} {
		for _, code := range []int{429, 503, 500} {
			inBubble(t, func(t *testing.T, r *receiver) {
				r.answer = func(n int, w http.ResponseWriter, _ *http.Request) bool {
					if n == 1 {
						w.Header().Set("Retry-After", time.Now().Add(wait).UTC().Format(http.TimeFormat))
						w.WriteHeader(code)
					}
					return n > 1
				}
				s := r.open(nil)
				write(t, s, 0)
				at := r.requests()
				if got := at[1].Sub(at[0]); got < wait || got > wait+2*time.Second {
					t.Errorf("%d, wait %s: waited %s", code, wait, got)
				}
				closeSink(t, s)
				each(t, r, 1)
			})
		}
	}
}

func TestCodes(t *testing.T) {
	c := DefaultRetry()
	for _, code := range []int{301, 307, 401, 403, 404, 408, 409, 425, 429, 500, 503, 599} {
		if !c.Has(code) {
			t.Errorf("%d is not tried again", code)
		}
	}
	for _, code := range []int{-1, 0, 200, 204, 400, 405, 406, 411, 413, 415, 422, 431, 600, 1 << 30} {
		if c.Has(code) {
			t.Errorf("%d is tried again", code)
		}
	}
	own, err := ParseCodes(" 413 ,500-502,3XX")
	if err != nil {
		t.Fatal(err)
	}
	for code := range 700 {
		want := code == 413 || code >= 500 && code <= 502 || code >= 300 && code < 400
		if own.Has(code) != want {
			t.Errorf("%d: %t", code, !want)
		}
	}
	for _, bad := range []string{"", "200", "2xx", "6xx", "xx", "500-400", "299-300", "600", "4x", "5xx,", "-500", "five"} {
		if _, err := ParseCodes(bad); err == nil {
			t.Errorf("%q is taken for a list of codes", bad)
		}
	}
}
