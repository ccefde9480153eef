package docker

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParse(t *testing.T) {
	for uri, want := range map[string]Config{
		"docker://litellm-*":                             {Name: "litellm-*"},
		"docker:///name":                                 {Name: "name"},
		"docker://*?label=a=b&label=c&tail=10":           {Name: "*", Labels: []string{"a=b", "c"}, Tail: 10},
		"docker://x?service=gw&tail=0":                   {Name: "x", Labels: []string{"com.docker.compose.service=gw"}, Tail: None},
		"docker://x?since=2026-01-21T09:00:00Z&tail=all": {Name: "x", Since: time.Date(2026, 1, 21, 9, 0, 0, 0, time.UTC)},
		"docker://x?read=file&folder=/logs":              {Name: "x", File: true, Folder: "/logs"},
		"docker://x?read=api":                            {Name: "x"},
		"docker://x?since=1700000000":                    {Name: "x", Since: time.Unix(1700000000, 0)},
	} {
		got, err := Parse(uri)
		if err != nil || got.Name != want.Name || !slices.Equal(got.Labels, want.Labels) || got.Tail != want.Tail || got.File != want.File || got.Folder != want.Folder || !got.Since.Equal(want.Since) {
			t.Errorf("%s: %q %q %d %v, %v", uri, got.Name, got.Labels, got.Tail, got.Since, err)
		}
	}
	for _, uri := range []string{
		"docker://", "docker://?label=a", "file://x", "docker://[", "docker://a/b", "docker://x?tail=-1", "docker://x?tail=many",
		"docker://x?since=soon", "docker://x?since=-5m", "docker://x?nonsense=1", "docker://x?label=", "docker://x?tail=1&tail=2", "docker://%zz",
		"docker://x?read=disk", "docker://x?folder=/logs",
	} {
		if cfg, err := Parse(uri); err == nil {
			t.Errorf("%s is taken: %q", uri, cfg.Name)
		}
	}
}

func TestLabelsAndSelf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon()
		label := func(v string) func(*container) {
			return func(c *container) { c.labels = map[string]string{serviceLabel: v} }
		}
		a, b := d.add("a", label("gw")), d.add("b", label("db"))
		self := d.add("c", label("gw"), func(c *container) { c.id = strings.Repeat("f", 64) })
		for _, c := range []*container{a, b, self} {
			c.print(stdout, "line\n")
		}
		s := newSink()
		src := New(Config{Name: "*", Labels: []string{serviceLabel + "=gw"}, Self: self.id[:12]})
		src.dial = d.serve(t)
		if err := src.Run(t.Context(), s.emit); err != nil {
			t.Fatal(err)
		}
		if s.of(a, stdout) == "" || s.of(b, stdout) != "" || s.of(self, stdout) != "" {
			t.Errorf("read: %v", s.text)
		}
	})
}

func TestOwnContainer(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for name, c := range map[string]struct {
		mounts, groups string
		container      bool
		host, want     string
	}{
		"version 2":  {mounts: "1 2 8:1 /var/lib/docker/containers/" + id + "/hostname /etc/hostname rw - ext4 x rw\n", want: id},
		"version 1":  {groups: "5:cpu:/docker/" + id + "\n", want: id},
		"host name":  {container: true, host: id[:12], want: id[:12]},
		"no":         {host: id[:12], groups: "0::/\n"},
		"other name": {container: true, host: "gateway"},
	} {
		if got := selfFrom(c.mounts, c.groups, c.container, c.host); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestBacklog(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"all":   {Config{}, "old\nnew\nlater\n"},
		"none":  {Config{Tail: None}, "later\n"},
		"one":   {Config{Tail: 1}, "new\nlater\n"},
		"since": {Config{Since: time.Date(2000, 1, 1, 0, 30, 0, 0, time.UTC)}, "new\nlater\n"},
		"later": {Config{Since: time.Date(2000, 1, 1, 1, 0, 30, 0, time.UTC)}, "later\n"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d, s := newDaemon(), newSink()
				gateway := d.add("gateway")
				gateway.print(stdout, "old\n")
				time.Sleep(time.Hour)
				gateway.print(stdout, "new\n")
				time.Sleep(time.Minute)
				c.cfg.Name, c.cfg.Follow = "*", true
				_, stop := run(t, c.cfg, d.serve(t), s)
				defer stop()
				time.Sleep(time.Minute)
				gateway.print(stdout, "later\n")
				second := d.add("second")
				second.print(stdout, "whole\n")
				time.Sleep(time.Minute)
				if got := s.of(gateway, stdout); got != c.want || len(s.gaps) > 0 {
					t.Errorf("got %q, want %q; gaps %v", got, c.want, s.gaps)
				}
				expect(t, s, second)
			})
		})
	}
}

// The environment is told before the first line, once, and shows in no log.
func TestEnvironmentIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, s := newDaemon(), newSink()
		secret := "OPENAI_API_KEY=sk-" + strings.Repeat("Zq8r", 8)
		c := d.add("gateway", func(c *container) { c.env = []string{secret} })
		c.print(stdout, "line\n")
		var log bytes.Buffer
		var told []string
		cfg := all()
		cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		cfg.OnEnv = func(name string, env []string) {
			if s.of(c, stdout) != "" {
				t.Error("a line came first")
			}
			told = append(told, env...)
		}
		_, stop := run(t, cfg, d.serve(t), s)
		time.Sleep(time.Minute)
		c.stop()
		time.Sleep(time.Second)
		c.start()
		time.Sleep(time.Minute)
		_ = stop()
		if !slices.Equal(told, []string{secret}) || strings.Contains(log.String(), "sk-") {
			t.Errorf("told %d times; log %s", len(told), log.String())
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if text := fmt.Sprintf(verb, details{env: []string{secret}}); text != "[secret]" {
				t.Errorf("%s prints %d bytes", verb, len(text))
			}
		}
	})
}

func TestWhatCannotBeRead(t *testing.T) {
	unread := func(t *testing.T, s *sink) {
		t.Helper()
		if n := len(s.batches); n == 0 || s.batches[n-1].Unread == "" || !s.batches[n-1].Final {
			t.Errorf("no batch says what was not read: %d", n)
		}
	}
	t.Run("driver", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDaemon()
			d.add("gateway", func(c *container) { c.unreadable = true })
			s, err := readOnce(t, Config{Name: "*"}, d)
			if !errors.Is(err, errUnsupported) {
				t.Errorf("error %v", err)
			}
			unread(t, s)
		})
	})
	t.Run("its own log", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d := newDaemon()
			c := d.add("gateway", func(c *container) { c.faults = slices.Repeat([]fault{{broken: 2}}, tries) })
			c.print(stdout, "1\n2\n3\n4\n")
			s, err := readOnce(t, Config{Name: "*"}, d)
			if !errors.Is(err, daemonError{}) || s.of(c, stdout) != "1\n2\n" {
				t.Errorf("error %v, text %q", err, s.of(c, stdout))
			}
			unread(t, s)
		})
	})
	t.Run("no container", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if _, err := readOnce(t, Config{Name: "gateway"}, newDaemon()); err == nil || !strings.Contains(err.Error(), "no container matches gateway") {
				t.Errorf("error %v", err)
			}
		})
	})
}
