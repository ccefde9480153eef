package docker

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/moby/moby/client"
)

// proxied serves a daemon behind h, on connections in memory.
func proxied(t *testing.T, h http.Handler) func() (engine, error) {
	t.Helper()
	p := newPipes()
	server := &http.Server{Handler: h}
	var group sync.WaitGroup
	group.Go(func() { _ = server.Serve(p) })
	t.Cleanup(func() {
		_ = server.Close()
		group.Wait()
	})
	return func() (engine, error) {
		return newAPI(client.WithHost("unix:///fake"), client.WithDialContext(p.dial))
	}
}

// readOnly is what a socket proxy for readers lets through.
var readOnly = regexp.MustCompile(`^(/v[0-9.]+)?/(_ping|version|events|containers/json|containers/[0-9a-f]+/(json|logs))$`)

// A socket proxy that lets a few GET requests through suffices, also one that
// takes HEAD for something else, through restarts of container and stream.
func TestAReadOnlyProxySuffices(t *testing.T) {
	for _, head := range []bool{true, false} {
		t.Run(fmt.Sprintf("with HEAD %v", head), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, s := newDaemon(), newSink()
				var mu sync.Mutex
				refused := map[string]bool{}
				dial := proxied(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if readOnly.MatchString(r.URL.Path) && (r.Method == http.MethodGet || head && r.Method == http.MethodHead) {
						d.ServeHTTP(w, r)
						return
					}
					mu.Lock()
					refused[r.Method+" "+path.Base(r.URL.Path)] = true
					mu.Unlock()
					http.Error(w, "forbidden", http.StatusForbidden)
				}))
				_, stop := run(t, all(), dial, s)
				defer stop()
				c := d.add("gateway")
				for i := range 5 {
					c.print(side(i%2), fmt.Sprintf("line %d\n", i))
					time.Sleep(time.Second)
					c.stop()
					time.Sleep(time.Minute)
					c.start()
				}
				later := d.add("later")
				later.print(stdout, "line\n")
				time.Sleep(time.Minute)
				expect(t, s, c)
				expect(t, s, later)
				mu.Lock()
				defer mu.Unlock()
				delete(refused, "HEAD _ping") // the question with GET follows
				if len(refused) > 0 {
					t.Errorf("asked for what a proxy refuses: %v", refused)
				}
			})
		})
	}
}

// A proxy that cuts streams which were open for ten minutes costs nothing.
func TestAProxyThatCutsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDaemon(), newSink()
		dial := proxied(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), 10*time.Minute)
			defer cancel()
			d.ServeHTTP(w, r.WithContext(ctx))
		}))
		src, stop := run(t, all(), dial, s)
		defer stop()
		c := d.add("gateway")
		for i := range 50 {
			c.print(side(i%2), fmt.Sprintf("line %d\n", i))
			time.Sleep(7 * time.Minute)
		}
		expect(t, s, c)
		if len(s.gaps) > 0 || src.Stats().Stalls.Load() > 0 {
			t.Errorf("gaps %v, %d stalls", s.gaps, src.Stats().Stalls.Load())
		}
	})
}

// What starts between the subscription to events and the answer to the listing
// is found at once, not with the next listing.
func TestAContainerThatTheListingMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDaemon(), newSink()
		var late atomic.Pointer[container]
		dial := proxied(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasSuffix(r.URL.Path, "/containers/json") || late.Load() != nil {
				d.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			d.ServeHTTP(answer, r)
			c := d.add("late")
			c.print(stdout, "line\n")
			late.Store(c)
			_, _ = w.Write(answer.Body.Bytes())
		}))
		_, stop := run(t, all(), dial, s)
		defer stop()
		time.Sleep(relistEvery / 2)
		c := late.Load()
		if c == nil {
			t.Fatal("containers were not listed")
		}
		expect(t, s, c)
	})
}

// A daemon that is away for a day is asked a few times a minute, and read on from
// where it was once it is back.
func TestADaemonThatIsAwayForADay(t *testing.T) {
	hours := 24
	if testing.Short() {
		hours = 2
	}
	following(t, all(), func(t *testing.T, d *daemon, s *sink) {
		c := d.add("gateway")
		c.print(stdout, "before\n")
		time.Sleep(time.Minute)
		c.change(func() { d.down = true; d.hangUp() })
		time.Sleep(time.Hour)
		before := len(d.asked())
		time.Sleep(time.Duration(hours) * time.Hour)
		if n := len(d.asked()) - before; n < hours*60 || n > hours*60*20 {
			t.Errorf("%d requests in %d hours", n, hours)
		}
		c.print(stdout, "meanwhile\n")
		c.change(func() { d.down = false })
		time.Sleep(2 * lastPause)
		c.print(stdout, "after\n")
		time.Sleep(soon)
		expect(t, s, c)
		if len(s.gaps) > 0 {
			t.Errorf("gaps %v", s.gaps)
		}
	})
}

func (d *daemon) asked() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests
}

// Versions of the API from 1.40 on are spoken, with a daemon that is newer than
// the client too; an older one is named.
func TestVersionsOfTheAPI(t *testing.T) {
	for version, path := range map[string]string{"1.40": "/v1.40/", "1.41": "/v1.41/", "1.53": "/v1.53/", "1.54": "/v1.54/", "1.99": "/v" + client.MaxAPIVersion + "/"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDaemon()
			d.version = version
			c := printed(d, []byte("line\n"), false)
			s, err := readOnce(t, Config{Name: "*"}, d)
			if err != nil {
				t.Fatalf("%s: %v", version, err)
			}
			expect(t, s, c)
			for _, r := range d.asked() {
				if !strings.Contains(r, path) && !strings.HasSuffix(r, "/_ping") {
					t.Errorf("%s: %s", version, r)
				}
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon()
		d.version = "1.39"
		printed(d, []byte("line\n"), false)
		if _, err := readOnce(t, Config{Name: "*"}, d); err == nil || !strings.Contains(err.Error(), "1.39") || errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}
