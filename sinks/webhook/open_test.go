package webhook

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What the command line names has a spool of its own in the state folder, the
// same after a restart and whatever a file says today; without a state folder
// there is none, and a run that has an end waits a bounded time.
func TestOpenChoosesTheSpool(t *testing.T) {
	state, hook := t.TempDir(), filepath.Join(t.TempDir(), "hook")
	open := func(uri string, e Env) *Sink {
		s, err := Open(uri, e)
		if err != nil {
			t.Fatal(err)
		}
		closeSink(t, s)
		return s
	}
	folders := map[string]bool{}
	for _, uri := range []string{"http://127.0.0.1:1/a", "http://127.0.0.1:1/b", "http://127.0.0.1:1/b?format=alertmanager", "file:" + hook} {
		keyFile(t, hook, "http://127.0.0.1:1/first")
		first := open(uri, Env{State: state, Follow: true})
		keyFile(t, hook, "http://127.0.0.1:1/second")
		second := open("webhook:"+uri, Env{State: state, Follow: true})
		if first.cfg.Spool != second.cfg.Spool || filepath.Dir(first.cfg.Spool) != state || !strings.HasPrefix(filepath.Base(first.cfg.Spool), "webhook-") {
			t.Errorf("%s: spools %s and %s", uri, first.cfg.Spool, second.cfg.Spool)
		}
		if info, err := os.Stat(first.cfg.Spool); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v, %v", info, err)
		}
		if first.cfg.Patience != 0 {
			t.Errorf("a run without an end gives up after %s", first.cfg.Patience)
		}
		folders[first.cfg.Spool] = true
	}
	if len(folders) != 4 {
		t.Errorf("%d folders for 4 sinks", len(folders))
	}
	own := filepath.Join(t.TempDir(), "own")
	if s := open("http://127.0.0.1:1/?spool="+own, Env{State: state, Follow: true}); s.cfg.Spool != own {
		t.Errorf("spool %s", s.cfg.Spool)
	}
	if s := open("http://127.0.0.1:1/", Env{}); s.cfg.Spool != "" || s.out.file != nil || s.cfg.Patience != onePass {
		t.Errorf("without a state folder: spool %q, waits %s", s.cfg.Spool, s.cfg.Patience)
	}
}
