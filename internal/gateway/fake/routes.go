package fake

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// access is who may use a route.
type access uint8

const (
	public         access = iota
	anyKey                // the handler looks closer
	viewer                // admins and admin viewers
	viewerSince106        // as viewer, but in 1.81.0 admins only
	adminOnly
)

// route is one path with its methods. {key} stands for one segment.
type route struct {
	method, path string
	access       access
	handle       handler
}

func routes() []route {
	return append([]route{
		{"GET", "/health/liveliness", public, alive},
		{"GET", "/health/liveness", public, alive},
		{"GET", "/health/readiness", public, ready},
		{"GET", "/health", anyKey, health},
		{"GET", "/v1/models", anyKey, listModels},
		{"GET", "/models", anyKey, listModels},
		{"GET", "/model/info", anyKey, modelInfo},
		{"POST", "/v1/chat/completions", anyKey, chat},
		{"POST", "/chat/completions", anyKey, chat},
		{"POST", "/key/generate", adminOnly, generateKey},
		{"POST", "/key/update", adminOnly, updateKey},
		{"POST", "/key/block", adminOnly, blockKey},
		{"POST", "/key/unblock", adminOnly, unblockKey},
		{"POST", "/key/delete", adminOnly, deleteKeys},
		{"POST", "/key/regenerate", adminOnly, regenerateKey},
		{"POST", "/key/{key}/regenerate", adminOnly, regenerateKey},
		{"GET", "/key/info", anyKey, keyInfo},
		{"POST", "/v2/key/info", anyKey, keyInfos}, // of any key, to whoever knows the hash
		{"GET", "/key/list", anyKey, listKeys},
		{"GET", "/key/aliases", viewer, keyAliases},
		{"GET", "/spend/keys", viewerSince106, spendKeys},
		{"GET", "/global/spend/keys", viewer, globalSpendKeys},
		{"POST", "/team/new", adminOnly, newTeam},
		{"POST", "/team/delete", adminOnly, deleteTeams},
		{"POST", "/team/block", adminOnly, blockTeam},
		{"POST", "/team/unblock", adminOnly, unblockTeam},
		{"GET", "/team/list", anyKey, listTeams},
		{"GET", "/v2/team/list", anyKey, listTeamsPaged},
		{"GET", "/team/info", anyKey, teamInfo},
		{"POST", "/user/new", adminOnly, newUser},
		{"GET", "/user/list", viewer, listUsers},
	}, slices.Concat(moreRoutes(), tagRoutes(), upstreamRoutes())...)
}

// findRoute finds the route of a request, or answers as FastAPI does: 405, 404,
// or 307 for a slash too many.
func findRoute(r *http.Request) (*route, *refusal) {
	known := false
	for _, rt := range routes() {
		if !matches(rt.path, r.URL.Path) {
			continue
		}
		if rt.method == r.Method {
			return &rt, nil
		}
		known = true
	}
	if known {
		return nil, detail(http.StatusMethodNotAllowed, "Method Not Allowed")
	}
	if bare := strings.TrimSuffix(r.URL.Path, "/"); bare != r.URL.Path && bare != "" {
		to := url.URL{Scheme: "http", Host: r.Host, Path: bare, RawQuery: r.URL.RawQuery}
		return nil, &refusal{status: http.StatusTemporaryRedirect, detail: "", fields: object{"Location": to.String()}}
	}
	return nil, detail(http.StatusNotFound, "Not Found")
}

func matches(pattern, path string) bool {
	before, after, ok := strings.Cut(pattern, "{key}")
	if !ok {
		return pattern == path
	}
	return strings.HasPrefix(path, before) && strings.HasSuffix(path, after) && len(path) > len(before)+len(after) &&
		!strings.Contains(path[len(before):len(path)-len(after)], "/")
}
