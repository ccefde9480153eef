package gate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sluice/internal/record"
)

// lifetime is how long a key of a run may live at most, as LiteLLM writes it.
const lifetime = "1h"

// Blueprint is an object that several checks share, made when first referred to.
type Blueprint struct {
	Kind ObjectKind
	// Fields are members of the body beside name and lifetime, in JSON, with
	// references to other objects and to the plan.
	Fields string
}

// ObjectKind says what an object is and so how it is made and removed.
type ObjectKind string

// The kinds of object that a run makes.
const (
	KeyObject  ObjectKind = "key"
	TeamObject ObjectKind = "team"
	UserObject ObjectKind = "user"
	TagObject  ObjectKind = "tag"
	// BudgetObject is a budget by itself. A tag that is given an amount gets one
	// that has no name and stays when the tag is removed: tags get these.
	BudgetObject ObjectKind = "budget"
)

// Object is something made at the gateway for this run.
type Object struct {
	Kind   ObjectKind
	Name   string        // sluice-gate-<run>-…: alias of a key, name of a tag, id of anything else
	Key    record.Secret // of a key
	Hash   string        // SHA-256 of the key, its identifier at the gateway
	Answer Answer        // to the request that made it
}

// made is an object in the making: it is made once, by who asks first.
type made struct {
	once   *once
	object *Object
	err    error
}

// paths that make and remove the kinds.
var makePath = map[ObjectKind]string{
	KeyObject:    "/key/generate",
	TeamObject:   "/team/new",
	UserObject:   "/user/new",
	TagObject:    "/tag/new",
	BudgetObject: "/budget/new",
}

// object returns the shared object of that name.
func (s *session) object(ctx context.Context, name string) (*Object, error) {
	s.mu.Lock()
	m := s.shared[name]
	if m == nil {
		m = &made{once: newOnce()}
		s.shared[name] = m
	}
	s.mu.Unlock()
	m.once.do(func() {
		plan, ok := s.blueprints[name]
		if !ok {
			m.err = fmt.Errorf("no object is called %q", name)
			return
		}
		m.object, m.err = s.create(ctx, plan, name)
	})
	return m.object, m.err
}

// A gateway whose database is busy answers 500 ("Transaction already closed",
// measured with LiteLLM 1.106.2): that says nothing of what is checked.
const (
	makeTries = 3
	makePause = time.Second
)

// create makes an object under a name of this run. Another try gets another
// name: what became of the first is not known.
func (s *session) create(ctx context.Context, plan Blueprint, suffix string) (*Object, error) {
	o, err := s.tryToMake(ctx, plan, suffix)
	for try := 2; try <= makeTries && o != nil && o.Answer.broke(); try++ {
		if sleep(ctx, makePause) != nil {
			break
		}
		o, err = s.tryToMake(ctx, plan, fmt.Sprintf("%s-try%d", suffix, try))
	}
	return o, err
}

// broke says that the gateway failed in what it was asked, whatever its status.
func (a Answer) broke() bool {
	return a.Kind == ServerError || a.Kind == Invalid && a.Type == "internal_server_error"
}

// tryToMake notes an object for removal before it is asked for, so that a
// request whose answer never came is undone too.
func (s *session) tryToMake(ctx context.Context, plan Blueprint, suffix string) (*Object, error) {
	o := &Object{Kind: plan.Kind, Name: s.name(suffix)}
	body, err := s.expand(ctx, objectBody(o, plan.Fields))
	if err != nil {
		return nil, err
	}
	if !json.Valid([]byte(body)) {
		return nil, fmt.Errorf("make %s %s: its fields are not JSON", o.Kind, o.Name)
	}
	s.note(o)
	o.Answer = s.send(ctx, Request{Path: makePath[plan.Kind], As: "master", Body: body})
	if o.Answer.Kind != Served {
		return o, fmt.Errorf("make %s %s: %s", o.Kind, o.Name, o.Answer.Full())
	}
	if plan.Kind == KeyObject {
		key := o.Answer.Text("key")
		if key == "" {
			return o, fmt.Errorf("make key %s: %d without a key in it", o.Name, o.Answer.Status)
		}
		s.tell(o, key)
	}
	return o, nil
}

// tell notes the key of an object: from here on it is scrubbed.
func (s *session) tell(o *Object, key string) {
	s.scrub.Add(key)
	sum := sha256.Sum256([]byte(key))
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Key, o.Hash = record.NewSecret(key), hex.EncodeToString(sum[:])
	if known := s.byHash[o.Hash]; known == nil || known.Name == "" {
		s.byHash[o.Hash] = o
	}
}

// objectBody is what makes an object: its name, its lifetime, its fields.
func objectBody(o *Object, fields string) string {
	var head string
	switch o.Kind {
	case KeyObject:
		head = fmt.Sprintf(`"key_alias":%q`, o.Name)
		if !strings.Contains(fields, `"duration"`) {
			head += fmt.Sprintf(`,"duration":%q`, lifetime)
		}
	case TeamObject:
		head = fmt.Sprintf(`"team_id":%q,"team_alias":%q`, o.Name, o.Name)
	case BudgetObject:
		head = fmt.Sprintf(`"budget_id":%q`, o.Name)
	case TagObject:
		head = fmt.Sprintf(`"name":%q`, o.Name)
	case UserObject:
		head = fmt.Sprintf(`"user_id":%q,"auto_create_key":false`, o.Name)
	}
	if fields != "" {
		head += "," + fields
	}
	return "{" + head + "}"
}
