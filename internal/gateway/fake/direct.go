package fake

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// AddKey writes a row past the API and returns its key. Token, Name and Created
// are filled in where they are empty.
func (g *Gateway) AddKey(k Key) string {
	key := NewKey()
	if k.Token == "" {
		k.Token = hashKey(key)
	}
	if k.Name == "" {
		k.Name = g.Version.maskKey(key)
	}
	if k.Created.IsZero() {
		k.Created = g.db.stamp()
	}
	k.Updated, k.By = k.Created, "default_user_id"
	g.db.put(k)
	return key
}

// Fill adds n keys with aliases, without their keys: to have many.
func (g *Gateway) Fill(n int) {
	g.db.mu.Lock()
	defer g.db.mu.Unlock()
	for i := range n {
		sum := sha256.Sum256(fmt.Append(nil, "filled ", i))
		k := &Key{
			Token: hex.EncodeToString(sum[:]), Name: fmt.Sprintf("sk-...%04d", i%10000), Alias: fmt.Sprintf("filled-%d", i),
			Created: g.db.stamp(), Updated: g.db.stamp(), By: "default_user_id",
		}
		g.db.keys[k.Token] = k
	}
	g.db.sorted = nil
}

// DeleteKey archives a row past the API; replicas may have it cached.
func (g *Gateway) DeleteKey(token string) bool { return g.db.remove(token) }

// AddUser makes a user with a role and returns a key of theirs.
func (g *Gateway) AddUser(role string) string {
	u := User{ID: newID(), Role: role, Created: g.db.stamp()}
	g.db.putUser(u)
	return g.AddKey(Key{UserID: u.ID})
}

// AddTeam makes a team and returns its id.
func (g *Gateway) AddTeam(t Team) string {
	if t.ID == "" {
		t.ID = newID()
	}
	t.Created = g.db.stamp()
	g.db.putTeam(t)
	return t.ID
}

// Keys are the live rows, in the order of their tokens.
func (g *Gateway) Keys() []Key {
	rows, _ := g.db.page("token", false, false, nil, 0, 1<<31)
	return rows
}

// HashKey is how the gateway hashes a key: SHA-256, hex.
func HashKey(key string) string { return hashKey(key) }
