package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Around is what a run sends beside the requests of its checks, "METHOD PATH".
type Around struct {
	First []string // to know what it talks to
	Made  []string // objects that checks share, each when it is first needed
	Last  []string // removes what was made, and looks for what is left
}

// AroundChecks says it for runs with these objects.
func AroundChecks(blueprints map[string]Blueprint) Around {
	a := Around{First: []string{"GET /health/liveliness", "GET /health/readiness", "GET /health/readiness/details", "GET /openapi.json", "GET /key/list", "GET /v1/models"}}
	names := map[ObjectKind][]string{}
	for _, name := range slices.Sorted(maps.Keys(blueprints)) {
		kind := blueprints[name].Kind
		names[kind] = append(names[kind], name)
	}
	for _, kind := range slices.Sorted(maps.Keys(names)) {
		a.Made = append(a.Made, fmt.Sprintf("POST %s (%s)", makePath[kind], strings.Join(names[kind], ", ")))
	}
	for _, r := range removals {
		a.Last = append(a.Last, "POST "+r.path)
	}
	for _, l := range listings() {
		a.Last = append(a.Last, "GET "+strings.SplitN(l.path, "?", 2)[0])
	}
	return a
}
