package report

import (
	"path/filepath"
	"strconv"
	"strings"

	"sluice/internal/record"
)

// maxPath is the length of a source's name in a report, bytes.
const maxPath = 1024

// Owner says whose the key is in one line ("team-a-ci, sk-...7-kQ, team
// Billing, live"); empty if the finding has no key.
func Owner(f *record.Finding) string {
	k := f.Key
	if k == nil {
		return ""
	}
	var parts []string
	add := func(prefix, value string) {
		if value != "" {
			parts = append(parts, prefix+Short(value))
		}
	}
	if k.Master {
		add("", "the master key")
	}
	add("", k.Alias)
	add("", k.Name)
	if k.TeamAlias != "" {
		add("team ", k.TeamAlias)
	} else {
		add("team ", k.TeamID)
	}
	add("user ", k.UserID)
	add("", string(k.State))
	if f.LiveAtTime != nil && *f.LiveAtTime != (k.State == record.KeyLive) {
		if *f.LiveAtTime {
			add("", "was live at the time of the line")
		} else {
			add("", "was not live at the time of the line")
		}
	}
	add("on ", k.Gateway)
	return strings.Join(parts, ", ")
}

// Place is where a finding's source is, for people: the file's path as given,
// or kind and name ("docker litellm-1 stderr").
func Place(o record.Origin) string {
	name := Clip(Visible(o.Name), maxPath)
	switch o.Kind {
	case "file", "archive", "":
		return name
	case "stdin":
		return "standard input"
	}
	s := Short(o.Kind) + " " + name
	if o.Stream != "" {
		s += " " + Short(o.Stream)
	}
	return s
}

// Advice is what to do about a finding, in one sentence or two.
func Advice(f *record.Finding, r Rule) string {
	switch k := f.Key; {
	case f.Severity == record.SeverityInfo:
		return "Nothing to rotate: it names a key or hints at one, and opens nothing by itself."
	case k != nil && k.Master:
		return "Change the master key now: set a new LITELLM_MASTER_KEY on every replica and restart them; it opens the admin API."
	case k != nil && k.State == record.KeyUnknown:
		return "Find out which gateway made this key and delete it there; the ones asked do not know it."
	case k != nil && k.State == record.KeyDeleted, k != nil && k.State == record.KeyExpired:
		return "The key no longer opens anything; look through the gateway's spend log for use of it before it ended."
	case k != nil && k.Alias != "":
		return "Make its owner a new key, then delete this one: POST /key/delete {\"key_aliases\":[" + quoted(k.Alias) +
			"]} or Virtual Keys in the admin UI. Caches of other replicas keep it for up to a minute."
	case k != nil:
		return "Make its owner a new key, then delete this one in the admin UI under Virtual Keys, or with POST /key/delete."
	case r.Help != "":
		return Clip(Visible(strings.Join(strings.Fields(r.Help), " ")), maxMessageLen)
	case f.Name != "":
		return "Rotate " + Short(f.Name) + " where it was issued, then restart what uses it."
	}
	return "Revoke this secret where it was issued and put a new one in its place."
}

// quoted is s as a JSON string of printable characters.
func quoted(s string) string {
	b, err := AppendJSON(nil, Clip(s, maxName))
	if err != nil {
		return `"…"`
	}
	return string(b)
}

// Relative is the path of a source below root, with slashes and without dots:
// how a repository names its files. ok is false for what is no file below root;
// the path is then as clean as can be. Without a root, relative paths are taken
// to be below it.
func Relative(root, name string) (path string, ok bool) {
	path = filepath.Clean(name)
	if !filepath.IsAbs(path) {
		if filepath.IsLocal(path) || root == "" {
			return filepath.ToSlash(path), true
		}
		path = filepath.Join(root, path)
	}
	if rel, err := filepath.Rel(root, path); root != "" && err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel), true
	}
	return filepath.ToSlash(path), false
}

// Path is the path of a finding's source for reports that know nothing but
// files: relative where possible, KIND/NAME/STREAM for what is no file, and
// never empty.
func Path(root string, o record.Origin) string {
	var path string
	if IsFile(o) {
		path, _ = Relative(root, o.Name)
	} else {
		path = strings.Trim(strings.Join([]string{o.Kind, o.Name, o.Stream}, "/"), "/")
	}
	if path == "" {
		return "unnamed"
	}
	return path
}

// IsFile says that the source is a file or a member of one.
func IsFile(o record.Origin) bool { return o.Kind == "file" || o.Kind == "archive" }

// Where is Place with the position: "logs/a.log:812:41" as editors read it,
// "docker litellm-1 stderr, line 812", or the place alone.
func Where(f *record.Finding) string {
	place, pos := Place(f.Origin), f.Pos
	file := IsFile(f.Origin) || f.Origin.Kind == ""
	switch {
	case pos.Line <= 0 && pos.Offset < 0:
		return place
	case pos.Line <= 0:
		return place + ", byte " + Count(pos.Offset)
	case !file:
		return place + ", line " + Count(pos.Line)
	case pos.Column <= 0:
		return place + ":" + strconv.FormatInt(pos.Line, 10)
	}
	return place + ":" + strconv.FormatInt(pos.Line, 10) + ":" + strconv.FormatInt(pos.Column, 10)
}
