package house

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// namedTest is a test as the documents name it: package and function.
var namedTest = regexp.MustCompile("`([a-z]+)\\.((?:Test|Fuzz)\\w+)`")

// A claim in a document that names its test must name one that exists.
func TestDocumentsNameTestsThatExist(t *testing.T) {
	exist := map[string]bool{}
	for _, f := range tree(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test {
				exist[path.Base(f.dir)+"."+fn.Name.Name] = true
			}
		}
	}
	named := 0
	for _, doc := range documents(t) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range namedTest.FindAllStringSubmatch(string(text), -1) {
			named++
			if !exist[m[1]+"."+m[2]] {
				t.Errorf("%s names %s.%s, which does not exist", filepath.Base(doc), m[1], m[2])
			}
		}
	}
	if named == 0 {
		t.Error("no document names a test")
	}
}

// The project speaks of itself alone: no machine's paths, nobody's registry.
func TestDocumentsSpeakOfTheProjectAlone(t *testing.T) {
	paths := regexp.MustCompile(`(?:^|[\s"'=(])/(?:root|home/\w+|work)/`)
	for _, doc := range documents(t) {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(text), "\n") {
			if paths.MatchString(line) {
				t.Errorf("%s:%d names a path of a machine", filepath.Base(doc), i+1)
			}
		}
	}
}

func documents(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../bench/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, found...)
	}
	if len(out) < 3 {
		t.Fatalf("only %d documents", len(out))
	}
	return out
}
