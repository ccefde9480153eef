package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// CustomerObject is an end user that the gateway makes by itself when a request
// names one in its user field.
const CustomerObject ObjectKind = "customer"

// removal says how a kind is removed.
type removal struct {
	path, field string
	kind        ObjectKind
	single      bool // takes one, not a list
}

// removals in the order that works: keys first, since a team takes its keys along.
var removals = []removal{
	{path: "/key/delete", field: "keys", kind: KeyObject},
	{path: "/customer/delete", field: "user_ids", kind: CustomerObject},
	{path: "/user/delete", field: "user_ids", kind: UserObject},
	{path: "/team/delete", field: "team_ids", kind: TeamObject},
	{path: "/tag/delete", field: "name", kind: TagObject, single: true},
	{path: "/budget/delete", field: "id", kind: BudgetObject, single: true},
}

// batchSize is how many objects one request removes.
const batchSize = 100

// teardown removes everything the run noted and returns what is left. It has
// its own time, so that a stopped run cleans up too.
func (s *session) teardown(ctx context.Context, limit time.Duration) []string {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("the time for the clean-up is over"))
	defer cancel()
	s.client.finish()
	s.mu.Lock()
	objects, undo, changed := slices.Clone(s.objects), slices.Clone(s.undo), s.changed
	s.mu.Unlock()
	var left []string
	for _, u := range slices.Backward(undo) {
		if err := u.do(ctx); err != nil {
			left = append(left, fmt.Sprintf("%s: %v", u.what, err))
		}
	}
	if !changed || s.master.Empty() {
		return left
	}
	ids := map[ObjectKind][]string{}
	for _, o := range objects {
		if id := o.identifier(); id != "" && !slices.Contains(ids[o.Kind], id) {
			ids[o.Kind] = append(ids[o.Kind], id)
		}
	}
	s.remove(ctx, ids)
	return append(left, s.sweep(ctx, s.name(""), s.began)...)
}

// identifier is what the gateway knows an object by; "" for a key whose
// making was not answered, which the sweep finds by its alias.
func (o *Object) identifier() string {
	if o.Kind == KeyObject {
		return o.Hash
	}
	return o.Name
}

// remove asks for the removal of what is there; whether it worked is for the
// sweep to see.
func (s *session) remove(ctx context.Context, ids map[ObjectKind][]string) {
	for _, r := range removals {
		size := batchSize
		if r.single {
			size = 1
		}
		for batch := range slices.Chunk(ids[r.kind], size) {
			// LiteLLM refuses a whole batch for one unknown member.
			if a := s.delete(ctx, r, batch); a.Kind != Served && len(batch) > 1 && a.Kind != NoAnswer {
				for _, id := range batch {
					s.delete(ctx, r, []string{id})
				}
			}
		}
	}
}

func (s *session) delete(ctx context.Context, r removal, ids []string) Answer {
	list, _ := json.Marshal(ids) // a []string always marshals
	if r.single {
		list, _ = json.Marshal(ids[0])
	}
	return s.send(ctx, Request{Path: r.path, As: "master", Body: fmt.Sprintf(`{%q:%s}`, r.field, list)})
}

// sweep looks for what still bears the name, removes it, and returns what is
// there even then. Keys older than since are not looked at.
func (s *session) sweep(ctx context.Context, name string, since time.Time) []string {
	found, err := s.find(ctx, name, since)
	if err != nil {
		return []string{"could not look for what is left: " + err.Error()}
	}
	if found.empty() {
		return nil
	}
	s.remove(ctx, found.ids)
	if found, err = s.find(ctx, name, since); err != nil {
		return []string{"could not look for what is left: " + err.Error()}
	}
	return found.names
}

// left is what bears a name at the gateway.
type left struct {
	ids   map[ObjectKind][]string
	names []string
}

func (l *left) empty() bool { return len(l.names) == 0 }

func (l *left) add(kind ObjectKind, id, name string) {
	l.ids[kind] = append(l.ids[kind], id)
	l.names = append(l.names, string(kind)+" "+name)
}
