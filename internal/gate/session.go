package gate

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/record"
)

// prefix begins the name of everything a run makes.
const prefix = "sluice-gate-"

// session is one run against one gateway: what was made, what is known.
type session struct {
	client     *client
	scrub      *Scrubber
	plan       Plan
	master     record.Secret
	blueprints map[string]Blueprint
	logs       LogProbe
	provider   ProviderProbe
	began      time.Time

	mu       sync.Mutex
	shared   map[string]*made
	byHash   map[string]*Object
	objects  []*Object // in the order they were asked for; removed in reverse
	undo     []undoing
	canaries map[string]string // values by reference
	once     map[string]*once
	kept     sync.Map          // values that checks pass on, by name
	chosen   map[string]string // custom keys, by the name of their reference
	changed  bool              // something was sent that may have made an object
	sequence atomic.Int64
	info     GatewayInfo
	record   func(Request) // tests: every request as sent, in symbols
}

// undoing is a removal that the object table does not know how to do.
type undoing struct {
	what string
	do   func(ctx context.Context) error
}

// name is the full name of an object of this run.
func (s *session) name(suffix string) string {
	return fmt.Sprintf("%s%s-%s", prefix, s.plan.Run, suffix)
}

// note enters an object for removal.
func (s *session) note(o *Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects = append(s.objects, o)
}

// expand resolves the references of a text, making objects where needed.
func (s *session) expand(ctx context.Context, text string) (string, error) {
	return expand(text, func(name, attribute string) (string, error) {
		if v, ok := s.fact(name, attribute); ok {
			return v, nil
		}
		o, err := s.object(ctx, name)
		if err != nil {
			return "", err
		}
		switch attribute {
		case "key":
			return o.Key.Reveal(), nil
		case "hash":
			return o.Hash, nil
		case "id", "name":
			return o.Name, nil
		}
		return "", fmt.Errorf("object %s has no %q", name, attribute)
	})
}

// send resolves a request and sends it.
func (s *session) send(ctx context.Context, r Request) Answer {
	target, base, err := s.place(r.To)
	if err == nil {
		var w wire
		if w, err = s.resolve(ctx, base, r); err == nil {
			if s.record != nil {
				s.record(r)
			}
			s.changes(r)
			a := s.client.do(ctx, target, w)
			s.learn(a)
			return a
		}
	}
	return Answer{Target: target, Kind: Unmet, Message: err.Error()}
}

// changes notes that a request may have made something, before it is sent.
func (s *session) changes(r Request) {
	if r.Verb() != "GET" {
		s.mu.Lock()
		s.changed = true
		s.mu.Unlock()
	}
}

// learn takes the key out of an answer that holds one: whoever made it, it is
// scrubbed from every output and removed at the end.
func (s *session) learn(a Answer) {
	if key := a.Text("key"); a.Kind == Served && strings.HasPrefix(key, "sk-") {
		o := &Object{Kind: KeyObject}
		s.tell(o, key)
		s.note(o)
	}
}

// secrets are the values that must stand in no log, by name.
func (s *session) secrets() map[string]string {
	all := map[string]string{}
	if !s.master.Empty() {
		all["master key"] = s.master.Reveal()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.byHash {
		name := o.Name
		if name == "" {
			name = o.Hash[:8] // made by a request that a check sent by itself
		}
		all["key "+name] = o.Key.Reveal()
	}
	for ref, canary := range s.canaries {
		all[CanaryName(ref)] = canary
	}
	return all
}

// place is the name and address of a target.
func (s *session) place(t Target) (name, base string, err error) {
	switch {
	case t == 0:
		return "the gateway", s.plan.Gateway, nil
	case int(t) <= len(s.plan.Replicas):
		return "replica " + strconv.Itoa(int(t)), s.plan.Replicas[t-1], nil
	}
	return "replica " + strconv.Itoa(int(t)), "", errors.New("there is no such replica")
}

func (s *session) resolve(ctx context.Context, base string, r Request) (wire, error) {
	w := wire{base: base, method: r.Verb(), quick: r.Quick}
	var err error
	if w.path, err = s.expand(ctx, r.Path); err != nil {
		return w, err
	}
	if w.body, err = s.expand(ctx, r.Body); err != nil {
		return w, err
	}
	typed := false
	for _, h := range r.Headers {
		if h.Value, err = s.expand(ctx, h.Value); err != nil {
			return w, err
		}
		typed = typed || strings.EqualFold(h.Name, "Content-Type")
		w.headers = append(w.headers, h)
	}
	if r.Body != "" && !typed {
		w.headers = append(w.headers, Header{"Content-Type", "application/json"})
	}
	if r.As != "" {
		key, err := s.bearer(ctx, r.As)
		if err != nil {
			return w, err
		}
		w.headers = append(w.headers, Header{"Authorization", "Bearer " + key})
	}
	return w, nil
}

// bearer is the key of who asks.
func (s *session) bearer(ctx context.Context, as string) (string, error) {
	switch as {
	case "master":
		if s.master.Empty() {
			return "", errors.New("no master key was given (LITELLM_MASTER_KEY or --master-key-file)")
		}
		return s.master.Reveal(), nil
	case "invalid":
		return s.unknownKey(), nil
	}
	if hash, ok := strings.CutPrefix(as, "hash:"); ok {
		s.mu.Lock()
		o := s.byHash[hash]
		s.mu.Unlock()
		if o == nil {
			return "", errors.New("no key of this run has that hash")
		}
		return o.Key.Reveal(), nil
	}
	o, err := s.object(ctx, as)
	if err != nil {
		return "", err
	}
	return o.Key.Reveal(), nil
}
