package gateway

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"sluice/internal/record"
)

// Whatever a gateway answers, an error of ours holds nothing of it but a word of
// [a-z_], and what is understood is safe to show.
func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"keys":[{"token":"ab","key_name":"sk-...7-kQ","key_alias":"x"}],"total_count":1}`)
	f.Add(401, `{"error":{"message":"Received=sk-0123456789abcdef","type":"auth_error","param":"None","code":"401"}}`)
	f.Add(401, `{"error":{"message":7,"type":["sk-0123456789abcdef"]}}`)
	f.Add(400, `{"detail":[{"input":"sk-0123456789abcdef"}]}`)
	f.Add(500, `<html>sk-0123456789abcdef`)
	f.Add(200, `{"keys":"sk-0123456789abcdef","total_count":"x"}`)
	f.Add(302, ``)
	c, err := New(Config{URL: "http://gateway", Credential: record.NewSecret("sk-credential-0123456789")})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		c.http.Transport = answering{status: 200 + (status&0x7fff)%400, body: body}
		query := make(map[string][]string)
		var page listPage
		err := c.getOnce(t.Context(), "/key/list", query, &page)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || plainWord(e.Type) != e.Type || strings.Contains(err.Error(), "0123456789") {
				t.Fatalf("%v", err)
			}
			return
		}
		if page.Keys == nil {
			return
		}
		b := newBuilder(noon)
		for i := range *page.Keys {
			r := &(*page.Keys)[i]
			hash, _ := r.hash()
			tail, _ := maskedName(str(r.Name))
			b.add(hash, tail, r.info("http://gateway", nil, false, noon))
		}
		for _, k := range b.snapshot().All() {
			for _, text := range []string{k.Alias, k.Name, k.TeamID, k.UserID} {
				if strings.ContainsAny(text, "\x00\x1b\n\r") || showsKey(text) {
					t.Fatalf("not safe to show: %q", text)
				}
			}
		}
	})
}

// answering is a gateway that answers the same to everything.
type answering struct {
	status int
	body   string
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

// A snapshot file from anywhere is read or refused, without quoting it.
func FuzzDecode(f *testing.F) {
	f.Add(`{"version":1,"gateways":["http://g"],"keys":[{"hash":"` + strings.Repeat("0a", 32) + `","name":"sk-...7-kQ","state":"live","tail":"2d2d2d2d","expires":"2026-11-23T12:00:00Z"}]}`)
	f.Add(`{"version":1,"keys":[{"hash":5,"alias":"sk-0123456789abcdef"}]}`)
	f.Add(`{"version":10123456789`) // a number was quoted
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Decode(strings.NewReader(text), noon)
		if err != nil {
			if s != nil || !errors.Is(err, ErrSnapshotFile) || strings.Contains(err.Error(), "0123456789") {
				t.Fatal(err)
			}
			return
		}
		var again strings.Builder
		if err := s.Encode(&again); err != nil {
			t.Fatal(err)
		}
		same, err := Decode(strings.NewReader(again.String()), noon)
		if err != nil || same.Len() != s.Len() {
			t.Fatalf("%d keys became %d: %v", s.Len(), same.Len(), err)
		}
	})
}
