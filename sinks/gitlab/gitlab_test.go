package gitlab

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/xeipuuv/gojsonschema"

	"sluice/internal/record"
	"sluice/internal/report"
	"sluice/internal/report/reporttest"
)

func write(t *testing.T, o Options, ds ...[]record.Delivery) []byte {
	t.Helper()
	dir := t.TempDir()
	s, err := New(filepath.Join(dir, "gl.json"), o)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, d := range ds {
		wg.Go(func() {
			if err := s.Write(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	reporttest.OnlyFile(t, dir, "gl.json")
	text, err := os.ReadFile(filepath.Join(dir, "gl.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// required is what GitLab's published schema (15.x) demands of the fields that
// are written here, in our words. The published one itself is tried where
// SLUICE_TEST_GITLAB_SCHEMA names a copy (dist/secret-detection-report-format.json
// of GitLab's security-report-schemas).
const required = `{
 "definitions": {
  "word": {"type": "string", "minLength": 1},
  "time": {"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}$"},
  "tool": {"type": "object", "required": ["id", "name", "version", "vendor"], "properties": {
   "id": {"$ref": "#/definitions/word"}, "name": {"$ref": "#/definitions/word"}, "version": {"$ref": "#/definitions/word"},
   "vendor": {"type": "object", "required": ["name"], "properties": {"name": {"$ref": "#/definitions/word"}}}}}
 },
 "type": "object", "required": ["version", "scan", "vulnerabilities"], "properties": {
  "version": {"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$"},
  "scan": {"type": "object", "required": ["analyzer", "scanner", "type", "start_time", "end_time", "status"], "properties": {
   "analyzer": {"$ref": "#/definitions/tool"}, "scanner": {"$ref": "#/definitions/tool"},
   "start_time": {"$ref": "#/definitions/time"}, "end_time": {"$ref": "#/definitions/time"},
   "type": {"enum": ["secret_detection"]}, "status": {"enum": ["success", "failure"]},
   "messages": {"type": "array", "items": {"required": ["level", "value"], "properties": {
    "level": {"enum": ["info", "warn", "fatal"]}, "value": {"$ref": "#/definitions/word"}}}}}},
  "vulnerabilities": {"type": "array", "items": {"required": ["id", "identifiers", "location"], "properties": {
   "id": {"$ref": "#/definitions/word"}, "name": {"type": "string", "maxLength": 255},
   "description": {"type": "string", "maxLength": 1048576}, "solution": {"type": "string", "maxLength": 7000},
   "severity": {"enum": ["Info", "Unknown", "Low", "Medium", "High", "Critical"]},
   "identifiers": {"type": "array", "minItems": 1, "items": {"required": ["type", "name", "value"], "properties": {
    "type": {"$ref": "#/definitions/word"}, "name": {"$ref": "#/definitions/word"}, "value": {"$ref": "#/definitions/word"}}}},
   "links": {"type": "array", "items": {"required": ["url"], "properties": {"url": {"type": "string", "pattern": "^(https?|ftp)://.+"}}}},
   "location": {"type": "object", "required": ["commit"], "properties": {
    "file": {"type": "string"}, "start_line": {"type": "number"}, "end_line": {"type": "number"},
    "commit": {"type": "object", "required": ["sha"], "properties": {"sha": {"$ref": "#/definitions/word"}}}}}}}}
 }
}`

// schemas are those a report has to satisfy.
func schemas(t *testing.T) []*gojsonschema.Schema {
	t.Helper()
	texts := []string{required}
	if path := os.Getenv("SLUICE_TEST_GITLAB_SCHEMA"); path != "" {
		published, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(published))
	}
	var list []*gojsonschema.Schema
	for _, text := range texts {
		s, err := gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func validate(t *testing.T, list []*gojsonschema.Schema, text []byte) document {
	t.Helper()
	for _, s := range list {
		result, err := s.Validate(gojsonschema.NewBytesLoader(text))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range result.Errors() {
			t.Error(e)
		}
	}
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, v := range d.Vulnerabilities {
		if seen[v.ID] {
			t.Errorf("id %s twice", v.ID)
		}
		seen[v.ID] = true
	}
	return d
}

func TestGolden(t *testing.T) {
	o := Options{Rules: reporttest.Rules(), Run: reporttest.Run(), Root: "/src", Commit: "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"}
	text := write(t, o, reporttest.Deliveries())
	validate(t, schemas(t), text)
	reporttest.Golden(t, "testdata/report.json", text)
}

func TestPublishedSchema(t *testing.T) {
	if os.Getenv("SLUICE_TEST_GITLAB_SCHEMA") == "" {
		t.Skip("SLUICE_TEST_GITLAB_SCHEMA names no copy of GitLab's published schema; our own words for it are used alone")
	}
	if n := len(schemas(t)); n != 2 {
		t.Errorf("%d schemas", n)
	}
}

func TestNoFindingsAndIncomplete(t *testing.T) {
	list := schemas(t)
	clean := validate(t, list, write(t, Options{Run: reporttest.Run()}))
	if clean.Vulnerabilities == nil || clean.Scan.Status != "success" || len(clean.Scan.Messages) != 0 {
		t.Errorf("%+v", clean)
	}
	for _, run := range []*report.Run{nil, {Errors: []string{"read b.log: permission denied"}}} {
		d := validate(t, list, write(t, Options{Run: run}))
		if d.Scan.Status != "failure" || len(d.Scan.Messages) != 1 {
			t.Errorf("%+v", d.Scan)
		}
	}
}

// Equal findings in one report differ in their ids, and get the same ones in
// the next.
func TestIDsAreStable(t *testing.T) {
	ds := reporttest.Deliveries()[:1]
	ds[0].Findings = append(ds[0].Findings, ds[0].Findings[0])
	list := schemas(t)
	a := validate(t, list, write(t, Options{}, ds))
	b := validate(t, list, write(t, Options{}, ds))
	if len(a.Vulnerabilities) != 3 {
		t.Fatalf("%d", len(a.Vulnerabilities))
	}
	for i := range a.Vulnerabilities {
		if a.Vulnerabilities[i].ID != b.Vulnerabilities[i].ID {
			t.Errorf("id %d changed", i)
		}
	}
}

func TestHostile(t *testing.T) {
	list := schemas(t)
	runs, rules := reporttest.HostileText()
	for i, ds := range reporttest.Hostile() {
		text := write(t, Options{Rules: rules, Run: runs[i%len(runs)], Root: "/src", Commit: ds[0].Origin.Name}, ds)
		reporttest.CheckVisible(t, string(text))
		d := validate(t, list, text)
		for _, v := range d.Vulnerabilities {
			if strings.Count(v.Description, "`")%2 != 0 {
				t.Errorf("code is open in %q", v.Description)
			}
		}
	}
}
