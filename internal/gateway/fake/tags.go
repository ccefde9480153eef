package fake

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Tag is a row of LiteLLM_TagTable. What is spent under a tag is kept for
// every tag that a request named, whether there is a row or not.
type Tag struct {
	Name   string
	Budget *float64
}

// tagRoutes are those of tags, measured on both versions.
func tagRoutes() []route {
	return []route{
		{"POST", "/tag/new", adminOnly, newTag},
		{"POST", "/tag/delete", adminOnly, deleteTag},
		{"GET", "/tag/list", adminOnly, listTags},
		{"GET", "/spend/tags", adminOnly, spendTags},
		{"POST", "/budget/new", adminOnly, newBudget},
		{"POST", "/budget/delete", adminOnly, deleteBudget},
		{"GET", "/budget/list", adminOnly, listBudgets},
	}
}

func newTag(c *call) (any, *refusal) {
	if c.g.opts.NoDatabase {
		return nil, c.v.databaseMissing()
	}
	var req struct {
		Name   string   `json:"name"`
		Budget *float64 `json:"max_budget"`
		Shared string   `json:"budget_id"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	if req.Budget != nil {
		c.db.budgets[newID()] = *req.Budget // which stays when the tag goes
	}
	if amount, ok := c.db.budgets[req.Shared]; ok {
		req.Budget = &amount
	}
	c.db.tags[req.Name] = Tag{req.Name, req.Budget}
	return object{"message": "Tag " + req.Name + " created successfully", "tag": tagRow(req.Name)}, nil
}

func newBudget(c *call) (any, *refusal) {
	var req struct {
		ID     string  `json:"budget_id"`
		Amount float64 `json:"max_budget"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	c.db.budgets[req.ID] = req.Amount
	return object{"budget_id": req.ID, "max_budget": req.Amount}, nil
}

func deleteBudget(c *call) (any, *refusal) {
	var req struct {
		ID string `json:"id"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	delete(c.db.budgets, req.ID)
	return object{"budget_id": req.ID}, nil
}

func listBudgets(c *call) (any, *refusal) {
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	rows := []any{}
	for _, id := range slices.Sorted(maps.Keys(c.db.budgets)) {
		rows = append(rows, object{"budget_id": id, "max_budget": c.db.budgets[id]})
	}
	return rows, nil
}

func tagRow(name string) object {
	return object{"name": name, "description": nil, "models": []any{}, "model_info": object{}, "created_by": "default_user_id"}
}

func deleteTag(c *call) (any, *refusal) {
	var req struct {
		Name string `json:"name"`
	}
	if no := c.decode(&req); no != nil {
		return nil, no
	}
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	if _, ok := c.db.tags[req.Name]; !ok {
		return nil, detail(http.StatusInternalServerError, "404: Tag "+req.Name+" not found")
	}
	delete(c.db.tags, req.Name)
	return object{"message": "Tag " + req.Name + " deleted successfully"}, nil
}

// listTags lists rows, and tags that requests named without there being a row.
func listTags(c *call) (any, *refusal) {
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	rows := []any{}
	for _, name := range slices.Sorted(maps.Keys(c.db.tags)) {
		rows = append(rows, tagRow(name))
	}
	for _, name := range slices.Sorted(maps.Keys(c.db.tagSpend)) {
		if _, ok := c.db.tags[name]; !ok {
			rows = append(rows, object{"name": name, "models": nil,
				"description": "This is just a spend tag that was passed dynamically in a request. It does not control any LLM models."})
		}
	}
	return rows, nil
}

func spendTags(c *call) (any, *refusal) {
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	rows := []any{}
	for _, name := range slices.Sorted(maps.Keys(c.db.tagSpend)) {
		rows = append(rows, object{"individual_request_tag": name, "log_count": 1, "total_spend": c.db.tagSpend[name]})
	}
	return rows, nil
}

// tags are those that a request is booked under: what the client says in its
// header and its body, and those of the key.
func (c *call) tags() (inBody, all []string) {
	var req struct {
		Tags     []string `json:"tags"`
		Metadata struct {
			Tags []string `json:"tags"`
		} `json:"metadata"`
	}
	_ = json.Unmarshal(c.body, &req) // tags of another type are none
	inBody = append(req.Tags, req.Metadata.Tags...)
	all = slices.Clone(inBody)
	if named := c.r.Header.Get("x-litellm-tags"); named != "" {
		all = append(all, strings.Split(named, ",")...)
	}
	if own, ok := c.who.key.Metadata["tags"].([]any); ok {
		for _, tag := range own {
			all = append(all, fmt.Sprint(tag))
		}
	}
	slices.Sort(all)
	return inBody, slices.Compact(all)
}

// withinTagBudget looks in 1.81.0 at the tags of the body alone, so that those of
// a key, and those in the header, have no budget.
func (c *call) withinTagBudget(string) *refusal {
	inBody, tags := c.tags()
	status := 422
	if c.v == V1_81 {
		tags, status = inBody, 400
	}
	c.db.mu.Lock()
	defer c.db.mu.Unlock()
	for _, name := range tags {
		if t := c.db.tags[name]; t.Budget != nil && c.db.tagSpend[name] > *t.Budget {
			return &refusal{status: status, kind: "budget_exceeded", message: fmt.Sprintf("Budget has been exceeded! Tag=%s Current cost: %s, Max budget: %s",
				name, pythonFloat(c.db.tagSpend[name]), pythonFloat(*t.Budget))}
		}
	}
	return nil
}

// noClientTags takes the tags that a client names out of its request.
func noClientTags(e *Exchange) bool {
	e.Request.Header.Del("x-litellm-tags")
	var body map[string]any
	if !strings.Contains(string(e.Body), `"tags"`) || !strings.HasSuffix(e.Request.URL.Path, "/completions") || json.Unmarshal(e.Body, &body) != nil {
		return false
	}
	delete(body, "tags")
	if metadata, ok := body["metadata"].(map[string]any); ok {
		delete(metadata, "tags")
	}
	e.Body, _ = json.Marshal(body) // what was JSON is JSON
	return false
}
