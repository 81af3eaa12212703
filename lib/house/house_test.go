package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var (
	zmq       = []string{"github.com/pebbe/zmq4"}
	duckdb    = []string{"github.com/marcboeker/go-duckdb", "github.com/duckdb"}
	bubbletea = []string{"github.com/charmbracelet", "charm.land"}
)

func TestHouseRules(t *testing.T) {
	all := list(t, "./...")
	var commands []pkg
	for _, p := range all {
		if p.Name == "main" && within(p.short(), "cmd") {
			commands = append(commands, p)
		}
	}
	t.Run("pure packages touch no world", func(t *testing.T) { purePackages(t, all) })
	t.Run("heavy libraries have one importer", func(t *testing.T) { oneImporter(t, all) })
	t.Run("the principal does not know its store", principalWithoutStore)
	t.Run("commands link only what is theirs", func(t *testing.T) { linked(t, commands) })
	t.Run("test support is imported by tests only", func(t *testing.T) { testSupport(t, all) })
	t.Run("main.go is a page", func(t *testing.T) { mainIsAPage(t, commands) })
	t.Run("every package says what it is", func(t *testing.T) { packageComments(t, all) })
	t.Run("no file is too long", fileLength)
}

// Instants, ids and seeds arrive as arguments: then live operation, replay and
// simulation are the same code.
func purePackages(t *testing.T, all []pkg) {
	forbidden := []string{
		"os", "net", "sync", "context", "log", "syscall", "io/ioutil",
		"math/rand", "crypto/rand", "hash/maphash",
	}
	for _, p := range all {
		if !slices.Contains([]string{"lib/run", "lib/schedule", "lib/workflow", "lib/yamlfile"}, p.short()) {
			continue
		}
		for _, path := range p.Imports {
			if within(path, forbidden...) {
				t.Errorf("%s imports %s: it must stay pure; let the caller pass in what it needs", p.short(), path)
			}
		}
		for _, file := range p.GoFiles {
			for _, use := range clockUses(t, filepath.Join(p.Dir, file)) {
				t.Errorf("%s: a pure package must not ask the clock; instants arrive as arguments", use)
			}
		}
	}
}

// clockUses finds where a file asks the clock or waits for it.
func clockUses(t *testing.T, path string) []string {
	t.Helper()
	asks := []string{"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	name := ""
	for _, imp := range file.Imports {
		if imp.Path.Value == `"time"` {
			name = "time"
			if imp.Name != nil {
				name = imp.Name.Name
			}
		}
	}
	var uses []string
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !slices.Contains(asks, sel.Sel.Name) {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && name != "" && x.Name == name {
			uses = append(uses, files.Position(sel.Pos()).String()+" uses time."+sel.Sel.Name)
		}
		return true
	})
	return uses
}

func oneImporter(t *testing.T, all []pkg) {
	for _, rule := range []struct {
		owner   string
		library []string
	}{
		{"lib/bus", zmq}, {"lib/store", duckdb}, {"lib/ui", bubbletea},
	} {
		for _, p := range all {
			for _, path := range p.all() {
				if within(path, rule.library...) && !within(p.short(), rule.owner) {
					t.Errorf("%s imports %s: only %s may", p.short(), path, rule.owner)
				}
			}
		}
	}
}

// The principal declares the store that it needs, and is tested without
// DuckDB.
func principalWithoutStore(t *testing.T) {
	for _, path := range deps(t, "-test", "./lib/principal") {
		if within(path, module+"/lib/store") || within(path, duckdb...) {
			t.Errorf("lib/principal, or a test of it, needs %s: cmd/cdktr-principal joins the two", path)
		}
	}
}

func linked(t *testing.T, commands []pkg) {
	for _, p := range commands {
		name := filepath.Base(p.ImportPath)
		for _, path := range deps(t, p.ImportPath) {
			if name != "cdktr-principal" && within(path, duckdb...) {
				t.Errorf("%s links %s: only cdktr-principal links DuckDB", name, path)
			}
			if name != "cdktr-ui" && within(path, bubbletea...) {
				t.Errorf("%s links %s: only cdktr-ui links bubbletea", name, path)
			}
			if within(path, "testing", module+"/lib/harness", module+"/lib/sim") {
				t.Errorf("%s links %s: that is for tests", name, path)
			}
		}
	}
}

func testSupport(t *testing.T, all []pkg) {
	for _, p := range all {
		for _, path := range p.Imports {
			if within(path, module+"/lib/harness", module+"/lib/sim") && !within(p.short(), "lib/harness", "lib/sim") {
				t.Errorf("%s imports %s outside its tests", p.short(), path)
			}
		}
	}
}

// A main.go is the face of its command: what it does is in the files beside it.
func mainIsAPage(t *testing.T, commands []pkg) {
	for _, p := range commands {
		if n := lines(t, filepath.Join(p.Dir, "main.go")); n > 40 {
			t.Errorf("%s/main.go has %d lines, and should have about 30", p.short(), n)
		}
	}
}

func packageComments(t *testing.T, all []pkg) {
	for _, p := range all {
		if len(p.GoFiles)+len(p.CgoFiles) > 0 && strings.TrimSpace(p.Doc) == "" {
			t.Errorf("%s has no package comment: say what it owns and what not", p.short())
		}
		if len(p.GoFiles)+len(p.CgoFiles) == 0 && len(p.TestGoFiles)+len(p.XTestGoFiles) > 0 {
			t.Errorf("%s has tests only: give it a doc.go that says what they are for", p.short())
		}
	}
}

func fileLength(t *testing.T) {
	err := filepath.WalkDir(root(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root(t) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		if n := lines(t, path); n > 500 {
			t.Errorf("%s has %d lines: more than 500 hide more than one idea", path, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func lines(t *testing.T, path string) int {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(b), "\n")
}
