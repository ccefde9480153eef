package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode/utf8"

	"sluice/internal/record"
)

// keyRow is what is read of a row of /key/list and of /key/info's info. All
// other fields, metadata among them, are dropped while decoding.
type keyRow struct {
	Token   string  `json:"token"`
	Name    *string `json:"key_name"`
	Alias   *string `json:"key_alias"`
	TeamID  *string `json:"team_id"`
	UserID  *string `json:"user_id"`
	Blocked *bool   `json:"blocked"`
	Expires *string `json:"expires"`
	Created *string `json:"created_at"`
	Deleted *string `json:"deleted_at"`
	Status  string  `json:"status"` // 1.106.2, /key/info: "deleted" for a row of the archive
}

// team is what is read of a row of /v2/team/list.
type team struct {
	ID      string  `json:"team_id"`
	Alias   *string `json:"team_alias"`
	Blocked bool    `json:"blocked"`
}

// longestText bounds an alias or id, bytes; longer ones are cut.
const longestText = 200

// hiddenText stands for an alias or id that looks like a key.
const hiddenText = "(hidden: looks like a key)"

// info turns a row into what the program knows of a key. The team's alias and
// block come from teams, since /key/list leaves both empty in both versions.
func (r *keyRow) info(gateway string, teams map[string]team, deleted bool, now time.Time) record.KeyInfo {
	t := teams[str(r.TeamID)]
	_, name := maskedName(str(r.Name))
	k := record.KeyInfo{
		Gateway: gateway, Alias: cleanText(str(r.Alias)), Name: name,
		TeamID: cleanText(str(r.TeamID)), TeamAlias: cleanText(str(t.Alias)), UserID: cleanText(str(r.UserID)),
		Created: parseTime(str(r.Created)), Expires: parseTime(str(r.Expires)), Deleted: parseTime(str(r.Deleted)),
	}
	switch {
	case deleted || r.Status == "deleted" || !k.Deleted.IsZero():
		k.State = record.KeyDeleted
	case r.Blocked != nil && *r.Blocked || t.Blocked:
		k.State = record.KeyBlocked
	default:
		k.State = record.KeyLive
	}
	k.State = StateAt(&k, now)
	return k
}

// hash reads the row's token. LiteLLM stores SHA-256 in hex and lets anything
// that does not begin with sk- through as it is, so an old row may hold the key
// itself: that is hashed here and forgotten.
func (r *keyRow) hash() ([32]byte, bool) {
	if strings.HasPrefix(r.Token, "sk-") {
		return HashKey(record.NewSecret(r.Token)), true
	}
	return ParseHash(r.Token)
}

// HashKey is the gateway's hash of a key: SHA-256 of its text, unsalted.
func HashKey(key record.Secret) [32]byte { return sha256.Sum256([]byte(key.Reveal())) }

// ParseHash reads 64 hex digits of either case.
func ParseHash(text string) (hash [32]byte, ok bool) {
	if len(text) != 2*len(hash) {
		return hash, false
	}
	_, err := hex.Decode(hash[:], []byte(text))
	return hash, err == nil
}

// namePrefix is what LiteLLM puts before a key's last four characters.
const namePrefix = "sk-..."

// maskedName reads a key_name. tail holds the key's last four bytes, or zeros
// if the name does not show them as four bytes. Some versions stored the whole
// key there: of any other text that begins like a key only the tail is kept,
// and of a key so short that four characters are all of it, not even that is
// shown.
func maskedName(raw string) (tail [4]byte, name string) {
	if !strings.HasPrefix(raw, "sk-") {
		return tail, ""
	}
	shown := strings.TrimPrefix(raw, namePrefix)
	if len(shown) == len(raw) && len(raw) < 16 || len(shown) < len(tail) {
		return tail, namePrefix
	}
	if len(shown) != len(raw) && utf8.RuneCountInString(shown) == 4 && len(shown) != 4 {
		return tail, namePrefix // four characters of more than four bytes
	}
	copy(tail[:], shown[len(shown)-4:])
	return tail, tailName(tail)
}

// tailName is the masked name of a key with these last four bytes.
func tailName(tail [4]byte) string {
	if tail == ([4]byte{}) || strings.HasPrefix(string(tail[:]), "sk-") || !isPrintable(string(tail[:])) {
		return namePrefix
	}
	return namePrefix + string(tail[:])
}

func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// cleanText makes an alias or id safe to show: of bounded length, without
// control characters, and not a key that somebody put into the wrong field.
func cleanText(s string) string {
	if len(s) > longestText {
		s = s[:longestText]
	}
	if showsKey(s) {
		return hiddenText
	}
	return strings.Map(func(r rune) rune {
		// C0, DEL, C1, broken bytes, and the marks that turn text around
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == utf8.RuneError || r >= 0x200e && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, s)
}

// showsKey says that sk- begins a word in s and 13 or more characters of a key
// follow, which is what 1.106.2's own filter takes for one. "task-" is a word.
func showsKey(s string) bool {
	for i := 0; ; i += len("sk-") {
		j := strings.Index(s[i:], "sk-")
		if j < 0 {
			return false
		}
		i += j
		if (i == 0 || keyLength(s[i-1:i]) == 0 || s[i-1] == '-' || s[i-1] == '_') && keyLength(s[i+len("sk-"):]) >= 13 {
			return true
		}
	}
}

// keyLength counts the characters of a key's alphabet at the start of s.
func keyLength(s string) int {
	n := strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
	if n < 0 {
		return len(s)
	}
	return n
}

// parseTime reads the forms LiteLLM writes: Z, +00:00, or no zone, which is UTC.
// What cannot be read is the zero time: a key then counts as alive.
func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

func str(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
