package gate

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	pageSize = 100 // LiteLLM's maximum
	// maxPages bounds a listing: 200,000 objects.
	maxPages = 2000
)

// find lists what bears a name beginning with name. Keys come newest first, so
// it stops at the first page that is older than since; zero looks at all.
func (s *session) find(ctx context.Context, name string, since time.Time) (*left, error) {
	l := &left{ids: map[ObjectKind][]string{}}
	for _, kind := range listings() {
		if kind.kind == KeyObject && !since.IsZero() {
			// The clocks of gateway and gate may differ by minutes.
			kind.stop = func(row map[string]any) bool {
				at, err := time.Parse(time.RFC3339, text(row, "created_at"))
				return err == nil && at.Before(since.Add(-10*time.Minute))
			}
		}
		err := s.list(ctx, kind.listing, func(row map[string]any) {
			if n := text(row, kind.name); strings.HasPrefix(n, name) && (kind.made == "" || text(row, kind.made) != "") {
				l.add(kind.kind, text(row, kind.id), n)
			}
		})
		if err != nil && !kind.optional {
			return l, err
		}
	}
	return l, nil
}

// kindListing is where the gateway lists a kind of object, and which members of
// a row are its identifier and its name.
type kindListing struct {
	listing
	kind     ObjectKind
	id, name string
	optional bool
	made     string // member that only what was made has: LiteLLM lists every tag that a request named
}

func listings() []kindListing {
	return []kindListing{
		{listing: listing{path: "/key/list?return_full_object=true&sort_by=created_at&sort_order=desc&size=%d&page=%d", member: "keys"},
			kind: KeyObject, id: "token", name: "key_alias"},
		{listing: listing{path: "/v2/team/list?page_size=%d&page=%d", member: "teams"}, kind: TeamObject, id: "team_id", name: "team_id"},
		{listing: listing{path: "/user/list?page_size=%d&page=%d", member: "users"}, kind: UserObject, id: "user_id", name: "user_id"},
		{listing: listing{path: "/customer/list"}, kind: CustomerObject, id: "user_id", name: "user_id", optional: true},
		{listing: listing{path: "/tag/list"}, kind: TagObject, id: "name", name: "name", optional: true, made: "created_by"},
		{listing: listing{path: "/budget/list"}, kind: BudgetObject, id: "budget_id", name: "budget_id", optional: true},
	}
}

// listing is a list of objects at the gateway, in pages where member is set,
// else one bare array.
type listing struct {
	path, member string
	stop         func(row map[string]any) bool
}

func (s *session) list(ctx context.Context, l listing, each func(map[string]any)) error {
	for page := 1; page <= maxPages; page++ {
		path := l.path
		if l.member != "" {
			path = fmt.Sprintf(l.path, pageSize, page)
		}
		a := s.send(ctx, Request{Path: path, As: "master"})
		if a.Kind != Served {
			return fmt.Errorf("list %s: %s", strings.SplitN(l.path, "?", 2)[0], a.Full())
		}
		list := a.Field()
		if l.member != "" {
			list = a.Field(l.member)
		}
		rows, ok := list.([]any)
		if !ok {
			return fmt.Errorf("list %s: %d without a list", strings.SplitN(l.path, "?", 2)[0], a.Status)
		}
		for _, r := range rows {
			row, _ := r.(map[string]any)
			each(row)
			if l.stop != nil && l.stop(row) {
				return nil
			}
		}
		if l.member == "" || len(rows) < pageSize {
			return nil
		}
	}
	return nil
}

func text(row map[string]any, name string) string {
	s, _ := row[name].(string)
	return s
}

// Cleaned is what Clean did.
type Cleaned struct {
	Found []string // what bore a name of the gate
	Left  []string // what could not be removed
}

// Clean removes what runs have left at the gateway: everything whose name
// begins with sluice-gate-, or with that of one run.
func Clean(ctx context.Context, cfg Config, run string) (Cleaned, error) {
	cfg.fill()
	s := newSession(cfg)
	defer s.client.close()
	s.client.finish()
	name := prefix
	if run != "" {
		name += run + "-"
	}
	found, err := s.find(ctx, name, time.Time{})
	if err != nil {
		return Cleaned{}, err
	}
	done := Cleaned{Found: found.names}
	if !found.empty() {
		s.remove(ctx, found.ids)
		if found, err = s.find(ctx, name, time.Time{}); err != nil {
			return done, err
		}
		done.Left = found.names
	}
	return done, nil
}
