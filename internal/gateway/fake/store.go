package fake

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Key is a row of LiteLLM_VerificationToken or of its archive. The key itself
// is in none: only its hash is stored.
type Key struct {
	Token    string // SHA-256, hex
	Name     string // "sk-..." and four characters
	Alias    string // "": null, here and below
	TeamID   string
	UserID   string
	Models   []string
	Metadata map[string]any
	Budget   *float64
	RPM, TPM *int
	Parallel *int      // max_parallel_requests
	Routes   []string  // allowed_routes; none: no limit
	Every    string    // budget_duration
	Renewed  time.Time // when its budget last began anew; zero: never
	Blocked  *bool
	Spend    float64
	Created  time.Time
	Updated  time.Time
	Expires  time.Time // zero: never
	Deleted  time.Time // in the archive
	By       string    // created_by
}

// Team is a row of LiteLLM_TeamTable.
type Team struct {
	ID, Alias string
	Models    []string
	Budget    *float64
	Spend     float64
	Blocked   bool
	Created   time.Time
	Updated   time.Time
}

// User is a row of LiteLLM_UserTable.
type User struct {
	ID, Role, Email string
	Budget          *float64
	Spend           float64
	Created         time.Time
}

// The roles that matter here.
const (
	RoleAdmin  = "proxy_admin"
	RoleViewer = "proxy_admin_viewer"
	RoleUser   = "internal_user"
)

// store is what the replicas share: the database.
type store struct {
	now        func() time.Time
	spendDelay time.Duration
	resetEvery time.Duration

	mu       sync.Mutex // guards all below
	keys     map[string]*Key
	archive  []Key
	teams    map[string]*Team
	users    map[string]*User
	tags     map[string]Tag
	budgets  map[string]float64 // dollars, by id
	tagSpend map[string]float64 // dollars, by tag
	pending  []spend
	looks    time.Time           // when budgets are next reset
	sorted   map[string][]string // tokens by "column order"; dropped when keys change
}

// spend is a cost that is not written yet.
type spend struct {
	token string
	cost  float64
	due   time.Time
	tags  []string
}

func newStore(opts Options) *store {
	return &store{
		now: opts.Now, spendDelay: opts.SpendDelay,
		keys: make(map[string]*Key), teams: make(map[string]*Team), users: make(map[string]*User),
		tags: make(map[string]Tag), budgets: make(map[string]float64), tagSpend: make(map[string]float64), resetEvery: opts.ResetEvery, looks: opts.Now().Add(opts.ResetEvery),
	}
}

// hashKey is LiteLLM's _hash_token_if_needed: what does not begin with sk- is
// taken for a hash already.
func hashKey(key string) string {
	if !strings.HasPrefix(key, "sk-") {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// stamp is the time as the database keeps it.
func (s *store) stamp() time.Time { return s.now().UTC().Truncate(time.Millisecond) }

// key returns a copy of a live row.
func (s *store) key(token string) (Key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[token]
	if !ok {
		return Key{}, false
	}
	return *k, true
}

// put writes a live row.
func (s *store) put(k Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[k.Token] = &k
	s.sorted = nil
}

// change edits a live row in place and returns a copy.
func (s *store) change(token string, edit func(*Key)) (Key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.keys[token]
	if !ok {
		return Key{}, false
	}
	edit(k)
	k.Updated = s.stamp()
	s.sorted = nil
	return *k, true
}

// remove moves a row to the archive.
func (s *store) remove(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removeLocked(token)
}

func (s *store) removeLocked(token string) bool {
	k, ok := s.keys[token]
	if !ok {
		return false
	}
	delete(s.keys, token)
	k.Deleted = s.stamp()
	s.archive = append(s.archive, *k)
	s.sorted = nil
	return true
}

// byAlias finds a live key; aliases are unique.
func (s *store) byAlias(alias string) (Key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		if k.Alias == alias {
			return *k, true
		}
	}
	return Key{}, false
}

// archived finds the newest archived row with this token.
func (s *store) archived(token string) (Key, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range slices.Backward(s.archive) {
		if k.Token == token {
			return k, true
		}
	}
	return Key{}, false
}

// sortColumns are the columns that /key/list can sort by.
var sortColumns = []string{"spend", "max_budget", "created_at", "updated_at", "token", "key_alias"}

// compareKeys orders rows by a column; equal ones by token, which the real
// database does in the default order only.
func compareKeys(column string) func(a, b Key) int {
	return func(a, b Key) int {
		c := 0
		switch column {
		case "spend":
			c = cmp.Compare(a.Spend, b.Spend)
		case "created_at":
			c = a.Created.Compare(b.Created)
		case "updated_at":
			c = a.Updated.Compare(b.Updated)
		case "key_alias":
			c = cmp.Compare(a.Alias, b.Alias)
		}
		return cmp.Or(c, cmp.Compare(a.Token, b.Token))
	}
}

// page returns rows [from, from+n) of those that keep lets through, and how
// many there are in all. Without a filter the order is kept between calls, as
// an index would be.
func (s *store) page(column string, descending, archive bool, keep func(*Key) bool, from, n int) (rows []Key, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if archive || keep != nil {
		all := s.archive
		if !archive {
			all = make([]Key, 0, len(s.keys))
			for _, k := range s.keys {
				all = append(all, *k)
			}
		}
		all = slices.DeleteFunc(slices.Clone(all), func(k Key) bool { return keep != nil && !keep(&k) })
		sortKeys(all, column, descending)
		return cut(all, from, n), len(all)
	}
	for _, token := range cut(s.index(column, descending), from, n) {
		rows = append(rows, *s.keys[token])
	}
	return rows, len(s.keys)
}

// index wants s.mu held.
func (s *store) index(column string, descending bool) []string {
	name := column
	if descending {
		name += " desc"
	}
	if tokens, ok := s.sorted[name]; ok {
		return tokens
	}
	all := make([]Key, 0, len(s.keys))
	for _, k := range s.keys {
		all = append(all, *k)
	}
	sortKeys(all, column, descending)
	tokens := make([]string, len(all))
	for i := range all {
		tokens[i] = all[i].Token
	}
	if s.sorted == nil {
		s.sorted = make(map[string][]string)
	}
	s.sorted[name] = tokens
	return tokens
}

func sortKeys(keys []Key, column string, descending bool) {
	compare := compareKeys(column)
	slices.SortFunc(keys, func(a, b Key) int {
		if descending {
			return compare(b, a)
		}
		return compare(a, b)
	})
}

func cut[T any](all []T, from, n int) []T {
	from = min(max(from, 0), len(all))
	return all[from:min(from+n, len(all))]
}

// charge notes a cost; flush writes it when it is due.
func (s *store) charge(token string, cost float64, tags ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = append(s.pending, spend{token, cost, s.now().Add(s.spendDelay), tags})
}

// flush writes the spend that is due at now; the zero time: all of it.
func (s *store) flush(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = slices.DeleteFunc(s.pending, func(p spend) bool {
		if !now.IsZero() && p.due.After(now) {
			return false
		}
		for _, tag := range p.tags {
			s.tagSpend[tag] += p.cost
		}
		if k, ok := s.keys[p.token]; ok {
			k.Spend += p.cost
			s.sorted = nil
			if t, ok := s.teams[k.TeamID]; ok {
				t.Spend += p.cost
			}
			if u, ok := s.users[k.UserID]; ok {
				u.Spend += p.cost
			}
		}
		return true
	})
	s.resetBudgets(now)
}

func (s *store) team(id string) (Team, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.teams[id]
	if !ok {
		return Team{}, false
	}
	return *t, true
}

func (s *store) putTeam(t Team) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Updated = s.stamp()
	s.teams[t.ID] = &t
}

// removeTeam deletes a team and archives its keys.
func (s *store) removeTeam(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.teams, id)
	for token, k := range s.keys {
		if k.TeamID == id {
			s.removeLocked(token)
		}
	}
}

// allTeams is every team, newest first.
func (s *store) allTeams() []Team {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Team
	for _, id := range slices.Sorted(maps.Keys(s.teams)) {
		all = append(all, *s.teams[id])
	}
	slices.SortStableFunc(all, func(a, b Team) int { return b.Created.Compare(a.Created) })
	return all
}

func (s *store) user(id string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[id]
	if !ok {
		return User{}, false
	}
	return *u, true
}

func (s *store) putUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[u.ID] = &u
}

func (s *store) allUsers() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []User
	for _, id := range slices.Sorted(maps.Keys(s.users)) {
		all = append(all, *s.users[id])
	}
	return all
}
