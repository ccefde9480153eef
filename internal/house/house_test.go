// Package house holds the rules that the whole tree keeps: which package may
// import which, how long a file may be, and what no file may say. It reads the
// source with go/parser, so that go test runs it again when a file changes.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "sluice"

// file is one Go file of the tree.
type file struct {
	path  string // relative to the module, with slashes
	dir   string
	test  bool
	lines int
	ast   *ast.File
	fset  *token.FileSet
	text  string
}

func tree(t *testing.T) []file {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var files []file
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
				return fs.SkipDir
			}
			if path != root {
				if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil {
					return fs.SkipDir // a module of its own
				}
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f := file{test: strings.HasSuffix(path, "_test.go"), fset: token.NewFileSet(), text: string(text)}
		f.path, _ = filepath.Rel(root, path)
		f.path = filepath.ToSlash(f.path)
		f.dir = filepath.ToSlash(filepath.Dir(f.path))
		f.lines = strings.Count(f.text, "\n")
		f.ast, err = parser.ParseFile(f.fset, path, text, parser.ParseComments)
		files = append(files, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// allowed says what the packages under a folder may import of this module; the
// longest folder that fits counts. Tests may import more.
var allowed = map[string][]string{
	"internal/record":      {},
	"internal/report":      {"internal/record", "internal/report"},
	"internal/recycle":     {},
	"internal/view":        {"internal/record", "internal/recycle"},
	"internal/lines":       {"internal/record", "internal/recycle"},
	"internal/baseline":    {"internal/record", "internal/report"},
	"internal/reassemble":  {"internal/record", "internal/lines"},
	"internal/redact":      {"internal/record", "internal/recycle"},
	"internal/logtime":     {},
	"internal/kafkaclient": {"internal/record"}, // one way to reach a broker for source and sinks
	"internal/checkpoint":  {"internal/record"},
	"internal/spool":       {},
	"internal/pipeline":    {"internal/record", "internal/reassemble"},
	"internal/gateway":     {"internal/record", "internal/gateway"},
	"internal/gate":        {"internal/record", "internal/report", "internal/gateway", "internal/gate"},
	"rules":                {"internal/record"},
	"detectors":            {"internal/record", "internal/view"},
	"detectors/pattern":    {"internal/record", "internal/view", "rules"},
	"sources":              {"internal/record", "internal/lines"},
	"sources/file":         {"internal/record", "internal/lines", "sources/archive"},
	"sources/stdin":        {"internal/record", "internal/lines", "sources/archive"},
	"sources/kafka":        {"internal/record", "internal/kafkaclient"},
	"sinks":                {"internal/record", "internal/report"},
	"sinks/webhook":        {"internal/record", "internal/report", "internal/spool"}, // what waits for a receiver
	"sinks/kafka":          {"internal/record", "internal/report", "internal/kafkaclient"},
	"bench":                {},
	"cmd":                  {"internal", "rules", "detectors", "sources", "sinks"},
}

// tables are the packages where kinds meet constructors.
var tables = []string{"sources", "sinks", "detectors"}

func TestImportGraph(t *testing.T) {
	for _, f := range tree(t) {
		if f.test || slices.Contains(tables, f.dir) || strings.HasPrefix(f.dir, "internal/house") {
			continue
		}
		may, found := rule(f.dir)
		if !found {
			t.Errorf("%s: no rule says what %s may import; add one with its reason", f.path, f.dir)
			continue
		}
		for _, spec := range f.ast.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			in, ours := strings.CutPrefix(path, module+"/")
			if ours && in != f.dir && !under(in, may) {
				t.Errorf("%s imports %s, which %s must not know", f.path, in, f.dir)
			}
		}
	}
}

func rule(dir string) (may []string, found bool) {
	best := -1
	for folder, list := range allowed {
		if (dir == folder || strings.HasPrefix(dir, folder+"/")) && len(folder) > best {
			may, found, best = list, true, len(folder)
		}
	}
	return may, found
}

func under(pkg string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return pkg == f || strings.HasPrefix(pkg, f+"/") })
}

const (
	maxFile     = 400 // lines
	maxFunction = 60
	maxMedian   = 150
)

func TestSizes(t *testing.T) {
	var sizes []int
	for _, f := range tree(t) {
		if f.lines > maxFile {
			t.Errorf("%s has %d lines, at most %d", f.path, f.lines, maxFile)
		}
		if !f.test {
			sizes = append(sizes, f.lines)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil || f.test {
				continue
			}
			n := f.fset.Position(fn.Body.Rbrace).Line - f.fset.Position(fn.Pos()).Line + 1
			if n > maxFunction {
				t.Errorf("%s: %s has %d lines, at most %d", f.path, fn.Name.Name, n, maxFunction)
			}
		}
	}
	slices.Sort(sizes)
	if m := sizes[len(sizes)/2]; m > maxMedian {
		t.Errorf("the median file has %d lines, at most %d", m, maxMedian)
	}
}

// Only cmd ends the process, nobody registers himself, and no test sleeps.
func TestNobodyDoes(t *testing.T) {
	for _, f := range tree(t) {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s: init() registers behind the reader's back", f.path)
				}
			case *ast.CallExpr:
				if name := called(n); forbidden(f, name) {
					t.Errorf("%s:%d: %s", f.path, f.fset.Position(n.Pos()).Line, name)
				}
			}
			return true
		})
	}
}

func called(c *ast.CallExpr) string {
	switch fn := c.Fun.(type) {
	case *ast.Ident:
		return fn.Name
	case *ast.SelectorExpr:
		if x, ok := fn.X.(*ast.Ident); ok {
			return x.Name + "." + fn.Sel.Name
		}
	}
	return ""
}

func forbidden(f file, name string) bool {
	switch name {
	case "panic", "log.Fatal", "log.Fatalf":
		return !f.test
	case "os.Exit":
		return !strings.HasPrefix(f.dir, "cmd/") && !strings.HasPrefix(f.dir, "bench/")
	case "time.Sleep":
		return f.test && !strings.Contains(f.text, "testing/synctest")
	}
	return false
}

// Every package says what it promises.
func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	seen := map[string]bool{}
	for _, f := range tree(t) {
		if f.test {
			continue
		}
		seen[f.dir] = true
		documented[f.dir] = documented[f.dir] || f.ast.Doc != nil
	}
	for dir := range seen {
		if !documented[dir] {
			t.Errorf("%s has no package comment", dir)
		}
	}
}
